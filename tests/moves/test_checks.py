"""The check of a queue: every fault is found and repaired, with nothing valid lost, and no healthy queue is accused."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from convoy_core import Fault, FaultKind, InvalidOption, Repaired, State
from convoy_core.moves.checking import Check
from convoy_core.moves.first_look import SEARCHED
from convoy_core.moves.recovering import LATE_MS
from tests.model.invariants import check_invariants
from tests.moves.keyspace import ALIVE, LEASE, NOW, SECOND, Keyspace, Value, W, World, dump
from tests.servers import RealServer

DEAD = "dd"
AGO = NOW - LATE_MS - 1
RUNNING: Keyspace = {
    **ALIVE,
    "committed": {"a"},
    "processing": {"a": SECOND},
    "owner": {"a": f"{W}:1@{NOW}"},
}


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


def check(world: World) -> list[Fault]:
    return [*world.queue.check(grace_s=0).faults]


CASES: dict[str, tuple[Keyspace, list[Fault], Keyspace]] = {
    "committed and nowhere": (
        {"committed": {"a"}, "published": {"a": str(NOW - 1)}},
        [Fault(FaultKind.MISSING, "a")],
        {"committed": {"a"}, "queued": ["a"], "published": {"a": str(NOW - 1)}},
    ),
    "waits, and is not committed": (
        {"queued": ["a", "b"], "committed": {"b"}},
        [Fault(FaultKind.UNCOMMITTED, "a")],
        {"queued": ["a", "b"], "committed": {"a", "b"}, "totals": {"adopted": "1"}},
    ),
    "is delayed, and not committed": (
        {"delayed": {"a": NOW + 9}},
        [Fault(FaultKind.UNCOMMITTED, "a")],
        {"delayed": {"a": NOW + 9}, "committed": {"a"}, "totals": {"adopted": "1"}},
    ),
    "runs, and is not committed": (
        {**RUNNING, "committed": set()} | {"committed": {"other"}, "queued": ["other"]},
        [Fault(FaultKind.UNCOMMITTED, "a")],
        {**RUNNING, "committed": {"a", "other"}, "queued": ["other"], "totals": {"adopted": "1"}},
    ),
    "was handed over, and is not committed": (
        {**ALIVE, f"claim:{W}": ["a"]},
        [Fault(FaultKind.UNCOMMITTED, "a")],
        {**ALIVE, f"claim:{W}": ["a"], "committed": {"a"}, "totals": {"adopted": "1"}},
    ),
    "three times in the list": (
        {"queued": ["a", "b", "a", "c", "a"], "committed": {"a", "b", "c"}},
        [Fault(FaultKind.DUPLICATE, "a")],
        {"queued": ["a", "b", "c"], "committed": {"a", "b", "c"}, "totals": {"merged": "2"}},
    ),
    "waits twice in different ways": (
        {"queued": ["a"], "delayed": {"a": NOW + 9}, "committed": {"a"}},
        [Fault(FaultKind.DUPLICATE, "a")],
        {"queued": ["a"], "committed": {"a"}, "totals": {"merged": "1"}},
    ),
    "waits while it runs": (
        {**RUNNING, "queued": ["b", "a", "a"], "committed": {"a", "b"}},
        [Fault(FaultKind.DUPLICATE, "a")],
        {**RUNNING, "queued": ["b"], "committed": {"a", "b"}, "rerun": {"a"}, "totals": {"merged": "2"}},
    ),
    "is delayed while a Node worker runs it": (
        {"processing": {"a": SECOND}, "delayed": {"a": NOW + 9}, "committed": {"a"}},
        [Fault(FaultKind.DUPLICATE, "a")],
        {"processing": {"a": SECOND}, "committed": {"a"}, "rerun": {"a"}, "totals": {"merged": "1"}},
    ),
    "was handed over while it waits": (
        {**ALIVE, f"claim:{W}": ["a", "b"], "queued": ["a"], "delayed": {"b": NOW + 9}, "committed": {"a", "b"}},
        [Fault(FaultKind.DUPLICATE, "a", W), Fault(FaultKind.DUPLICATE, "b", W)],
        {
            **ALIVE,
            "queued": ["a"],
            "delayed": {"b": NOW + 9},
            "committed": {"a", "b"},
            "totals": {"merged": "2"},
        },
    ),
    "was handed over twice": (
        {
            "workers": {W: NOW + LEASE, "other": NOW + LEASE},
            f"claim:{W}": ["a"],
            "claim:other": ["a"],
            "committed": {"a"},
        },
        [Fault(FaultKind.DUPLICATE, "a", "other")],
        {
            "workers": {W: NOW + LEASE, "other": NOW + LEASE},
            f"claim:{W}": ["a"],
            "committed": {"a"},
            "totals": {"merged": "1"},
        },
    ),
    "was handed over while it runs": (
        {**RUNNING, f"claim:{W}": ["a"]},
        [Fault(FaultKind.DUPLICATE, "a", W)],
        {**RUNNING, "rerun": {"a"}, "totals": {"merged": "1"}},
    ),
    "its worker is not registered": (
        {**RUNNING, "workers": {"other": NOW + LEASE}},
        [Fault(FaultKind.ORPHANED, "a")],
        {
            "workers": {"other": NOW + LEASE},
            "committed": {"a"},
            "queued": ["a"],
            "crashes": {"a": "1"},
            "totals": {"recovered": "1"},
        },
    ),
    "its worker is silent for long": (
        {**RUNNING, "workers": {W: AGO}, "queued": ["b"], "committed": {"a", "b"}},
        [Fault(FaultKind.ORPHANED, "a")],
        {
            "workers": {W: AGO},
            "committed": {"a", "b"},
            "queued": ["a", "b"],
            "crashes": {"a": "1"},
            "totals": {"recovered": "1"},
        },
    ),
    "its owner entry is not ours": (
        {"committed": {"a"}, "processing": {"a": SECOND}, "owner": {"a": "no token"}},
        [Fault(FaultKind.ORPHANED, "a")],
        {"committed": {"a"}, "queued": ["a"], "crashes": {"a": "1"}, "totals": {"recovered": "1"}},
    ),
    "was handed to a worker that nobody knows": (
        {f"claim:{DEAD}": ["a", "b"], "committed": {"a", "c"}, "queued": ["c"]},
        [Fault(FaultKind.ORPHANED, "a", DEAD), Fault(FaultKind.ORPHANED, "b", DEAD)],
        {"queued": ["b", "a", "c"], "committed": {"a", "b", "c"}},
    ),
    "runs, and is not listed": (
        {**ALIVE, "owner": {"a": f"{W}:1@{NOW}"}, "committed": {"a"}},
        [Fault(FaultKind.UNLISTED, "a")],
        RUNNING,
    ),
    "its data outlived it": (
        {
            "published": {"a": "1"},
            "payload": {"a": "sx", "f": "sx"},
            "attempts": {"a": "1"},
            "failures": {"a": "1"},
            "crashes": {"a": "1"},
            "failure": {"a": "{}", "f": "{}"},
            "started": {"a": NOW},
            "failed": {"f": 1},
        },
        [Fault(FaultKind.LEFTOVER, "a")],
        {"payload": {"f": "sx"}, "failure": {"f": "{}"}, "failed": {"f": 1}},
    ),
    "the data of its runs is still there after it failed": (
        {"published": {"f": "1"}, "attempts": {"f": "1"}, "crashes": {"f": "1"}, "failed": {"f": 1}},
        [Fault(FaultKind.LEFTOVER, "f")],
        {"failed": {"f": 1}},
    ),
    "waits, and is to run again": (
        {"queued": ["a"], "committed": {"a"}, "rerun": {"a"}, "started": {"a": NOW}},
        [Fault(FaultKind.LEFTOVER, "a")],
        {"queued": ["a"], "committed": {"a"}},
    ),
    "has ended, and was to run again": (
        {"rerun": {"a"}},
        [Fault(FaultKind.LEFTOVER, "a")],
        {"queued": ["a"], "committed": {"a"}, "published": {"a": str(NOW)}},
    ),
}


@pytest.mark.parametrize("searched", [SEARCHED, -1], ids=["searched", "too long to be searched"])
@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_found_and_repaired_and_a_second_check_finds_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, searched: int
) -> None:
    monkeypatch.setattr("convoy_core.moves.first_look.SEARCHED", searched)
    before, faults, after = CASES[name]
    world.seed(before)

    found = check(world)
    assert found == faults
    assert dump(world.client).items() >= world.state().items()

    answers = world.queue.repair(found)
    assert world.state() == after
    assert set(answers) == set(found)
    assert Repaired.GONE not in answers.values()
    assert check(world) == []
    assert set(world.queue.repair(found).values()) == {Repaired.GONE}
    assert world.state() == after


HEALTHY: Keyspace = {
    **ALIVE,
    "queued": ["q1", "q2"],
    "delayed": {"d": NOW + 9},
    "processing": {"p": SECOND, "node": SECOND},
    "owner": {"p": f"{W}:1@{NOW}"},
    "started": {"p": NOW},
    f"claim:{W}": ["c"],
    "committed": {"q1", "q2", "d", "p", "node", "c", "both"},
    "failed": {"f": 1, "both": 1},
    "rerun": {"p", "node"},
    "published": dict.fromkeys(["q1", "q2", "d", "p", "c"], "1"),
    "payload": {"q1": "sx", "f": "sx"},
    "failure": {"f": "{}"},
    "attempts": {"d": "1"},
    "failures": {"both": "1"},
    "crashes": {"q1": "1"},
}


def test_a_healthy_queue_has_no_fault(world: World) -> None:
    world.seed(HEALTHY, {"queued": ["q1", "q2", "both"]})

    found = world.queue.check(grace_s=0)

    assert found.is_sound
    assert found.examined == 3 + 1 + 2 + 1 + 1 + 1 + 7 + 2 + 5 + 2 + 1 + 1 + 1 + 1


def test_progress_is_told_how_far_a_check_is(world: World) -> None:
    world.seed(HEALTHY, {"queued": ["q1", "q2", "both"]})
    told: list[tuple[int, int]] = []

    world.queue.check(grace_s=0, progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (29, 29)
    assert told == sorted(told)


def test_a_repair_looks_again_before_it_writes(world: World) -> None:
    """What was wrong when it was listed may have been put right by its own client meanwhile."""
    world.seed(RUNNING, {"queued": ["q"], "committed": {"a", "q"}})
    before = world.state()
    every = [Fault(kind, id) for kind in FaultKind for id in ("a", "q", "absent")]

    answers = world.queue.repair([*every, Fault(FaultKind.ORPHANED, "a", W)])

    assert set(answers.values()) == {Repaired.GONE}
    assert world.state() == before


def test_what_is_not_a_fault_any_more_after_the_grace_time_is_not_reported(world: World) -> None:
    world.seed({"committed": {"a", "b"}})
    looks = Check(world.queue._connection.keyspace, 0, None)

    world.drive(looks.first(["q"]))
    world.client.lpush("cv:q:queued", "a")
    while looks.pause_s is not None:
        world.drive(looks.again())

    assert [*looks.result()[0].faults] == [Fault(FaultKind.MISSING, "b")]


def test_a_list_that_is_too_long_to_be_searched_is_read_and_searched_near_its_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came since it was read is found, so that nothing is queued twice."""
    monkeypatch.setattr("convoy_core.moves.first_look.SEARCHED", 1000)
    world.queue.publish_many(range(120_000))
    world.client.sadd("cv:q:committed", "lost", "late")
    world.queue._connection.now_ms = NOW + 1

    found = world.queue.check(grace_s=0)
    world.client.rpush("cv:q:queued", "late")
    answers = world.queue.repair(found.faults)

    assert {fault.id: answer for fault, answer in answers.items()} == {"lost": Repaired.QUEUED, "late": Repaired.GONE}
    assert world.queue.counts().queued == 120_002


def test_the_looks_of_a_check_are_spread_over_the_grace_time(world: World) -> None:
    world.seed({"committed": {"a"}})
    looks = Check(world.queue._connection.keyspace, 10, None)
    pauses: list[float] = []

    world.drive(looks.first(["q"]))
    while (pause_s := looks.pause_s) is not None:
        pauses.append(pause_s)
        world.drive(looks.again())

    assert pauses == [2.5] * 4


def test_a_key_that_looks_like_a_claim_list_of_no_worker_is_left_alone(world: World) -> None:
    world.seed(HEALTHY, {"queued": ["q1", "q2", "both"]})
    world.client.rpush(b"cv:q:claim:\xff", "other")

    assert world.queue.check(grace_s=0).is_sound


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("payload", "cv:q:payload holds a string, where Convoy keeps a hash"),
        (f"claim:{DEAD}", f"cv:q:claim:{DEAD} holds a string, where Convoy keeps a list"),
    ],
)
def test_a_key_of_another_type_is_reported_as_damage(world: World, key: str, says: str) -> None:
    world.seed({"queued": ["a"], "committed": {"a"}, key: "a string"})

    found = world.queue.check(grace_s=0)

    assert found.damage is not None
    assert says in found.damage
    assert not found.is_sound
    assert found.faults == ()


def test_an_orphaned_id_whose_workers_died_too_often_fails(world: World) -> None:
    world.seed(RUNNING, {"workers": {"other": NOW}, "crashes": {"a": "2"}})

    answers = world.queue.repair(check(world))

    assert answers == {Fault(FaultKind.ORPHANED, "a"): Repaired.FAILED}
    assert world.queue.show("a").state is State.FAILED


@pytest.mark.parametrize("bad", [None, 5, "faults", [None], ["a"]])
def test_what_is_no_fault_is_refused(world: World, bad: Any) -> None:
    with pytest.raises(InvalidOption, match="faults"):
        world.queue.repair(bad)


# -- random broken keyspaces

IDS = [f"i{number}" for number in range(12)]
WORKERS = (W, "ff", DEAD, "gg")


def broken(dice: random.Random) -> dict[str, Value]:
    """A keyspace in which anything may be missing or too much, as kills, races and people leave it."""

    def some(most: int) -> list[str]:
        return dice.sample(IDS, dice.randint(0, most))

    owned = {id: f"{dice.choice(WORKERS)}:{number}@{NOW - 1000}" for number, id in enumerate(some(4))}
    queued = some(5)
    running = {*some(3), *(id for id in owned if dice.random() < 0.7)}
    delayed = some(3)
    waiting = {*queued, *delayed, *running}
    found: dict[str, Value] = {
        "workers": {W: NOW + LEASE, "ff": AGO},
        "queued": queued + [id for id in queued if dice.random() < 0.2],
        "delayed": {id: float(NOW + dice.randint(-5, 5)) for id in delayed},
        "processing": dict.fromkeys(running, float(SECOND)),
        "owner": owned,
        "started": dict.fromkeys(some(2), float(NOW)),
        "committed": {id for id in waiting if dice.random() < 0.9} | set(some(2)),
        "failed": dict.fromkeys(some(2), 1.0),
        "rerun": set(some(2)),
        f"claim:{dice.choice(WORKERS)}": [id for id in IDS if dice.random() < (0.03 if id in waiting else 0.1)],
        "published": dict.fromkeys(some(6), "1"),
        "payload": dict.fromkeys(some(3), "sx"),
        "attempts": dict.fromkeys(some(2), "1"),
        "failures": dict.fromkeys(some(2), "1"),
        "crashes": dict.fromkeys(some(2), "1"),
        "failure": dict.fromkeys(some(2), "{}"),
    }
    return {name: value for name, value in found.items() if value}


def wanted(found: dict[str, Any]) -> set[str]:
    """The IDs that somebody wants to be run, or to see among the failed."""
    ids = {
        id
        for name in ("queued", "delayed", "processing", "owner", "committed", "failed", "rerun")
        for id in found.get(name, ())
    }
    return ids | {id for name, value in found.items() if name.startswith("claim:") for id in value}


@pytest.mark.parametrize("tens", range(20))
def test_200_random_broken_keyspaces_are_repaired_in_two_passes_and_nothing_wanted_is_lost(
    store: RealServer, tens: int
) -> None:
    world = World(store)
    for seed in range(10 * tens, 10 * tens + 10):
        before = broken(random.Random(seed))
        world.seed(before)
        expected = wanted(before)
        passes = 0
        while faults := check(world):
            passes += 1
            assert passes <= 2, (seed, faults, before)
            world.queue.repair(faults)
        after = {name: value for name, value in world.state().items() if name != "totals"}

        assert wanted(after) == expected, seed
        _check_sound(after)
    world.close()


def _check_sound(found: dict[str, Any]) -> None:
    """The invariants of our own clients; Node's runs have no owner, and its publishers leave IDs among the failed."""
    foreign = set(found.get("processing", ())) - set(found.get("owner", ()))
    ours = dict(found)
    ours["owner"] = {**found.get("owner", {}), **{id: f"node:{number}@0" for number, id in enumerate(foreign)}}
    ours["failed"] = {id: n for id, n in found.get("failed", {}).items() if id not in found.get("committed", ())}
    starts = {id: entry.partition("@")[2] for id, entry in ours["owner"].items()}
    ours["started"] = {id: starts[id] for id in found.get("started", ())}
    check_invariants(ours)


@pytest.mark.parametrize("second", range(1, 8))
def test_of_two_copies_in_the_list_the_later_goes_and_nothing_changes_its_place(world: World, second: int) -> None:
    """From whichever end it is taken out."""
    ids = [*"bcdefgh"]
    for first in range(second):
        twice = [*ids]
        twice.insert(first, "a")
        once = [*twice]
        twice.insert(second, "a")
        world.seed({"queued": twice, "committed": set(once)})

        assert world.queue.repair([Fault(FaultKind.DUPLICATE, "a")]) == {
            Fault(FaultKind.DUPLICATE, "a"): Repaired.MERGED
        }

        assert world.state()["queued"] == once
