"""The Workers page on a real store: who works where, who is silent, and what a pool holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from convoy_core import AsyncFleet, Fleet, Snapshot, WorkerInfo
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.pool_rates import PoolRates, Speed
from convoy_tui.dashboard.board.pool_words import pool_lines
from convoy_tui.dashboard.board.pools import Pool, PoolsRow
from convoy_tui.dashboard.board.spans import plain
from convoy_tui.dashboard.reading.pools import AGAIN_S, PoolReader
from convoy_tui.dashboard.screens.launch import LaunchDialog
from convoy_tui.dashboard.screens.pool import PoolScreen
from convoy_tui.dashboard.screens.workers import WorkersScreen
from convoy_tui.dashboard.services import Where
from convoy_tui.dashboard.widgets.table import Table
from tests.moves.keyspace import sent_since_reset
from tests.servers import RealServer
from tests.tui.live import opened
from tests.tui.pools import Crew, some_hosts
from tests.tui.screen import hides, shows, text_of, until


@pytest.fixture
def fleet(store: RealServer) -> Iterator[Fleet]:
    with Fleet(redis=store.url) as fleet:
        yield fleet


@pytest.fixture
def raw(store: RealServer) -> Iterator[redis.Redis]:
    with store.client() as client:
        yield client


def table(app: ConvoyApp) -> Table[PoolsRow]:
    found: Table[PoolsRow] = app.screen.query_one("#pools", Table)
    return found


def line_with(app: ConvoyApp, text: str) -> str:
    return next(line for line in text_of(app).splitlines() if text in line)


async def test_pools_stand_under_their_hosts_and_who_is_silent_is_said(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    some_hosts(fleet, raw)
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS reports:nightly")
        await pilot.press("4")
        await shows(pilot, "1 of 4 pools is silent: host-7:4012 of emails:transactional, for 11m")
        await shows(pilot, "Nobody works on reports:nightly.")
        await shows(pilot, "▾ host-7")
        names = [line.split()[0] for line in text_of(app).replace("▌", " ").replace("▾ ", "").splitlines()[4:12]]
        assert names == ["nobody", "host-7", "4012", "host-3", "4711", "4712", "host-12", "901"]
        assert "3/4  12m" in line_with(app, "4711")
        assert "a" * 32 not in text_of(app)


async def test_enter_folds_a_host_and_shows_what_a_pool_holds(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    some_hosts(fleet, raw)
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "NO WORKERS reports:nightly")
        await pilot.press("4")
        await shows(pilot, "▾ host-3")
        table(app).point_at("host host-3")
        await pilot.press("enter")
        await shows(pilot, "▸ host-3")
        assert "4711" not in text_of(app)
        await pilot.press("enter")
        await shows(pilot, "4711")
        table(app).point_at("pool " + "a" * 32)
        await shows(pilot, "12m0")
        await pilot.press("enter")
        await shows(pilot, "host-3:4711 works on emails:transactional")
        await until(pilot, lambda: app.screen.query_one("#held", Table).cursor == "mail:88412")
        shown = text_of(app)
        assert shown.index("mail:88412") < shown.index("mail:88390") < shown.index("mail:88377")
        assert app.page.here == Where("emails:transactional")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, WorkersScreen))
        assert table(app).cursor == "pool " + "a" * 32


async def test_a_pool_that_ends_while_it_is_looked_at_is_said_to_have_ended(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    Crew(fleet, raw).joins("q", "a" * 32, host="h", holds=["x"])
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "1 worker")
        await pilot.press("4")
        await shows(pilot, "1 of 4 slots")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PoolScreen))
        await shows(pilot, "▌ x")
        raw.zrem("cv:q:workers", "a" * 32)
        await shows(pilot, "This pool of q has ended, and holds nothing.")
        await hides(pilot, "▌ x")


async def test_the_cursor_begins_where_one_comes_from_and_w_launches_for_that_queue(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    some_hosts(fleet, raw)
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "webhooks")
        app.overview.point_at("webhooks")
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, WorkersScreen) and table(app).cursor == "pool " + "b" * 32)
        table(app).point_at("queue reports:nightly")
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, LaunchDialog))
        await shows(pilot, "Launch workers · reports:nightly")
        await pilot.press("escape")
        table(app).point_at("host host-7")
        await hides(pilot, "start workers")
        await pilot.press("W")
        await shows(pilot, "Move the cursor to a pool or a queue")
        assert app.page.here == Where(None)


async def test_the_queue_is_found_as_it_was_left_also_from_a_pool(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    Crew(fleet, raw).joins("q", "a" * 32, host="h", holds=["x", "y"])
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "1 worker")
        await pilot.press("2", "f2", "slash", "y", "enter")
        await shows(pilot, "1 found of 2")
        await pilot.press("4")
        await shows(pilot, "2 of 4 slots")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PoolScreen))
        await until(pilot, lambda: app.screen.query_one("#held", Table).cursor is not None)
        await pilot.press("2")
        await shows(pilot, "1 found of 2")
        assert [where for name, where in app.services.kept if name == "queue"] == [Where("q")]


async def test_where_nobody_works_it_is_said_how_to_begin(store: RealServer, fleet: Fleet) -> None:
    fleet.queue("calm")
    async with opened(store.url) as (pilot, _):
        await shows(pilot, "No queues")
        await pilot.press("4")
        await shows(pilot, "No workers anywhere.")
        await shows(pilot, "convoy work QUEUE --handler")
        await pilot.press("W")
        await shows(pilot, "Move the cursor to a pool or a queue")


async def test_the_verbs_for_pools_of_this_process_are_off_on_others(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    Crew(fleet, raw).joins("q", "a" * 32, host="h", slots=3)
    async with opened(store.url) as (pilot, app):
        await shows(pilot, "1 worker")
        await pilot.press("4")
        await shows(pilot, "0 of 3 slots")
        await pilot.press("plus")
        await shows(pilot, "h:4711 is a pool of another process")
        await pilot.press("X")
        assert isinstance(app.screen, WorkersScreen)


def info(done: int, failed: int = 0, id: str = "w") -> WorkerInfo:
    return WorkerInfo(id, "q", "h", 1, "f", 4, 0.0, 10.0, 0, done, failed)


@pytest.mark.parametrize(
    ("readings", "at", "speed"),
    [
        ([], 100, None),
        # Once seen says nothing yet.
        ([(100, 7, 0)], 104, None),
        # Counters that do not move for more than two heartbeats stand still.
        ([(100, 7, 0)], 111, Speed(0, 0, 11)),
        # The first change tells when a heartbeat was; the second how much ended since.
        ([(100, 7, 0), (102, 20, 0)], 103, None),
        ([(100, 7, 0), (102, 20, 0), (106, 60, 2)], 107, Speed(10, 0.5, 4)),
        # Between heartbeats it stays what it was, until they fail to come.
        ([(100, 7, 0), (102, 20, 0), (106, 60, 2)], 109, Speed(10, 0.5, 4)),
        ([(100, 7, 0), (102, 20, 0), (106, 60, 2)], 122, Speed(2, 0.1, 20)),
        # What is longer ago than a minute does not count.
        ([(100, 0, 0), (102, 500, 0), (170, 600, 0), (180, 650, 0)], 181, Speed(5, 0, 10)),
    ],
)
def test_a_speed_is_measured_from_heartbeat_to_heartbeat(
    readings: list[tuple[float, int, int]], at: float, speed: Speed | None
) -> None:
    rates = PoolRates()
    for when, done, failed in readings:
        rates.add([info(done, failed)], when)

    assert rates.of("w", at) == speed


def test_a_pool_that_is_gone_is_forgotten() -> None:
    rates = PoolRates()
    rates.add([info(1), info(1, id="other")], 0)
    rates.add([info(1, id="other")], 20)

    assert rates.of("w", 21) is None
    assert rates.of("other", 21) == Speed(0, 0, 21)


@pytest.mark.parametrize(("over_s", "said"), [(4, "0.5/s in the last 4s"), (75, "0.5/s in the last minute")])
def test_a_speed_says_over_which_time_it_was_measured(over_s: float, said: str) -> None:
    pool = Pool(info(66, 23), (), 12.0, Speed(2, 0.5, over_s))

    assert said in "".join(plain(line) for line in pool_lines(pool, False, 120))


async def test_who_is_quiet_or_of_too_low_a_version_is_said_in_its_row_and_on_its_page(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    some_hosts(fleet, raw)
    raw.hset("cv:emails:transactional:worker:" + "a" * 32, "version", "1.3\x1b")
    raw.hset("cv:emails:transactional:worker:" + "b" * 32, "version", "1.5")
    queue = fleet.queue("emails:transactional")
    queue.set_lowest_version("1.4")
    async with opened(store.url, size=(260, 40)) as (pilot, app):
        await shows(pilot, "NO WORKERS reports:nightly")
        await pilot.press("4")
        await shows(pilot, "‖ outdated")
        assert r"1.3\x1b" in line_with(app, "4711")
        queue.quiet("a" * 32)
        await shows(pilot, "‖ quiet")
        assert "‖ quiet" in line_with(app, "4711")
        table(app).point_at("pool " + "a" * 32)
        await shows(pilot, "Alive, and claims nothing, since it is quiet, version")
        await shows(pilot, r"1.3\x1b. What it runs goes on.")
        queue.unquiet("a" * 32)
        queue.set_lowest_version(None)
        await hides(pilot, "quiet")


def later(snapshot: Snapshot, seconds: float) -> Snapshot:
    """The same after so many seconds in which nothing has happened."""
    oldest_s = snapshot.oldest_processing_s
    aged_s = None if oldest_s is None else oldest_s + seconds
    return replace(snapshot, at=snapshot.at + seconds, oldest_processing_s=aged_s)


async def test_the_pools_of_a_hundred_queues_take_one_script_and_nothing_while_nothing_changes(
    store: RealServer, fleet: Fleet, raw: redis.Redis
) -> None:
    crew = Crew(fleet, raw)
    names = [f"q{n:02}" for n in range(100)]
    for name in names:
        crew.joins(name, "a" * 32, host="h", holds=["x", "y"])
    async with AsyncFleet(redis=store.url) as asked:
        reader = PoolReader(asked)

        async def sent(at: float = 0.0, *, anew: bool = False) -> int:
            """How many scripts a look sends that comes so many seconds after the first."""
            snapshots = [later(one, at) for one in fleet.snapshot(names)]
            if anew:
                reader.forget()
            raw.config_resetstat()
            await reader.read(snapshots, ())
            return sum(n for word, n in sent_since_reset(raw).items() if word.startswith("eval"))

        await sent()
        first = await sent(anew=True)
        then = [await sent(), await sent(AGAIN_S - 1), await sent(AGAIN_S + 1), await sent(anew=True)]
        fleet.queue("q07").publish("z")
        crew.joins("q07", "b" * 32, host="h")
        changed = await sent()
        pools = await reader.read(fleet.snapshot(names), ())

    assert (first, then, changed) == (1, [0, 0, 1, 1], 1)
    assert len(pools) == 101
    assert {tuple(entry.id for entry in pool.held) for pool in pools} == {("x", "y"), ()}


async def test_ages_go_on_between_two_reads(store: RealServer, fleet: Fleet, raw: redis.Redis) -> None:
    crew = Crew(fleet, raw)
    crew.joins("q", "a" * 32, host="h", holds=["x"])
    crew.joins("q", "b" * 32, host="h")
    crew.holds_since("q", "x", 100)
    crew.falls_silent("q", "b" * 32, 50)
    async with AsyncFleet(redis=store.url) as asked:
        reader = PoolReader(asked)
        seen = fleet.snapshot(["q"])
        await reader.read(seen, ())
        silent, held = await reader.read([later(one, AGAIN_S - 1) for one in seen], ())

    assert held.oldest_s is not None
    assert held.oldest_s > 100 + AGAIN_S - 2
    assert silent.silent_s is not None
    assert silent.silent_s > 50 + AGAIN_S - 2
