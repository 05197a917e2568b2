"""What a pool measures of its work: how long IDs waited and ran, and how often something got in its way.

To measure a run is a search among the bounds and a few additions, so that nothing about it can fail or wait.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

from convoy_core.durations import Histogram
from convoy_core.jobs import Verdict
from convoy_core.worker.counters import OUTCOMES, outcome_of


class Measures:
    """What one pool has measured so far. It belongs to the pool's event loop; other threads may read it."""

    def __init__(self) -> None:
        self.waits = Histogram()
        self.runs = {outcome: Histogram() for outcome in OUTCOMES}
        self.leases_lost = 0
        self.store_disruptions = 0
        self._lost_at = -math.inf
        self._lock = threading.Lock()
        self._told = self._last_told = (Histogram(), Histogram())
        """Waits and runs that the store has been told of, and those of the last time."""

    def tell(self) -> str:
        """What has been counted since the last time, as keep_durations.lua reads it; empty if that is nothing.

        Called by the heartbeat and by the loop at its end. What was given back has not run, and is left out.
        """
        with self._lock:
            ended = sum((one for outcome, one in self.runs.items() if outcome != "released"), Histogram())
            self._last_told = (self.waits - self._told[0], ended - self._told[1])
            self._told = (self._told[0] + self._last_told[0], ended)
            waits, runs = (one.pairs() for one in self._last_told)
        numbers = [len(waits), *(number for pair in (*waits, *runs) for number in pair)]
        return " ".join(map(str, numbers)) if len(numbers) > 1 else ""

    def take_back(self) -> None:
        """The store was not told: the next time has to say it again."""
        with self._lock:
            waits, runs = self._last_told
            self._told = (self._told[0] - waits, self._told[1] - runs)
            self._last_told = (Histogram(), Histogram())

    def lost_lease(self, lease_s: float) -> None:
        """The pool was away for longer than its lease. Whatever notices it, that counts once."""
        now = time.monotonic()
        if now - self._lost_at >= lease_s:
            self.leases_lost += 1
        self._lost_at = now

    def began(self, waited_s: float | None) -> None:
        """A run has begun, whose ID waited so long, if that is known."""
        if waited_s is not None:
            self.waits.add(waited_s)

    def ended(self, verdict: Verdict, ran_s: float) -> None:
        """A run has ended."""
        self.runs[outcome_of(verdict)].add(ran_s)


@dataclass(frozen=True, slots=True)
class PoolMeasures:
    """What the pools of a queue have measured since they were started, and what they are at."""

    queue: str
    slots: int = 0
    """How many runs may go at once; fewer than the concurrency while runs cannot be started."""
    busy: int = 0
    """How many go."""
    unfinished_s: float = 0.0
    """How long the runs that go have been going, added up."""
    longest_s: float = 0.0
    """How long the one that began first has been going; 0 if none goes."""
    waits: Histogram = field(default_factory=Histogram)
    """How long IDs waited in line until their runs began, from their publish or from when they were due.

    Of a claim of several IDs, that of the first counts for all. Unknown, and left out, are those that Node publishes.
    """
    runs: Mapping[str, Histogram] = field(default_factory=dict)
    """Outcome, by the name of its counter in `PoolStatus`: how long the runs took that ended so."""
    retries: int = 0
    """Runs that failed and are tried again."""
    leases_lost: int = 0
    """How often a pool was away for longer than its lease."""
    store_disruptions: int = 0
    """How often the store went away, or refused to take anything."""

    def __add__(self, other: PoolMeasures) -> PoolMeasures:
        """Both together; the queue is that of the first."""
        outcomes = dict.fromkeys((*self.runs, *other.runs))
        none = Histogram()
        return PoolMeasures(
            self.queue,
            self.slots + other.slots,
            self.busy + other.busy,
            self.unfinished_s + other.unfinished_s,
            max(self.longest_s, other.longest_s),
            self.waits + other.waits,
            {name: self.runs.get(name, none) + other.runs.get(name, none) for name in outcomes},
            self.retries + other.retries,
            self.leases_lost + other.leases_lost,
            self.store_disruptions + other.store_disruptions,
        )

    @property
    def ended(self) -> PoolMeasures:
        """What is left of it once its pool has ended: what has been counted, and no slot."""
        return PoolMeasures(
            self.queue,
            waits=self.waits,
            runs=self.runs,
            retries=self.retries,
            leases_lost=self.leases_lost,
            store_disruptions=self.store_disruptions,
        )

    def as_record(self) -> dict[str, Any]:
        """A dict that JSON can hold, for another process."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "waits": self.waits.as_record(),
            "runs": {name: histogram.as_record() for name, histogram in self.runs.items() if histogram.count},
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """The inverse. What is no record raises an error of some kind: Arithmetic, Attribute, Lookup, Type or Value."""
        return cls(
            str(record["queue"]),
            waits=Histogram.from_record(record["waits"]),
            runs={name: Histogram.from_record(record["runs"][name]) for name in OUTCOMES if name in record["runs"]},
            unfinished_s=float(record["unfinished_s"]),
            longest_s=float(record["longest_s"]),
            **{name: int(record[name]) for name in ("slots", "busy", "retries", "leases_lost", "store_disruptions")},
        )


@runtime_checkable
class Measured(Protocol):
    """What can be asked for its measures from any thread: a WorkerPool, or what stands for several."""

    def measures(self) -> PoolMeasures:
        """What it has measured so far."""


def by_queue(measured: Iterable[PoolMeasures]) -> list[PoolMeasures]:
    """One for each queue, added up."""
    sums: dict[str, PoolMeasures] = {}
    for each in measured:
        known = sums.get(each.queue)
        sums[each.queue] = each if known is None else known + each
    return list(sums.values())
