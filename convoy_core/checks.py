"""What a check of a queue or of its store finds, and what a repair answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What is wrong with an ID. Repairs are made in this order, since one may settle another."""

    ORPHANED = "orphaned"
    """Its worker is not registered, or its lease ran out long ago, and no other pool has recovered the ID."""
    MISSING = "missing"
    """Committed, and in no place: nothing will run it, and every publish of it is refused."""
    DUPLICATE = "duplicate"
    """In two places, or twice in the list: it would run twice."""
    UNLISTED = "unlisted"
    """Held by a living worker, and not in `processing`, so that neither counts nor jam guards see it."""
    UNCOMMITTED = "uncommitted"
    """Waiting or running, and not committed: a second publish would be accepted."""
    LEFTOVER = "leftover"
    """It has ended, and some of its data is still there."""


class Repaired(StrEnum):
    """What a repair did."""

    QUEUED = "queued"
    """Put into the queue."""
    FAILED = "failed"
    """Listed as failed: its workers died too often."""
    MERGED = "merged"
    """Its further copies were removed; a running ID will run once more."""
    LISTED = "listed"
    """Listed as processing again."""
    COMMITTED = "committed"
    """Committed again."""
    FORGOTTEN = "forgotten"
    """What was left of it was removed, or all of it, if its run had been asked to end."""
    GONE = "gone"
    """Nothing: it was in order by then."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with one ID, seen several times over the whole grace time."""

    kind: FaultKind
    id: str
    worker: str | None = None
    """The worker to which the orphaned ID, or its further copy, was handed and which has not claimed it; else None."""


@dataclass(frozen=True, slots=True)
class QueueCheck:
    """What a check has found in one queue."""

    queue: str
    faults: tuple[Fault, ...]
    examined: int
    """How many entries of all its keys were looked at."""
    is_complete: bool = True
    """False where the check ended early, at the most faults that it keeps: repair these, and check again."""
    damage: str | None = None
    """Why it could not be checked: a key holds what no client of it writes."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and self.is_complete and self.damage is None


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    UNKNOWN = "unknown"
    """The server does not tell, or not this user."""
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Finding:
    """One property of the server, judged."""

    subject: str
    """One word: version, persistence, eviction, memory, replicas, connections, scripts, clock."""
    level: Level
    value: str
    """What the server says, for people."""
    advice: str = ""
    """What to do about it; empty where all is well."""
