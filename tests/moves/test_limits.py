"""The limits of a queue: what may begin, what waits in line, and who is woken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import QueueLimits
from convoy_core.moves.working import Round, SuspectPolicy
from tests.moves.cases import Case, numbered
from tests.moves.keyspace import ALIVE, NOW, SECOND, Keyspace, W, World, claim, commands

OTHER = "bb"
LONG_AGO = str(NOW - 5_000)
IDS = ["a", "b", "c", "d"]
ONE_AT_A_TIME = {"concurrency": "1"}
TEN_A_SECOND = {"rate": "10", "period": "1000", "burst": "2"}
EMPTY = {"used": "2000", "at": str(NOW)}
"""What such a bucket holds after two starts at once."""

CLAIM: Callable[[World], Round] = lambda world: world.exchange(want=2)  # noqa: E731 - read like the others


def queued(*ids: str) -> Keyspace:
    """They wait, and a worker is there to claim them."""
    return {**ALIVE, "queued": [*ids], "committed": {*ids}}


def running(*ids: str, first: int = 7) -> Keyspace:
    """They were claimed just now."""
    return {
        "processing": dict.fromkeys(ids, SECOND),
        "owner": {id: f"{W}:{first + n}@{NOW}" for n, id in enumerate(ids)},
    }


def held_by_another(*ids: str) -> Keyspace:
    """The same by a worker whose claims nobody here ends."""
    return {
        "processing": dict.fromkeys(ids, SECOND),
        "owner": {id: f"{OTHER}:{n}@{NOW}" for n, id in enumerate(ids)},
    }


CASES = [
    Case(
        "",
        "as many are claimed as places are left, and the rest waits until a run ends",
        {**queued("b", "c"), **held_by_another("a"), "limits": {"concurrency": "2"}},
        CLAIM,
        Round([], "limited", [claim("b", 7)]),
        {
            **ALIVE,
            **numbered(8),
            "queued": ["c"],
            "committed": {"b", "c"},
            "processing": {"a": SECOND, "b": SECOND},
            "owner": {"a": f"{OTHER}:0@{NOW}", "b": f"{W}:7@{NOW}"},
            "limits": {"concurrency": "2"},
        },
    ),
    Case(
        "",
        "a worker none of whose runs may begin waits in line",
        {**queued("b"), **held_by_another("a"), "limits": ONE_AT_A_TIME},
        CLAIM,
        Round([], "limited", []),
        {
            **queued("b"),
            **held_by_another("a"),
            **numbered(8),
            "limits": {**ONE_AT_A_TIME, f"turn:{W}": str(NOW)},
        },
    ),
    Case(
        "",
        "it keeps its place there",
        {**queued("b"), **held_by_another("a"), "limits": {**ONE_AT_A_TIME, f"turn:{W}": LONG_AGO}},
        CLAIM,
        Round([], "limited", []),
        {
            **queued("b"),
            **held_by_another("a"),
            **numbered(8),
            "limits": {**ONE_AT_A_TIME, f"turn:{W}": LONG_AGO},
        },
    ),
    Case(
        "",
        "it leaves the line when it begins a run",
        {**queued("b", "c"), "limits": {**ONE_AT_A_TIME, f"turn:{W}": LONG_AGO}},
        CLAIM,
        Round([], "limited", [claim("b", 7)]),
        {**queued("c"), **numbered(8), "committed": {"b", "c"}, **running("b"), "limits": ONE_AT_A_TIME},
    ),
    Case(
        "",
        "an empty queue is no limit: there the store hands over the next ID",
        {**ALIVE, **held_by_another("a"), "limits": {**ONE_AT_A_TIME, f"turn:{W}": LONG_AGO}},
        CLAIM,
        Round([], "open", []),
        {**ALIVE, **held_by_another("a"), **numbered(8), "limits": ONE_AT_A_TIME},
    ),
    Case(
        "",
        "F1 what was handed over and may not begin goes back to the head, in its order",
        {**queued("d"), f"claim:{W}": ["a", "b", "c"], "committed": {*IDS}, "limits": ONE_AT_A_TIME},
        CLAIM,
        Round([], "limited", [claim("a", 7)]),
        {**queued("b", "c", "d"), **numbered(8), "committed": {*IDS}, **running("a"), "limits": ONE_AT_A_TIME},
    ),
    Case(
        "",
        "a suspect that is asked for by name waits as well",
        {
            **queued("b"),
            **held_by_another("a"),
            "delayed": {"s": NOW + 5},
            "crashes": {"s": "2"},
            "limits": ONE_AT_A_TIME,
        },
        lambda world: world.exchange(want=1, suspects=SuspectPolicy(first=True, named=b"s")),
        Round([], "limited", []),
        {
            **queued("b"),
            **held_by_another("a"),
            **numbered(7),
            "delayed": {"s": NOW + 5},
            "crashes": {"s": "2"},
            "limits": {**ONE_AT_A_TIME, f"turn:{W}": str(NOW)},
        },
    ),
    Case(
        "",
        "runs begin until the bucket is empty, and the next is told when it may",
        {**queued(*IDS), "limits": TEN_A_SECOND},
        lambda world: world.exchange(want=4),
        Round([], "limited", [claim("a", 7), claim("b", 8)], again_ms=100),
        {
            **queued("c", "d"),
            **numbered(10),
            "committed": {*IDS},
            **running("a", "b"),
            "limits": {**TEN_A_SECOND, **EMPTY},
        },
    ),
    Case(
        "",
        "the bucket fills up in the store's time, and to the brim at most",
        {**queued(*IDS), "limits": {**TEN_A_SECOND, "used": "2000", "at": str(NOW - 99_999)}},
        lambda world: world.exchange(want=4),
        Round([], "limited", [claim("a", 7), claim("b", 8)], again_ms=100),
        {
            **queued("c", "d"),
            **numbered(10),
            "committed": {*IDS},
            **running("a", "b"),
            "limits": {**TEN_A_SECOND, **EMPTY},
        },
    ),
    Case(
        "",
        "a worker that waits for a start is told to come after those before it in line",
        {**queued("a"), "limits": {**TEN_A_SECOND, **EMPTY, "turn:ee": str(NOW - 7), "turn:ff": str(NOW - 5)}},
        CLAIM,
        Round([], "limited", [], again_ms=300),
        {
            **queued("a"),
            **numbered(8),
            "limits": {
                **TEN_A_SECOND,
                **EMPTY,
                "turn:ee": str(NOW - 7),
                "turn:ff": str(NOW - 5),
                f"turn:{W}": str(NOW),
            },
        },
    ),
    Case(
        "",
        "F19 a store's clock that was set back neither fills the bucket nor stops it",
        {**queued("a"), "limits": {**TEN_A_SECOND, "used": "2000", "at": str(NOW + 3_600_000)}},
        CLAIM,
        Round([], "limited", [], again_ms=100),
        {**queued("a"), **numbered(8), "limits": {**TEN_A_SECOND, **EMPTY, f"turn:{W}": str(NOW)}},
    ),
    Case(
        "",
        "F19 after a jump back of the clock a worker waits in line from now on",
        {**queued("b"), **held_by_another("a"), "limits": {**ONE_AT_A_TIME, f"turn:{W}": str(NOW + 3_600_000)}},
        CLAIM,
        Round([], "limited", []),
        {
            **queued("b"),
            **held_by_another("a"),
            **numbered(8),
            "limits": {**ONE_AT_A_TIME, f"turn:{W}": str(NOW)},
        },
    ),
    Case(
        "",
        "who has waited for a second goes before the worker whose run has ended, and is woken",
        {**queued("b"), **running("a", first=1), "limits": {**ONE_AT_A_TIME, "turn:bb": LONG_AGO}},
        lambda world: world.exchange(completed=[claim("a", 1)], want=1),
        Round([], "limited", []),
        {
            **queued("b"),
            **numbered(7),
            "limits": {**ONE_AT_A_TIME, f"turn:{W}": str(NOW)},
            "wake:bb": ["1"],
            "totals": {"done": "1"},
        },
    ),
    Case(
        "",
        "who has waited for less does not",
        {**queued("b"), **running("a", first=1), "limits": {**ONE_AT_A_TIME, "turn:bb": str(NOW - 1_000)}},
        lambda world: world.exchange(completed=[claim("a", 1)], want=1),
        Round([], "open", [claim("b", 7)]),
        {
            **ALIVE,
            **numbered(7),
            "committed": {"b"},
            **running("b"),
            "limits": {**ONE_AT_A_TIME, "turn:bb": str(NOW - 1_000)},
            "totals": {"done": "1"},
        },
    ),
    Case(
        "",
        "of two that have waited long the first goes first",
        {
            **queued("b"),
            "limits": {**ONE_AT_A_TIME, f"turn:{W}": LONG_AGO, "turn:bb": str(NOW - 4_000)},
        },
        lambda world: world.exchange(want=1),
        Round([], "open", [claim("b", 7)]),
        {
            **ALIVE,
            **numbered(7),
            "committed": {"b"},
            **running("b"),
            "limits": {**ONE_AT_A_TIME, "turn:bb": str(NOW - 4_000)},
        },
    ),
    Case(
        "",
        "a worker that stops wakes the first in line, and no more than can begin",
        {
            **queued("b"),
            **running("a", first=1),
            "limits": {**ONE_AT_A_TIME, "turn:bb": str(NOW), "turn:cc": LONG_AGO},
        },
        lambda world: world.exchange(completed=[claim("a", 1)]),
        Round([], "open", []),
        {
            **queued("b"),
            "limits": {**ONE_AT_A_TIME, "turn:bb": str(NOW), "turn:cc": LONG_AGO},
            "wake:cc": ["1"],
            "totals": {"done": "1"},
        },
    ),
    Case(
        "",
        "who is to be woken already is not woken once more",
        {**queued("b"), "limits": {**ONE_AT_A_TIME, "turn:bb": str(NOW)}, "wake:bb": ["1"]},
        lambda world: world.exchange(),
        Round([], "open", []),
        {**queued("b"), "limits": {**ONE_AT_A_TIME, "turn:bb": str(NOW)}, "wake:bb": ["1"]},
    ),
    Case(
        "",
        "F31 limits that are no numbers limit nothing",
        {**queued("a"), "limits": {"concurrency": "x", "rate": "-5", "period": "1e99", "burst": "", "turn:bb": "y"}},
        lambda world: world.exchange(want=1),
        Round([], "open", [claim("a", 7)]),
        {
            **ALIVE,
            **numbered(7),
            "committed": {"a"},
            **running("a"),
            "limits": {"concurrency": "x", "rate": "-5", "period": "1e99", "burst": ""},
        },
    ),
    Case(
        "",
        "set_limits sets exactly what it is told, and wakes all that wait",
        {**queued("a"), "limits": {**ONE_AT_A_TIME, "turn:bb": LONG_AGO, "turn:cc": LONG_AGO}},
        lambda world: world.queue.set_limits(rate=100),
        True,
        {
            **queued("a"),
            "limits": {"rate": "100", "period": "1000", "burst": "10", "turn:bb": LONG_AGO, "turn:cc": LONG_AGO},
            "wake:bb": ["1"],
            "wake:cc": ["1"],
        },
    ),
    Case(
        "",
        "set_limits to what they are changes nothing",
        {"limits": {**TEN_A_SECOND, **EMPTY}},
        lambda world: world.queue.set_limits(rate=10, burst=2),
        False,
        {"limits": {**TEN_A_SECOND, **EMPTY}},
    ),
    Case(
        "",
        "set_limits gives nobody a full bucket: what has begun counts on, in the new measure",
        {"limits": {**TEN_A_SECOND, "used": "2000", "at": str(NOW - 50)}},
        lambda world: world.queue.set_limits(rate=600, period_s=60, burst=7),
        True,
        {"limits": {"rate": "600", "period": "60000", "burst": "7", "used": "90000", "at": str(NOW)}},
    ),
    Case(
        "",
        "set_limits without any removes them",
        {"limits": {**TEN_A_SECOND, **ONE_AT_A_TIME, **EMPTY, "turn:bb": LONG_AGO}},
        lambda world: world.queue.set_limits(),
        True,
        {"wake:bb": ["1"]},
    ),
    Case("", "set_limits without any where there are none", {}, lambda world: world.queue.set_limits(), False, {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_claim_or_a_setting_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


def test_a_value_that_wakes_nobody_does_not_last(world: World) -> None:
    world.seed({"limits": {**ONE_AT_A_TIME, "turn:bb": LONG_AGO}})

    world.queue.set_limits()

    assert 0 < world.client.ttl("cv:q:wake:bb") <= 5


def test_limits_are_told_as_they_were_set(world: World) -> None:
    world.seed({})
    told = [world.queue.limits()]
    for concurrency, rate, period_s, burst in ((20, None, 1, None), (None, 3, 0.5, None), (7, 600, 60, 40)):
        world.queue.set_limits(concurrency=concurrency, rate=rate, period_s=period_s, burst=burst)
        told.append(world.queue.limits())
        assert world.queue.snapshot().limits == told[-1]

    assert told == [
        QueueLimits(),
        QueueLimits(20),
        QueueLimits(None, 3, 0.5, 1),
        QueueLimits(7, 600, 60.0, 40),
    ]
    assert [limits.is_set for limits in told] == [False, True, True, True]


@pytest.mark.parametrize(
    ("limits", "is_held_back"),
    [
        ({"concurrency": "1"}, True),
        ({"concurrency": "2"}, False),
        ({**TEN_A_SECOND, **EMPTY}, True),
        ({**TEN_A_SECOND, "used": "1000", "at": str(NOW)}, False),
    ],
)
def test_a_snapshot_tells_whether_a_limit_holds_ids_back(
    world: World, limits: dict[str, str], is_held_back: bool
) -> None:
    world.seed({**queued("b"), **held_by_another("a"), "limits": limits})

    assert world.queue.snapshot().is_held_back is is_held_back
    world.client.delete("cv:q:queued")
    assert world.queue.snapshot().is_held_back is False


def test_a_queue_without_limits_costs_no_further_command(world: World) -> None:
    world.seed(queued("a", "b"))
    world.exchange(want=1)

    sent = commands(world.client, lambda: world.exchange(completed=[claim("a", 7)], want=1, number=8))

    assert not {"hgetall", "hlen"} & sent.keys()
    assert sent["exists"] == 1
