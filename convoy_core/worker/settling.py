"""From verdicts to the settlement that one exchange writes down."""

from __future__ import annotations

import json

from convoy_core import validation
from convoy_core.jobs import Claim, Discard, Failed, Retry, Verdict
from convoy_core.moves.working import Settlement
from convoy_core.options import decode_id
from convoy_core.system.logs import Log

log = Log(__name__)

_UNSETTLED = "the pool could not write down how the run ended"


def settle(settlement: Settlement, claim: Claim, verdict: Verdict, *, defer_s: float) -> Verdict:
    """Have `claim` settled by `verdict`; the verdict that counts: a failure, if that one cannot be written down."""
    try:
        _add(settlement, claim, verdict, defer_s)
    except (ArithmeticError, TypeError, ValueError) as error:
        log.warning("%r failed: %s: %s", decode_id(claim.raw_id), _UNSETTLED, error)
        verdict = Failed(_UNSETTLED, json.dumps({"error": _UNSETTLED}), None)
        _add(settlement, claim, verdict, defer_s)
    return verdict


def _add(settlement: Settlement, claim: Claim, verdict: Verdict, defer_s: float) -> None:
    settlement.bytes += len(claim.raw_id)
    match verdict:
        case "completed":
            settlement.completed.append(claim)
        case "released":
            settlement.released.append(claim)
        case "cancelled":
            settlement.cancelled.append(claim)
        case Failed(message, record):
            # What UTF-8 cannot hold would be found only on its way to the store.
            settlement.bytes += len((message + record).encode())
            settlement.failed.append((claim, verdict))
            settlement.costly += 1
        case Discard():
            settlement.discarded.append(claim)
        case Retry(after_s):
            settlement.deferred.append(
                (claim, round(validation.seconds("after_s", defer_s if after_s is None else after_s) * 1000))
            )
            settlement.costly += 1
