"""The jam guard."""

from __future__ import annotations

import pytest

from convoy_core import Outcome
from convoy_core.models import Then
from tests.moves.cases import (
    FOREIGN,
    FREED,
    GUARDED,
    LOG,
    LONG_OVER,
    MINE,
    OLD,
    ORPHANED,
    PAST,
    REMEMBERED,
    Case,
    free,
)
from tests.moves.keyspace import ALIVE, SECOND, T0, W, World

JAMMED_RECORD = f'{{"at":{SECOND}.000,"error":"jammed: it had been processing for too long"}}'


LOCK = f"lock:clearJammedJobs:{SECOND - SECOND % 5}"


OLD_LOCK = f"lock:clearJammedJobs:{SECOND - SECOND % 5 - 5}"


CASES = [
    Case(
        "jam_guard: processing -> queued",
        "jam guard requeues at the end and counts a crash",
        {**MINE, "queued": ["x"], "committed": {"a", "x"}},
        free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {
            **ALIVE,
            **FREED,
            "queued": ["x", "a"],
            "committed": {"a", "x"},
            "published": {"a": OLD},
            "crashes": {"a": "1"},
        },
    ),
    Case(
        "jam_guard: processing -> queued",
        "jam guard frees what a Node worker held",
        FOREIGN,
        free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {**FREED, "crashes": {"a": "1"}},
    ),
    Case(
        "jam_guard: processing -> queued",
        "F50 jam guard of an ID that a Node jam guard dropped commits it again",
        GUARDED,
        free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {**ALIVE, **FREED, "crashes": {"a": "1"}},
    ),
    Case(
        "jam_guard: processing -> queued",
        "F25 jam guard satisfies a rerun by requeueing",
        {**MINE, "rerun": {"a"}},
        free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {**ALIVE, **FREED, "published": {"a": OLD}, "crashes": {"a": "1"}},
    ),
    Case(
        "jam_guard: processing -> queued",
        "F25 jam guard that fails IDs honours a rerun",
        {**MINE, "rerun": {"a"}},
        free(Then.FAIL),
        {"a": Outcome.QUEUED},
        {**ALIVE, **FREED, "published": {"a": T0}},
    ),
    Case(
        "jam_guard: processing -> queued",
        "F25 F50 jam guard that discards IDs honours a rerun, after Node's dropped it too",
        {**GUARDED, "rerun": {"a"}},
        free(Then.DISCARD),
        {"a": Outcome.QUEUED},
        {**ALIVE, **FREED, "published": {"a": T0}},
    ),
    Case(
        "jam_guard: processing -> failed",
        "F28 jam guard for the third time fails it",
        {**MINE, "crashes": {"a": "2"}},
        free(Then.REQUEUE),
        {"a": Outcome.FAILED},
        {
            **ALIVE,
            "failed": {"a": 1},
            "failure": {"a": f'{{"at":{SECOND}.000,"error":"jammed 3 times in a row"}}'},
            LOG: ["jammed 3 times in a row"],
            "totals": {"jammed": "1", "failed": "1"},
        },
    ),
    Case(
        "jam_guard: processing -> failed",
        "jam guard fails IDs",
        {**MINE, "failures": {"a": "4"}, "crashes": {"a": "1"}, "payload": {"a": "sx"}},
        free(Then.FAIL),
        {"a": Outcome.FAILED},
        {
            **ALIVE,
            "failed": {"a": 5},
            "failure": {"a": JAMMED_RECORD},
            "payload": {"a": "sx"},
            LOG: ["jammed"],
            "totals": {"jammed": "1", "failed": "1"},
        },
    ),
    Case(
        "jam_guard: processing -> absent",
        "jam guard discards IDs, as redis-convoy",
        {**MINE, **REMEMBERED},
        free(Then.DISCARD),
        {"a": Outcome.DISCARDED},
        {**ALIVE, "totals": {"jammed": "1"}},
    ),
    Case(
        "",
        "jam guard leaves an ID alone that started anew since it was seen",
        {**MINE, "owner": {"a": f"{W}:1@{PAST + 1}"}},
        free(Then.DISCARD),
        {"a": Outcome.GONE},
        {**MINE, "owner": {"a": f"{W}:1@{PAST + 1}"}},
    ),
    Case(
        "",
        "jam guard leaves a live holder alone when asked to",
        MINE,
        free(Then.DISCARD, skip_live=True),
        {"a": Outcome.HELD},
        MINE,
    ),
    Case(
        "jam_guard: processing -> queued",
        "jam guard frees a dead holder's ID although live ones are left out",
        ORPHANED,
        free(Then.REQUEUE, skip_live=True),
        {"a": Outcome.QUEUED},
        {"workers": {W: LONG_OVER}, **FREED, "published": {"a": OLD}, "crashes": {"a": "1"}},
    ),
    Case(
        "",
        "F55 jam guard leaves all to the Node guard whose lock it sees",
        {**FOREIGN, LOCK: "1"},
        free(Then.DISCARD),
        {"a": Outcome.LOCKED},
        {**FOREIGN, LOCK: "1"},
    ),
    Case(
        "jam_guard: processing -> absent",
        "F55 jam guard does not care for the lock of five seconds ago",
        {**FOREIGN, OLD_LOCK: "1"},
        free(Then.DISCARD),
        {"a": Outcome.DISCARDED},
        {OLD_LOCK: "1", "totals": {"jammed": "1"}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)
