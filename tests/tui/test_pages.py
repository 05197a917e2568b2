"""What every page has in common, on a real store: how it is opened, what it keeps, and what an outage does to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from textual.events import MouseScrollDown
from textual.widget import Widget

from convoy_core import Fleet, State, WorkerPool
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.screens.activity import ActivityScreen
from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.services import Where
from convoy_tui.dashboard.widgets.table import Table
from tests.servers import RealServer, valkey_binary
from tests.tui.failing import fail
from tests.tui.fixed import FixedSource, a_queue, an_app, settle
from tests.tui.live import opened
from tests.tui.screen import hides, shows, text_of, until


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


def ids(app: ConvoyApp) -> Table[object]:
    table: Table[object] = app.screen.query_one("#entries", Table)
    return table


async def test_enter_opens_the_queue_under_the_cursor_and_esc_goes_back(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("calm").publish("x")
    fleet.queue("trucks").publish_many(["a", "b", "c"])
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        app.overview.point_at("trucks")
        await pilot.press("enter")
        await shows(pilot, "▸ trucks")
        await shows(pilot, "▌ a ")
        assert "[Queued 3]" in text_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))
        assert app.page.here.queue == "trucks"


async def test_a_key_opens_its_page_in_the_place_of_others_and_1_the_overview(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("a")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("2", "2")
        await shows(pilot, "▸ trucks")
        assert len(app.screen_stack) == 3
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))


async def test_the_cursor_stays_on_its_id_while_others_leave(store: RealServer, fleet: Fleet) -> None:
    queue = fleet.queue("trucks")
    queue.publish_many(range(200))
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("enter")
        await shows(pilot, "[Queued 200]")
        ids(app).point_at("40")
        await until(pilot, lambda: ids(app).cursor == "40")
        queue.discard(map(str, range(20)), state=State.QUEUED)
        await shows(pilot, "[Queued 180]")
        await until(pilot, lambda: ids(app).place == 20)
        assert ids(app).cursor == "40"
        await shows(pilot, "▌ 40")


async def test_the_cursor_follows_its_id_far_beyond_what_was_in_view(store: RealServer, fleet: Fleet) -> None:
    queue = fleet.queue("trucks")
    queue.publish_many(range(5000))
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("enter", "G")
        await shows(pilot, "▌ 4999")
        queue.discard_all(State.QUEUED, limit=3000)
        await until(pilot, lambda: ids(app).place == 1999)
        await shows(pilot, "▌ 4999")
        ids(app).point_at("4990")
        await until(pilot, lambda: ids(app).cursor == "4990")
        queue.discard_all(State.QUEUED, limit=1500)
        await until(pilot, lambda: ids(app).place == 490)
        await shows(pilot, "▌ 4990")


async def test_a_hidden_page_reads_nothing(store: RealServer, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = Page.reload

    def noted(page: Page) -> None:
        read.append(page.page_name)
        real(page)

    monkeypatch.setattr(Page, "reload", noted)
    fleet.queue("trucks").publish("a")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("enter")
        await shows(pilot, "▌ a ")
        await pilot.press("enter")
        await until(pilot, lambda: app.page.page_name == "job")
        read.clear()
        await until(pilot, lambda: len(read) >= 4)
        assert set(read) == {"job"}
        await pilot.press("escape")
        await until(pilot, lambda: read[-1] == "queue")


async def test_the_last_of_many_rows_is_read_when_it_comes_into_view(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish_many(range(30_000))
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("enter")
        await shows(pilot, "[Queued 30,000]")
        await pilot.press("G")
        await shows(pilot, "▌ 29999")
        assert len(ids(app).window.rows) < 500
        await pilot.press("k")
        await shows(pilot, "▌ 29998")


async def test_the_wheel_moves_the_rows_and_the_cursor_stays_in_view(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish_many(range(200))
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("enter")
        await shows(pilot, "▌ 0 ")
        table: Widget = ids(app)
        for _ in range(3):
            assert await pilot._post_mouse_events([MouseScrollDown], table, (5, 5))
        await until(pilot, lambda: ids(app).view.start > 0)
        assert ids(app).place in ids(app).view


async def test_a_lost_store_leaves_what_was_read_dimmed_and_is_survived() -> None:
    server = RealServer(valkey_binary())
    try:
        with Fleet(redis=server.url) as fleet:
            fleet.queue("trucks").publish_many(["a", "b"])
        async with opened(server.url) as (pilot, app):
            await shows(pilot, "NO WORKERS trucks")
            await pilot.press("enter")
            await shows(pilot, "▌ a ")
            server.kill()
            await shows(pilot, "No answer")
            assert "┄ b " in text_of(app)
            server.start()
            await pilot.press("r")
            await hides(pilot, "┄ b ")
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, OverviewScreen))
    finally:
        server.stop()


async def test_the_palette_opens_pages_queues_and_ids(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("calm").publish("x")
    fleet.queue("trucks").publish_many(["a", "b:17"])
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("colon", *"open trucks")
        await shows(pilot, "The IDs of this queue")
        await pilot.press("enter")
        await shows(pilot, "▸ trucks")
        await shows(pilot, "▌ a ")
        await pilot.press("ctrl+p", *"b:17")
        await shows(pilot, "Open ID b:17")
        await shows(pilot, "Find ID b:17")
        await pilot.press("enter")
        await shows(pilot, "▸ trucks ▸ b:17")
        await pilot.press("colon", *"find id x")
        await shows(pilot, "Ask every queue")
        await pilot.press("escape", "escape", "colon", *"publish")
        await shows(pilot, "Put IDs into")


async def test_the_help_of_a_page_lists_every_key_that_works_there(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("a")
    async with opened(store.url, size=(120, 60)) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("enter")
        await shows(pilot, "▌ a ")
        bindings = [entry.binding for entry in app.screen.active_bindings.values()]
        wanted = {each.description for each in bindings if each.id and not each.system}
        await pilot.press("question_mark")
        await shows(pilot, "Esc closes")
        assert {each for each in wanted if each not in text_of(app)} == set()
        assert {"Discard", "Cancel", "Find ID", "Failures"} <= wanted
        assert "Requeue" not in wanted


async def test_what_a_user_may_not_read_is_one_sentence_on_a_page_that_goes_on() -> None:
    server = RealServer(valkey_binary())
    try:
        with server.client() as client, Fleet(redis=server.url) as fleet:
            fleet.queue("trucks").publish_many(["a", "b"])
            client.acl_setuser(
                "ann", enabled=True, passwords=["+word"], commands=["+@all", "-lrange"], keys=["*"], channels=["*"]
            )
        async with opened(f"unix://ann:word@{server.socket}") as (pilot, _):
            await shows(pilot, "NO WORKERS trucks")
            await pilot.press("enter")
            await shows(pilot, "lrange")
            await shows(pilot, "[Queued 2]")
            await pilot.press("f4")
            await shows(pilot, "[Failed 0]")
            await hides(pilot, "lrange")
    finally:
        server.stop()


async def test_a_row_is_selected_only_where_a_verb_acts_on_several(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    trucks.pause()
    trucks.publish_many(["a", "b"])
    fail(trucks, ["c"], "boom")
    with WorkerPool(trucks, print):
        async with opened(store.url) as (pilot, app):
            await shows(pilot, "trucks")
            for key, selects in (("1", True), ("2", True), ("3", False), ("4", False), ("5", False)):
                await pilot.press(key)
                await until(pilot, lambda: app.screen.query_one(Table).cursor is not None)
                keys = {active.binding.id for active in app.screen.active_bindings.values() if active.enabled}
                assert ("table.select" in keys) is selects, app.page.page_name
                await pilot.press("space", *([] if selects else ["asterisk"]))
                assert bool(app.screen.query_one(Table).selected) is selects, app.page.page_name
                await pilot.press("escape")


async def test_a_hidden_page_draws_nothing_until_it_is_seen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = 0

    class Counted(ActivityScreen):
        def draw(self, board: Board) -> None:
            nonlocal drawn
            drawn += 1
            super().draw(board)

    app = an_app(FixedSource([a_queue("q")]))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        page = Counted(app.services, Where())
        await app.push_screen(page)
        await pilot.pause()
        app.open_page("store", Where())
        await pilot.pause()
        before = drawn
        page.redraw()
        assert drawn == before
        await pilot.press("escape")
        await until(pilot, lambda: drawn > before)


@pytest.mark.parametrize("name", ["store", "activity"])
async def test_a_page_that_opens_while_one_quits_is_no_error(name: str) -> None:
    for turns in range(6):  # of the event loop until the end begins: in some of them the page has only a part of itself
        app = an_app(FixedSource([a_queue("q")]))
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            app.open_page(name, Where("q"))
            await ended_after(app, turns)
        assert app.return_code == 0


async def test_a_dialog_that_opens_while_one_quits_is_no_error() -> None:
    for turns in range(6):
        app = an_app(FixedSource([a_queue("q")]))
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            app.overview.action_open("pause")
            await ended_after(app, turns)
        assert app.return_code == 0


async def ended_after(app: ConvoyApp, turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    app.exit()
    for _ in range(100):
        await asyncio.sleep(0)
