"""The beat of looking, without a screen."""

from __future__ import annotations

import asyncio

import pytest

from convoy_core import StoreUnreachable
from convoy_tui.dashboard.board.board import LinkState
from convoy_tui.dashboard.poller import Poller
from convoy_tui.dashboard.source import Reading
from tests.waiting import patient


class Watched:
    """A store that fails on demand, and a record of what the poller said."""

    def __init__(self) -> None:
        self.now = 100.0
        self.error: Exception | None = None
        self.fault: Exception | None = None
        self.looks = 0
        self.told: list[tuple[bool, str]] = []
        self.poller = Poller(self.look, self.changed, clock=lambda: self.now, jitter=lambda: 0.5)

    async def look(self) -> Reading:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return Reading((), 0.001, 5.0)

    def changed(self, reading: Reading | None, back: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.told.append((reading is not None, back))

    async def looked(self, times: int) -> None:
        async with asyncio.timeout(patient()):
            while self.looks < times:  # noqa: ASYNC110 - it is the poller that must run
                await asyncio.sleep(0)


@pytest.fixture
def watched() -> Watched:
    return Watched()


async def test_polling_backs_off_during_an_outage(watched: Watched) -> None:
    watched.error = StoreUnreachable("gone")

    waits = [await watched.poller.look_once() for _ in range(7)]

    assert waits == [1, 2, 4, 8, 15, 15, 15]
    assert watched.poller.link.state is LinkState.LOST
    assert watched.poller.link.tries == 7


async def test_it_remembers_since_when_the_store_is_away_and_says_how_long_it_was(watched: Watched) -> None:
    await watched.poller.look_once()
    watched.error = StoreUnreachable("gone")
    await watched.poller.look_once()
    watched.now += 41
    await watched.poller.look_once()
    watched.error = None

    await watched.poller.look_once()

    assert watched.told == [(True, ""), (False, ""), (False, ""), (True, "back after 41 s")]
    assert watched.poller.link.state is LinkState.LIVE


@pytest.mark.parametrize("error", [StoreUnreachable("gone"), ValueError("a bug"), KeyError("x")])
async def test_nothing_that_goes_wrong_ends_it(watched: Watched, error: Exception) -> None:
    watched.error = error
    task = asyncio.create_task(watched.poller.run())
    await watched.looked(1)
    watched.error = None
    watched.poller.hurry()
    await watched.looked(2)

    assert not task.done()
    assert watched.poller.link.state is LinkState.LIVE
    task.cancel()


async def test_nothing_that_goes_wrong_where_it_is_shown_ends_it(watched: Watched) -> None:
    watched.fault = KeyError("x")
    task = asyncio.create_task(watched.poller.run())
    await watched.looked(1)
    watched.error = StoreUnreachable("gone")
    await again(watched, 2)
    watched.error = watched.fault = None
    await again(watched, 3)

    assert not task.done()
    assert watched.told == [(True, "back after 0 s")]
    task.cancel()


async def again(watched: Watched, looks: int) -> None:
    await settled()
    watched.poller.hurry()
    await watched.looked(looks)
    await settled()


async def test_a_paused_poller_polls_only_when_asked(watched: Watched) -> None:
    watched.poller.interval_s = 0.0
    watched.poller.freeze(is_frozen=True)
    task = asyncio.create_task(watched.poller.run())
    await watched.looked(1)
    await settled()
    assert watched.looks == 1

    watched.poller.hurry()
    await watched.looked(2)
    await settled()
    assert watched.looks == 2

    watched.poller.freeze(is_frozen=False)
    await watched.looked(5)
    task.cancel()


async def settled() -> None:
    """Give the loop every chance to do what it must not do."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("start", "by", "after"), [(1.0, -1, 0.5), (1.0, 1, 2.0), (0.5, -1, 0.5), (30.0, 1, 30.0), (3.0, 1, 5.0)]
)
def test_the_pace_has_steps(start: float, by: int, after: float) -> None:
    watched = Watched()
    watched.poller.interval_s = start

    assert watched.poller.step(by) == after


async def test_an_app_in_the_background_polls_less_often(watched: Watched) -> None:
    watched.poller.is_unseen = True

    assert await watched.poller.look_once() == 5.0
