"""What a pool has done so far, by its own count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from convoy_core.jobs import Discard, Failed, Retry, Verdict

OUTCOMES: Final = ("done", "failed", "retried", "deferred", "discarded", "released", "cancelled")
"""How a run can end, each by the name of its counter."""


@dataclass(slots=True)
class Counters:
    """One counter per way a run can end; see `PoolStatus`."""

    done: int = 0
    failed: int = 0
    deferred: int = 0
    discarded: int = 0
    retried: int = 0
    released: int = 0
    cancelled: int = 0
    stale: int = 0
    unknown: int = 0

    def count(self, verdict: Verdict | Literal["stale"]) -> None:
        """Add one result that the store has answered."""
        if verdict == "completed":  # nearly always, and matching takes its time
            self.done += 1
            return
        name = "stale" if verdict == "stale" else outcome_of(verdict)
        setattr(self, name, getattr(self, name) + 1)


def outcome_of(verdict: Verdict) -> str:
    """The name of its counter."""
    match verdict:
        case "completed":
            return "done"
        case "released" | "cancelled":
            return verdict
        case Retry():
            return "deferred"
        case Discard():
            return "discarded"
        case Failed(retry_ms=None):
            return "failed"
        case Failed():
            return "retried"
