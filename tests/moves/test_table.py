"""The table of moves as a whole: every path has a case, and every move is refused from every other state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import Outcome, Record, State
from convoy_core.models import Then
from convoy_core.moves.call import of
from convoy_core.moves.working import (
    SuspectPolicy,
    promote,
)
from convoy_core.states import MOVES
from tests.moves import (
    test_cancel,
    test_claim,
    test_complete,
    test_defer,
    test_dry_runs,
    test_duplicates,
    test_fail,
    test_jam_guard,
    test_publish,
    test_recover,
    test_register,
    test_release,
    test_renew,
    test_restore,
    test_steering,
    test_undo,
)
from tests.moves.cases import BEATEN, CLAIM_ONE, DELAYED, FAILED, MINE, QUEUED, beat, seen
from tests.moves.keyspace import ALIVE, LEASE, Keyspace, W, World, claim, failure

CASES = [
    *test_publish.CASES,
    *test_claim.CASES,
    *test_complete.CASES,
    *test_fail.CASES,
    *test_defer.CASES,
    *test_release.CASES,
    *test_renew.CASES,
    *test_recover.CASES,
    *test_jam_guard.CASES,
    *test_steering.CASES,
    *test_restore.CASES,
    *test_cancel.CASES,
    *test_duplicates.CASES,
    *test_register.CASES,
    *test_dry_runs.CASES,
    *test_undo.CASES,
]


def test_every_path_of_the_table_has_a_case() -> None:
    paths = {
        f"{move.name}: {source} -> {target}"
        for move in MOVES.values()
        for source in move.sources
        for target in move.targets
    }

    assert {case.path for case in CASES} - {""} == paths


PLACES: dict[State, Keyspace] = {
    State.ABSENT: ALIVE,
    State.QUEUED: {**ALIVE, **QUEUED},
    State.DELAYED: {**ALIVE, **DELAYED},
    State.PROCESSING: MINE,
    State.FAILED: {**ALIVE, **FAILED},
}


ACTS: dict[str, Callable[[World], object]] = {
    "publish": lambda world: world.queue.publish("a"),
    "promote": lambda world: world.run(promote(world.keys, 10, LEASE)),
    "claim": CLAIM_ONE,
    "set_apart": lambda world: world.exchange(want=1, suspects=SuspectPolicy(kept=1)),
    "renew": beat,
    "complete": lambda world: world.exchange(completed=[claim("a")]),
    "fail": lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=5))]),
    "defer": lambda world: world.exchange(deferred=[(claim("a"), 5)]),
    "release": lambda world: world.exchange(released=[claim("a")]),
    "recover": lambda world: world.run(of("recover", world.keys, ("dd", 3, "1", "a", f"{W}:1"), list)),
    "jam_guard": lambda world: world.queue.free_jammed([seen()], then=Then.DISCARD),
    "cancel": lambda world: world.queue.cancel(["a"]),
    "abort": lambda world: world.exchange(cancelled=[claim("a")]),
    "requeue": lambda world: world.queue.requeue(["a"]),
    "withdraw": lambda world: test_undo.withdraw(world, "a"),
    "restore": lambda world: world.queue.restore([Record("a", attempts=1, raw_payload=b"sx")]),
    "discard": lambda world: [
        world.queue.discard(["a"], state=state) for state in (State.QUEUED, State.DELAYED, State.FAILED)
    ],
}


COUNTED = {
    "publish": {"refused": "1"},
    "complete": {"stale": "1"},
    "fail": {"stale": "1"},
    "defer": {"stale": "1"},
    "release": {"stale": "1"},
    "abort": {"stale": "1"},
}


@pytest.mark.parametrize(
    ("name", "state"),
    [(move.name, state) for move in MOVES.values() for state in State if state not in move.sources],
)
def test_a_move_is_refused_from_every_other_state(world: World, name: str, state: State) -> None:
    before = {**PLACES[state], **BEATEN}
    world.seed(before)

    ACTS[name](world)

    counted: Keyspace = {"totals": COUNTED[name]} if name in COUNTED else {}
    if name == "publish":
        counted = {**counted, "requests": {"a": "1"}}
    if name in ("claim", "set_apart"):
        counted = {f"worker:{W}": {**BEATEN[f"worker:{W}"], "number": "7"}}
    if (name, state) == ("cancel", State.PROCESSING):
        counted = {"cancelling": {"a": f"{W}:1"}}
    assert world.state() == {**before, **counted}


def test_every_move_has_an_action() -> None:
    assert ACTS.keys() == MOVES.keys()


@pytest.mark.parametrize("state", [State.QUEUED, State.DELAYED, State.FAILED])
def test_discard_looks_in_the_named_state_only(world: World, state: State) -> None:
    for place in set(State) - {state}:
        world.seed(PLACES[place])

        outcomes = world.queue.discard(["a"], state=state)

        assert outcomes == {"a": Outcome.GONE}
        assert world.state() == PLACES[place]
