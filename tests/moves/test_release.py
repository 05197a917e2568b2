"""Releasing a claim unharmed."""

from __future__ import annotations

import pytest

from convoy_core.moves.working import (
    Round,
)
from tests.moves.cases import GUARDED, MINE, NO_CLAIM, OLD, REMEMBERED, Case
from tests.moves.keyspace import ALIVE, NOW, SECOND, Keyspace, W, World, claim

RELEASED: Keyspace = {"committed": {"a"}, "published": {"a": OLD}, "totals": {"released": "1"}}


CASES = [
    Case(
        "release: processing -> queued",
        "release puts it at the head, unharmed",
        {**MINE, **REMEMBERED, "queued": ["x"]},
        lambda world: world.exchange(released=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, **REMEMBERED, **RELEASED, "queued": ["a", "x"]},
    ),
    Case(
        "release: processing -> queued",
        "release of several keeps their order at the head",
        {
            **ALIVE,
            "queued": ["x"],
            "committed": {"a", "b", "x"},
            "processing": {"a": SECOND, "b": SECOND},
            "started": {"a": NOW, "b": NOW},
            "owner": {"a": f"{W}:1@{NOW}", "b": f"{W}:2@{NOW}"},
        },
        lambda world: world.exchange(released=[claim("a"), claim("b", 2)]),
        NO_CLAIM,
        {**ALIVE, "queued": ["a", "b", "x"], "committed": {"a", "b", "x"}, "totals": {"released": "2"}},
    ),
    Case(
        "release: processing -> queued",
        "F25 release satisfies a rerun: the run to come is the one asked for",
        {**MINE, "rerun": {"a"}},
        lambda world: world.exchange(released=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, **RELEASED, "queued": ["a"]},
    ),
    Case(
        "release: processing -> queued",
        "F50 release of an ID that a Node jam guard dropped commits it again",
        GUARDED,
        lambda world: world.exchange(released=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "totals": {"released": "1"}},
    ),
    Case(
        "",
        "F21 release with a stale token changes nothing",
        MINE,
        lambda world: world.exchange(released=[claim("a", 2)]),
        Round([2], "open", []),
        {**MINE, "totals": {"stale": "1"}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)
