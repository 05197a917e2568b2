"""How long IDs waited and ran, kept in the store: added up by heartbeats, per minute and per hour, and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convoy_core import Durations, Fleet, Percentiles
from convoy_core.durations import BUCKETS
from convoy_core.moves.working import Pulse, renew, unregister_safely
from tests.moves.keyspace import NOW, W, World, commands
from tests.servers import RealServer

MINUTE, HOUR = 60_000, 3_600_000
FIRST = NOW - NOW % HOUR
"""An hour begins."""
NOBODY = [Durations(300.0), Durations(3_600.0), Durations(86_400.0)]
KEYS = ("durations:minutes", "durations:hours")


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    world.seed({"workers": {W: NOW + 10**9}})
    yield world
    world.close()


def told(waits: dict[int, int], runs: dict[int, int]) -> str:
    """As a pool tells it."""
    pairs = [*waits.items(), *runs.items()]
    return " ".join(map(str, [len(waits), *(number for pair in pairs for number in pair)]))


def beat(world: World, counted: str, at: int = FIRST) -> None:
    world.queue._connection.now_ms = at
    world.run(renew(world.keys, W, 10**9, Pulse(0, 0, [], None, counted), ()))


def counts(world: World, at: int = FIRST) -> list[tuple[int, int]]:
    """How many waits and runs in 5 minutes, an hour and a day."""
    world.queue._connection.now_ms = at
    return [(each.waits.count, each.runs.count) for each in world.queue.durations()]


def test_nothing_is_known_where_nobody_has_counted(world: World) -> None:
    assert world.queue.durations() == NOBODY


def test_what_is_counted_is_told_as_percentiles(world: World) -> None:
    beat(world, told({20: 98, 40: 2}, {5: 1}))

    fives = world.queue.durations()[0]

    assert fives.over_s == 300.0
    assert fives.waits.count == 100
    assert fives.waits.p50_s == pytest.approx(0.0894, abs=1e-4)
    assert fives.waits.p95_s == fives.waits.p50_s
    assert fives.waits.p99_s == pytest.approx(8.944, abs=1e-3)
    assert fives.runs.count == 1
    assert fives.runs.p50_s == fives.runs.p99_s == pytest.approx(0.00281, abs=1e-5)


def test_heartbeats_add_up_waits_and_runs_each_by_itself(world: World) -> None:
    beat(world, told({1: 1}, {1: 2, 3: 1}))
    beat(world, told({}, {3: 4}))
    beat(world, told({1: 5, 2: 1}, {}))

    assert counts(world) == [(7, 7)] * 3


@pytest.mark.parametrize(
    ("later", "left"),
    [
        (5 * MINUTE + MINUTE - 1, [1, 1, 1]),
        (6 * MINUTE, [0, 1, 1]),
        (61 * MINUTE - 1, [0, 1, 1]),
        (61 * MINUTE, [0, 0, 1]),
        (25 * HOUR - 1, [0, 0, 1]),
        (25 * HOUR, [0, 0, 0]),
    ],
)
def test_a_time_has_the_minute_or_hour_that_goes_on_and_so_many_before(
    world: World, later: int, left: list[int]
) -> None:
    beat(world, told({1: 1}, {1: 1}))

    assert counts(world, FIRST + later) == [(n, n) for n in left]


def test_a_place_is_taken_over_when_it_is_its_turn_again(world: World) -> None:
    beat(world, told({1: 1}, {}))
    beat(world, told({2: 3}, {}), FIRST + 61 * MINUTE)

    assert counts(world, FIRST + 61 * MINUTE)[:2] == [(3, 0), (3, 0)]
    assert world.client.hlen("cv:q:durations:minutes") == 1
    assert world.client.hlen("cv:q:durations:hours") == 2


def test_a_clock_that_was_set_back_tells_nothing_of_the_future(world: World) -> None:
    beat(world, told({1: 1}, {}), FIRST + 2 * MINUTE)

    assert counts(world, FIRST)[0] == (0, 0)


def test_all_that_can_be_kept_is_about_100_kb_and_most_is_far_less(world: World) -> None:
    full = told(dict.fromkeys(range(BUCKETS), 2**32 - 1), dict.fromkeys(range(BUCKETS), 2**32 - 1))
    usual = told(dict.fromkeys(range(12, 18), 900), dict.fromkeys(range(20, 26), 900))

    def bytes_with(counted: str) -> int:
        world.client.delete(*(f"cv:q:{key}" for key in KEYS))
        for minute in range(62):
            beat(world, counted, FIRST + minute * MINUTE)
        for hour in range(26):
            beat(world, counted, FIRST + hour * HOUR)
        assert [world.client.hlen(f"cv:q:{key}") for key in KEYS] == [61, 25]
        return sum(int(world.client.memory_usage(f"cv:q:{key}", samples=0) or 0) for key in KEYS)

    assert bytes_with(usual) < 10_000
    assert 90_000 < bytes_with(full) < 125_000
    assert counts(world, FIRST + 25 * HOUR)[2][0] == 25 * BUCKETS * (2**32 - 1)


def test_more_buckets_than_there_are_places_for_end_an_entry_and_nothing_else(world: World) -> None:
    beat(world, told({1: 1}, dict.fromkeys(range(1_000), 7)))
    beat(world, told({1: 1}, {2: 1}))

    waits, runs = counts(world)[0]
    assert waits == 2
    assert runs > 0
    assert all(len(entry) < 1_300 for key in KEYS for entry in world.client.hvals(f"cv:q:{key}"))


@pytest.mark.parametrize("odd", ["", "x", "1", "2 1", "1 2 3 4", "-", "9 1 1"])
def test_what_no_pool_would_tell_is_no_matter(world: World, odd: str) -> None:
    beat(world, odd)

    assert counts(world)[0][1] == 0


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"x",
        b"\xc1",
        b"\x93\x01\x02",
        b"\x91\xa1x",
        b"\x94\x00\x01\xa1x\x01",
        b"\x80",
        b"\xc0",
        b"\x93\x00\x00\xcb",
    ],
)
def test_an_entry_that_is_none_of_ours_is_begun_anew_and_not_read(world: World, kept: bytes) -> None:
    world.client.hset("cv:q:durations:minutes", str(FIRST // MINUTE % 61), kept)
    world.client.hset("cv:q:durations:hours", "x", kept)
    before = counts(world)

    beat(world, told({1: 1}, {1: 1}))

    assert before == [(0, 0)] * 3
    assert counts(world) == [(1, 1)] * 3


@pytest.mark.parametrize("kind", ["string", "list"])
def test_a_key_of_a_wrong_type_ends_no_lease_and_is_told_as_nothing(world: World, kind: str) -> None:
    for key in KEYS:
        if kind == "string":
            world.client.set(f"cv:q:{key}", "x")
        else:
            world.client.rpush(f"cv:q:{key}", "x")

    beat(world, told({1: 1}, {1: 1}), NOW)

    assert world.client.zscore("cv:q:workers", W) == NOW + 10**9
    assert world.queue.durations() == NOBODY
    world.client.hset(f"cv:q:worker:{W}", "number", "5")
    assert world.drive(unregister_safely(world.keys, W, 5, counted=told({1: 1}, {})))


def test_what_was_counted_last_comes_with_the_end(world: World) -> None:
    world.queue._connection.now_ms = FIRST

    world.client.hset(f"cv:q:worker:{W}", "number", "5")

    assert world.drive(unregister_safely(world.keys, W, 5, counted=told({1: 1}, {2: 2})))

    assert counts(world)[0] == (1, 2)


def test_a_heartbeat_without_counts_has_no_command_more(world: World) -> None:
    beat(world, "")

    sent = commands(world.client, lambda: beat(world, ""))
    with_counts = commands(world.client, lambda: beat(world, told({1: 1}, {})))

    assert with_counts == sent | {"hget": sent["hget"] + 2, "hset": sent["hset"] + 2}


def test_many_queues_are_read_in_one_round_trip(world: World) -> None:
    beat(world, told({1: 1}, {}))
    with Fleet(redis=world.server.url) as fleet:
        fleet._connection.now_ms = FIRST
        names = ["q", *(f"none{n}" for n in range(250))]
        fleet.durations(names)

        sent = commands(world.client, lambda: fleet.durations(names))
        found = fleet.durations(names)

    assert sent["evalsha_ro"] == 3
    assert [*found] == names
    assert found["q"][0].waits == Percentiles(1, *[found["q"][0].waits.p50_s] * 3)
    assert found["none7"] == NOBODY


def test_a_queue_with_much_of_it_goes_on_with_another_script(world: World) -> None:
    full = told(dict.fromkeys(range(BUCKETS), 2**32 - 1), dict.fromkeys(range(BUCKETS), 2**32 - 1))
    for minute in range(61):
        beat(world, full, FIRST + minute * MINUTE)
    kept: dict[Any, Any] = world.client.hgetall("cv:q:durations:minutes")
    with Fleet(redis=world.server.url) as fleet:
        names = [f"q{n}" for n in range(9)]
        for name in names:
            world.client.hset(f"cv:{name}:durations:minutes", mapping=kept)
        fleet._connection.now_ms = FIRST + 60 * MINUTE

        found = fleet.durations(names)

    assert {each[1].waits.count for each in found.values()} == {61 * BUCKETS * (2**32 - 1)}
