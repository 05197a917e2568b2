"""The screens as plain text, kept in snapshots/: `python -m tests.tui.snapshots` writes them, a test compares them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.text.history import History
from tests.tui.fixed import FixedSource, alarm_source, an_app, calm, settle
from tests.tui.live import at_size
from tests.tui.screen import marked_text_of, shows, text_of, until

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((60, 16), (80, 24), (120, 36), (200, 60))


def _empty() -> tuple[FixedSource, History]:
    return FixedSource(), History()


def _normal() -> tuple[FixedSource, History]:
    snapshots, history = calm()
    return FixedSource(snapshots), history


STATES: dict[str, Callable[[], tuple[FixedSource, History]]] = {
    "empty": _empty,
    "normal": _normal,
    "alarm": alarm_source,
    "lost": alarm_source,
    "past": alarm_source,
}
PAGES = {"store": "6", "time": "7"}
"""The keys that open a page."""
READY = {
    "store": dict.fromkeys(STATES, "persistence"),
    "time": {
        "empty": "nothing was kept",
        "normal": "failing 0",
        "alarm": "failing 0",
        "lost": "failing 0",
        "past": "failing 0",
    },
}
"""What a page says in each state once it has read what it needs."""
DIALOGS = {
    "jam-guard": (("J",), "2 jobs will leave"),
    "publish": (("N",), "0 lines, 0 distinct IDs"),
    "requeue": (("j", "R"), "302   will be queued again"),
    "pause": (("P",), "Workers stop claiming"),
}
"""The keys that open a dialog, and what it says once it has read what it needs."""


@dataclass(frozen=True)
class Snap:
    """A screen to keep at some sizes: one dashboard shows them, as its terminal is resized."""

    name: str
    state: str
    sizes: tuple[tuple[int, int], ...] = SIZES
    is_ascii: bool = False
    no_color: bool = False
    keys: tuple[str, ...] = ()
    ready: str = ""

    @property
    def title(self) -> str:
        """The screen, and how it is drawn."""
        return self.name + "-ascii" * self.is_ascii + "-nocolor" * self.no_color

    @property
    def paths(self) -> list[Path]:
        """Where they are kept."""
        drawn = "-ascii" * self.is_ascii + "-nocolor" * self.no_color
        return [FOLDER / f"{self.name}-{width}x{height}{drawn}.txt" for width, height in self.sizes]


def snaps() -> Iterator[Snap]:
    """Every screen that is kept."""
    for state in STATES:
        yield Snap(state, state, SIZES[::-1] if state == "lost" else SIZES)  # what a wide one shows must be read before
        yield Snap(state, state, ((120, 36),), is_ascii=True)
        yield Snap(state, state, ((80, 24),), no_color=True)
    for page, key in PAGES.items():
        for state, ready in READY[page].items():
            name = page if state == "alarm" else f"{page}-{state}"
            yield Snap(name, state, (*SIZES[1:], SIZES[0]), keys=(key,), ready=ready)
            if state == "alarm":
                yield Snap(name, state, ((120, 36),), is_ascii=True, keys=(key,), ready=ready)
                yield Snap(name, state, ((80, 24),), no_color=True, keys=(key,), ready=ready)
    for name, (keys, ready) in DIALOGS.items():
        yield Snap(name, "alarm", ((120, 36),), keys=keys, ready=ready)
        yield Snap(name, "alarm", ((80, 24),), keys=keys, ready=ready)  # another page stands behind it
        yield Snap(name, "alarm", ((80, 24),), is_ascii=True, keys=keys, ready=ready)


async def take(snap: Snap) -> list[str]:
    """The screen's text at every size. Its times of day are those of UTC."""
    source, history = STATES[snap.state]()
    app = an_app(source, history, is_ascii=snap.is_ascii)
    async with app.run_test(size=snap.sizes[0]) as pilot:
        await settle(pilot)
        await until(pilot, lambda: not app.page.is_loading)
        if snap.state == "past":
            await step_back(pilot, app)
        if snap.keys:
            await pilot.press(*snap.keys)
            await shows(pilot, snap.ready)
        if snap.state == "lost":
            source.is_away = True
            await pilot.press("r")
            await shows(pilot, "No answer")
        text = marked_text_of if snap.no_color else text_of
        return [await at_size(pilot, app, size, text) for size in snap.sizes]


async def step_back(pilot: Pilot[None], app: ConvoyApp) -> None:
    """Show the overview of an hour ago."""
    for _ in range(20):
        app.overview.action_step_time(-1)
    await until(pilot, lambda: app.overview.board.past is not None and app.overview.board.past.is_read)


def in_utc() -> None:
    """Let this process tell the time of day in UTC."""
    os.environ["TZ"] = "UTC"
    time.tzset()


def main() -> None:
    """Write them all."""
    in_utc()
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for snap in snaps():
        os.environ.pop("NO_COLOR", None)
        if snap.no_color:
            os.environ["NO_COLOR"] = "1"

        for path, text in zip(snap.paths, asyncio.run(take(snap)), strict=True):
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
