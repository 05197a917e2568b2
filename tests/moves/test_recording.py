"""The recorder: it sees every move, changes none, forgets the oldest, ends by itself, and can stop nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from convoy_core import Queue, RecordedMove, Recording, State
from convoy_core.options import BATCH_BYTES
from tests.moves.keyspace import ALIVE, NOW, Value, W, World, claim, commands, failure
from tests.moves.test_scripts import BUSY, HOLDERS, WRITES
from tests.waiting import eventually

RECORDED = {"recording", "recording:moves", "recording:bytes"}
STEERING = {"record", "stop_recording"}
EVERY_ID = ("new", "q1", "q2", "c1", "c2", "c3", "d1", "d2", "n1", "f1", "over", *HOLDERS)


def _state_of(keyspace: dict[str, Value], id: str) -> str:
    for state in (State.PROCESSING, State.DELAYED, State.FAILED):
        if id in keyspace.get(state.value, ()):
            return state.value
    return "queued" if id in keyspace.get("committed", ()) else "absent"


def _without_recorder(keyspace: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in keyspace.items() if name not in RECORDED}


@pytest.mark.parametrize("name", sorted(WRITES.keys() - STEERING))
def test_a_recorder_sees_the_state_that_each_id_goes_into_and_changes_nothing(world: World, name: str) -> None:
    world.seed(BUSY)
    WRITES[name][1](world)
    expected = world.state()
    world.seed(BUSY)
    world.queue.record(for_s=60)

    WRITES[name][1](world)

    after = world.state()
    assert _without_recorder(after) == expected
    states = {*State}
    seen = {id: move.result for move in world.queue.trace() if move.result in states for id in move.ids}
    moved = {id for id in EVERY_ID if _state_of(dict(BUSY), id) != _state_of(after, id)}
    assert moved <= seen.keys()
    assert {id: result for id, result in seen.items() if result != _state_of(after, id)} == {}


def _tell(moves: list[RecordedMove]) -> list[tuple[str, str, str | None, tuple[str, ...]]]:
    return [(move.move, move.result, move.worker, move.ids) for move in moves]


def test_one_ids_story_is_told_in_order(world: World) -> None:
    world.seed(ALIVE)
    world.queue.record(for_s=60)
    world.queue.publish_many(["a", "b"])
    world.queue.publish("a", rerun=True)
    world.exchange(want=2)
    world.queue.publish("a", rerun=True)
    world.exchange(failed=[(claim("a", 7), failure())], want=1, number=9)
    world.exchange(failed=[(claim("a", 9), failure(retry_ms=50))], number=10)
    world.queue.discard(["a"], state=State.DELAYED)
    world.queue.publish("a")
    world.exchange(want=1, number=10)
    world.queue.cancel(["a"])
    world.exchange(released=[claim("a", 10)], number=11)

    story = [*world.queue.trace("a")]

    assert _tell(story) == [
        ("start_recording", "", None, ()),
        ("publish", "queued", None, ("a",)),
        ("refuse", "already_queued", None, ("a",)),
        ("claim", "processing", W, ("a",)),
        ("refuse", "will_rerun", None, ("a",)),
        ("rerun", "queued", None, ("a",)),
        ("claim", "processing", W, ("a",)),
        ("fail", "delayed", W, ("a",)),
        ("discard", "absent", None, ("a",)),
        ("publish", "queued", None, ("a",)),
        ("claim", "processing", W, ("a",)),
        ("cancel", "cancelling", None, ("a",)),
        ("abort", "absent", W, ("a",)),
    ]
    assert [move.at for move in story] == sorted(move.at for move in story)
    assert ("publish", "queued", None, ("a", "b")) in _tell([*world.queue.trace()])


def test_a_dry_run_is_no_move(world: World) -> None:
    world.seed({})
    world.queue.record(for_s=60)

    [*world.queue.publish_chunks(["a", "a"], dry_run=True)]
    world.queue.discard(["a"], state=State.QUEUED, dry_run=True)
    world.queue.requeue(["a"], dry_run=True)
    world.queue.cancel(["a"], dry_run=True)

    assert _tell([*world.queue.trace()]) == [("start_recording", "", None, ())]


def test_without_a_recorder_nothing_is_kept(world: World) -> None:
    world.seed({})

    world.queue.publish("a")

    assert [*world.queue.trace()] == []
    assert world.queue.recording() == Recording(None, None, 0, None)


def test_it_says_since_when_and_until_when(world: World) -> None:
    world.seed({})

    assert not world.queue.record(for_s=60, keep_bytes=100_000)
    first = world.queue.recording()
    world.queue._connection.now_ms = NOW + 5000
    assert world.queue.record(for_s=30)

    assert first == Recording(NOW / 1000, NOW / 1000 + 60, 1, 100_000)
    assert world.queue.recording() == Recording(NOW / 1000, NOW / 1000 + 35, 1, 64 * 2**20)


def test_it_ends_by_itself_and_what_it_kept_stays_for_a_day(world: World) -> None:
    world.seed({})
    world.queue.record(for_s=0.05)
    world.queue.publish("a")
    eventually(lambda: world.queue.recording().until is None)

    world.queue.publish("b")

    assert [move.ids for move in world.queue.trace() if move.ids] == [("a",)]
    assert 0 < world.client.ttl("cv:q:recording:moves") <= 24 * 3600
    assert 0 < world.client.ttl("cv:q:recording:bytes") <= 24 * 3600


def test_stopped_it_keeps_no_more_and_started_again_it_goes_on(world: World) -> None:
    world.seed({})
    world.queue.record(for_s=60)
    world.queue.publish("a")

    assert world.queue.stop_recording()
    assert not world.queue.stop_recording()
    world.queue.publish("b")
    assert not world.queue.record(for_s=60)
    world.queue.publish("c")

    assert [move.ids for move in world.queue.trace() if move.move == "publish"] == [("a",), ("c",)]


@pytest.mark.parametrize("size", [8, 200, 16_384])
def test_the_oldest_leave_when_it_has_too_many_bytes(world: World, size: int) -> None:
    world.seed({})
    world.queue.record(for_s=60, keep_bytes=65_536)
    ids = [f"{n:06}".rjust(size, "x") for n in range(2 * 65_536 // (40 + size) + 20)]

    for id in ids:
        world.queue.publish(id)

    kept = [id for move in world.queue.trace() for id in move.ids]
    assert kept == ids[-len(kept) :]
    assert 0 < len(kept) < len(ids)
    assert int(world.client.get("cv:q:recording:bytes") or b"0") <= 65_536 + 40 + size
    # Whole nodes of the stream leave at a time, of 100 entries or 4 KiB.
    assert int(world.client.memory_usage("cv:q:recording:moves", samples=0) or 0) < 3 * 65_536 + 100 * size


def test_many_moves_are_read_in_slices(world: World) -> None:
    world.seed({})
    world.queue.record(for_s=60)
    ids = [f"{n}-{'y' * 1000}" for n in range(3000)]
    world.queue.publish_many(ids)

    told: list[str] = []

    sent = commands(world.client, lambda: told.extend(id for move in world.queue.trace() for id in move.ids))

    assert told == ids
    assert sent["evalsha_ro"] > 3_000_000 // (2 * BATCH_BYTES)


def test_what_was_recorded_before_a_time_is_not_read(world: World) -> None:
    world.seed({})
    world.queue.record(for_s=60)
    world.queue.publish_many([f"{n}-{'y' * 1000}" for n in range(3000)])
    first, last = [move.at for move in world.queue.trace()][:: len([*world.queue.trace()]) - 1]
    told: list[float] = []

    sent = commands(world.client, lambda: told.extend(move.at for move in world.queue.trace(since=last + 0.001)))
    assert (told, sent["evalsha_ro"]) == ([], 1)

    assert last in [move.at for move in world.queue.trace(since=last)]
    assert len([*world.queue.trace(since=first)]) == len([*world.queue.trace()])


DAMAGES: dict[str, Callable[[redis.Redis], object]] = {
    "the stream is another type": lambda client: client.set("cv:q:recording:moves", "x"),
    "the counter is another type": lambda client: client.lpush("cv:q:recording:bytes", "x"),
    "the counter is no number": lambda client: client.set("cv:q:recording:bytes", "x"),
    "the limit is no number": lambda client: client.hset("cv:q:recording", "limit", "x"),
    "the limit is gone": lambda client: client.hdel("cv:q:recording", "limit"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["publish", "exchange", "recover", "jam_guard fail", "discard queued", "repair"])
def test_a_recording_that_cannot_be_written_stops_no_move(world: World, name: str, damage: str) -> None:
    world.seed(BUSY)
    WRITES[name][1](world)
    expected = world.state()
    world.seed(BUSY)
    world.queue.record(for_s=60)
    world.client.delete(*(["cv:q:recording:moves", "cv:q:recording:bytes"] if "another" in damage else ["none"]))
    DAMAGES[damage](world.client)

    WRITES[name][1](world)

    assert _without_recorder(world.state()) == expected


def test_a_user_who_may_not_record_can_publish(world: World) -> None:
    world.seed({})
    world.queue.record(for_s=60)
    world.client.acl_setuser("poor", True, passwords=["+x"], keys=["*"], commands=["+@all", "-xadd", "-incrby"])
    try:
        with Queue("q", redis=world.server.url.replace("unix://", "unix://poor:x@")) as queue:
            queue.publish("a")
    finally:
        world.client.acl_deluser("poor")

    assert world.queue.counts().queued == 1
    assert [move.move for move in world.queue.trace()] == ["start_recording"]
