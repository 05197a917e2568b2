"""Dry runs change nothing, and say what the deed would."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import Cancelled, Outcome, Published, State
from tests.moves.cases import DELAYED, FAILED, FOREIGN, GONE, MINE, QUEUED, Case
from tests.moves.keyspace import ALIVE, W, World


def _answers(**options: object) -> Callable[[World], object]:
    return lambda world: next(world.queue.publish_chunks(["a"], **options)).answers()  # type: ignore[arg-type] # any of them


def _dry_discard(state: State) -> Callable[[World], object]:
    return lambda world: world.queue.discard(["a", "x"], state=state, dry_run=True)


CASES = [
    Case("", "dry publish of an absent ID", {}, _answers(dry_run=True), [Published.QUEUED], {}),
    Case("", "dry publish of a failed ID", FAILED, _answers(dry_run=True, delay_s=1), [Published.DELAYED], FAILED),
    Case("", "dry publish of a queued ID", QUEUED, _answers(dry_run=True), [Published.ALREADY_QUEUED], QUEUED),
    Case("", "dry publish of a delayed ID", DELAYED, _answers(dry_run=True), [Published.ALREADY_DELAYED], DELAYED),
    Case("", "dry publish of a running ID", MINE, _answers(dry_run=True), [Published.PROCESSING], MINE),
    Case(
        "",
        "dry publish with a rerun",
        MINE,
        _answers(dry_run=True, rerun=True, payload="x"),
        [Published.WILL_RERUN],
        MINE,
    ),
    Case(
        "",
        "dry requeue",
        FAILED,
        lambda world: world.queue.requeue(["a", "x"], dry_run=True),
        {"a": Outcome.QUEUED, "x": Outcome.GONE},
        FAILED,
    ),
    Case("", "dry discard of a queued ID", QUEUED, _dry_discard(State.QUEUED), GONE, QUEUED),
    Case("", "dry discard of a delayed ID", DELAYED, _dry_discard(State.DELAYED), GONE, DELAYED),
    Case("", "dry discard of a failed ID", FAILED, _dry_discard(State.FAILED), GONE, FAILED),
    *(
        Case(
            "",
            f"dry cancel of what would be {answer}",
            keys,
            lambda world: world.queue.cancel(["a"], dry_run=True),
            {"a": answer},
            keys,
        )
        for keys, answer in (
            (QUEUED, Cancelled.CANCELLED),
            ({**ALIVE, f"claim:{W}": ["a"], "committed": {"a"}}, Cancelled.CANCELLED),
            (DELAYED, Cancelled.CANCELLED),
            (MINE, Cancelled.CANCELLING),
            (FOREIGN, Cancelled.NODE),
            (FAILED, Cancelled.FAILED),
            ({}, Cancelled.ABSENT),
            ({"committed": {"a"}}, Cancelled.MISSING),
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)
