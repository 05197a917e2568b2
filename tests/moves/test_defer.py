"""Deferring a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core.moves.working import (
    Round,
)
from tests.moves.cases import DUE, GUARDED, LOG, MINE, NEW_RECORD, NO_CLAIM, OLD, REMEMBERED, Case
from tests.moves.keyspace import ALIVE, T0, World, claim, failure

DEFER_IT: Callable[[World], object] = lambda world: world.exchange(deferred=[(claim("a"), 60_000)])  # noqa: E731 - as above


CASES = [
    Case(
        "defer: processing -> delayed",
        "defer waits, charges nothing and forgets nothing",
        {**MINE, **REMEMBERED},
        DEFER_IT,
        NO_CLAIM,
        {
            **ALIVE,
            **REMEMBERED,
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": OLD},
            "totals": {"deferred": "1"},
        },
    ),
    Case(
        "defer: processing -> delayed",
        "F50 defer of an ID that a Node jam guard dropped commits it again",
        GUARDED,
        DEFER_IT,
        NO_CLAIM,
        {**ALIVE, "delayed": {"a": DUE}, "committed": {"a"}, "totals": {"deferred": "1"}},
    ),
    Case(
        "defer: processing -> queued",
        "F25 defer with a rerun queues it at once",
        {**MINE, "rerun": {"a"}},
        DEFER_IT,
        NO_CLAIM,
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "published": {"a": T0}, "totals": {"deferred": "1"}},
    ),
    Case(
        "",
        "F21 defer with a stale token changes nothing",
        MINE,
        lambda world: world.exchange(deferred=[(claim("a", 2), 60_000)]),
        Round([2], "open", []),
        {**MINE, "totals": {"stale": "1"}},
    ),
    Case(
        "complete: processing -> absent",
        "complete by a handler that gave it up counts as discarded",
        {**MINE, **REMEMBERED},
        lambda world: world.exchange(discarded=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "totals": {"discarded": "1"}},
    ),
    Case(
        "complete: processing -> queued",
        "F25 complete by a handler that gave it up honours a rerun",
        {**MINE, "rerun": {"a"}},
        lambda world: world.exchange(discarded=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "published": {"a": T0}, "totals": {"discarded": "1"}},
    ),
    Case(
        "fail: processing -> failed",
        "F21 F30 fail of an ID lost and claimed again counts the present claim alone",
        MINE,
        lambda world: world.exchange(failed=[(claim("a", 0), failure("late")), (claim("a", 1), failure())]),
        Round([0], "open", []),
        {
            **ALIVE,
            "failed": {"a": 1},
            "failure": {"a": NEW_RECORD},
            LOG: ["boom"],
            "totals": {"failed": "1", "stale": "1"},
        },
    ),
    Case(
        "defer: processing -> delayed",
        "F21 F30 defer of an ID lost and claimed again counts the present claim alone",
        MINE,
        lambda world: world.exchange(deferred=[(claim("a", 1), 60_000), (claim("a", 0), 5)]),
        Round([0], "open", []),
        {
            **ALIVE,
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": OLD},
            "totals": {"deferred": "1", "stale": "1"},
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)
