"""What is selected, and what verbs do with it: exactly these IDs, whatever is filtered, shown or moved meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from textual.pilot import Pilot
from textual.widgets import Input

from convoy_core import Fleet, NotKept, Record, State
from convoy_core.kept import KeptFile
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.entries import Tab
from convoy_tui.dashboard.reading.listing import Listing
from convoy_tui.dashboard.screens import move_ids
from convoy_tui.dashboard.screens.queue import QueueScreen
from convoy_tui.dashboard.screens.queue_list import QueueListPage
from convoy_tui.dashboard.services import Where
from convoy_tui.dashboard.widgets.entry_table import EntryTable
from convoy_tui.dashboard.widgets.queue_table import QueueTable
from tests.servers import RealServer, valkey_binary
from tests.tui.failing import fail
from tests.tui.live import opened
from tests.tui.screen import hides, shows, until


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


class Held:
    """Keeps the end of a coroutine method back, until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.is_read, self.may_end = asyncio.Event(), asyncio.Event()
        method = getattr(owner, name)

        async def later(*arguments: Any) -> Any:
            found = await method(*arguments)
            self.is_read.set()
            await self.may_end.wait()
            return found

        monkeypatch.setattr(owner, name, later)


def table(app: ConvoyApp) -> EntryTable:
    return app.page.query_one(EntryTable)


def listing(app: ConvoyApp) -> Listing:
    assert isinstance(app.page, QueueListPage)
    return app.page.listing


def queued(fleet: Fleet) -> list[str]:
    return [entry.id for entry in fleet.queue("trucks").entries(State.QUEUED)]


async def enter(pilot: Pilot[None], app: ConvoyApp, *keys: str) -> None:
    """Open the queue `trucks`, and press these keys there."""
    await until(pilot, lambda: "trucks" in app.overview.query_one(QueueTable).order)
    app.overview.point_at("trucks")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, QueueScreen) and table(app).window.total)
    await pilot.press(*keys)


async def type_into(pilot: Pilot[None], app: ConvoyApp, field: str, text: str) -> None:
    app.screen.query_one(field, Input).value = text
    app.screen.query_one(field, Input).focus()
    await pilot.press("enter")


async def type_filter(pilot: Pilot[None], app: ConvoyApp, text: str) -> None:
    await pilot.press("slash")
    await type_into(pilot, app, "#search", text)


# -- all that match


@pytest.mark.parametrize("key", ["escape", "f4", "s"])
async def test_another_list_gets_no_selection_that_was_asked_for_before(
    store: RealServer, fleet: Fleet, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.queue("trucks").publish_many(["a0", "a1", "a2", "b0", "b1", "b2"])
    held = Held(monkeypatch, Listing, "matching")
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app)
        await type_filter(pilot, app, "b*")
        await shows(pilot, "3 found of 6")
        await pilot.press("asterisk")
        await held.is_read.wait()
        await pilot.press(key)
        held.may_end.set()
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers if worker.group == "pick"))
        assert not table(app).selected
        await shows(pilot, "Not selected: the list is another one now.")


async def test_a_page_keeps_its_tab_while_another_of_the_same_queue_shows_one(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish_many(["a", "b", "c", "d"])
    fail(fleet.queue("trucks"), ["x", "y", "z"], "ValueError: no wheel")
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, "f4")
        await shows(pilot, "▌ x ")
        await pilot.press("asterisk")
        await shows(pilot, "Selected 3 IDs: all that are failed.")
        app.services.open("job", Where("trucks", "x"))
        app.services.open("queue", Where("trucks"))
        await until(pilot, lambda: len(app.screen_stack) == 5)
        await pilot.press("f1")
        await shows(pilot, "[Queued 4]")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 3)
        assert (listing(app).tab, len(table(app).selected)) == (Tab.FAILED, 3)
        await pilot.press("R")
        await shows(pilot, "3   will be queued again")


@pytest.mark.parametrize("part", [2_500, 7])
async def test_what_is_published_while_a_whole_queue_is_to_be_discarded_stays(
    store: RealServer, fleet: Fleet, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_ids, "_PART", part)
    fleet.queue("trucks").publish_many(range(30))
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, "asterisk")
        await shows(pilot, "Selected 30 IDs: all that are queued.")
        await pilot.press("D")
        await shows(pilot, "Type trucks to go on")
        fleet.queue("trucks").cancel(map(str, range(10)))
        fleet.queue("trucks").publish_many(range(100, 115))
        await type_into(pilot, app, "#typed", "trucks")
        await shows(pilot, "Discarded 20 IDs; 10 no longer queued. To bring them back")

    assert queued(fleet) == [str(n) for n in range(100, 115)]


# -- a discard that breaks off


@pytest.mark.parametrize("keys", [("2", "f4", "D"), ("3", "D")], ids=["ids", "group"])
async def test_a_discard_that_was_refused_can_be_tried_again(
    store: RealServer, fleet: Fleet, raw: redis.Redis, keys: tuple[str, ...]
) -> None:
    fail(fleet.queue("trucks"), ["a"], "ValueError: no wheel")
    async with opened(store.url) as (pilot, app):
        await until(pilot, lambda: app.services.board.row("trucks") is not None)
        for key in keys:
            await pilot.press(key)
            await shows(pilot, {"D": "Discard 1", "2": "[Queued 0]", "f4": "▌ a ", "3": "1 failed ID in"}[key])
        raw.execute_command("REPLICAOF", "127.0.0.1", "1")  # type: ignore[no-untyped-call]
        try:
            await pilot.press("y")
            await shows(pilot, "Try again")
        finally:
            raw.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]
        await pilot.press("y")
        await shows(pilot, "Discarded 1")

    assert fleet.queue("trucks").counts().failed == 0


async def test_what_was_discarded_before_the_first_slice_broke_off_is_told(
    store: RealServer, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.queue("trucks").publish_many(range(2600))
    save, saved = KeptFile.save, [0]

    def fails_then(self: KeptFile, records: Sequence[Record]) -> None:
        saved[0] += 1
        if saved[0] == 2:
            raise NotKept("The disk is full.")
        save(self, records)

    monkeypatch.setattr(KeptFile, "save", fails_then)
    async with opened(store.url, size=(200, 36)) as (pilot, app):
        await enter(pilot, app)
        await type_filter(pilot, app, "25*")
        await shows(pilot, "111 found of 2,600")
        await pilot.press("asterisk")
        await shows(pilot, "Selected 111 IDs")
        await pilot.press("D")
        await shows(pilot, "Type trucks to go on")
        await type_into(pilot, app, "#typed", "trucks")
        await shows(pilot, "Discarded 19 IDs. To bring them back: convoy restore")
        await until(pilot, lambda: isinstance(app.screen, QueueScreen))

    assert fleet.queue("trucks").counts().queued == 2581


# -- saved


async def test_what_is_selected_is_saved_whatever_the_filter(store: RealServer, fleet: Fleet, tmp_path: Path) -> None:
    fleet.queue("trucks").publish_many(["a0", "a1", "a2", "b0", "b1"])
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, "space", "space", "space")
        await shows(pilot, "3 selected")
        await type_filter(pilot, app, "b*")
        await shows(pilot, "2 found of 5")
        await pilot.press("e")
        await shows(pilot, "3 IDs, selected")
        await type_into(pilot, app, "#path", str(tmp_path / "ids.txt"))
        await shows(pilot, "Saved 3 IDs to")

    assert (tmp_path / "ids.txt").read_text() == "a0\na1\na2\n"


async def test_of_what_is_selected_those_are_told_that_were_not_there_to_be_saved(
    store: RealServer, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.queue("trucks").publish_many(["a0", "a1", "a2", "b0", "b1"])
    async with opened(store.url, size=(200, 36)) as (pilot, app):
        await enter(pilot, app, "space", "space", "space")
        await shows(pilot, "3 selected")
        await pilot.press("e")
        fleet.queue("trucks").cancel(["a1"])
        await type_into(pilot, app, "#path", str(tmp_path / "ids.txt"))
        await shows(pilot, "; 1 not queued any more.")
        assert table(app).selected == {"a0", "a1", "a2"}

    assert (tmp_path / "ids.txt").read_text() == "a0\na2\n"


async def test_a_save_that_broke_off_leaves_no_file_and_can_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    server = RealServer(valkey_binary())
    try:
        async with opened(server.url) as (pilot, app):
            with Fleet(redis=server.url) as fleet:
                fleet.queue("trucks").publish_many(["a", "b"])
            await enter(pilot, app, "e")
            await shows(pilot, "2 IDs queued, as they are then")
            server.kill()
            await type_into(pilot, app, "#path", str(path))
            await shows(pilot, "Try again")
            assert not path.exists()
            server.start()
            with Fleet(redis=server.url) as fleet:
                fleet.queue("trucks").publish_many(["a", "b"])
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, QueueScreen))
            assert path.read_text() == "a\nb\n"
    finally:
        server.stop()


# -- queues


async def test_a_look_into_the_past_keeps_the_selection(store: RealServer, fleet: Fleet) -> None:
    for name in ("boats", "trucks", "vans"):
        fleet.queue(name).publish("a")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "vans")
        await pilot.press("space", "space")
        await shows(pilot, "2 queues selected")
        chosen = app.overview.query_one(QueueTable).targets
        await pilot.press("[")
        await shows(pilot, "LOOK ONLY")
        await pilot.press("0")
        await hides(pilot, "PAST")
        assert app.overview.query_one(QueueTable).targets == chosen
        await pilot.press("P")
        await shows(pilot, "2 queues")


# -- what is kept of a list


async def test_a_long_filtered_list_is_read_anew_when_one_comes_back(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    trucks.publish_many(f"x{n}" for n in range(2100))
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app)
        await type_filter(pilot, app, "x*")
        await shows(pilot, "2,100 found of 2,100")
        await pilot.press("1")
        await until(pilot, lambda: app.page is app.overview)
        trucks.publish("x-new")
        await pilot.press("enter")
        await shows(pilot, "2,101 found of 2,101")
        await pilot.press("f4")
        await shows(pilot, "[Failed 0]")
        trucks.publish("x-newer")
        await pilot.press("f1")
        await shows(pilot, "2,102 found of 2,102")


async def test_until_a_list_is_read_anew_what_was_read_before_is_dimmed(
    store: RealServer, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.queue("trucks").publish_many(f"x{n}" for n in range(2100))
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app)
        await type_filter(pilot, app, "x*")
        await shows(pilot, "2,100 found of 2,100")
        assert not table(app)._is_stale
        await pilot.press("f4")
        await shows(pilot, "[Failed 0]")
        may_read = asyncio.Event()
        scan = Listing._scan

        async def later(*arguments: Any) -> None:
            await may_read.wait()
            await scan(*arguments)

        monkeypatch.setattr(Listing, "_scan", later)
        await pilot.press("f1")
        await shows(pilot, "▌ x0 ")
        assert table(app)._is_stale
        may_read.set()
        await shows(pilot, "2,100 found of 2,100")
        assert not table(app)._is_stale
