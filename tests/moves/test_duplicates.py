"""IDs named twice in one call."""

from __future__ import annotations

import pytest

from convoy_core import Outcome, Published
from convoy_core.models import Then
from tests.moves.cases import DELAYED, FOREIGN, FREED, MINE, PUBLISHED, QUEUED, REFUSED, Case, free
from tests.moves.keyspace import NOW, T0, World

CASES = [
    Case(
        "",
        "publish of a queued ID is refused",
        QUEUED,
        lambda world: world.queue.publish("a", payload=1, rerun=True),
        Published.ALREADY_QUEUED,
        {**QUEUED, **REFUSED},
    ),
    Case(
        "",
        "publish of a delayed ID is refused",
        DELAYED,
        lambda world: world.queue.publish("a", payload=1, rerun=True),
        Published.ALREADY_DELAYED,
        {**DELAYED, **REFUSED},
    ),
    Case(
        "",
        "publish of an ID that was just handed over counts as queued",
        {"claim:aa": ["a"], "committed": {"a"}},
        lambda world: world.queue.publish("a"),
        Published.ALREADY_QUEUED,
        {"claim:aa": ["a"], "committed": {"a"}, **REFUSED},
    ),
    Case(
        "",
        "publish of a running ID is refused",
        MINE,
        lambda world: world.queue.publish("a", payload=1),
        Published.PROCESSING,
        {**MINE, **REFUSED},
    ),
    Case(
        "",
        "F25 publish of a running ID can ask for a rerun, with a payload for it",
        MINE,
        lambda world: world.queue.publish("a", payload=1, rerun=True),
        Published.WILL_RERUN,
        {**MINE, "rerun": {"a"}, "payload": {"a": "j1"}, **REFUSED, "requests": {"a": f"0 0 1 {T0}"}},
    ),
    Case(
        "",
        "F25 publish of what a Node worker runs can ask for a rerun as well",
        FOREIGN,
        lambda world: world.queue.publish("a", payload=1, rerun=True),
        Published.WILL_RERUN,
        {**FOREIGN, "rerun": {"a"}, "payload": {"a": "j1"}, **REFUSED, "requests": {"a": f"0 0 1 {T0}"}},
    ),
    Case(
        "",
        "F8 publish of an ID with a parked copy leaves it in one place",
        {"delayed": {"a": NOW + 5}},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["a"], "committed": {"a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "",
        "F8 jam guard of an ID with a parked copy leaves it in one place",
        {**FOREIGN, "delayed": {"a": NOW + 5}},
        free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {**FREED, "crashes": {"a": "1"}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)
