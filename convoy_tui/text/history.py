"""Rates and trends of each queue, from the snapshots of the last minute and from what the store has kept.

Pure, and bounded: one minute per queue, whatever the interval. A time without a reading is a gap, and an unknown value
is None, never 0. Times are those of the store. What counters say does not depend on who has looked, nor how often.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from convoy_core import Snapshot
from convoy_tui.text.ends import Ends, LastRuns, Sample, of_row, of_snapshot
from convoy_tui.text.recalled import Rows

CELLS = 12
CELL_S = 5.0
MINUTE_S = CELLS * CELL_S
RATE_S = 10.0
"""The window of rates: short enough to follow changes, long enough not to jump with every job."""
CLEARS_S = 30.0
"""The window for the time until a queue is empty: long enough to ignore short variations."""
_FEW = 10
_RIPPLE = 0.05
"""A change below this share of the throughput counts as no change."""
_MAX_SAMPLES = 160
_CLOSEST_S = 0.4
"""A sample that is closer than this to the one before is replaced, so that the refresh key cannot fill the memory."""
_APART_S = 35.0
"""More time than this between two rows of the history, which come every ten seconds, is a gap."""
_KEPT_EVERY_S = 60.0
"""Whoever runs IDs keeps a row at least so often. What ended after the last row for long has ended by then."""
_SHORTEST_S = 0.4
"""A rate over less time than this would jump."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates per second over the last ten seconds. None if unknown."""

    in_s: float | None = None
    out_s: float | None = None
    fail_s: float | None = None
    net_s: float | None = None
    """The change of the number of waiting IDs, which is known without counters."""


@dataclass(frozen=True, slots=True)
class Trends:
    """What the history adds to a snapshot."""

    rates: Rates = Rates()
    cells: tuple[int | None, ...] = (None,) * CELLS
    """The number of waiting IDs in each twelfth of the last minute; None where nothing was read."""
    done_1m: int = 0
    failed_1m: int = 0
    """Runs that failed in the last minute, also those that will be tried again."""
    drift: int = 0
    """The smallest drift of the last ten seconds. This ignores the moment between two commands of a Node client."""
    grows: bool = False
    shrinks: bool = False
    clears_s: float | None = None
    """Seconds until the queue is empty, by the runs that end. None if it does not shrink, or that is unknown."""
    is_steady: bool = False
    """About as many IDs leave as arrive."""
    moves: bool = False
    """Whether runs end, as often as they usually do, and within a minute."""
    last_runs: LastRuns = field(default_factory=LastRuns)
    still_s: float = 0.0
    """For how long IDs have waited at least without a run that ended."""
    usual_s: float = 0.0
    """How long that has been of late, before a run ended after all."""


@dataclass(slots=True)
class _Track:
    samples: deque[Sample | None] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))
    ends: Ends = field(default_factory=Ends)
    cells: deque[int | None] = field(default_factory=lambda: deque([None] * CELLS, maxlen=CELLS))
    cell: int = 0
    """The number of the newest cell: its time, divided by the length of one."""

    @property
    def last(self) -> Sample | None:
        return next((sample for sample in reversed(self.samples) if sample is not None), None)


class History:
    """The last minute of every queue of one store."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def recall(self, snapshot: Snapshot, past: Rows) -> None:
        """Add what the store has kept of a queue since the last sample, before a snapshot of it is added."""
        track = self._tracks.setdefault(snapshot.queue, _Track())
        last = track.last
        new = [row for row in past if (last is None or row.at > last.at) and row.at < snapshot.at]
        for sample in map(of_row, new):
            _bridge(track, sample)
            _append(track, sample)

    def add(self, snapshots: Iterable[Snapshot]) -> None:
        """Add one reading. Queues that are no longer in it are dropped."""
        seen = set()
        for snapshot in snapshots:
            seen.add(snapshot.queue)
            track = self._tracks.setdefault(snapshot.queue, _Track())
            if (last := track.last) is not None and snapshot.at < last.at:
                track = self._tracks[snapshot.queue] = _Track()  # another store, or its clock was set back
            sample = of_snapshot(snapshot)
            _bridge(track, sample)
            _append(track, sample)
        for gone in self._tracks.keys() - seen:
            del self._tracks[gone]

    def gap(self) -> None:
        """Record that readings may have been missed at this point."""
        for track in self._tracks.values():
            if track.samples and track.samples[-1] is not None:
                track.samples.append(None)

    def trends(self, queue: str) -> Trends:
        """The trends of one queue."""
        track = self._tracks.get(queue)
        if track is None or not track.samples or (last := track.samples[-1]) is None:
            return Trends(cells=tuple(track.cells) if track else (None,) * CELLS)
        ten, thirty, minute = (_Flow.between(base, last) for base in _bases(track.samples))
        recent = _recent(track.samples)
        return Trends(
            rates=ten.rates,
            cells=tuple(track.cells),
            done_1m=minute.done or 0,
            failed_1m=minute.failed or 0,
            drift=_settled([sample.counts.drift for sample in recent]),
            grows=minute.waiting > _FEW and _grows(_since_gap(track.samples)),
            shrinks=any(after.counts.queued < before.counts.queued for before, after in pairwise(recent)),
            clears_s=thirty.clears_s(last.counts.queued),
            is_steady=thirty.is_steady,
            moves=track.ends.moves,
            last_runs=track.ends.last_runs,
            still_s=track.ends.still_s,
            usual_s=track.ends.usual_s,
        )


def _bridge(track: _Track, sample: Sample) -> None:
    """Leave a gap where the next sample comes long after the last one.

    Runs that ended in between did so at its beginning: nobody has kept a row since, so nobody ran anything.
    """
    last = track.last
    if last is None or sample.at - last.at <= _APART_S:
        return
    if sample.at - last.at > _KEPT_EVERY_S + CELL_S and None not in (last.ended, sample.ended):
        _append(track, replace(sample, at=last.at + _KEPT_EVERY_S, counts=last.counts, published=last.published))
    if track.samples:
        track.samples.append(None)


def _append(track: _Track, sample: Sample) -> None:
    samples = track.samples
    last = samples[-1] if samples else None
    _fill_cells(track, last, sample)
    before = samples[-2] if len(samples) > 1 else None
    if last is not None and before is not None and last.at - before.at < _CLOSEST_S:
        samples.pop()
    samples.append(sample)
    while samples and (samples[0] is None or samples[0].at < sample.at - MINUTE_S - 3 * CELL_S):
        samples.popleft()
    track.ends.add(sample)


def _fill_cells(track: _Track, before: Sample | None, sample: Sample) -> None:
    """Put the number of waiting IDs into its cell. Between two samples without a gap the older number is used."""
    cell = int(sample.at // CELL_S)
    between = before.counts.queued if before is not None else None
    track.cells.extend([between] * min(CELLS, cell - track.cell - 1))
    if cell > track.cell:
        track.cells.append(sample.counts.queued)
    track.cells[-1] = sample.counts.queued
    track.cell = cell


def _bases(samples: Sequence[Sample | None]) -> list[Sample]:
    """For each window the sample that growth is counted from: the newest as old as it is, if that is not much older.

    Else it is the oldest within the window.
    """
    bases: list[Sample] = []
    windows = iter((RATE_S, CLEARS_S, MINUTE_S))
    window = next(windows)
    inside = end = next(sample for sample in reversed(samples) if sample is not None)
    for sample in reversed(samples):
        if sample is None:
            continue
        age = end.at - sample.at
        while age >= window:
            bases.append(sample if age <= window * 1.5 else inside)
            if len(bases) == 3:
                return bases
            window = next(windows)
        inside = sample
    return [*bases, *[inside] * (3 - len(bases))]


def _recent(samples: Sequence[Sample | None]) -> list[Sample]:
    """Those of the last ten seconds, up to a gap; the newest comes last."""
    recent: list[Sample] = []
    for sample in reversed(samples):
        if sample is None or (recent and sample.at < recent[0].at - RATE_S):
            break
        recent.append(sample)
    return recent[::-1]


@dataclass(frozen=True, slots=True)
class _Flow:
    """What has changed from one sample to another."""

    span_s: float
    published: int | None = None
    done: int | None = None
    failed: int | None = None
    ended: int | None = None
    waiting: int = 0
    inside: int = 0
    """By how much the number of IDs that wait or run has grown: a claim does not change it."""

    @classmethod
    def between(cls, first: Sample, last: Sample) -> _Flow:
        def growth(before: int | None, after: int | None) -> int | None:
            """None if it is unknown at either end, or was reset (the store was emptied)."""
            return None if before is None or after is None or after < before else after - before

        return cls(
            last.at - first.at,
            growth(first.published, last.published),
            growth(first.done, last.done),
            growth(first.failed, last.failed),
            growth(first.ended, last.ended),
            last.counts.queued - first.counts.queued,
            last.counts.queued + last.counts.processing - first.counts.queued - first.counts.processing,
        )

    @property
    def rates(self) -> Rates:
        if self.span_s < _SHORTEST_S:
            return Rates()

        def per_second(growth: int | None) -> float | None:
            return None if growth is None else growth / self.span_s

        return Rates(
            per_second(self.published), per_second(self.done), per_second(self.failed), self.waiting / self.span_s
        )

    @property
    def is_steady(self) -> bool:
        most = max(self.published or 0, self.ended or 0)
        return self.span_s >= _SHORTEST_S and bool(self.ended) and abs(self.inside) <= _RIPPLE * most

    def clears_s(self, queued: int) -> float | None:
        if not queued:
            return 0.0
        left = -self.inside if self.ended is None else min(-self.inside, self.ended)
        if self.is_steady or left <= 0 or self.span_s < _SHORTEST_S:
            return None
        return queued * self.span_s / left


def _since_gap(samples: Iterable[Sample | None]) -> list[Sample]:
    unbroken: list[Sample] = []
    for sample in samples:
        if sample is None:
            unbroken = []
        else:
            unbroken.append(sample)
    return unbroken


def _settled(differences: Sequence[int]) -> int:
    if not differences or min(differences) <= 0 <= max(differences):
        return 0
    return min(differences, key=abs)


def _grows(unbroken: Sequence[Sample]) -> bool:
    """Whether the number of waiting IDs grew in each third of a whole minute, and by more than a few IDs."""
    if unbroken[-1].at - unbroken[0].at < MINUTE_S - CELL_S:
        return False
    end = unbroken[-1].at
    marks = [_at(unbroken, end - MINUTE_S * part / 3) for part in (3, 2, 1, 0)]
    return all(before < after for before, after in pairwise(marks)) and marks[3] - marks[0] > _FEW


def _at(samples: Sequence[Sample], when: float) -> int:
    return next((sample.counts.queued for sample in samples if sample.at >= when), samples[-1].counts.queued)
