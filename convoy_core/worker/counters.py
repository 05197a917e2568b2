"""What a pool has done so far, by its own count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from convoy_core.jobs import Discard, Failed, Retry, Verdict


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
        match verdict:
            case "released":
                self.released += 1
            case "cancelled":
                self.cancelled += 1
            case "stale":
                self.stale += 1
            case Retry():
                self.deferred += 1
            case Discard():
                self.discarded += 1
            case Failed(retry_ms=None):
                self.failed += 1
            case Failed():
                self.retried += 1
