"""What is typed ahead does what the same keys do that are pressed one by one, however fast they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, TextArea

from convoy_tui.dashboard import key_order
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.widgets.queue_table import QueueTable
from tests.tui.fixed import FixedSource, a_queue, an_app, settle
from tests.tui.screen import text_of, until
from tests.waiting import patient

NAMES = [f"queue-{letter}{number}" for letter in "abc" for number in range(10)]

Seen = tuple[object, ...]


@asynccontextmanager
async def a_dashboard() -> AsyncIterator[tuple[Pilot[None], ConvoyApp]]:
    """One that was just opened, of a few queues."""
    app = an_app(FixedSource([a_queue(name) for name in NAMES]))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        yield pilot, app


def key(name: str) -> events.Key:
    """The event of a key, by its name or its character."""
    return events.Key(_character_to_key(name), name) if len(name) == 1 else events.Key(name, None)


def seen(app: ConvoyApp) -> Seen:
    """Where the keys have led: the screens, what each is about, the focus, and what stands in the fields."""
    screens = [(type(each).__name__, getattr(each, "where", None)) for each in app.screen_stack]
    fields = [each.value for each in app.screen.query(Input)] + [each.text for each in app.screen.query(TextArea)]
    return screens, app.focused and (type(app.focused).__name__, app.focused.id), fields, app.overview.here


async def type_ahead(pilot: Pilot[None], app: ConvoyApp, keys: Sequence[str]) -> Seen:
    for name in keys:
        app.post_message(key(name))
    is_taken = asyncio.Event()
    app.call_later(is_taken.set)
    await until(pilot, lambda: is_taken.is_set() and not app.key_order.is_busy)
    return seen(app)


async def in_turn(pilot: Pilot[None], app: ConvoyApp, keys: Sequence[str]) -> Seen:
    for name in keys:
        await type_ahead(pilot, app, [name])
    return seen(app)


async def led_to(keys: Sequence[str], *, at_once: bool) -> Seen:
    """Where these keys lead in a dashboard that was just opened."""
    async with a_dashboard() as (pilot, app):
        return await (type_ahead if at_once else in_turn)(pilot, app, keys)


@pytest.mark.parametrize(
    ("keys", "pages", "about"),
    [
        (["enter", "5"], ["OverviewScreen", "ActivityScreen"], "queue-a0"),
        (["j", "enter", "3"], ["OverviewScreen", "FailuresScreen"], "queue-a1"),
        (["enter", "escape", "j", "j", "enter"], ["OverviewScreen", "QueueScreen"], "queue-a2"),
        (["/", *"b2", "enter", "enter"], ["OverviewScreen", "QueueScreen"], "queue-b2"),
        (["/", *"b2", "enter", "enter", "4", "1", "j"], ["OverviewScreen"], None),
        (["/", *"b2", "enter", "N", *"some-id"], ["OverviewScreen", "PublishDialog"], None),
        (["enter", "?", "escape", "6"], ["OverviewScreen", "StoreScreen"], "queue-a0"),
    ],
)
async def test_keys_that_are_typed_ahead_act_in_their_order(
    keys: list[str], pages: list[str], about: str | None
) -> None:
    async with a_dashboard() as (pilot, app):
        await type_ahead(pilot, app, keys)

        assert [type(each).__name__ for each in app.screen_stack[1:]] == pages
        assert app.page.where.queue == about
        if pages[-1] == "PublishDialog":
            assert app.screen.query_one(TextArea).text == "some-id"


@pytest.mark.parametrize("typed", ["/b7", "/b7N", "/b7PJRW", "/" + "b7" * 20])
async def test_keys_in_one_burst_go_into_the_field_that_the_first_has_opened(typed: str) -> None:
    async with a_dashboard() as (pilot, app):
        for character in typed:
            app.post_message(key(character))
        await until(pilot, lambda: app.overview.query_one("#search", Input).value == typed[1:])
        await pilot.pause()

        assert app.screen is app.overview
        assert app.focused is app.overview.query_one("#search")
        app.post_message(key("escape"))
        await until(pilot, lambda: app.focused is app.overview.query_one(QueueTable))


# An Enter anywhere else may open what has been read in the meantime.
_ON_THE_OVERVIEW = st.sampled_from(
    [
        ["enter"],
        ["j", "enter"],
        ["/", *"c1", "enter"],
        ["/", *"b", "escape"],
        ["J", "escape"],
        ["N", *"4711"],
        ["o", "G"],
        ["space", "P"],
    ]
)
_ANYWHERE = st.sampled_from([[name] for name in ["escape", *"1234567?:fjkR/[]x", "tab"]])
_TYPED = st.lists(_ON_THE_OVERVIEW.map(lambda keys: ["escape", "escape", "1", *keys]) | _ANYWHERE, max_size=5)


@settings(max_examples=12)
@given(_TYPED)
async def test_whatever_is_typed_ahead_leads_to_where_it_leads_one_by_one(typed: list[list[str]]) -> None:
    keys = [name for part in typed for name in part]
    assert await led_to(keys, at_once=True) == await led_to(keys, at_once=False)


async def comes_true(condition: Callable[[], object]) -> None:
    """Wait without the pilot, which would wait for the widget that does not answer as well."""
    async with asyncio.timeout(patient()):
        while not condition():  # noqa: ASYNC110 - it is the app that must run
            await asyncio.sleep(0.01)


async def test_a_key_whose_widget_went_away_does_not_hold_up_the_next() -> None:
    async with a_dashboard() as (pilot, app):
        await type_ahead(pilot, app, ["enter"])
        assert isinstance(app.focused, Widget)
        is_free = asyncio.Event()
        app.focused.call_later(is_free.wait)
        app.post_message(key("j"))
        await comes_true(lambda: app.key_order.is_busy)
        app.pop_screen()
        app.post_message(key("5"))
        is_free.set()
        await comes_true(lambda: not app.key_order.is_busy)

        assert app.page.page_name == "activity"


async def test_a_widget_that_does_not_answer_holds_up_its_own_keys_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_dashboard() as (_, app):
        is_free = asyncio.Event()
        app.overview.query_one(QueueTable).call_later(is_free.wait)
        app.post_message(key("j"))
        app.post_message(key("j"))
        app.post_message(key("ctrl+c"))
        await comes_true(lambda: "q quits." in text_of(app))
        assert app.key_order.is_busy

        monkeypatch.setattr(key_order, "_MOST_S", 0)
        app.set_focus(None)
        app.post_message(key("j"))
        app.post_message(key("5"))
        await comes_true(lambda: app.page.page_name == "activity")
        is_free.set()
        await comes_true(lambda: not app.key_order.is_busy)

        assert app.screen is app.page
