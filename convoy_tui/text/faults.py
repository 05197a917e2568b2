"""What the faults of a queue mean, and what their repairs do, in words."""

from __future__ import annotations

from typing import Final

from convoy_core import Fault, FaultKind, Level, Repaired

_MEANINGS: Final = {
    FaultKind.ORPHANED: "its worker is gone, and no pool has taken it back",
    FaultKind.MISSING: "committed, but in no place: nothing will run it",
    FaultKind.DUPLICATE: "waits or runs in two places",
    FaultKind.UNLISTED: "held by a living worker, but not listed as processing",
    FaultKind.UNCOMMITTED: "waits or runs, but a second publish would be accepted",
    FaultKind.LEFTOVER: "has ended, but some of its data is still there",
}

_REPAIRS: Final = {
    FaultKind.ORPHANED: "put it at the head of the queue (the third time among the failed)",
    FaultKind.MISSING: "put it into the queue",
    FaultKind.DUPLICATE: "remove the copy; what waits beside its run runs once more",
    FaultKind.UNLISTED: "list it",
    FaultKind.UNCOMMITTED: "commit it",
    FaultKind.LEFTOVER: "remove that data",
}

ANSWERS: Final = {
    Repaired.QUEUED: "queued",
    Repaired.FAILED: "put among the failed",
    Repaired.MERGED: "merged",
    Repaired.LISTED: "listed",
    Repaired.COMMITTED: "committed",
    Repaired.FORGOTTEN: "cleared",
    Repaired.GONE: "in order by then",
}
"""What a repair did with so many IDs."""


def meaning(fault: Fault) -> str:
    """What is wrong."""
    if fault.worker is not None and fault.kind is FaultKind.ORPHANED:
        return f"handed to {fault.worker}, which is gone"
    if fault.worker is not None:
        return f"handed to {fault.worker} while it waits or runs elsewhere"
    return _MEANINGS[fault.kind]


def repair(fault: Fault) -> str:
    """What would be done about it."""
    if fault.worker is not None and fault.kind is FaultKind.ORPHANED:
        return "put it at the head of the queue"
    return _REPAIRS[fault.kind]


def level(fault: Fault) -> Level:
    """How bad it is: data that was left over harms nobody."""
    return Level.WARNING if fault.kind is FaultKind.LEFTOVER else Level.ALARM
