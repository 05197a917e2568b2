"""Stepping the overview back in time on a real store: what is shown, how it is marked, and that nothing is changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

import pytest

from convoy_core import AsyncFleet, AuditEntry, Counts, Fleet, Snapshot
from convoy_tui.dashboard.board.board import Board, Link, LinkState, Place, Watch
from convoy_tui.dashboard.looking_back import LookingBack
from convoy_tui.text.health import Limits
from tests.servers import RealServer, valkey_binary
from tests.tui.fixed import NOW, a_queue
from tests.tui.fixed_fleet import FixedFleet
from tests.tui.kept import keep
from tests.tui.live import opened
from tests.tui.screen import hides, shows, text_of, until


def failing_before(ago: float) -> tuple[Counts, int, dict[str, int]]:
    """A queue of which most runs failed up to two minutes ago."""
    bad = int(9_000_000 - 3 * max(0.0, ago - 120))
    return Counts(queued=77, committed=77, failed=400), 1, {"published": 5000 - int(ago), "failed": bad, "done": 9}


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    """Two queues that are calm now; an hour's rows were kept of one."""
    with Fleet(redis=store.url) as fleet, store.client() as client:
        fleet.queue("trucks").publish("a")
        fleet.queue("young").publish("a")
        keep(client, "trucks", time.time(), failing_before)
        yield fleet


async def test_a_step_back_shows_what_was_so_and_0_returns_to_now(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("[", "[", "[", "[", "[")
        await shows(pilot, "FAILING    trucks")
        await until(pilot, lambda: "of 1 queue nothing was kept" in text_of(app).lower())  # of the last step
        text = text_of(app)
        assert "THE PAST: LOOK ONLY" in text
        assert "This was so on" in text
        assert "77" in next(line for line in text.splitlines() if "FAILING" in line and "trucks" in line)
        assert "young" not in text
        assert "live" not in text.splitlines()[0]
        await pilot.press("0")
        await hides(pilot, "PAST")
        await shows(pilot, "young")


async def test_each_step_says_how_far_it_goes_and_forth_ends_now(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("[")
        await shows(pilot, "[ 1 min back")
        await pilot.press(*"[" * 20)
        await shows(pilot, "[ 10 min back")
        first = text_of(app).splitlines()[1]
        await pilot.press("]")
        await until(pilot, lambda: text_of(app).splitlines()[1] != first)
        await pilot.press("0", "[", "]")
        await hides(pilot, "PAST")


async def test_nothing_can_be_changed_in_the_past_and_keys_say_why(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("[")
        await shows(pilot, "LOOK ONLY")
        for key in "JRNPW":
            await pilot.press(key)
            await shows(pilot, "Nothing can be changed")
            assert app.screen is app.overview
        assert not fleet.queue("trucks").snapshot().paused
        await pilot.press("0", "P")
        await shows(pilot, "Workers stop claiming")


async def test_a_time_of_which_nothing_was_kept_says_so(store: RealServer) -> None:
    with Fleet(redis=store.url) as fleet:
        fleet.queue("young").publish("a")
    async with opened(store.url, read_only=True) as (pilot, app):
        await shows(pilot, "young")
        await pilot.press(*"[" * 10)
        await shows(pilot, "Of 1 queue nothing was kept")
        await shows(pilot, "Nobody kept the numbers")
        assert "Press N" not in text_of(app)
        await pilot.press("0")
        await shows(pilot, "young")


async def test_the_past_stands_still_while_the_present_goes_on(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press(*"[" * 5)
        await shows(pilot, "FAILING    trucks")
        heard = app.services.board.link.heard_at
        fleet.queue("trucks").publish_many(range(1234))
        await until(pilot, lambda: app.services.board.link.heard_at != heard)
        await until(pilot, lambda: any(row.snapshot.counts.queued > 1000 for row in app.services.board.rows))
        assert "1,235" not in text_of(app)
        await pilot.press("0")
        await shows(pilot, "1,235")


async def test_a_pause_while_one_looks_back_is_not_told_of_earlier_times(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("[")
        await until(pilot, lambda: app.overview.board.past is not None and app.overview.board.past.is_read)
        fleet.queue("trucks").pause()
        await until(pilot, lambda: app.services.board.row("trucks").snapshot.paused)  # type: ignore[union-attr]
        await pilot.press("[")
        await until(pilot, lambda: app.overview.board.past is not None and app.overview.board.past.is_read)
        row = app.overview.board.row("trucks")
        assert row is not None
        assert not row.snapshot.paused


class GatedFleet(FixedFleet):
    """Tells what was done only when it may, and that it was asked."""

    def __init__(self, snapshots: list[Snapshot]) -> None:
        super().__init__(snapshots)
        object.__setattr__(self, "is_asked", asyncio.Event())
        object.__setattr__(self, "may_answer", asyncio.Event())

    is_asked: asyncio.Event
    may_answer: asyncio.Event

    async def audit(
        self, names: Iterable[str] | None = None, *, after: Mapping[str, str] | None = None
    ) -> list[AuditEntry]:
        self.is_asked.set()
        await self.may_answer.wait()
        return await super().audit(names, after=after)


async def test_what_was_read_of_a_time_that_is_left_is_not_shown() -> None:
    trucks = a_queue("trucks")
    board = Board(Place("redis://a"), Link(LinkState.LIVE, read_at=NOW, heard_at=0.0), Watch(Limits()).take([trucks]))
    fleet = GatedFleet([trucks])
    looking_back = LookingBack(cast("AsyncFleet", fleet))
    looking_back.step(-1, board)
    first = looking_back.at
    reading = asyncio.create_task(looking_back.read(board))
    await fleet.is_asked.wait()

    looking_back.leave()
    fleet.may_answer.set()
    await reading
    looking_back.step(-1, board)

    assert looking_back.at == first
    past = looking_back.board(board)
    assert past.past is not None
    assert (past.past.is_read, past.rows) == (False, ())


async def test_a_lost_store_in_the_past_is_said_and_survived() -> None:
    server = RealServer(valkey_binary())
    try:
        with Fleet(redis=server.url) as fleet, server.client() as client:
            fleet.queue("trucks").publish("a")
            keep(client, "trucks", time.time(), failing_before)
        async with opened(server.url) as (pilot, _):
            await shows(pilot, "trucks")
            await pilot.press(*"[" * 5)
            await shows(pilot, "FAILING    trucks")
            server.kill()
            await shows(pilot, "No answer")
            server.start()
            await pilot.press("r")
            await shows(pilot, "This was so on")
            await shows(pilot, "FAILING    trucks")
    finally:
        server.stop()
