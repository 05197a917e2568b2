"""Completing a run."""

from __future__ import annotations

import pytest

from convoy_core.moves.working import (
    Round,
)
from tests.moves.cases import GUARDED, MINE, NO_CLAIM, REMEMBERED, Case
from tests.moves.keyspace import ALIVE, T0, World, claim

CASES = [
    Case(
        "complete: processing -> absent",
        "complete forgets all about the ID",
        {**MINE, **REMEMBERED},
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "totals": {"done": "1"}},
    ),
    Case(
        "complete: processing -> absent",
        "complete of an ID that a Node jam guard dropped",
        GUARDED,
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "totals": {"done": "1"}},
    ),
    Case(
        "complete: processing -> queued",
        "F25 complete with a rerun queues it once more, with a clean record and its payload",
        {**MINE, **REMEMBERED, "rerun": {"a"}, "queued": ["x"]},
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {
            **ALIVE,
            "queued": ["x", "a"],
            "committed": {"a"},
            "published": {"a": T0},
            "payload": {"a": "sload"},
            "totals": {"done": "1"},
        },
    ),
    Case(
        "complete: processing -> queued",
        "F50 complete with a rerun of an ID that a Node jam guard dropped commits it again",
        {**GUARDED, "rerun": {"a"}},
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "published": {"a": T0}, "totals": {"done": "1"}},
    ),
    Case(
        "",
        "F21 complete with a stale token changes nothing",
        MINE,
        lambda world: world.exchange(completed=[claim("a", 2)]),
        Round([2], "open", []),
        {**MINE, "totals": {"stale": "1"}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)
