"""Registering, unregistering, and what a heartbeat or claim of a stranger is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import StoreDamaged
from convoy_core.moves.recovering import DEPARTED_MS, expired_leases, reclaim, unregistered_holders
from convoy_core.moves.working import (
    register,
    unregister,
    unregister_safely,
)
from tests.moves.cases import DEPARTED, LONG_OVER, MINE, OLD, ORPHANED, RECOVER_IT, Case
from tests.moves.keyspace import ALIVE, LEASE, NOW, T0, Keyspace, W, World

ABOUT: dict[str, str | int] = {"host": "h", "pid": 5}


REGISTER: Callable[[World], object] = lambda world: world.run(register(world.keys, W, LEASE, "new", ABOUT))  # noqa: E731 - as above


HERE: Keyspace = {**ALIVE, f"worker:{W}": {"since": T0, "host": "h", "pid": "5"}}


CASES = [
    Case(
        "",
        "F13 register registers a worker, before it holds anything",
        {},
        REGISTER,
        "new",
        {**HERE, "meta": {"schema": "1", "epoch": "new"}},
    ),
    Case(
        "",
        "F43 register answers the epoch that the store has",
        {"meta": {"schema": "1", "epoch": "old"}},
        REGISTER,
        "old",
        {**HERE, "meta": {"schema": "1", "epoch": "old"}},
    ),
    Case(
        "",
        "unregister gives back what was handed over",
        {
            **HERE,
            f"worker:{W}": {"number": "7"},
            f"claim:{W}": ["a", "b"],
            "queued": ["x"],
            "committed": {"a", "b", "x"},
        },
        lambda world: world.run(unregister(world.keys, W, 7)),
        True,
        {**DEPARTED, "queued": ["a", "b", "x"], "committed": {"a", "b", "x"}},
    ),
    Case(
        "",
        "F63 unregister changes nothing at a store that has come back older than the fence",
        {**HERE, f"worker:{W}": {"number": "6"}, f"claim:{W}": ["a"], "committed": {"a"}},
        lambda world: world.run(unregister(world.keys, W, 7)),
        False,
        {**HERE, f"worker:{W}": {"number": "6"}, f"claim:{W}": ["a"], "committed": {"a"}},
    ),
    Case("", "unregister twice", DEPARTED, lambda world: world.run(unregister(world.keys, W, 7)), True, DEPARTED),
    Case(
        "",
        "F64 unregister of a worker that is unregistered already gives back what a late wait has brought",
        {f"claim:{W}": ["a"], "queued": ["x"], "committed": {"a", "x"}},
        lambda world: world.run(unregister(world.keys, W, 7)),
        True,
        {"queued": ["a", "x"], "committed": {"a", "x"}},
    ),
    Case(
        "",
        "F63 who holds nothing unregisters",
        {**HERE, f"worker:{W}": {"number": "6"}, "owner": {"a": f"bb:1@{NOW}"}},
        lambda world: world.drive(unregister_safely(world.keys, W, 7)),
        True,
        {**DEPARTED, "owner": {"a": f"bb:1@{NOW}"}},
    ),
    Case(
        "",
        "F63 who holds something by the store's word stays registered",
        {**MINE, f"worker:{W}": {"number": "6"}},
        lambda world: world.drive(unregister_safely(world.keys, W, 7)),
        False,
        {**MINE, f"worker:{W}": {"number": "7"}},
    ),
    Case(
        "",
        "F64 a claim of an unregistered worker gives back what a late wait has brought, in order",
        {f"claim:{W}": ["a", "b"], "queued": ["x"], "committed": {"a", "b", "x"}},
        lambda world: world.exchange(want=1).word,
        "gone",
        {"queued": ["a", "b", "x"], "committed": {"a", "b", "x"}},
    ),
    Case(
        "",
        "F64 reclaim gives back what late waits have brought to unregistered workers, and forgets those of long ago",
        {
            "workers": {"bb": NOW + LEASE},
            "departed": {W: NOW - DEPARTED_MS, "bb": NOW - 1, "cc": NOW},
            f"claim:{W}": ["a", "b"],
            "claim:bb": ["c"],
            "claim:cc": ["d"],
            "queued": ["x"],
            "committed": {"a", "b", "c", "d", "x"},
        },
        lambda world: world.run(reclaim(world.keys, 0)),
        (0, 3),
        {
            "workers": {"bb": NOW + LEASE},
            "departed": {"bb": NOW - 1, "cc": NOW},
            "claim:bb": ["c"],
            "queued": ["d", "a", "b", "x"],
            "committed": {"a", "b", "c", "d", "x"},
        },
    ),
    Case("", "reclaim finds nothing", DEPARTED, lambda world: world.run(reclaim(world.keys, 0)), (0, 0), DEPARTED),
    Case(
        "",
        "F63 unregistered_holders names who holds something and is not registered",
        {
            "workers": {W: NOW - 1},
            "owner": {"a": f"{W}:1@{NOW}", "b": f"bb:1@{NOW}", "c": f"bb:2@{NOW}", "d": "garbage"},
        },
        lambda world: world.run(unregistered_holders(world.keys, 0)),
        (0, ["bb"]),
        {
            "workers": {W: NOW - 1},
            "owner": {"a": f"{W}:1@{NOW}", "b": f"bb:1@{NOW}", "c": f"bb:2@{NOW}", "d": "garbage"},
        },
    ),
    Case(
        "",
        "unregistered_holders where nothing is held",
        {},
        lambda world: world.run(unregistered_holders(world.keys, 0)),
        (0, []),
        {},
    ),
    Case(
        "",
        "F12 silent names the workers whose lease is over",
        {"workers": {W: NOW - 1, "bb": NOW, "cc": NOW + 1}},
        lambda world: world.run(expired_leases(world.keys)),
        (NOW / 1000, [W, "bb"]),
        {"workers": {W: NOW - 1, "bb": NOW, "cc": NOW + 1}},
    ),
    Case("", "pause notes since when", {}, lambda world: world.queue.pause(), True, {"paused": T0}),
    Case("", "pause twice changes nothing", {"paused": OLD}, lambda world: world.queue.pause(), False, {"paused": OLD}),
    Case("", "resume", {"paused": OLD}, lambda world: world.queue.resume(), True, {}),
    Case("", "resume twice", {}, lambda world: world.queue.resume(), False, {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


def test_register_refuses_a_queue_of_another_schema_and_changes_nothing(world: World) -> None:
    before: Keyspace = {"meta": {"schema": "2", "epoch": "old"}}
    world.seed(before)

    with pytest.raises(StoreDamaged, match=r"schema 2, and this release knows 1"):
        REGISTER(world)

    assert world.state() == before


def test_f13_a_worker_just_dead_stays_registered_since_a_wait_may_still_hand_it_an_id(world: World) -> None:
    world.seed({**ORPHANED, "workers": {W: LONG_OVER + 1}})

    RECOVER_IT(world)
    world.client.rpush(f"cv:q:claim:{W}", "late")
    world.client.sadd("cv:q:committed", "late")
    assert world.run(expired_leases(world.keys))[1] == [W]
    world.queue._connection.now_ms = NOW + 1
    RECOVER_IT(world)

    assert world.state()["queued"] == ["late", "a"]
    assert world.run(expired_leases(world.keys))[1] == []
    assert world.queue.workers() == []


def test_f2_a_worker_in_doubt_that_leaves_stays_registered(world: World) -> None:
    world.seed({**ALIVE, f"claim:{W}": ["b"], "committed": {"b"}})

    world.run(unregister(world.keys, W, 0, is_in_doubt=True))

    assert world.state() == {"workers": {W: NOW}, "queued": ["b"], "committed": {"b"}}
    assert world.run(expired_leases(world.keys))[1] == [W]
