"""Requeue, discard, promote, pause and resume."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import MAX_ID_BYTES, Fault, FaultKind, Outcome, Repaired, State
from convoy_core.moves.working import (
    promote,
    sweep,
)
from tests.moves.cases import DELAYED, FAILED, FOREIGN, MINE, OLD, PAST, QUEUED, RECORD, REMEMBERED, Case
from tests.moves.keyspace import LEASE, NOW, SECOND, T0, World

CASES = [
    Case(
        "promote: delayed -> queued",
        "promote queues what is due, first due first",
        {"delayed": {"a": NOW, "b": NOW - 5, "c": NOW + 7}, "queued": ["x"], "committed": {"a", "b", "c", "x"}},
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (2, 0.007),
        {"delayed": {"c": NOW + 7}, "queued": ["x", "b", "a"], "committed": {"a", "b", "c", "x"}},
    ),
    Case(
        "promote: delayed -> queued",
        "promote notes behind the time of the publish since when an ID is in line, if the former is known",
        {
            "delayed": {"past": 5, "a": NOW - 5, "again": NOW - 4, "unknown": NOW - 3, "odd": NOW - 2},
            "committed": {"past", "a", "again", "unknown", "odd"},
            "published": {"past": OLD, "a": OLD, "again": f"{OLD}.{PAST + 9}", "odd": "x"},
        },
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (5, None),
        {
            "queued": ["past", "a", "again", "unknown", "odd"],
            "committed": {"past", "a", "again", "unknown", "odd"},
            "published": {"past": OLD, "a": f"{OLD}.{NOW - 5}", "again": f"{OLD}.{NOW - 4}", "odd": "x"},
        },
    ),
    Case(
        "promote: delayed -> queued",
        "promote stops at its limit, and the next is due at once",
        {"delayed": {"a": NOW, "b": NOW - 5}, "committed": {"a", "b"}},
        lambda world: world.run(promote(world.keys, 1, LEASE)),
        (1, 0.0),
        {"delayed": {"a": NOW}, "queued": ["b"], "committed": {"a", "b"}},
    ),
    Case(
        "promote: delayed -> queued",
        "F69 promote puts IDs that were set apart back at the head",
        {
            "delayed": {"a": NOW, "b": NOW - 5, "c": NOW - 4},
            "queued": ["x"],
            "committed": {"a", "b", "c", "x"},
            "crashes": {"b": "2", "a": "1", "c": "9"},
        },
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (3, None),
        {
            "queued": ["b", "c", "x", "a"],
            "committed": {"a", "b", "c", "x"},
            "crashes": {"b": "2", "a": "1", "c": "9"},
        },
    ),
    Case(
        "promote: delayed -> queued",
        "promote commits a copy whose Node run has ended",
        {"delayed": {"a": NOW}},
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (1, None),
        {"queued": ["a"], "committed": {"a"}},
    ),
    Case(
        "",
        "F8 promote lets a copy wait on while a Node worker runs the ID",
        {**FOREIGN, "delayed": {"a": NOW}},
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (0, 15.0),
        {**FOREIGN, "delayed": {"a": NOW + LEASE}},
    ),
    Case(
        "requeue: failed -> queued",
        "requeue to the front puts IDs at the head, in their order",
        {"failed": {"a": 2, "b": 1}, "queued": ["x"], "committed": {"x"}},
        lambda world: world.queue.requeue(["a", "b", "y"], front=True),
        {"a": Outcome.QUEUED, "b": Outcome.QUEUED, "y": Outcome.GONE},
        {
            "queued": ["a", "b", "x"],
            "committed": {"a", "b", "x"},
            "published": {"a": T0, "b": T0},
            "failures": {"a": "2", "b": "1"},
            "totals": {"requeued": "2"},
        },
    ),
    Case(
        "requeue: failed -> queued",
        "requeue keeps the payload and what went wrong",
        {**FAILED, "payload": {"a": "sx"}, "attempts": {"a": "1"}, "crashes": {"a": "1"}, "queued": ["x"]},
        lambda world: world.queue.requeue(["a"]),
        {"a": Outcome.QUEUED},
        {
            "queued": ["x", "a"],
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            "payload": {"a": "sx"},
            "totals": {"requeued": "1"},
        },
    ),
    Case(
        "",
        "requeue clears a stale failure of an ID that a Node client queued again",
        {**FAILED, "queued": ["a"], "committed": {"a"}},
        lambda world: world.queue.requeue(["a"]),
        {"a": Outcome.ALREADY_COMMITTED},
        {"queued": ["a"], "committed": {"a"}, "failures": {"a": "2"}, "failure": {"a": RECORD}},
    ),
    Case(
        "requeue: failed -> queued",
        "requeue of the same ID twice queues it once, and says so",
        FAILED,
        lambda world: world.queue.requeue(["a", "a"]),
        {"a": Outcome.QUEUED},
        {
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            "totals": {"requeued": "1"},
        },
    ),
    Case(
        "requeue: failed -> queued",
        "requeue of all takes every failed ID, fewest failures first",
        {"failed": {"a": 2, "b": 1}},
        lambda world: world.queue.requeue_all(),
        {"b": Outcome.QUEUED, "a": Outcome.QUEUED},
        {
            "queued": ["b", "a"],
            "committed": {"a", "b"},
            "published": {"a": T0, "b": T0},
            "failures": {"a": "2", "b": "1"},
            "totals": {"requeued": "2"},
        },
    ),
    Case(
        "discard: queued -> absent",
        "discard of a queued ID",
        {**QUEUED, **REMEMBERED, "queued": ["x", "a"], "committed": {"a", "x"}},
        lambda world: world.queue.discard(["a"], state=State.QUEUED),
        {"a": Outcome.DISCARDED},
        {"queued": ["x"], "committed": {"x"}, "totals": {"discarded": "1"}},
    ),
    Case(
        "discard: delayed -> absent",
        "discard of a delayed ID",
        {**DELAYED, **REMEMBERED},
        lambda world: world.queue.discard(["a"], state=State.DELAYED),
        {"a": Outcome.DISCARDED},
        {"totals": {"discarded": "1"}},
    ),
    Case(
        "discard: failed -> absent",
        "discard of a failed ID",
        {**FAILED, "payload": {"a": "sx"}},
        lambda world: world.queue.discard(["a"], state=State.FAILED),
        {"a": Outcome.DISCARDED},
        {"totals": {"discarded": "1"}},
    ),
    Case(
        "discard: failed -> absent",
        "discard of the same ID twice discards it once, and says so",
        FAILED,
        lambda world: world.queue.discard(["a", "a"], state=State.FAILED),
        {"a": Outcome.DISCARDED},
        {"totals": {"discarded": "1"}},
    ),
    Case(
        "",
        "discard of a failed ID that a Node client queued again leaves it queued",
        {"failed": {"a": 2}, "queued": ["a"], "committed": {"a"}},
        lambda world: world.queue.discard(["a"], state=State.FAILED),
        {"a": Outcome.DISCARDED},
        {"queued": ["a"], "committed": {"a"}, "totals": {"discarded": "1"}},
    ),
    Case(
        "",
        "F8 discard of a second copy leaves the running ID its commitment and its payload",
        {**MINE, "queued": ["a"], "payload": {"a": "sx"}},
        lambda world: world.queue.discard(["a"], state=State.QUEUED),
        {"a": Outcome.DISCARDED},
        {**MINE, "payload": {"a": "sx"}, "totals": {"discarded": "1"}},
    ),
    Case(
        "",
        "F8 discard of a parked copy leaves the Node worker's ID committed",
        {**FOREIGN, "delayed": {"a": NOW}},
        lambda world: world.queue.discard(["a"], state=State.DELAYED),
        {"a": Outcome.DISCARDED},
        {**FOREIGN, "totals": {"discarded": "1"}},
    ),
    Case(
        "discard: queued -> absent",
        "F25 discard leaves no rerun mark behind",
        {**QUEUED, "rerun": {"a"}},
        lambda world: world.queue.discard(["a"], state=State.QUEUED),
        {"a": Outcome.DISCARDED},
        {"totals": {"discarded": "1"}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


@pytest.mark.parametrize(
    ("act", "queued", "failures"),
    [
        (lambda world: world.queue.requeue(["a"]), ["a"], {"a": "3"}),
        (lambda world: world.queue.publish("a"), ["a"], {"a": "3"}),
        (lambda world: world.drive(sweep(world.keys, (), 1000)), None, None),
    ],
    ids=["requeue", "publish", "sweep"],
)
def test_f54_what_node_counts_anew_adds_to_what_is_remembered(
    world: World, act: Callable[[World], object], queued: list[str] | None, failures: dict[str, str] | None
) -> None:
    world.seed({"failed": {"a": 1}, "failures": {"a": "2"}})

    act(world)

    left = world.state()
    assert (left.get("queued"), left.get("failures")) == (queued, failures)
    assert left.get("failed") == (None if queued else {"a": 3})
    assert world.queue.show("a").failures == 3


def test_s5_what_the_store_told_of_is_freed_and_repaired_whatever_its_length(world: World) -> None:
    long = "x" * (MAX_ID_BYTES + 1)
    world.seed({"processing": {"": SECOND - 60, long: SECOND - 60}, "committed": {"", long, long + "x"}})

    freed = world.queue.jam_guard(idle_s=30)
    repaired = world.queue.repair([Fault(FaultKind.MISSING, long + "x")])

    assert {*freed} == {"", long}
    assert [*repaired.values()] == [Repaired.QUEUED]
    assert world.state()["queued"] == [*freed, long + "x"]
