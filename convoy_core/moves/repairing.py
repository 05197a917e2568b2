"""The repair of what a check has found, as calls. Each script looks again before it writes. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from convoy_core import validation
from convoy_core.checks import Fault, Repaired
from convoy_core.moves.call import Steps, of
from convoy_core.moves.first_look import without_listed
from convoy_core.moves.keys import Keys
from convoy_core.moves.recovering import LATE_MS
from convoy_core.moves.suspicions import Suspicion, arguments, in_order_of_repair, searchable
from convoy_core.options import encode_stored_id

MOST_COPIES: Final = 1000
"""As many copies of an ID are removed by one repair; a later check finds those that are left."""


def repair(keys: Keys, given: Iterable[Fault], max_crashes: int, *, by: str = "") -> Steps[dict[Fault, Repaired]]:
    """Put these right, each only if it is still wrong. `by` is an operator's signature."""
    validation.whole("max_crashes", max_crashes, 1)
    suspected = [_suspicion(fault) for fault in validation.many("faults", given, _FAULTS)]
    left, queued, was_read = yield from without_listed(keys, in_order_of_repair(suspected))
    answers = dict.fromkeys(suspected, Repaired.GONE)
    for _ in range(MOST_COPIES):
        again: list[Suspicion] = []
        for chunk in searchable(left, queued):
            named = arguments(chunk, was_read=was_read)
            words = yield of("repair", keys, (by, LATE_MS, max_crashes, *named), list)
            for one, word in zip(chunk, words, strict=True):
                answer = Repaired(word.decode())
                if answer is not Repaired.GONE:
                    answers[one] = answer
                if answer is Repaired.MERGED:
                    again.append(one)  # one copy goes at a time
        if not again:
            break
        left = again
    return {one.fault: answer for one, answer in answers.items()}


_FAULTS: Final = "Fault records, as a check returns"


def _suspicion(fault: Fault) -> Suspicion:
    validation.one_of("An entry of faults", fault, Fault, f"one of {_FAULTS}")
    return Suspicion(fault.kind, encode_stored_id(fault.id), fault.worker or "")
