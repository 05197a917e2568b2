"""The Queue screen on a real store: its tabs, filters, orders and selection, and what its verbs really do."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from textual.pilot import Pilot
from textual.widgets import Input

from convoy_core import Durations, Fleet, Percentiles, PoolOptions, State, WorkerPool
from convoy_core.kept import KeptRecords
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.queue_page import durations_line
from convoy_tui.dashboard.board.spans import Line
from convoy_tui.dashboard.screens.queue import QueueScreen
from convoy_tui.dashboard.widgets.entry_table import EntryTable
from tests.servers import RealServer
from tests.tui import seeds
from tests.tui.live import opened
from tests.tui.screen import hides, shows, text_of, until


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


def table(app: ConvoyApp) -> EntryTable:
    return app.page.query_one(EntryTable)


async def enter(pilot: Pilot[None], app: ConvoyApp, queue: str, *keys: str) -> None:
    """Open the queue, and press these keys there."""
    await until(pilot, lambda: app.services.board.row(queue) is not None)
    app.overview.point_at(queue)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, QueueScreen))
    await pilot.press(*keys)


async def type_filter(pilot: Pilot[None], app: ConvoyApp, text: str) -> None:
    await pilot.press("slash")
    app.screen.query_one("#search", Input).value = text
    await pilot.press("enter")


def restore(fleet: Fleet, home: Path) -> int:
    """Bring back what the dashboard has kept; how many IDs that is."""
    (kept,) = (home / ".local" / "state" / "convoy" / "discarded").glob("*.jsonl")
    return sum(fleet.queue("trucks").restore(KeptRecords(kept)).values())


def ids_in(fleet: Fleet, queue: str, state: State) -> set[str]:
    return {entry.id for entry in fleet.queue(queue).entries(state)}


async def test_each_tab_lists_its_ids_with_what_is_known_of_them(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.MAIL)
        await shows(pilot, "rows 1-")
        await pilot.press("right_square_bracket")
        await shows(pilot, "host-7:4012 (silent)     past by 3h15m")
        await shows(pilot, "a Node client")
        await pilot.press("f3")
        await shows(pilot, "in 3h20m")
        await pilot.press("f4")
        await shows(pilot, "TimeoutError: SMTP read")
        await pilot.click("#tabs", offset=(4, 0))
        await shows(pilot, "[Queued 1,204]")


async def test_orphans_are_found_and_put_into_the_queue(store: RealServer, raw: redis.Redis, fleet: Fleet) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.MAIL)
        await shows(pilot, "Orphans 2")
        await pilot.press("f5")
        await shows(pilot, "▌ mail:77001")
        await shows(pilot, "committed, but in no place")
        await pilot.press("asterisk")
        await shows(pilot, "2 selected")
        await pilot.press("R")
        await shows(pilot, "2   in no place: will be put into the queue")
        await pilot.press("y")
        await shows(pilot, "Queued 2 IDs.")

    assert {"mail:77001", "mail:77002"} <= ids_in(fleet, seeds.MAIL, State.QUEUED)


async def test_a_filter_finds_what_matches_and_esc_clears_it(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.HOOKS, "f4")
        await shows(pilot, "rows 1-")
        await type_filter(pilot, app, "error:410")
        await shows(pilot, "6 found of 47")
        await type_filter(pilot, app, "hook:1* failures>8")
        await shows(pilot, "4 found of 47")
        await type_filter(pilot, app, "nothing-like-it")
        await shows(pilot, "0 found of 47")
        await type_filter(pilot, app, "age>soon")
        await shows(pilot, "is no duration")
        await pilot.press("escape")
        await hides(pilot, "found")
        await shows(pilot, "rows 1-")


async def test_an_exact_id_is_found_wherever_it_is(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.MAIL)
        await shows(pilot, "rows 1-")
        await type_filter(pilot, app, "mail:88412")
        await shows(pilot, "mail:88412 is processing · 0 found")


async def test_an_exact_id_is_shown_at_once_in_front_of_what_holds_it(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish_many([*(f"x{n}" for n in range(2000)), "7", "77"])
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, "trucks")
        await type_filter(pilot, app, "7")
        await shows(pilot, "▌ 7 ")
        await shows(pilot, "544 found of 2,002")
        assert table(app).window.at(1) != table(app).window.at(0)


async def test_a_filter_by_worker_finds_what_a_host_holds(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.MAIL, "f2")
        await type_filter(pilot, app, "worker:host-7 age>2h")
        await shows(pilot, "2 found of 4")


async def test_what_is_taken_out_of_all_is_left_alone(store: RealServer, fleet: Fleet, tmp_path: Path) -> None:
    fleet.queue("trucks").publish_many(range(12))
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, "trucks")
        await shows(pilot, "▌ 0 ")
        await pilot.press("asterisk")
        await shows(pilot, "12 selected")
        await pilot.press("space")
        await shows(pilot, "11 selected")
        await pilot.press("D")
        await shows(pilot, "11   will be removed")
        assert "--all" not in text_of(app)
        app.screen.query_one("#typed", Input).value = "trucks"
        app.screen.query_one("#typed", Input).focus()
        await pilot.press("enter")
        await shows(pilot, "Discarded 11 IDs.")

    assert ids_in(fleet, "trucks", State.QUEUED) == {"0"}
    assert restore(fleet, tmp_path) == 11
    assert ids_in(fleet, "trucks", State.QUEUED) == {str(n) for n in range(12)}


async def test_orders_are_taken_by_key_and_by_a_click_on_a_heading(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.HOOKS, "f4")
        await shows(pilot, "fewest failures first")
        await pilot.press("s")
        await shows(pilot, "▌ hook:1032")
        await shows(pilot, "most failures first")
        await pilot.click(EntryTable, offset=(3, 0))
        await shows(pilot, "by ID")
        await shows(pilot, "▌ hook:1000")
        await pilot.click(EntryTable, offset=(3, 0))
        await shows(pilot, "▌ \\xff")


async def test_the_tab_the_filter_and_the_order_are_kept_when_one_comes_back(
    store: RealServer, raw: redis.Redis
) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.HOOKS, "f4", "s")
        await type_filter(pilot, app, "error:410")
        await shows(pilot, "6 found of 47")
        await pilot.press("1")
        await until(pilot, lambda: app.page is app.overview)
        await pilot.press("enter")
        await shows(pilot, "6 found of 47")
        await shows(pilot, "most failures first")


async def test_all_that_match_are_selected_with_their_exact_number_and_requeued(
    store: RealServer, raw: redis.Redis, fleet: Fleet
) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.HOOKS, "f4")
        await type_filter(pilot, app, "hook:1* error:connect")
        await shows(pilot, "40 found of 47")
        await pilot.press("asterisk")
        await shows(pilot, "Selected 40 IDs: all that match.")
        await pilot.press("R")
        await shows(pilot, "40   will be queued again")
        await shows(pilot, "convoy requeue webhooks --match 'hook:1*' --error connect")
        await pilot.press("y")
        await shows(pilot, "Requeued 40 IDs.")
        assert not table(app).selected

    assert len(ids_in(fleet, seeds.HOOKS, State.QUEUED)) == 40
    assert len(ids_in(fleet, seeds.HOOKS, State.FAILED)) == 7


async def test_a_verb_without_a_selection_acts_on_the_id_under_the_cursor_alone(
    store: RealServer, raw: redis.Redis, fleet: Fleet
) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.HOOKS, "f4")
        await shows(pilot, "▌ hook:1000")
        await pilot.press("j", "D")
        await shows(pilot, "1 ID: hook:1009")
        await shows(pilot, "1   will be removed")
        await pilot.press("y")
        await shows(pilot, "Discarded 1 ID.")

    assert ids_in(fleet, seeds.HOOKS, State.FAILED) >= {"hook:1000", "hook:1018"}
    assert "hook:1009" not in ids_in(fleet, seeds.HOOKS, State.FAILED)


async def test_to_discard_a_whole_queue_its_name_must_be_typed(store: RealServer, fleet: Fleet, tmp_path: Path) -> None:
    fleet.queue("trucks").publish_many(range(3000))
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, "trucks")
        await shows(pilot, "of 3,000")
        await pilot.press("asterisk")
        await shows(pilot, "Selected 3,000 IDs: all that are queued.")
        await pilot.press("D")
        await shows(pilot, "Type trucks to go on")
        await pilot.press("y")
        app.screen.query_one("#typed", Input).value = "trucks"
        app.screen.query_one("#typed", Input).focus()
        await pilot.press("enter")
        await shows(pilot, "Discarded 3,000 IDs. To bring them back: convoy restore")

    assert fleet.queue("trucks").counts().committed == 0
    assert restore(fleet, tmp_path) == 3000


async def test_what_runs_is_run_again_or_cancelled(store: RealServer, raw: redis.Redis, fleet: Fleet) -> None:
    seeds.normal(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.MAIL, "f2")
        await shows(pilot, "▌ ● mail:89990")
        await pilot.press("R")
        await shows(pilot, "1   running: will run once more")
        await pilot.press("y")
        await shows(pilot, "1 ID will run once more.")
        await pilot.press("C")
        await shows(pilot, "1   running: will be asked to end")
        await pilot.press("y")
        await shows(pilot, "Asked 1 ID to end.")

    details = fleet.queue(seeds.MAIL).show("mail:89990")
    assert (details.rerun, details.cancelling) == (True, True)


async def test_copied_ids_reach_the_terminal_to_the_byte(
    store: RealServer, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds.alarm(raw)
    written: list[str] = []
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.HOOKS, "f4")
        await type_filter(pilot, app, "failures>=3 *red*")
        await shows(pilot, "1 found of 47")
        monkeypatch.setattr(app.page, "write_to_terminal", written.append)
        await pilot.press("c")
        await shows(pilot, "Sent 1 ID to the terminal's clipboard, if it has one")

    (sequence,) = written
    assert base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\a")) == seeds.NODE_ID


async def test_a_list_is_saved_to_a_new_file_and_none_is_overwritten(
    store: RealServer, raw: redis.Redis, tmp_path: Path
) -> None:
    seeds.alarm(raw)
    async with opened(store.url) as (pilot, app):
        await enter(pilot, app, seeds.HOOKS, "f4")
        await type_filter(pilot, app, "error:410")
        await shows(pilot, "6 found of 47")
        for name in ("ids.txt", "entries.jsonl"):
            await pilot.press("e")
            await shows(pilot, "6 IDs that match")
            app.screen.query_one("#path", Input).value = str(tmp_path / name)
            await pilot.press("enter")
            await shows(pilot, "Saved 6 IDs to")
            await shows(pilot, f"{name}.")
        await pilot.press("e")
        app.screen.query_one("#path", Input).value = str(tmp_path / "ids.txt")
        await shows(pilot, "That file is there already")

    assert (tmp_path / "ids.txt").read_bytes() == b"".join(b"hook:%d\n" % n for n in range(2000, 2006))
    assert (tmp_path / "ids.txt").stat().st_mode & 0o777 == 0o600
    records = [json.loads(text) for text in (tmp_path / "entries.jsonl").read_text("utf-8").splitlines()]
    assert [record["id"] for record in records] == [f"hook:{n}" for n in range(2000, 2006)]


async def test_read_only_offers_the_moves_and_makes_none(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    async with opened(store.url, read_only=True) as (pilot, app):
        await enter(pilot, app, seeds.HOOKS, "f4")
        await shows(pilot, "▌ hook:1000")
        await pilot.press("R")
        await shows(pilot, "This dashboard is read-only")
        assert isinstance(app.screen, QueueScreen)
        assert "R Requeue" in text_of(app)


async def test_with_ascii_the_pages_draw_nothing_else(store: RealServer, raw: redis.Redis) -> None:
    seeds.alarm(raw)
    async with opened(store.url, is_ascii=True) as (pilot, app):
        await enter(pilot, app, seeds.MAIL, "f2")
        await shows(pilot, "> # mail:88412")
        await pilot.press("space", "slash", *"mail", "enter")
        await shows(pilot, "4 found of 4")
        queue = text_of(app)
        await pilot.press("C")
        await shows(pilot, "asked to end")
        dialog = text_of(app)
        await pilot.press("escape", "enter")
        await shows(pilot, "RUNNING PAST THE LIMIT")

        assert [line for line in (queue + dialog + text_of(app)).splitlines() if not line.isascii()] == []


async def test_it_tells_how_long_ids_waited_and_ran_where_there_is_room(store: RealServer, fleet: Fleet) -> None:
    trucks = fleet.queue("trucks")
    trucks.publish_many(range(20))
    await WorkerPool(trucks, lambda _: None, options=PoolOptions(burst=True)).serve()
    trucks.publish("waits")

    async with opened(store.url, size=(120, 40)) as (pilot, app):
        await enter(pilot, app, "trucks")
        await shows(pilot, "5m: waited ")
        await shows(pilot, "(half · 95% · 99%)")
        await pilot.resize_terminal(120, 24)
        await hides(pilot, "5m: waited ")
        await shows(pilot, "waits")


def test_of_the_times_as_many_are_told_as_fit_whole() -> None:
    told = Percentiles(5, 0.0894, 1.2, 724.0)
    known = [Durations(over_s, told, told) for over_s in (300.0, 3_600.0, 86_400.0)]

    lines = {room: text_of_line(durations_line(known, room)) for room in (60, 90, 150, 220)}

    assert lines[60] == ""
    assert lines[90] == (" 5m: waited 89ms · 1.2s · 12m04s, ran 89ms · 1.2s · 12m04s    (half · 95% · 99%)")
    assert [lines[room].count("waited") for room in (150, 220)] == [2, 3]
    assert all(len(text) <= room for room, text in lines.items())
    assert durations_line([Durations(300.0)], 200) == ()
    assert "ran — · — · —" in text_of_line(durations_line([Durations(300.0, told)], 200))


def text_of_line(line: Line) -> str:
    return "".join(span.text for span in line)
