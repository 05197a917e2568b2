"""Claiming: what is handed out, set apart, merged or refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import Counts
from convoy_core.moves.working import (
    Round,
    Settlement,
    SuspectPolicy,
    exchange,
    fence,
    unregister,
)
from tests.moves.cases import (
    CLAIM_ONE,
    DEPARTED,
    FOREIGN,
    LONG_OVER,
    MINE,
    NO_CLAIM,
    OLD,
    PAST,
    QUEUED,
    RECOVER_IT,
    REMEMBERED,
    Case,
    numbered,
)
from tests.moves.keyspace import ALIVE, LEASE, NOW, SECOND, T0, Keyspace, W, World, claim

CLAIMED: Keyspace = {
    **ALIVE,
    **numbered(7),
    "committed": {"a"},
    "processing": {"a": SECOND},
    "owner": {"a": f"{W}:7@{NOW}"},
}


def _asking_for_b(kept: int) -> Callable[[World], Round]:
    return lambda world: world.exchange(want=1, suspects=SuspectPolicy(kept=kept, first=True, named=b"b"))


STARTED: Keyspace = {**numbered(7), "processing": {"a": SECOND}, "owner": {"a": f"{W}:7@{NOW}"}}


CASES = [
    Case(
        "claim: queued -> processing",
        "claim takes the head of the list",
        {**ALIVE, "queued": ["a", "b"], "committed": {"a", "b"}},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, "queued": ["b"], "committed": {"a", "b"}},
    ),
    Case(
        "claim: queued -> processing",
        "claim numbers the IDs in order",
        {**ALIVE, "queued": ["a", "b"], "committed": {"a", "b"}},
        lambda world: world.exchange(want=5),
        Round([], "open", [claim("a", 7), claim("b", 8)]),
        {
            **ALIVE,
            **numbered(11),
            "committed": {"a", "b"},
            "processing": {"a": SECOND, "b": SECOND},
            "owner": {"a": f"{W}:7@{NOW}", "b": f"{W}:8@{NOW}"},
        },
    ),
    Case(
        "claim: queued -> processing",
        "F1 claim takes what BLMOVE handed over first",
        {**ALIVE, f"claim:{W}": ["a"], "queued": ["b"], "committed": {"a", "b"}},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, "queued": ["b"], "committed": {"a", "b"}},
    ),
    Case(
        "claim: queued -> processing",
        "F2 claim gives the surplus of the claim list back to the head",
        {**ALIVE, f"claim:{W}": ["a", "b", "c"], "queued": ["d"], "committed": {"a", "b", "c", "d"}},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, "queued": ["b", "c", "d"], "committed": {"a", "b", "c", "d"}},
    ),
    Case(
        "claim: queued -> processing",
        "F28 a worker that can spare the time takes an ID whose worker died twice before others, and alone",
        {**ALIVE, f"claim:{W}": ["a", "b"], "queued": ["c"], "committed": {"a", "b", "c"}, "crashes": {"b": "2"}},
        lambda world: world.exchange(want=3, suspects=SuspectPolicy(first=True)),
        Round([], "alone", [claim("b", 7, crashes=2)]),
        {
            **ALIVE,
            **numbered(9),
            "queued": ["a", "c"],
            "committed": {"a", "b", "c"},
            "processing": {"b": SECOND},
            "owner": {"b": f"{W}:7@{NOW}"},
            "crashes": {"b": "2"},
        },
    ),
    Case(
        "claim: queued -> processing",
        "F28 an idle worker takes an ID whose worker died twice where nothing else is queued",
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "crashes": {"a": "2"}},
        lambda world: world.exchange(want=3),
        Round([], "alone", [claim("a", 7, crashes=2)]),
        {**CLAIMED, **numbered(9), "crashes": {"a": "2"}},
    ),
    Case(
        "set_apart: queued -> delayed",
        "F69 IDs whose worker died twice are set apart, and others flow past them",
        {**ALIVE, "queued": ["b", "a", "c"], "committed": {"a", "b", "c"}, "crashes": {"a": "1", "b": "2", "c": "5"}},
        lambda world: world.exchange(want=3),
        Round([], "open", [claim("a", 7, crashes=1)], [b"b", b"c"]),
        {
            **CLAIMED,
            **numbered(9),
            "committed": {"a", "b", "c"},
            "delayed": {"b": NOW + LEASE, "c": NOW + LEASE},
            "crashes": {"a": "1", "b": "2", "c": "5"},
        },
    ),
    Case(
        "set_apart: queued -> delayed",
        "F69 an ID whose worker died twice is set apart by a worker that keeps another",
        {**ALIVE, "queued": ["a", "b"], "committed": {"a", "b"}, "crashes": {"a": "2"}},
        lambda world: world.exchange(want=1, suspects=SuspectPolicy(kept=1, first=True)),
        Round([], "open", [], [b"a"]),
        {
            **ALIVE,
            **numbered(7),
            "queued": ["b"],
            "committed": {"a", "b"},
            "delayed": {"a": NOW + LEASE},
            "crashes": {"a": "2"},
        },
    ),
    Case(
        "claim: delayed -> processing",
        "F69 a drained worker takes the ID that it asks for by name, and gives back what was handed over to it",
        {
            **ALIVE,
            f"claim:{W}": ["b"],
            "queued": ["c"],
            "delayed": {"a": NOW + 1000},
            "committed": {"a", "b", "c"},
            "crashes": {"a": "2"},
        },
        lambda world: world.exchange(want=3, suspects=SuspectPolicy(first=True, named=b"a")),
        Round([], "alone", [claim("a", 7, crashes=2)]),
        {
            **CLAIMED,
            **numbered(9),
            "queued": ["b", "c"],
            "committed": {"a", "b", "c"},
            "crashes": {"a": "2"},
        },
    ),
    Case(
        "",
        "F69 a round that claims nothing takes no ID by name, under a number that the next would use again",
        {**ALIVE, "delayed": {"a": NOW + 1000}, "committed": {"a"}, "crashes": {"a": "2"}},
        lambda world: world.exchange(suspects=SuspectPolicy(first=True, named=b"a")),
        Round([], "open", []),
        {**ALIVE, "delayed": {"a": NOW + 1000}, "committed": {"a"}, "crashes": {"a": "2"}},
    ),
    *(
        Case(
            "claim: queued -> processing",
            f"F69 a worker that asks for an ID by name gets others where {why}",
            {**ALIVE, "queued": ["a"], "committed": {"a", "b"}, "crashes": {"b": "2"}, **state},
            _asking_for_b(kept),
            Round([], "open", [claim("a", 7)]),
            {**ALIVE, "committed": {"a", "b"}, "crashes": {"b": "2"}, **joined},
        )
        for why, kept, state, joined in (
            ("it keeps one", 1, {"delayed": {"b": NOW}}, {**STARTED, "delayed": {"b": NOW}}),
            ("another has taken it", 0, {}, STARTED),
            (
                "a Node worker runs it",
                0,
                {"delayed": {"b": NOW}, "processing": {"b": SECOND}},
                {**STARTED, "delayed": {"b": NOW}, "processing": {"a": SECOND, "b": SECOND}},
            ),
        )
    ),
    Case(
        "claim: queued -> processing",
        "F9 claim adopts an ID that is not committed, and counts it",
        {**ALIVE, "queued": ["a"]},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, "totals": {"adopted": "1"}},
    ),
    Case(
        "claim: queued -> processing",
        "F8 claim merges a copy of our running ID into a rerun",
        {**MINE, "queued": ["a", "b"], "committed": {"a", "b"}},
        lambda world: world.exchange(want=2),
        Round([], "open", [claim("b", 7)]),
        {
            **MINE,
            **numbered(8),
            "committed": {"a", "b"},
            "processing": {"a": SECOND - 100, "b": SECOND},
            "owner": {"a": f"{W}:1@{PAST}", "b": f"{W}:7@{NOW}"},
            "rerun": {"a"},
            "totals": {"merged": "1"},
        },
    ),
    Case(
        "",
        "F8 claim parks a copy of an ID that a Node worker runs",
        {**ALIVE, **FOREIGN, "queued": ["a"]},
        CLAIM_ONE,
        NO_CLAIM,
        {**ALIVE, **FOREIGN, **numbered(7), "delayed": {"a": NOW + LEASE}, "totals": {"merged": "1"}},
    ),
    Case(
        "claim: queued -> processing",
        "F8 claim of two copies runs one, and once more",
        {**ALIVE, "queued": ["a", "a"], "committed": {"a"}},
        lambda world: world.exchange(want=2),
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, **numbered(8), "rerun": {"a"}, "totals": {"merged": "1"}},
    ),
    Case(
        "claim: queued -> processing",
        "F54 claim carries along the failures that a Node publisher left",
        {**ALIVE, **QUEUED, "failed": {"a": 3, "b": 1}},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7, failures=3)]),
        {**CLAIMED, "published": {"a": OLD}, "failed": {"b": 1}, "failures": {"a": "3"}},
    ),
    Case(
        "claim: queued -> processing",
        "claim hands over all that is remembered",
        {**ALIVE, **QUEUED, **REMEMBERED},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7, attempts=1, failures=4, crashes=1, payload=b"sload")]),
        {**CLAIMED, "published": {"a": OLD}, **REMEMBERED},
    ),
    Case(
        "",
        "F4 claim that arrives twice claims nothing the second time",
        {**ALIVE, **QUEUED, **numbered(7)},
        CLAIM_ONE,
        Round([], "repeated", []),
        {**ALIVE, **QUEUED, **numbered(7)},
    ),
    Case(
        "",
        "claim of nothing changes nothing",
        {**ALIVE, **QUEUED},
        lambda world: world.exchange(want=0),
        NO_CLAIM,
        {**ALIVE, **QUEUED},
    ),
    Case(
        "",
        "claim by a worker that is not registered is refused",
        QUEUED,
        CLAIM_ONE,
        Round([], "gone", []),
        QUEUED,
    ),
    Case(
        "",
        "claim with a lapsed lease is refused",
        {**QUEUED, "workers": {W: NOW}},
        CLAIM_ONE,
        Round([], "lapsed", []),
        {**QUEUED, "workers": {W: NOW}, **numbered(7)},
    ),
    Case(
        "",
        "claim while paused gives back what was handed over",
        {**ALIVE, "paused": OLD, f"claim:{W}": ["a", "b"], "queued": ["c"], "committed": {"a", "b", "c"}},
        CLAIM_ONE,
        Round([], "paused", []),
        {**ALIVE, "paused": OLD, "queued": ["a", "b", "c"], "committed": {"a", "b", "c"}, **numbered(7)},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


MANY = [f"{n:05}" for n in range(10_000)]


@pytest.mark.parametrize("hindrance", ["paused", "lapsed"])
def test_f4_a_claim_that_was_refused_claims_nothing_when_it_arrives_again(world: World, hindrance: str) -> None:
    world.seed({**ALIVE, "queued": ["a"], "committed": {"a"}, f"worker:{W}": {"since": T0}})
    request = exchange(world.keys, W, Settlement(), 4, 101, LEASE)
    if hindrance == "paused":
        world.queue.pause()
    else:
        world.queue._connection.now_ms = NOW + LEASE

    assert world.run(request).word == hindrance
    world.queue.resume()
    world.queue._connection.now_ms = NOW
    assert world.run(request).word == "repeated"
    assert world.queue.counts() == Counts(queued=1, committed=1)


def test_f3_a_claim_that_arrives_after_the_fence_claims_nothing(world: World) -> None:
    world.seed({**ALIVE, "queued": ["a"], "committed": {"a"}, f"worker:{W}": {"number": "3"}})
    late = exchange(world.keys, W, Settlement(), 5, 4, LEASE)

    world.run(fence(world.keys, W, 9))

    assert world.run(late).word == "repeated"
    assert world.queue.counts() == Counts(queued=1, committed=1)
    assert world.run(exchange(world.keys, W, Settlement(), 5, 9, LEASE)).word == "open"


@pytest.mark.parametrize(
    "act", [RECOVER_IT, lambda world: world.run(unregister(world.keys, W, 0))], ids=["recover", "unregister"]
)
def test_f7_f10_a_claim_list_of_any_length_comes_back_in_order(world: World, act: Callable[[World], object]) -> None:
    world.seed({"workers": {W: LONG_OVER}, f"claim:{W}": MANY, "committed": set(MANY)})

    act(world)

    assert world.state() == {**DEPARTED, "queued": MANY, "committed": set(MANY)}


def test_f7_a_claim_from_a_claim_list_of_any_length_loses_nothing(world: World) -> None:
    world.seed({**ALIVE, f"claim:{W}": MANY, "committed": set(MANY)})

    CLAIM_ONE(world)

    state = world.state()
    assert state.get("queued") == MANY[1:]
    assert state.get("processing") == {MANY[0]: SECOND}
