"""Dumping and restoring: what a dump gives of each state, also while it moves, and what a restore leaves."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from convoy_core import InvalidInput, InvalidOption, Record, Restored, State
from convoy_core.moves.dumping import Place, dump
from tests.moves.cases import DELAYED, DUE, FAILED, MINE, OLD, PAST, QUEUED, RECORD, REMEMBERED, Case
from tests.moves.keyspace import ALIVE, NOW, SECOND, T0, Keyspace, World

WHOLE = Record(
    "a",
    State.QUEUED,
    published=PAST / 1000,
    attempts=1,
    failures=4,
    crashes=1,
    raw_payload=b"sload",
    raw_failure=RECORD.encode(),
)
RESTORED: Keyspace = {"totals": {"restored": "1"}}

CASES = [
    Case(
        "restore: absent -> queued",
        "restore queues an absent ID with all its data",
        {"queued": ["x"], "committed": {"x"}},
        lambda world: world.queue.restore([WHOLE]),
        Counter([Restored.QUEUED]),
        {"queued": ["x", "a"], "committed": {"x", "a"}, "published": {"a": OLD}, **REMEMBERED, **RESTORED},
    ),
    Case(
        "restore: absent -> delayed",
        "restore delays an absent ID until its time",
        {},
        lambda world: world.queue.restore([Record("a", State.DELAYED, due=DUE / 1000, attempts=2)]),
        Counter([Restored.DELAYED]),
        {
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": T0},
            "attempts": {"a": "2"},
            **RESTORED,
        },
    ),
    Case(
        "restore: absent -> failed",
        "restore of a failed ID",
        {},
        lambda world: world.queue.restore([Record("a", State.FAILED, failures=2, raw_failure=RECORD.encode())]),
        Counter([Restored.FAILED]),
        {**FAILED, **RESTORED},
    ),
    Case(
        "",
        "restore drops what a Node client left behind",
        {**REMEMBERED, "rerun": {"a"}, "published": {"a": OLD}},
        lambda world: world.queue.restore([Record("a", State.FAILED)]),
        Counter([Restored.FAILED]),
        {"failed": {"a": 1}, "published": {"a": OLD}, **RESTORED},
    ),
    Case(
        "restore: absent -> queued",
        "restore keeps the order and takes the first of two",
        {},
        lambda world: next(world.queue.restore_chunks([Record("b"), Record("a", attempts=1), Record("b", attempts=5)])),
        [("b", Restored.QUEUED), ("a", Restored.QUEUED), ("b", Restored.PRESENT)],
        {
            "queued": ["b", "a"],
            "committed": {"a", "b"},
            "published": {"a": T0, "b": T0},
            "attempts": {"a": "1"},
            "totals": {"restored": "2"},
        },
    ),
    Case(
        "",
        "dry restore",
        QUEUED,
        lambda world: next(world.queue.restore_chunks([WHOLE, Record("b")], dry_run=True)),
        [("a", Restored.PRESENT), ("b", Restored.QUEUED)],
        QUEUED,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


FOREIGN: Keyspace = {"processing": {"a": SECOND}}
"""A Node guard has removed it from the committed set."""


@pytest.mark.parametrize("before", [QUEUED, DELAYED, MINE, FAILED, FOREIGN], ids=str)
def test_an_id_that_is_anywhere_is_left_alone(world: World, before: Keyspace) -> None:
    world.seed(before)

    answer = world.queue.restore([WHOLE, Record("a", State.FAILED), Record("a", State.DELAYED, due=1)])

    assert answer == {Restored.PRESENT: 3}
    assert world.state() == before


PLACES = {
    State.QUEUED: {**QUEUED, **REMEMBERED},
    State.DELAYED: {**DELAYED, **REMEMBERED},
    State.PROCESSING: {**MINE, **REMEMBERED},
    State.FAILED: {**FAILED, "payload": {"a": "sload"}},
}


@pytest.mark.parametrize("state", PLACES)
def test_what_is_dumped_and_restored_is_the_same(world: World, state: State) -> None:
    world.seed(PLACES[state])
    dumped = list(world.queue.dump(state))
    moved = [Record.from_json(json.loads(json.dumps(record.as_json()))) for record in dumped]
    world.seed({})

    world.queue.restore(moved)

    expected = {**PLACES[State.QUEUED if state is State.PROCESSING else state], **RESTORED}
    assert world.state() == expected
    assert moved == dumped


def test_restoring_twice_changes_nothing(world: World) -> None:
    world.seed({})
    records = [Record(str(n), attempts=n) for n in range(1200)]
    world.queue.restore(records)
    once = world.state()

    again = world.queue.restore(records)

    assert again == {Restored.PRESENT: 1200}
    assert world.state() == once
    assert once["queued"] == [str(n) for n in range(1200)]


# -- while the queue moves


def _dumped_while(world: World, state: State, move: dict[int, list[tuple[str | int, ...]]]) -> list[str]:
    """The IDs of a dump; before its n-th part these commands are sent."""
    seen: list[str] = []
    place: Place | None = Place()
    n = 0
    while place is not None:
        client: Any = world.client  # redis-py gives its command methods no types
        for command, key, *rest in move.get(n, []):
            client.execute_command(command, f"cv:q:{key}", *rest)
        part = world.run(dump(world.keys, state, place))
        seen += [record.id for record in part.records]
        place, n = part.next, n + 1
    return seen


LISTED = [str(n) for n in range(1400)]


@pytest.mark.parametrize(
    "move",
    [
        [("LPOP", "queued", 300)],
        [("RPUSH", "queued", *[f"new {n}" for n in range(300)])],
        [("LPOP", "queued", 300), ("RPUSH", "queued", *[f"new {n}" for n in range(300)])],
        [("LPOP", "queued", 300), ("RPUSH", "queued", *[f"new {n}" for n in range(10)])],
        [("LPOP", "queued", 600)],
        [("LPUSH", "queued", *[f"back {n}" for n in range(300)])],
    ],
    ids=["head", "tail", "both", "more at the head", "the last one as well", "back"],
)
def test_a_dump_misses_no_id_that_stays_in_the_list(world: World, move: list[tuple[str | int, ...]]) -> None:
    world.seed({"queued": LISTED, "committed": set(LISTED)})

    dumped = _dumped_while(world, State.QUEUED, {1: move, 2: move[:1] if move[0][0] == "RPUSH" else []})

    kept = [id for id in LISTED if id.encode() in world.client.lrange("cv:q:queued", 0, -1)]
    assert set(kept) - set(dumped) == set()
    old = [id for id in dumped if id in set(LISTED)]
    assert old[:500] == LISTED[:500]
    if "LPUSH" not in str(move):
        assert len(old) == len(set(old))


@pytest.mark.parametrize("gone", [range(300), range(100, 600), range(499, 500)], ids=str)
def test_a_dump_misses_no_id_that_stays_delayed(world: World, gone: range) -> None:
    world.seed({"delayed": {f"{n:04}": NOW + n // 10 for n in range(1400)}})

    dumped = _dumped_while(world, State.DELAYED, {1: [("ZREM", "delayed", *[f"{n:04}" for n in gone])]})

    assert {f"{n:04}" for n in range(1400)} - set(dumped) <= {f"{n:04}" for n in gone}
    assert len(dumped) <= 1400 + 10


def test_a_dump_of_what_runs_goes_on_after_a_heartbeat_has_changed_the_order(world: World) -> None:
    running = {f"{n}": SECOND - 1400 + n for n in range(1400)}
    world.seed({"processing": running, "committed": set(running)})

    dumped = _dumped_while(world, State.PROCESSING, {1: [("ZADD", "processing", SECOND, "0")]})

    assert set(dumped) == set(running)


@pytest.mark.parametrize("state", PLACES)
def test_large_payloads_come_in_several_parts_and_in_order(world: World, state: State) -> None:
    ids = [f"{n:02}" for n in range(20)]
    scored = {id: NOW + n for n, id in enumerate(ids)}
    place: Keyspace = {"queued": ids} if state is State.QUEUED else {state.value: scored}
    world.seed(place, {"committed": set(ids), "payload": dict.fromkeys(ids, "s" + "x" * 60000)})

    first = world.run(dump(world.keys, state, Place()))
    dumped = [record.id for record in world.queue.dump(state)]

    assert 0 < len(first.records) < 6
    assert sorted(dumped) == ids
    assert state is State.PROCESSING or dumped == ids


def test_an_id_that_has_ended_before_its_payload_was_read_is_left_out(world: World) -> None:
    ids = [f"{n:02}" for n in range(9)]
    world.seed({"processing": dict.fromkeys(ids, SECOND), "payload": dict.fromkeys(ids, "s" + "x" * 60000)})
    first = world.run(dump(world.keys, State.PROCESSING, Place()))
    assert first.next is not None
    ended = first.next.left_out[0].decode()

    dumped = _dumped_while(world, State.PROCESSING, {1: [("ZREM", "processing", ended)]})

    assert sorted(dumped) == sorted(set(ids) - {ended})


# -- JSON


@pytest.mark.parametrize(
    "raw",
    [
        b"sred",
        b'j{"n":1}',
        b"j[1.5]",
        b"jnull",
        b'j"text"',
        b'j{ "n": 1 }',
        b"jNaN",
        b"j{",
        b"b\x00\xff",
        b"\xffx",
        b"b",
    ],
)
def test_a_payload_survives_json_to_the_byte(raw: bytes) -> None:
    written = json.dumps(Record("\udcff\n", raw_payload=raw).as_json(), allow_nan=False)

    assert Record.from_json(json.loads(written)) == Record("\udcff\n", raw_payload=raw)


@pytest.mark.parametrize("raw", [b"nonsense", b"[1]", b'{"at":NaN}', b'{"a":' * 1500, b"\xff"])
def test_a_failure_that_is_no_json_object_is_left_out(raw: bytes) -> None:
    assert Record("x", raw_failure=raw).as_json()["failure"] is None


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ("x", "A record is 'x'; it must be an object."),
        ({}, "A job ID must be text or an integer, not NoneType."),
        ({"id": True}, "A job ID must be text or an integer, not bool."),
        ({"id": ""}, "A job ID must not be empty."),
        ({"id": "x", "dealy": 5}, "A record has no member 'dealy'."),
        ({"id": "x", "state": "processing"}, "state is 'processing'; it must be queued, delayed or failed."),
        ({"id": "x", "state": "delayed"}, "due is missing; a delayed ID must have one."),
        ({"id": "x", "due": "soon"}, "due is 'soon'; it must be a time in Unix seconds."),
        ({"id": "x", "published": -1}, "published is -1; it must be a time in Unix seconds."),
        ({"id": "x", "published": float("nan")}, "published is nan; it must be a time in Unix seconds."),
        ({"id": "x", "attempts": 1.5}, "attempts is 1.5; it must be a whole number from 0 up."),
        ({"id": "x", "payload": 1, "payload_base64": ""}, "A record has payload and payload_base64; it must have one"),
        ({"id": "x", "payload_base64": "?"}, "payload_base64 is '?'; it must be base64."),
        ({"id": "x", "payload_base64": 5}, "payload_base64 is 5; it must be base64."),
        ({"id": "x", "payload": "y" * 1_048_577}, "A payload has 1,048,577 bytes; at most 1,048,576 are allowed."),
        ({"id": "x", "failure": "broke"}, "failure is 'broke'; it must be an object."),
        ({"id": "x", "failure": {"error": "y" * 5000}}, "raw_failure has 5,012 bytes; at most 4,096 are allowed."),
        ({"id": "x", "failure": {"error": "\ud800"}}, "failure cannot be kept: "),
    ],
    ids=str,
)
def test_what_is_no_record_is_refused_in_one_sentence(members: object, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Record.from_json(members)

    assert str(refusal.value).startswith(says)


def test_a_record_needs_an_id_only_and_an_integer_stands_for_its_digits() -> None:
    assert Record.from_json({"id": 42}) == Record("42")


def test_a_bad_record_far_down_a_stream_keeps_the_chunks_before_it(world: World) -> None:
    world.seed(ALIVE)
    records = [Record(str(n)) for n in range(600)]

    with pytest.raises(InvalidOption, match="crashes is -1"):
        world.queue.restore([*records, Record("x", crashes=-1)])

    assert world.queue.counts().queued == 500
