"""The Failures page on a real store: what broke, in groups, and what is done with a group."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from convoy_core import Fleet, Job, Restored, WorkerPool
from convoy_core.failure_groups import group_id
from convoy_core.kept import KeptRecords
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.failures import Group
from convoy_tui.dashboard.screens.failures import FailuresScreen
from convoy_tui.dashboard.widgets.table import Table
from tests.servers import RealServer, valkey_binary
from tests.tui.failing import TRACEBACK, fail
from tests.tui.live import opened
from tests.tui.screen import shows, text_of, until
from tests.waiting import patient


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


def groups(app: ConvoyApp) -> Table[Group]:
    table: Table[Group] = app.screen.query_one("#groups", Table)
    return table


async def test_the_groups_of_the_queue_under_the_cursor_are_one_key_away(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, ["a", "b", "c"], "ValueError: no wheel", TRACEBACK)
    fail(trucks, ["d"], "TimeoutError: too slow", "")
    fail(fleet.queue("other"), ["x"], "KeyError: 'x'", "")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        app.overview.point_at("trucks")
        await pilot.press("3")
        await shows(pilot, "trucks ▸ failures")
        await shows(pilot, "4 failed IDs in 2 groups")
        await shows(pilot, "ValueError in trucks.py:crush")
        await shows(pilot, "wheel = load(id)")
        assert "KeyError" not in text_of(app)
        await pilot.press("j")
        await shows(pilot, "No traceback")


async def test_without_a_queue_the_failures_of_all_are_shown(store: RealServer, fleet: Fleet) -> None:
    fail(fleet.queue("trucks"), ["a"], "ValueError: 1", TRACEBACK)
    fail(fleet.queue("other"), ["x"], "KeyError: 'x'", "")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("3", "a")
        await shows(pilot, "2 failed IDs in 2 groups")
        assert "KeyError" in text_of(app)
        assert "ValueError" in text_of(app)


async def test_new_failures_appear_and_the_cursor_stays_on_its_group(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, ["a"], "ValueError: 1", TRACEBACK)
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("3")
        await shows(pilot, "1 failed ID in 1 group")
        await pilot.press("j")
        fail(trucks, ["b", "c"], "KeyError: 'x'", "")
        await shows(pilot, "3 failed IDs in 2 groups")
        await until(pilot, lambda: groups(app).place == 1)
        assert "ValueError in trucks.py:crush" in text_of(app)


async def test_a_queue_without_failures_says_so(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("a")
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "trucks")
        await pilot.press("3")
        await shows(pilot, "Nothing in trucks is failed.")


async def test_the_groups_can_be_sorted(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, ["a", "b"], "ValueError: 1", TRACEBACK)
    fail(trucks, ["c"], "KeyError: 'x'", "")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("3")
        await shows(pilot, "IDS↓")
        await until(pilot, lambda: [row.group.count for row in groups(app).window.rows] == [2, 1])
        await pilot.press("s")
        await shows(pilot, "LAST↓")
        await until(pilot, lambda: [row.group.count for row in groups(app).window.rows] == [1, 2])


# -- what is done with a group


async def test_a_group_is_requeued_after_a_trial_run_that_is_watched(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, ["a", "b", "c", "d", "e"], "ValueError: 1")
    fail(trucks, ["other"], "KeyError: 'x'", "")
    may_end = threading.Event()

    def crush(job: Job) -> None:
        may_end.wait(patient())

    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("3")
        await shows(pilot, "6 failed IDs in 2 groups")
        await pilot.press("R")
        await shows(pilot, "Try 1 of 5")
        assert "try 10 first" not in text_of(app)
        await shows(pilot, f"convoy requeue trucks --group {group_id('ValueError in trucks.py:crush')} --try 1")
        with WorkerPool(trucks, crush):
            await pilot.press("y")
            await shows(pilot, "● a")
            await shows(pilot, "Esc  Stop watching")
            assert trucks.counts().failed == 5
            may_end.set()
            await shows(pilot, "Requeue the other 4?")
            await pilot.resize_terminal(118, 34)
            await shows(pilot, "Esc  Leave the others")
            await shows(pilot, "✓ a")
            await pilot.press("y")
            await shows(pilot, "Tried 1 ID: 1 done; requeued the other 4.")
            await shows(pilot, "1 failed ID in 1 group")
    assert trucks.counts().failed == 1


async def test_a_trial_run_that_fails_again_says_how_and_leaves_the_others(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, ["a", "b", "c"], "ValueError: 1")

    def crush(job: Job) -> None:
        raise RuntimeError(f"still no wheel for {job.id}")

    async with opened(store.url) as (pilot, _):
        await shows(pilot, "trucks")
        await pilot.press("3")
        await shows(pilot, "3 failed IDs")
        await pilot.press("R")
        await shows(pilot, "Try 1 of 3")
        with WorkerPool(trucks, crush):
            await pilot.press("y")
            await shows(pilot, "failed again: RuntimeError: still no wheel for a")
            await shows(pilot, "Not all went well. Requeue the other 2?")
            await pilot.press("escape")
            await shows(pilot, "Tried 1 ID: 1 failed again; the other 2 stay failed.")
    assert trucks.counts().failed == 3


async def try_one_that_nobody_takes(pilot: Pilot[None]) -> None:
    """The first of two failed IDs, up to the question whether the other is to follow."""
    await shows(pilot, "trucks")
    await pilot.press("3")
    await shows(pilot, "2 failed IDs")
    await pilot.press("R")
    await shows(pilot, "No worker is alive here")
    await pilot.press("y")
    await shows(pilot, "1 tried: 1 waiting")
    await pilot.press("escape")
    await shows(pilot, "Requeue the other 1?")


async def test_a_trial_run_that_nobody_takes_can_be_left(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, ["a", "b"], "ValueError: 1")
    async with opened(store.url) as (pilot, _):
        await try_one_that_nobody_takes(pilot)
        await pilot.press("escape")
        await shows(pilot, "Tried 1 ID: 1 waiting; the other 1 stay failed.")
    assert (trucks.counts().queued, trucks.counts().failed) == (1, 1)


async def test_what_a_trial_run_has_done_is_told_even_if_the_rest_cannot_follow() -> None:
    server = RealServer(valkey_binary())
    try:
        with Fleet(redis=server.url) as fleet:
            fail(fleet.queue("trucks"), ["a", "b"], "ValueError: 1")
        async with opened(server.url, size=(160, 36)) as (pilot, app):
            await try_one_that_nobody_takes(pilot)
            server.kill()
            await pilot.press("y")
            await shows(pilot, "Tried 1 ID: 1 waiting; the other 1 stay failed. Then it broke off:")
            assert isinstance(app.screen, FailuresScreen)
    finally:
        server.stop()


async def test_a_group_can_be_requeued_at_once(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, map(str, range(1200)), "ValueError: 1")
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "trucks")
        await pilot.press("3")
        await shows(pilot, "1,200 failed IDs")
        await pilot.press("R")
        await shows(pilot, "Try 1 of 1,200")
        await pilot.press("up")
        await shows(pilot, "Requeue 1,200")
        await pilot.press("y")
        await shows(pilot, "Requeued 1,200.")
    (entry,) = fleet.audit()
    assert (entry.verb, entry.count) == ("requeue", 1200)


async def test_many_are_discarded_only_after_the_queues_name(store: RealServer, fleet: Fleet, tmp_path: Path) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, map(str, range(12)), "ValueError: 1")
    fail(trucks, ["other"], "KeyError: 'x'", "")
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "trucks")
        await pilot.press("3")
        await shows(pilot, "13 failed IDs")
        await pilot.press("D")
        await shows(pilot, "Type trucks to go on")
        await shows(pilot, "convoy discard trucks --group")
        await pilot.press("y", "y")
        assert trucks.counts().failed == 13
        await pilot.press("backspace", "backspace", *"trucks", "enter")
        await shows(pilot, "Discarded 12 failed IDs.")
    assert trucks.counts().failed == 1
    (kept,) = (tmp_path / ".local" / "state" / "convoy" / "discarded").glob("*.jsonl")
    assert trucks.restore(KeptRecords(kept)) == {Restored.FAILED: 12}


async def test_a_read_only_dashboard_changes_no_group(store: RealServer, fleet: Fleet) -> None:
    fail(fleet.queue("trucks"), ["a"], "ValueError: 1")
    async with opened(store.url, read_only=True) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("3")
        await shows(pilot, "1 failed ID")
        await pilot.press("R")
        await shows(pilot, "This dashboard is read-only")
        assert isinstance(app.screen, FailuresScreen)


async def test_what_became_of_the_last_requeue_is_told(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    fail(trucks, ["a", "b", "c"], "ValueError: 1")
    trucks.requeue(["a", "b"])

    def crush(job: Job) -> None:
        if job.id == "b":
            raise KeyError(job.id)

    with WorkerPool(trucks, crush):
        async with opened(store.url) as (pilot, _):
            await shows(pilot, "trucks")
            await pilot.press("3")
            await shows(pilot, "1 done, 1 failed again (1 KeyError in test_failures.py:crush)")
