"""The pages on real stores as plain text, kept in pages/: `python -m tests.tui.page_snapshots` writes them.

What differs from run to run is put right: see `settled_text`. Ages are of hours, so that no second shows.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import redis

from convoy_core import Fleet
from convoy_tui.dashboard import source
from convoy_tui.dashboard.board import pool_rates
from convoy_tui.dashboard.source import Reading
from tests.servers import RealServer, valkey_binary
from tests.tui.live import opened, settled_text
from tests.tui.pools import old_hosts
from tests.tui.screen import shows
from tests.tui.snapshots import SIZES, in_utc

FOLDER = Path(__file__).parent / "pages"


@dataclass(frozen=True)
class Kept:
    """One page to keep: what is in the store, the keys that lead to it, and what it says once it has read."""

    seed: Callable[[Fleet, redis.Redis], object]
    keys: tuple[str, ...]
    ready: str


PAGES = {
    "workers": Kept(old_hosts, ("4", "g", "j", "j"), "1 of 4 pools is silent"),
    "workers-empty": Kept(lambda fleet, _: fleet.queue("trucks").publish("a"), ("4",), "Nobody works on trucks."),
    "pool": Kept(old_hosts, ("4", "g", "j", "j", "enter"), "host-7:4012 works on"),
}


@dataclass(frozen=True)
class PageSnap:
    """One picture of one page."""

    page: str
    size: tuple[int, int]
    is_ascii: bool = False

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return FOLDER / f"{self.page}-{self.size[0]}x{self.size[1]}{'-ascii' * self.is_ascii}.txt"


def page_snaps() -> Iterator[PageSnap]:
    """Every picture that is kept."""
    for page in PAGES:
        yield from (PageSnap(page, size) for size in SIZES)
        yield PageSnap(page, (120, 36), is_ascii=True)


async def take(snap: PageSnap, server: RealServer) -> str:
    """The page's text, from an empty store."""
    kept = PAGES[snap.page]
    with Fleet(redis=server.url) as fleet, server.client() as client:
        kept.seed(fleet, client)
    # However long it takes, no speed is known, and each round trip is as fast as the others.
    unknown = patch.object(pool_rates, "SETTLED_S", math.inf)
    even = patch.object(source, "Reading", lambda *known: replace(Reading(*known), round_trip_s=0.0004))
    with unknown, even:
        return await _look(snap, kept, server)


async def _look(snap: PageSnap, kept: Kept, server: RealServer) -> str:
    shown, place = "redis://redis-a:6379/15", "production"
    async with opened(server.url, size=snap.size, is_ascii=snap.is_ascii, shown=shown, environment=place) as (
        pilot,
        app,
    ):
        await shows(pilot, "NO WORKERS")
        for key in kept.keys:
            await pilot.press(key)
            await pilot.pause(0.2)
        await shows(pilot, kept.ready)
        return settled_text(app)


def main(names: list[str]) -> None:
    """Write those whose page is named, or all."""
    in_utc()
    FOLDER.mkdir(exist_ok=True)
    server = RealServer(valkey_binary())
    try:
        for snap in page_snaps():
            if not names or snap.page in names:
                with server.client() as client:
                    client.flushall()
                snap.path.write_text(asyncio.run(take(snap, server)), "utf-8")
    finally:
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
