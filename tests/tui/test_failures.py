"""The Failures page on a real store: what broke, in groups, and what is done with a group."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convoy_core import Fleet
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.failures import Group
from convoy_tui.dashboard.widgets.table import Table
from tests.servers import RealServer
from tests.tui.failing import TRACEBACK, fail
from tests.tui.live import opened
from tests.tui.screen import shows, text_of, until


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
