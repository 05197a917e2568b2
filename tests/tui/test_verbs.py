"""A verb acts on what is under the eye, however the cursor was moved; and a key says why it does nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.screens.confirm import PauseDialog
from convoy_tui.dashboard.widgets.queue_table import QueueTable
from tests.tui.fixed import FixedSource, a_queue, an_app, settle
from tests.tui.screen import hides, rows_of, shows, text_of, until

NAMES = [f"queue-{letter}{number}" for letter in "abc" for number in range(10)]
SIZE = (80, 24)

Move = Callable[[Pilot[None], ConvoyApp, FixedSource], Awaitable[None]]


def under_the_bar(app: ConvoyApp) -> str:
    """The name in the row that the screen marks."""
    (line,) = [line for line in text_of(app).splitlines() if line.startswith("▌")]
    return next(word for word in line.split() if word.startswith("queue-"))


def keys(*pressed: str) -> Move:
    async def move(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
        await pilot.press(*pressed)

    return move


async def click(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    await pilot.click("#queues", offset=(20, 5))


async def wheel(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    table = app.screen.query_one(QueueTable)
    for _ in range(6):
        table.scroll_relative(y=3, animate=False)
        await pilot.pause()


async def vanish(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    await pilot.press("j", "j")
    del source.snapshots[2]
    await settle(pilot, looks=1)


async def another_order(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    source.snapshots[25] = a_queue(NAMES[25], jammed=1, processing=1)
    await settle(pilot)


async def smaller(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    await pilot.press("G")
    await pilot.resize_terminal(80, 16)
    await shows(pilot, "▌ ○ idle       queue-c9")


async def palette_behind_a_filter(pilot: Pilot[None], app: ConvoyApp, source: FixedSource) -> None:
    await pilot.press("slash", *"queue-c", "enter", "j", "colon", *"queue-b7")
    await shows(pilot, "Go to queue-b7")
    await pilot.press("enter")
    await until(pilot, lambda: app.screen is app.overview)
    assert under_the_bar(app) == "queue-b7"


MOVES: dict[str, Move] = {
    "at rest": keys(),
    "down and up": keys("j", "down", "down", "k"),
    "last": keys("G"),
    "pages": keys("pagedown", "pagedown", "pageup"),
    "click": click,
    "wheel": wheel,
    "filter": keys("slash", *"queue-b", "enter"),
    "filter and down": keys("slash", *"queue-b", "enter", "j", "j"),
    "filter cleared": keys("slash", *"queue-b", "enter", "j", "escape"),
    "filter cleared in the box": keys("slash", *"queue-b", "escape"),
    "palette behind a filter": palette_behind_a_filter,
    "vanished": vanish,
    "another order": another_order,
    "smaller": smaller,
    "another page and back": keys("j", "2", "escape"),
}


@pytest.mark.parametrize("name", MOVES)
async def test_a_verb_acts_on_the_row_that_is_marked(name: str) -> None:
    source = FixedSource([a_queue(name) for name in NAMES])
    app = an_app(source, environment=None)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await MOVES[name](pilot, app, source)
        marked = under_the_bar(app)
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PauseDialog))
        assert f"Pause · {marked} " in text_of(app)
        await pilot.press("y")
        await shows(pilot, f"Paused {marked}.")

    assert source.acts == [("pause", marked)]


async def test_the_order_is_right_as_soon_as_a_filter_is_cleared() -> None:
    source = FixedSource([a_queue(name) for name in NAMES])
    app = an_app(source)
    async with app.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        table = app.screen.query_one(QueueTable)
        await pilot.press("j", "slash", *"queue-c", "enter", "j", "j")
        await until(pilot, lambda: len(table.order) == 10)
        source.snapshots[15] = a_queue(NAMES[15], jammed=1, processing=1)
        await settle(pilot)
        await pilot.press("escape")

        assert table.order == (NAMES[15], *(name for name in NAMES if name != NAMES[15]))


async def test_a_selection_survives_filtering_and_says_what_is_hidden() -> None:
    source = FixedSource([a_queue(name) for name in NAMES])
    app = an_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("space", "slash", *"queue-b", "enter", "space")
        await shows(pilot, "2 queues selected, 1 hidden")
        await pilot.press("P")
        await shows(pilot, "queue-b1, queue-a0")
        await pilot.press("escape", "escape")
        await hides(pilot, "hidden")
        assert app.screen.query_one(QueueTable).targets == ("queue-a0", "queue-b1")


# -- keys that can do nothing


async def test_on_an_empty_store_each_verb_says_why_it_does_nothing() -> None:
    app = an_app(FixedSource())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for verb in "JRPW":
            app.page.query_one("#result").show([])  # type: ignore[attr-defined]
            await pilot.press(verb)
            await shows(pilot, "There is no queue yet. N publishes the first IDs, and that makes one.")


async def test_a_greyed_key_says_why_also_when_it_is_clicked() -> None:
    app = an_app(FixedSource([a_queue("a")]))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"nothing", "enter", "J")
        await shows(pilot, "No queue is shown that it could act on. Esc clears the filter.")
        app.page.query_one("#result").show([])  # type: ignore[attr-defined]
        line = "".join(segment.text for segment in rows_of(app)[-1])
        await pilot.click("#keys", offset=(line.index("R Requeue"), 0))
        await shows(pilot, "No queue is shown that it could act on.")


async def test_a_double_click_is_enter() -> None:
    app = an_app(FixedSource([a_queue("a"), a_queue("b")]))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.click("#queues", offset=(20, 2), times=2)
        await until(pilot, lambda: app.page.page_name == "queue")
        assert app.page.where.queue == "b"
