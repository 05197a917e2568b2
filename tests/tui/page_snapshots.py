"""The pages on real stores as plain text, kept in pages/: `python -m tests.tui.page_snapshots` writes them.

What differs from run to run is put right: see `settled_text`. Ages are of hours, so that no second shows.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import redis

from convoy_core import Fleet, Job
from convoy_tui.dashboard import source
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board import pool_rates
from convoy_tui.dashboard.local_pools import Order, RunsIn
from convoy_tui.dashboard.source import Reading
from tests.servers import RealServer, valkey_binary
from tests.tui.failing import a_little_broken, broken, steered
from tests.tui.live import at_size, opened, press_in_turn, settled_text
from tests.tui.pools import old_hosts, two_hosts
from tests.tui.screen import shows, text_of, until
from tests.tui.snapshots import SIZES, in_utc

FOLDER = Path(__file__).parent / "pages"

SMALL = ((60, 16),)
WIDE = ((80, 24), (120, 36), (200, 60))
NARROW = ((60, 16), (80, 24), (120, 36))


@dataclass(frozen=True)
class Kept:
    """One page to keep: what is in the store, the keys that lead to it, and what it says once it has read."""

    seed: Callable[[Fleet, redis.Redis], object]
    keys: tuple[str, ...]
    ready: str
    sizes: tuple[tuple[int, int], ...] = SIZES
    has_ascii: bool = False
    is_dialog: bool = False
    """The page behind a dialog is laid out anew only when it is on top again, so each size has a dashboard."""
    is_lost: bool = False
    """Whether the store goes away after that."""
    first: str = "NO WORKERS"
    """What the overview says before the first key."""
    is_launched: bool = False
    """Whether a pool of the dashboard's own runs two IDs of `trucks`."""


def _trucks(fleet: Fleet, _: redis.Redis) -> None:
    fleet.queue("trucks").publish_many(["truck:1", "truck:2", "truck:3"])


PAGES = {
    "workers": Kept(old_hosts, ("4", "g", "j", "j"), "1 of 4 pools is silent"),
    "workers-normal": Kept(two_hosts, ("4",), "2 pools on 2 hosts, all alive", WIDE, first="webhooks"),
    "workers-lost": Kept(old_hosts, ("4", "g", "j", "j"), "1 of 4 pools is silent", WIDE, is_lost=True),
    "workers-empty": Kept(lambda fleet, _: fleet.queue("trucks").publish("a"), ("4",), "Nobody works on trucks."),
    "failures": Kept(broken, ("3",), "wheel = load", WIDE, has_ascii=True),
    "failures-small": Kept(broken, ("3",), "ConnectTimeout in send", SMALL),
    "failures-normal": Kept(a_little_broken, ("3",), "wheel = load", WIDE),
    "failures-empty": Kept(lambda fleet, _: fleet.queue("webhooks").publish("a"), ("3",), "Nothing in webhooks", WIDE),
    "failures-lost": Kept(broken, ("3",), "wheel = load", WIDE, is_lost=True),
    "failures-of-all": Kept(broken, ("3", "a"), "SMTP", WIDE),
    "requeue-group": Kept(broken, ("3", "R"), "Try 1 of 40", NARROW, is_dialog=True),
    "discard-group": Kept(broken, ("3", "D"), "Type webhooks", NARROW, is_dialog=True),
    "activity": Kept(steered, ("5", "G"), "11 done", WIDE, has_ascii=True),
    "activity-small": Kept(steered, ("5",), "resumed", SMALL),
    "activity-empty": Kept(lambda fleet, _: fleet.queue("webhooks").publish("a"), ("5",), "Nobody has done", WIDE),
    "activity-lost": Kept(steered, ("5", "G"), "11 done", WIDE, is_lost=True),
    "undo": Kept(steered, ("5", "G", "U"), "3 of the 16", NARROW, is_dialog=True),
    "pool": Kept(old_hosts, ("4", "g", "j", "j", "enter"), "host-7:4012 works on"),
    "stop": Kept(_trucks, ("4", "X"), "2 IDs are running:", NARROW, is_dialog=True, is_launched=True),
    "leave": Kept(_trucks, ("q",), "2 IDs are running:", NARROW, is_dialog=True, is_launched=True),
}


@dataclass(frozen=True)
class PageSnap:
    """The pictures of one page that one dashboard shows, as its terminal is resized."""

    page: str
    sizes: tuple[tuple[int, int], ...]
    is_ascii: bool = False

    @property
    def name(self) -> str:
        """The page, and how it is drawn."""
        return self.page + "-ascii" * self.is_ascii

    @property
    def paths(self) -> list[Path]:
        """Where they are kept."""
        return [FOLDER / f"{self.page}-{width}x{height}{'-ascii' * self.is_ascii}.txt" for width, height in self.sizes]


def page_snaps() -> Iterator[PageSnap]:
    """Every picture that is kept."""
    for page, kept in PAGES.items():
        yield from (PageSnap(page, (size,)) for size in kept.sizes) if kept.is_dialog else (PageSnap(page, kept.sizes),)
        if kept.has_ascii or kept.sizes == SIZES:
            yield PageSnap(page, ((120, 36),), is_ascii=True)


async def take(snap: PageSnap, server: RealServer, picture: Callable[[ConvoyApp], str] | None = None) -> list[str]:
    """The page's text, or another picture of it, at every size, from an empty store."""
    kept = PAGES[snap.page]
    with Fleet(redis=server.url) as fleet, server.client() as client:
        kept.seed(fleet, client)
    # However long it takes, no speed is known, and each round trip is as fast as the others.
    unknown = patch.object(pool_rates, "SETTLED_S", math.inf)
    even = patch.object(source, "Reading", lambda *known: replace(Reading(*known), round_trip_s=0.0004))
    with unknown, even:
        return await _look(snap, kept, server, picture or (_dialog_text if kept.is_launched else settled_text))


async def _look(snap: PageSnap, kept: Kept, server: RealServer, text: Callable[[ConvoyApp], str]) -> list[str]:
    shown, place, first = "redis://redis-a:6379/15", "production", snap.sizes[0]
    async with opened(server.url, size=first, is_ascii=snap.is_ascii, shown=shown, environment=place) as (pilot, app):
        await shows(pilot, kept.first)
        may_end = threading.Event()
        if kept.is_launched:

            def load(job: Job) -> None:
                may_end.wait()

            load.__module__, load.__qualname__ = "shop.trucks", "load"
            order = Order("trucks", "shop.trucks:load", 2, None, RunsIn.THREADS, load)
            await asyncio.to_thread(app.services.local_pools.launch, order)
            await until(pilot, lambda: app.services.local_pools.running == 2)
        await press_in_turn(pilot, app, kept.keys)
        await shows(pilot, kept.ready)
        if not kept.is_lost:
            texts = [await at_size(pilot, app, size, text) for size in snap.sizes]
            may_end.set()
            return texts
        server.kill()
        try:
            await pilot.press("r")
            await shows(pilot, "No answer")
            return [await at_size(pilot, app, size, _settled_loss) for size in snap.sizes]
        finally:
            server.start()


def _dialog_text(app: ConvoyApp) -> str:
    """The dialog alone, with one age: behind it stand the names and the ages of this process."""
    rows = text_of(app).split("\n")
    top = next(n for n, row in enumerate(rows) if "╭" in row)
    begin, end = rows[top].index("╭"), rows[top].index("╮") + 1
    box = [row[begin:end] for row in rows[top:] if row[begin:end].startswith(("╭", "│", "╰"))]
    return "\n".join(map(_at_once, box)) + "\n"


def _at_once(row: str) -> str:
    """With runs that have just begun, and of the same width."""
    said = re.sub(r"(truck:\d +)[\dms]+", r"\g<1>0s", row)
    return said[:-1] + " " * (len(row) - len(said)) + said[-1]


def _settled_loss(app: ConvoyApp) -> str:
    """With one time, one reason and one try."""
    text = re.sub(r"LOST \d\d:\d\d:\d\d", "LOST 12:00:00", settled_text(app))
    text = re.sub(r"No answer for \d+s\..*", "No answer for 2s. No store answers.", text)
    return re.sub(r"(Retrying in \d+s|Trying now), try \d+\.", "Retrying in 1s, try 1.", text)


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
                for path, text in zip(snap.paths, asyncio.run(take(snap, server)), strict=True):
                    path.write_text(text, "utf-8")
    finally:
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
