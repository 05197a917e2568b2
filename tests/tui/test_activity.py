"""The Activity page on a real store: what operators have done, live, filtered, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from convoy_core import Face, Fleet, Operator, State
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.activity import Act
from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.widgets.table import Table
from tests.servers import RealServer
from tests.tui.failing import fail
from tests.tui.live import opened
from tests.tui.screen import shows, text_of, until


@pytest.fixture
def dana(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url, operator=Operator("dana@ops", Face.COMMAND_LINE, "the provider is back")) as fleet:
        yield fleet


@pytest.fixture
def erik(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url, operator=Operator("erik@desk")) as fleet:
        yield fleet


def verbs(app: ConvoyApp) -> list[str]:
    table: Table[Act] = app.screen.query_one("#acts", Table)
    return [act.entry.verb for act in table.window.rows]


async def test_what_operators_do_appears_the_newest_first(store: RealServer, dana: Fleet, erik: Fleet) -> None:
    fail(dana.queue("trucks"), ["a", "b"], "ValueError: 1")
    dana.queue("trucks").requeue(["a", "b"])
    erik.queue("cars").pause()
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await shows(pilot, "2 acts")
        await until(pilot, lambda: verbs(app) == ["pause", "requeue"])
        erik.queue("cars").resume()
        await until(pilot, lambda: verbs(app) == ["resume", "pause", "requeue"])
        await pilot.press("G")
        await shows(pilot, "dana@ops requeued 2 IDs of trucks")
        await shows(pilot, "the provider is back")


async def test_the_acts_are_filtered_by_queue_operator_verb_and_text(
    store: RealServer, dana: Fleet, erik: Fleet
) -> None:
    trucks = dana.queue("trucks")
    trucks.publish_many(["a", "b", "c"])
    trucks.discard(["a"], state=State.QUEUED)
    erik.queue("trucks").discard(["b"], state=State.QUEUED)
    erik.queue("cars").pause()
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await until(pilot, lambda: len(verbs(app)) == 3)

        def shown(n: int) -> bool:
            return len(verbs(app)) == n

        for wanted, n in (
            ("queue:cars", 1),
            ("who:dana", 1),
            ("act:discard", 2),
            ("provider", 1),
            ("who:erik disc", 1),
        ):
            await pilot.press("slash")
            await pilot.press(*wanted)
            await until(pilot, partial(shown, n))
            await pilot.press("escape")
            await until(pilot, lambda: len(verbs(app)) == 3)
        await pilot.press("slash", *"nobody", "enter")
        await shows(pilot, "0 of 3 acts fit 'nobody'")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))


async def test_a_part_that_is_added_to_an_act_changes_its_row(store: RealServer) -> None:
    with Fleet(redis=store.url, operator=Operator("dana@ops", operation="one")) as fleet:
        trucks = fleet.queue("trucks")
        fail(trucks, ["a", "b"], "ValueError: 1")
        trucks.requeue(["a"])
        async with opened(store.url) as (pilot, app):
            await shows(pilot, "trucks")
            await pilot.press("5")
            await shows(pilot, "1 queued")
            trucks.requeue(["b"])
            await shows(pilot, "2 queued")
            assert verbs(app) == ["requeue"]


async def test_without_an_act_the_page_says_so(store: RealServer, dana: Fleet) -> None:
    dana.queue("trucks").publish("a")
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await shows(pilot, "Nobody has done anything that is kept.")


async def test_what_others_wrote_is_shown_safely(store: RealServer) -> None:
    with Fleet(redis=store.url, operator=Operator("e\x1b[31mvil\u202e", Face.LIBRARY, "\x07[bold]")) as fleet:
        fleet.queue("trucks").pause()
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "trucks")
        await pilot.press("5")
        await shows(pilot, r"e\x1b[31mvil\u202e paused trucks")
        assert r"\x07[bold]" in text_of(app)
