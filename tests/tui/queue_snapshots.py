"""The Queue and Job screens as text, kept in snapshots/queue: `python -m tests.tui.queue_snapshots` writes them.

Each is taken from a real store in which everything is in the middle of the age that is shown; what differs from run to
run (round trips, clocks, minutes of hours) is replaced.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import redis
from textual.pilot import Pilot

from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.services import Where
from convoy_tui.dashboard.source import LiveSource, Reading
from tests.servers import RealServer, valkey_binary
from tests.tui import seeds
from tests.tui.live import at_size, opened
from tests.tui.screen import shows, text_of, until
from tests.tui.snapshots import in_utc

FOLDER = Path(__file__).parent / "snapshots" / "queue"
SIZES = ((60, 16), (80, 24), (120, 36), (200, 60))


_HOOK, _HOOKS, _MAIL = Where(seeds.HOOKS, "hook:1000"), Where(seeds.HOOKS), Where(seeds.MAIL)

Shots = AsyncIterator[tuple[str, list[str]]]


async def _empty(stage: Stage) -> Shots:
    yield "queue-empty", await stage.shoot("queue", _MAIL, "[Queued 0]")
    yield "job-empty", await stage.shoot("job", Where(seeds.MAIL, "mail:1"), "not in this queue")


async def _normal(stage: Stage) -> Shots:
    yield "queue-normal", await stage.shoot("queue", _MAIL, "▌ ● mail:89990", "f2")
    yield "job-normal", await stage.shoot("job", Where(seeds.MAIL, "mail:89990"), "● running")


async def _alarm(stage: Stage) -> Shots:
    yield "queue-alarm", await stage.shoot("queue", _MAIL, "▌ ■ mail:88412", "f2")
    yield "job-alarm", await stage.shoot("job", _HOOK, "FAILED 1 time")
    stage.app.action_overview()
    yield "queue-failed", await stage.shoot("queue", _HOOKS, "▌ hook:1000", "f4")
    await stage.shoot("job", _HOOK, "FAILED 1 time")
    await stage.lose()
    yield "job-lost", await stage.shots()
    await stage.pilot.press("escape")
    yield "queue-lost", await stage.shots()


STATES: Mapping[str, tuple[Callable[[redis.Redis], None], Callable[[Stage], Shots], tuple[str, ...]]] = {
    "empty": (seeds.empty, _empty, ("queue-empty", "job-empty")),
    "normal": (seeds.normal, _normal, ("queue-normal", "job-normal")),
    "alarm": (seeds.alarm, _alarm, ("queue-alarm", "queue-failed", "queue-lost", "job-alarm", "job-lost")),
}
"""What is in the store, the walk through the pages, and the pages that it shows."""


def names(shot: str) -> list[str]:
    """The names of the snapshots of a page."""
    return [f"{shot}-{width}x{height}" for width, height in SIZES]


class SteadySource(LiveSource):
    """A real store whose round trips always take the same time, as the title tells it."""

    async def look(self) -> Reading:
        """All queues."""
        return replace(await super().look(), round_trip_s=0.0004)


class Stage:
    """A dashboard on a real store."""

    def __init__(self, server: RealServer, pilot: Pilot[None], app: ConvoyApp) -> None:
        self.server, self.pilot, self.app = server, pilot, app

    async def shoot(self, page: str, where: Where, ready: str, *keys: str) -> list[str]:
        """Open a page about a queue that is known, press the keys, and take it at every size."""
        await until(self.pilot, lambda: self.app.services.board.row(where.queue or "") is not None)
        self.app.open_page(page, where)
        await until(self.pilot, lambda: self.app.page.page_name == page and not self.app.page.is_loading)
        await self.pilot.press(*keys)
        await shows(self.pilot, ready)
        return await self.shots()

    async def shots(self) -> list[str]:
        """The page at every size."""
        return [await at_size(self.pilot, self.app, size, lambda app: steady(text_of(app))) for size in SIZES]

    async def lose(self) -> None:
        """Lose the store."""
        self.server.kill()
        await self.pilot.press("r")
        await shows(self.pilot, "No answer")


async def take(state: str) -> dict[str, str]:
    """The text of every page in a state, at every size."""
    seed, walk, _ = STATES[state]
    server = RealServer(valkey_binary())
    taken: dict[str, str] = {}
    try:
        with server.client() as raw:
            seed(raw)
        async with opened(
            server.url,
            size=SIZES[0],
            interval_s=3600,
            shown="redis://redis-a:6379/15",
            environment="production",
            source=SteadySource(url=server.url),
            clock=lambda: 100.0,
        ) as (pilot, app):
            async for shot, texts in walk(Stage(server, pilot, app)):
                taken |= zip(names(shot), texts, strict=True)
    finally:
        server.stop()
    return taken


def steady(text: str) -> str:
    """The text with what differs from run to run replaced by something of the same width."""
    for changing, steady in (
        (r"LOST \d\d:\d\d:\d\d", "LOST 12:34:56"),
        (r"is from \d\d:\d\d:\d\d", "is from 12:34:56"),
        (r"\b\d\d:\d\d:\d\d  ", "12:34:56  "),
        (r"(\d+m)\d\ds", r"\1SSs"),
        (r"(\d+h)\d\dm", r"\1MMm"),
        (r"▓+░* +\d+%", "▓▓░░░░░░░░  25%"),
        (r"Retrying in \d+s, try \d+|Trying now, try \d+", "Retrying in 1s, try 1"),
    ):
        text = re.sub(changing, steady, text)
    return "\n".join(line.rstrip() for line in anywhere(text).split("\n"))


def anywhere(text: str) -> str:
    """The text without the directory of the store that it was made with."""
    return re.sub(r"/tmp/cv\w+/s", "/tmp/cv/s", text)


def main(wanted: list[str]) -> None:
    """Write those of these states, or of all."""
    in_utc()
    FOLDER.mkdir(exist_ok=True)
    for state in wanted or STATES:
        for name, text in asyncio.run(take(state)).items():
            (FOLDER / f"{name}.txt").write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
