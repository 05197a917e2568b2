"""The screens as plain text, kept in snapshots/: `python -m tests.tui.snapshots` writes them, a test compares them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from convoy_tui.dashboard.screens.beside import WIDE
from convoy_tui.text.history import History
from tests.tui.fixed import FixedSource, alarm_source, an_app, calm, settle
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
PAGES: dict[str, tuple[tuple[str, ...], str]] = {
    "store": (("6",), "persistence"),
    "time": (("7",), "failing 0"),
}
"""The keys that open a page, and what it says once it has read what it needs."""
DIALOGS = {
    "jam-guard": (("J",), "2 jobs will leave"),
    "publish": (("N",), "0 lines, 0 distinct IDs"),
    "requeue": (("j", "R"), "302   will be queued again"),
    "pause": (("P",), "Workers stop claiming"),
}
"""The keys that open a dialog, and what it says once it has read what it needs."""


@dataclass(frozen=True)
class Snap:
    """One screen to keep."""

    name: str
    state: str
    size: tuple[int, int]
    is_ascii: bool = False
    no_color: bool = False
    keys: tuple[str, ...] = ()
    ready: str = ""


def snaps() -> Iterator[Snap]:
    """Every screen that is kept."""
    for state in STATES:
        for size in SIZES:
            yield Snap(f"{state}-{size[0]}x{size[1]}", state, size)
        yield Snap(f"{state}-120x36-ascii", state, (120, 36), is_ascii=True)
        yield Snap(f"{state}-80x24-nocolor", state, (80, 24), no_color=True)
    for name, (page_keys, ready) in PAGES.items():
        for size in SIZES:
            first = "waiting" if size[1] < 20 and name == "time" else ready
            yield Snap(f"{name}-{size[0]}x{size[1]}", "alarm", size, keys=page_keys, ready=first)
        yield Snap(f"{name}-120x36-ascii", "alarm", (120, 36), is_ascii=True, keys=page_keys, ready=ready)
        yield Snap(f"{name}-80x24-nocolor", "alarm", (80, 24), no_color=True, keys=page_keys, ready=ready)
    for name, (keys, ready) in DIALOGS.items():
        yield Snap(f"{name}-120x36", "alarm", (120, 36), keys=keys, ready=ready)
        yield Snap(f"{name}-80x24", "alarm", (80, 24), keys=keys, ready=ready)
        yield Snap(f"{name}-80x24-ascii", "alarm", (80, 24), is_ascii=True, keys=keys, ready=ready)


async def take(snap: Snap) -> str:
    """The screen's text. Its times of day are those of UTC."""
    source, history = STATES[snap.state]()
    app = an_app(source, history, is_ascii=snap.is_ascii)
    async with app.run_test(size=snap.size) as pilot:
        await settle(pilot)
        if snap.size[0] >= WIDE and source.snapshots:
            await shows(pilot, "IDs per second")
        if snap.state == "past":
            await pilot.press(*"[" * 20)
            await until(pilot, lambda: app.overview.board.past is not None and app.overview.board.past.is_read)
            await shows(pilot, "LOOK ONLY" if snap.size[0] >= 100 else "As of")
        if snap.state == "past" and snap.size[0] >= WIDE:
            await shows(pilot, "IDs per second")
        if snap.state == "lost":
            source.is_away = True
            await pilot.press("r")
            await shows(pilot, "No answer")
        if snap.keys:
            await pilot.press(*snap.keys)
            await shows(pilot, snap.ready)
            await pilot.pause()
        return marked_text_of(app) if snap.no_color else text_of(app)


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
        (FOLDER / f"{snap.name}.txt").write_text(asyncio.run(take(snap)), "utf-8")


if __name__ == "__main__":
    main()
