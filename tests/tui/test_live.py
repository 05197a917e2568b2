"""The dashboard on a real store: what it writes, what it never writes, and what it does when the store goes away."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, Input

from convoy_core import Fleet, State
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.board import Place
from convoy_tui.dashboard.screens.launch import LaunchDialog
from convoy_tui.dashboard.screens.leave import LeaveDialog
from convoy_tui.dashboard.screens.overview import OverviewScreen
from convoy_tui.dashboard.screens.queue import QueueScreen
from convoy_tui.dashboard.source import LiveSource
from convoy_tui.dashboard.widgets.entry import ManyLines
from convoy_tui.dashboard.widgets.queue_table import QueueTable
from tests.servers import RealServer, valkey_binary
from tests.tui.screen import hides, shows, text_of, until

HOSTILE = [
    "[/",
    "[@click=app.quit]x[/]",
    "\x1b]0;title\x07\x1b[31mred",
    "a\u202eb",
    "line\nbreak",
    "\x9b31m",
    "x" * 16_383,
    "\udcff\udcfe",
]

HANDLERS = """
import asyncio, os, pathlib, signal, time
go = pathlib.Path(__file__).with_suffix(".go")
def work(job): pass
def fail(job): raise ValueError("[/ no \\x1b[31m")
def hold(job):
    while not go.exists(): time.sleep(0.01)
async def later(job): pass
async def wait(job): await asyncio.sleep(60)
def loud(job):
    print("the handler prints", job.id)
    os.write(1, b"\\x1b[2Jraw \\xff")
def deadly(job):
    if job.id == "segfault": os.kill(os.getpid(), signal.SIGSEGV)
    if job.id == "exit": os._exit(3)
    if job.id == "busy":
        while True: pass
"""


@asynccontextmanager
async def opened(
    url: str, *, read_only: bool = False, size: tuple[int, int] = (120, 36), interval_s: float = 0.2
) -> AsyncIterator[tuple[Pilot[None], ConvoyApp]]:
    source = LiveSource(url=url, read_only=read_only)
    place = Place(source.shown, None, read_only, "--read-only" if read_only else "", can_start=source.can_start)
    app = ConvoyApp(source, place, interval_s=interval_s)
    async with app.run_test(size=size) as pilot:
        yield pilot, app


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


@pytest.fixture
def handlers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"shop_{time.monotonic_ns()}"
    (tmp_path / f"{name}.py").write_text(HANDLERS)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def seed_stuck(raw: redis.Redis, ids: list[str]) -> None:
    for id in ids:
        member = id.encode("utf-8", "surrogateescape")
        raw.zadd("cv:q:processing", {member: int(time.time()) - 900})
        raw.sadd("cv:q:committed", member)


def writes(raw: redis.Redis) -> set[str]:
    stats = raw.info("commandstats")
    words = (
        "sadd",
        "srem",
        "zadd",
        "zrem",
        "rpush",
        "lpush",
        "lrem",
        "lpop",
        "hset",
        "hdel",
        "hincrby",
        "del",
        "set",
        "expire",
    )
    return {word for word in words if stats.get(f"cmdstat_{word}", {}).get("calls")}


async def test_published_ids_are_in_the_store_and_on_the_screen(store: RealServer, fleet: Fleet) -> None:
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "No queues here yet.")
        await pilot.press("N", *"trucks", "tab")
        app.screen.query_one(ManyLines).text = "42\n43\n42"
        await shows(pilot, "2 new · 1 repeated")
        await pilot.press("ctrl+s")
        await shows(pilot, "Published 2 to trucks, 1 repeated line.")
        await shows(pilot, "NO WORKERS trucks")

    assert [entry.id for entry in fleet.queue("trucks").entries(State.QUEUED)] == ["42", "43"]


async def test_keys_work_on_the_first_queue_of_a_store_that_was_empty(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    fleet.queue("boats").publish("a")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS boats")
        raw.flushdb()
        await pilot.press("r")
        await shows(pilot, "No queues here yet.")
        await until(pilot, lambda: app.screen.focused is None)
        fleet.queue("trucks").publish("b")
        await pilot.press("r")
        await shows(pilot, "NO WORKERS trucks")
        await shows(pilot, "Enter Open")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, QueueScreen))


async def test_a_window_that_was_in_the_background_has_its_focus_where_it_was(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("trucks").publish("a")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS trucks")
        await pilot.press("slash")
        app.post_message(events.AppBlur())
        await until(pilot, lambda: not app.app_focus)
        fleet.queue("boats").publish("a")
        await shows(pilot, "NO WORKERS boats")
        app.post_message(events.AppFocus())
        await until(pilot, lambda: app.app_focus and app.screen.focused is not None)
        await pilot.press("b")
        await hides(pilot, "NO WORKERS trucks")


async def test_the_jam_guard_puts_stuck_ids_back(store: RealServer, fleet: Fleet, raw: redis.Redis) -> None:
    seed_stuck(raw, ["a", "b"])
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "JAMMED")
        await pilot.press("J")
        await shows(pilot, "2 jobs will leave processing")
        raw.zrem("cv:q:processing", "a")
        raw.srem("cv:q:committed", "a")
        await pilot.press("ctrl+s")
        await shows(pilot, "Cleared 1 and requeued it; 1 had finished in the meantime.")

    assert [entry.id for entry in fleet.queue("q").entries(State.QUEUED)] == ["b"]


async def test_requeue_pause_and_resume(store: RealServer, fleet: Fleet, raw: redis.Redis) -> None:
    raw.zadd("cv:q:failed", {"a": 2, "b": 1})
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "◇ failed")
        await pilot.press("R")
        await shows(pilot, "2   will be queued again")
        await pilot.press("y")
        await shows(pilot, "Requeued 2 IDs.")
        await pilot.press("P")
        await shows(pilot, "Workers stop claiming")
        await pilot.press("y")
        await shows(pilot, "Paused q.")
        await shows(pilot, "‖ paused")
        assert fleet.queue("q").snapshot().paused
        await pilot.press("P")
        await shows(pilot, "Workers claim again")
        await pilot.press("y")
        await shows(pilot, "Resumed q.")

    assert not fleet.queue("q").snapshot().paused
    assert fleet.queue("q").counts().queued == 2


async def test_read_only_writes_nothing_whatever_is_pressed(store: RealServer, fleet: Fleet, raw: redis.Redis) -> None:
    fleet.queue("q").publish_many(["a", "b"])
    raw.zadd("cv:q:failed", {"f": 1})
    seed_stuck(raw, ["s"])
    raw.config_resetstat()

    async with opened(store.url, read_only=True) as (pilot, app):
        await shows(pilot, "READ-ONLY")
        await shows(pilot, "JAMMED")
        for key in "JRNPWyXDUjk*prt+-gG":
            await pilot.press({"*": "asterisk", "+": "plus", "-": "minus"}.get(key, key), "escape")
        await pilot.press("slash", "q", "enter", "escape", "question_mark", "escape", "colon", "escape")
        assert isinstance(app.screen, OverviewScreen)
        await app._source.discover()
        await app._poller.look_once()

    assert writes(raw) == set()
    assert raw.info("commandstats")["cmdstat_evalsha_ro"]["calls"] >= 2


async def test_a_poll_is_one_round_trip_for_any_number_of_queues(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    for n in range(40):
        fleet.queue(f"q{n}").publish("a")
    source = LiveSource(url=store.url, read_only=True)
    await source.look()
    raw.config_resetstat()

    for _ in range(5):
        await source.look()
    await source.close()

    stats = raw.info("commandstats")
    assert stats["cmdstat_evalsha_ro"]["calls"] == 5
    assert stats["cmdstat_smembers"]["calls"] == 5  # in the same round trip
    assert not {"cmdstat_scan", "cmdstat_keys", "cmdstat_type"} & set(stats)


async def test_hostile_ids_are_shown_and_moved_and_break_nothing(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    seed_stuck(raw, HOSTILE)
    for id in HOSTILE:
        raw.zadd("cv:q:failed", {id.encode("utf-8", "surrogateescape") + b"!": 3})
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "JAMMED")
        await pilot.press("J")
        await shows(pilot, f"{len(HOSTILE)} jobs will leave")
        assert not any(ord(c) < 32 and c != "\n" for c in text_of(app))
        await shows(pilot, "[@click=app.quit]x[/]")
        await pilot.click("#jobs", offset=(8, 1))
        await shows(pilot, f"{len(HOSTILE) - 1} jobs will leave")
        await pilot.click("#jobs", offset=(8, 1))
        await pilot.press("ctrl+s")
        await shows(pilot, f"Cleared {len(HOSTILE)} and requeued them.")
        await pilot.press("R")
        await shows(pilot, f"{len(HOSTILE)}   will be queued again")
        assert not any(ord(c) < 32 and c != "\n" for c in text_of(app))
        await pilot.press("y")
        await shows(pilot, f"Requeued {len(HOSTILE)} IDs.")
        await pilot.press("N")
        app.screen.query_one(ManyLines).text = "\x1b[31mred\n[/\n[@click=app.quit]x[/]"
        await shows(pilot, "1 new")
        assert "\x1b" not in text_of(app)
        await pilot.press("escape")

    queued = {entry.id for entry in fleet.queue("q").entries(State.QUEUED)}
    assert queued == set(HOSTILE) | {id + "!" for id in HOSTILE}


async def test_hostile_queue_names_are_shown_in_every_place(store: RealServer, raw: redis.Redis) -> None:
    names = ["[@click=app.quit]x[/]", "\x1b[31m[/ a\u202eb\ntwo lines"]
    for name in names:
        raw.zadd(f"cv:{name}:failed", {"f": 1})
        raw.rpush(f"cv:{name}:queued", "x")
        raw.sadd(f"cv:{name}:committed", "x")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "2 queues")
        for verb in "JRNPW":
            for _ in names:
                await pilot.press(verb)
                await until(pilot, lambda: not isinstance(app.screen, OverviewScreen))
                await pilot.pause()
                assert not any((ord(c) < 32 and c != "\n") or c == "\u202e" for c in text_of(app))
                await pilot.press("escape")
                await until(pilot, lambda: isinstance(app.screen, OverviewScreen))
                await pilot.press("j")
            await pilot.press("g")
        await pilot.press("colon")
        await shows(pilot, "Commands")
        await pilot.press("escape")
        assert app.is_running


async def test_the_store_killed_and_started_again_is_shown_and_survived() -> None:
    server = RealServer(valkey_binary(), "--appendonly", "yes", "--appendfsync", "always")
    try:
        with Fleet(redis=server.url) as fleet:
            fleet.queue("q").publish_many(["a", "b"])
        async with opened(server.url) as (pilot, app):
            await shows(pilot, "NO WORKERS q")
            await pilot.press("P")
            await until(pilot, lambda: not isinstance(app.screen, OverviewScreen))
            server.kill()
            await pilot.press("y")
            await shows(pilot, "Not done.")
            await pilot.press("escape")
            await shows(pilot, "LOST")
            await shows(pilot, "Everything below is from")
            await shows(pilot, "NO WORKERS q")
            server.start()
            await pilot.press("r")
            await shows(pilot, "The store is back after")
            await shows(pilot, "live")
            await pilot.press("P")
            await shows(pilot, "Workers stop claiming")
            await pilot.press("y")
            await shows(pilot, "Paused q.")
    finally:
        server.stop()


async def test_no_password_reaches_the_screen() -> None:
    secret = "S3cret-canary"
    server = RealServer(valkey_binary())
    try:
        with server.client() as client:
            client.acl_setuser("ann", enabled=True, passwords=[f"+{secret}"], commands=["+@all"], keys=["*"])
        for password, expected in (
            (secret, "No queues here yet."),
            (f"wrong-{secret}", "refused the user name or password"),
        ):
            async with opened(f"unix://ann:{password}@{server.socket}") as (pilot, app):
                await shows(pilot, expected)
                for key in ("r", "question_mark", "escape", "colon"):
                    await pilot.press(key)
                    await pilot.pause()
                    assert secret not in text_of(app)
    finally:
        server.stop()


# -- workers in this process


async def launch(pilot: Pilot[None], app: ConvoyApp, path: str, limit: str = "5m") -> None:
    await pilot.press("W")
    await shows(pilot, "Time limit")
    dialog = app.screen
    assert isinstance(dialog, LaunchDialog)
    dialog.query_one("#path", Input).value = path
    dialog.query_one("#time", Input).value = limit
    await until(pilot, lambda: dialog._order is not None and dialog._order.path == path)
    await shows(pilot, "found: a ")
    await pilot.press("ctrl+s")
    await shows(pilot, "Started local-")


async def test_workers_launched_in_process_run_ids_and_stop(store: RealServer, fleet: Fleet, handlers: str) -> None:
    fleet.queue("q").publish_many(range(30))
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS q")
        await launch(pilot, app, f"{handlers}:work")
        await pilot.press("4")
        await shows(pilot, "done      30")
        await pilot.press("plus")
        await shows(pilot, "local-1 has 2 slots now.")
        await shows(pilot, "0 of 2 slots")
        await pilot.press("X")
        await shows(pilot, "Nothing runs in it.")
        await pilot.press("y")
        await shows(pilot, "local-1 · q stops.")
        await until(pilot, lambda: app.services.local_pools.members() == [])
        await pilot.press("q")
        await until(pilot, lambda: app._exit)

    assert fleet.queue("q").counts().committed == 0
    assert fleet.queue("q").workers() == []


async def test_a_handler_that_raises_or_prints_never_reaches_the_screen(
    store: RealServer, fleet: Fleet, handlers: str
) -> None:
    fleet.queue("q").publish_many(range(3))
    fleet.queue("r").publish_many(range(3))
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS q")
        await launch(pilot, app, f"{handlers}:fail")
        await pilot.press("4")
        await shows(pilot, "failed    3")
        await pilot.press("1")
        app.screen.query_one(QueueTable).point_at("r")
        await launch(pilot, app, f"{handlers}:loud")
        await pilot.press("4")
        await shows(pilot, "done      3")
        assert "the handler prints" not in text_of(app)
        await pilot.press("L")
        await shows(pilot, "the handler prints 0")
        await shows(pilot, r"\x1b[2Jraw \xff")
        await pilot.press("escape", "escape")
        assert app.is_running

    assert fleet.queue("q").counts().failed == 3


async def test_a_handler_that_dies_or_burns_cannot_reach_the_dashboard(
    store: RealServer, fleet: Fleet, handlers: str
) -> None:
    fleet.queue("q").publish_many(["segfault", "exit", "busy", "fine"])
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS q")
        await launch(pilot, app, f"{handlers}:deadly", limit="2s")
        await pilot.press("4")
        await shows(pilot, "failed    3")
        await shows(pilot, "done      1")
        assert app.is_running

    reasons = {entry.id: entry.error for entry in fleet.queue("q").entries(State.FAILED)}
    assert reasons == {
        "segfault": "the handler's process ended: killed by SIGSEGV",
        "exit": "the handler's process ended: exit status 3",
        "busy": "TimedOut: it ran for longer than 2 s",
    }


async def test_handlers_run_in_threads_where_that_is_asked_for(store: RealServer, fleet: Fleet, handlers: str) -> None:
    fleet.queue("q").publish("a")
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS q")
        await pilot.press("W")
        await shows(pilot, "Time limit")
        app.screen.query_one("#path", Input).value = f"{handlers}:work"
        app.screen.query_one("#then").focus()
        await pilot.press("down")
        await shows(pilot, "found: a plain function")
        await pilot.press("ctrl+s")
        await shows(pilot, "Started local-")
        (local,) = app.services.local_pools.members("q")
        assert local.order.handler is importlib.import_module(handlers).work


async def test_a_command_line_is_launched_and_what_it_prints_is_kept(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("q").publish_many(["a", "b; touch spoilt"])
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS q")
        await pilot.press("W")
        await shows(pilot, "Time limit")
        app.screen.query_one("#then").focus()
        await pilot.press("down", "down")
        for line, said in (
            ("", "a program and its arguments"),
            ("no-such-program {}", "There is no program 'no-such-program' to run."),
            ("echo 'made", "cannot be split into words"),
            ("echo made-{}", "must stand alone as a word"),
            ("echo made {}", "run without a shell"),
        ):
            app.screen.query_one("#path", Input).value = line
            await shows(pilot, said)
        await shows(pilot, "$ convoy work q --exec 'echo made {}' -c 1 --job-timeout 5m")
        await shows(pilot, "Start a pool of 1 slot")
        await pilot.press("ctrl+s")
        await shows(pilot, "Started local-1: 1 slot on q.")
        await pilot.press("4")
        await shows(pilot, "done      2")
        await pilot.press("L")
        await shows(pilot, "made a")
        await shows(pilot, "made b; touch spoilt")

    assert fleet.queue("q").counts().committed == 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nothing", "is no handler"),
        ("no_such_module:work", "There is no module"),
        ("os:no_such_name", "has no"),
        ("os:sep", "not something that can be called"),
    ],
)
async def test_a_handler_that_cannot_be_found_is_said_while_typing(
    store: RealServer, fleet: Fleet, path: str, said: str
) -> None:
    fleet.queue("q").publish("a")
    async with opened(store.url, size=(160, 40)) as (pilot, app):
        await shows(pilot, "NO WORKERS q")
        await pilot.press("W")
        await shows(pilot, "Time limit")
        app.screen.query_one("#path", Input).value = path
        await shows(pilot, said)
        assert app.screen.query_one("#confirm", Button).disabled


def let_go(handlers: str) -> None:
    """Let `hold` return."""
    found = importlib.util.find_spec(handlers)
    assert found is not None
    assert found.origin is not None
    Path(found.origin).with_suffix(".go").touch()


async def busy(pilot: Pilot[None], app: ConvoyApp, fleet: Fleet, handler: str) -> None:
    """One worker of this process holds one job, and `q` was pressed."""
    fleet.queue("q").publish("a")
    await shows(pilot, "NO WORKERS q")
    await launch(pilot, app, handler)
    await until(pilot, lambda: app.services.local_pools.running)
    await pilot.press("q")
    await until(pilot, lambda: isinstance(app.screen, LeaveDialog))
    await shows(pilot, "1 ID is running:")


async def test_quitting_with_busy_workers_asks_and_may_be_taken_back(
    store: RealServer, fleet: Fleet, handlers: str
) -> None:
    async with opened(store.url) as (pilot, app):
        await busy(pilot, app, fleet, f"{handlers}:hold")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, OverviewScreen))
        assert not app._exit
        let_go(handlers)


async def test_quitting_can_give_back_what_runs(store: RealServer, fleet: Fleet, handlers: str) -> None:
    async with opened(store.url) as (pilot, app):
        await busy(pilot, app, fleet, f"{handlers}:hold")
        await pilot.press("g")
        await until(pilot, lambda: app._exit)
        let_go(handlers)

    assert [entry.id for entry in fleet.queue("q").entries(State.QUEUED)] == ["a"]


@pytest.mark.parametrize("word", ["", "cancel"])
async def test_giving_back_is_not_cancelling_whatever_was_typed_before(
    store: RealServer, fleet: Fleet, handlers: str, word: str
) -> None:
    async with opened(store.url) as (pilot, app):
        await busy(pilot, app, fleet, f"{handlers}:hold")
        await pilot.press("c")
        await shows(pilot, "Type cancel to go on:")
        await pilot.press("backspace", *word, "tab", "g")
        await until(pilot, lambda: app._exit)
        let_go(handlers)

    assert [entry.id for entry in fleet.queue("q").entries(State.QUEUED)] == ["a"]
    assert fleet.queue("q").snapshot().totals.get("cancelled", 0) == 0


async def test_quitting_can_cancel_what_runs(store: RealServer, fleet: Fleet, handlers: str) -> None:
    async with opened(store.url) as (pilot, app):
        await busy(pilot, app, fleet, f"{handlers}:wait")
        await pilot.press("c")
        await shows(pilot, "Type cancel to go on:")
        await pilot.press("y")
        assert app.services.local_pools.running
        await pilot.press("backspace", *"cancel", "enter")
        await until(pilot, lambda: app._exit)

    assert fleet.queue("q").counts().committed == 0
    assert fleet.queue("q").snapshot().totals.get("done", 0) == 0


async def test_quitting_can_wait_for_what_runs(store: RealServer, fleet: Fleet, handlers: str) -> None:
    async with opened(store.url) as (pilot, app):
        await busy(pilot, app, fleet, f"{handlers}:hold")
        await pilot.press("y")
        await shows(pilot, "Nothing more is claimed.")
        assert not app._exit
        let_go(handlers)
        await until(pilot, lambda: app._exit)

    assert fleet.queue("q").counts().committed == 0


async def test_a_second_quit_while_the_first_waits_opens_nothing(
    store: RealServer, fleet: Fleet, handlers: str
) -> None:
    async with opened(store.url) as (pilot, app):
        await busy(pilot, app, fleet, f"{handlers}:hold")
        await pilot.press("y")
        await shows(pilot, "Nothing more is claimed.")
        await pilot.press("ctrl+q")
        dialogs = [each for each in app.screen_stack if isinstance(each, LeaveDialog)]
        let_go(handlers)
        assert len(dialogs) == 1
        await until(pilot, lambda: app._exit)


async def test_a_damaged_queue_is_an_alarm_and_the_others_go_on(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    fleet.queue("fine").publish("a")
    raw.set("cv:broken:queued", "not a list")
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "DAMAGED    broken")
        await shows(pilot, "It cannot be read: ")
        await shows(pilot, "NO WORKERS fine")


async def test_connection_warnings_are_shown(store: RealServer) -> None:
    source = LiveSource(url=store.url)
    app = ConvoyApp(source, Place(source.shown), advise=lambda: "The way is unsafe.")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "The way is unsafe.")
