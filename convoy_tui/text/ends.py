"""Which runs of a queue ended last, and for how long none has while IDs wait.

Pure, and of bounded memory: of what came before the last few runs nothing is kept. Samples come in the order of time,
from the history in the store or from looking. Which of the two makes no difference.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from convoy_core import Counts, HistoryRow, Snapshot

LEAST_RUNS, LEAST_S = 10, 60.0
"""A queue is judged by the runs that ended in so many seconds, and by so many at least, however long they took."""
KEPT_S = 7200.0
"""What ended longer ago says nothing of now."""
_PAUSES = 20
_STEP_S = 5.0
_SOON_S = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What counts of one reading, or of one row of the history."""

    at: float
    counts: Counts
    published: int | None
    done: int | None
    """None as the other two, if others work here: Node workers do not count."""
    failed: int | None
    """Runs that failed, also those that will be tried again."""
    ended: int | None
    """And those that asked to be called again later."""
    start: float | None = None
    """When the oldest run began, if that is known."""


def of_snapshot(snapshot: Snapshot) -> Sample:
    """A reading."""
    oldest = snapshot.oldest_processing_s
    start = None if oldest is None else snapshot.at - oldest
    by_others = snapshot.counts.processing > snapshot.held
    return _sample(snapshot, by_others=by_others and not _counts_ends(snapshot), start=start)


def of_row(row: HistoryRow) -> Sample:
    """A row of the history."""
    return _sample(row, by_others=row.counts.processing > 0 and not row.workers)


def _counts_ends(snapshot: Snapshot) -> bool:
    """Whether a pool of ours works beside the others, so that some ends are counted."""
    return snapshot.workers > 0 and snapshot.held > 0


def _sample(seen: Snapshot | HistoryRow, *, by_others: bool, start: float | None = None) -> Sample:
    totals, counts = seen.totals, seen.counts
    published = totals.get("published", 0 if not counts.committed else None)
    if by_others:  # a rate of 0 would be wrong: no counter grows while they work
        return Sample(seen.at, counts, published, None, None, None, start)
    done, failed = totals.get("done", 0), totals.get("failed", 0) + totals.get("retried", 0)
    return Sample(seen.at, counts, published, done, failed, done + failed + totals.get("deferred", 0), start)


class _Mark(NamedTuple):
    """The counters at a time when one of them had grown."""

    at: float
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class LastRuns:
    """The runs that ended last."""

    runs: int = 0
    failed: int = 0
    failed_at: float | None = None
    """When the last of them failed."""


class Ends:
    """The last ends of runs of one queue."""

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque()
        self._pauses: deque[float] = deque(maxlen=_PAUSES)
        self._last: Sample | None = None
        self._since = 0.0
        self._failed_at: float | None = None
        self._moved_at: float | None = None

    @property
    def still_s(self) -> float:
        """For how long IDs have waited at least without a run that ended; 0 where nothing waits."""
        if self._last is None or not self._last.counts.queued or self._last.ended is None:
            return 0.0
        return self._last.at - self._since

    @property
    def usual_s(self) -> float:
        """How long that has been of late, before a run ended after all: the second longest time of the last few."""
        return sorted(self._pauses)[-2] if len(self._pauses) > 1 else 0.0

    @property
    def moves(self) -> bool:
        """Whether runs end: the last has ended not much longer ago than they usually take, and within a minute."""
        if self._last is None or self._moved_at is None:
            return False
        return self._last.at - self._moved_at <= min(LEAST_S, max(_SOON_S, 2 * self.usual_s))

    @property
    def last_runs(self) -> LastRuns:
        """The runs since the newest mark with enough of them behind it."""
        if not self._marks:
            return LastRuns()
        first, last = self._marks[0], self._marks[-1]
        done, failed = last.done - first.done, last.failed - first.failed
        return LastRuns(done + failed, failed, self._failed_at if failed else None)

    def add(self, sample: Sample) -> None:
        """Add what was seen next."""
        before, self._last = self._last, sample
        if before is None:
            self._since = sample.at
        elif _has_moved(before, sample):
            if before.counts.queued:
                self._pauses.append(before.at - self._since)
            self._since = self._moved_at = sample.at
        elif not sample.counts.queued:
            self._since = sample.at
        self._mark(sample)

    def _mark(self, sample: Sample) -> None:
        if sample.done is None or sample.failed is None:
            return
        marks, new = self._marks, _Mark(sample.at, sample.done, sample.failed)
        if marks and (new.done < marks[-1].done or new.failed < marks[-1].failed):
            marks.clear()  # the store was emptied
        if not marks or new[1:] != marks[-1][1:]:
            if marks and new.failed > marks[-1].failed:
                self._failed_at = sample.at
            if len(marks) > 1 and sample.at < marks[-2].at + _STEP_S:
                marks.pop()
            marks.append(new)
        while len(marks) > 1 and self._is_over(marks[1], sample.at):
            marks.popleft()

    def _is_over(self, mark: _Mark, now: float) -> bool:
        """Whether enough has ended since then, or too long ago to count."""
        last = self._marks[-1]
        runs = last.done + last.failed - mark.done - mark.failed
        return (runs >= LEAST_RUNS and last.at - mark.at >= LEAST_S) or mark.at < now - KEPT_S


def _has_moved(before: Sample, after: Sample) -> bool:
    """Whether a run has ended in between. Where nobody counts, it is told from what has become less, or younger."""
    if before.ended is not None and after.ended is not None:
        return before.ended != after.ended
    less = (after.counts.committed < before.counts.committed, after.counts.processing < before.counts.processing)
    is_younger = before.start is not None and (after.start is None or after.start > before.start + 1)
    return any(less) or is_younger or after.counts.failed > before.counts.failed
