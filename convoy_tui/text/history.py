"""Rates and trends of each queue, from the snapshots of the last minute.

Pure, and bounded: one minute per queue, whatever the interval. A time without a reading is a gap, and an unknown value
is None, never 0. Times are those of the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from convoy_core import Snapshot

CELLS = 12
CELL_S = 5.0
MINUTE_S = CELLS * CELL_S
RATE_S = 10.0
"""The window of rates: short enough to follow changes, long enough not to jump with every job."""
CLEARS_S = 30.0
"""The window for the time until a queue is empty: long enough to ignore short variations."""
_RIPPLE = 0.05
"""A change below this share of the throughput counts as no change."""
_MAX_SAMPLES = 160
_CLOSEST_S = 0.4
"""A sample replaces one that is closer than this, so that the refresh key cannot fill the memory."""


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
    drift: int = 0
    """The smallest drift of the last ten seconds. This ignores the moment between two commands of a Node client."""
    grows: bool = False
    shrinks: bool = False
    clears_s: float | None = None
    """Seconds until the queue is empty at this rate. None if the queue does not shrink, or the rate is unknown."""
    is_steady: bool = False
    """About as many IDs leave as arrive."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    queued: int
    drift: int
    published: int | None
    done: int | None
    failed: int | None


@dataclass(slots=True)
class _Track:
    samples: deque[_Sample | None] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))


class History:
    """The last minute of every queue of one store."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def add(self, snapshots: Iterable[Snapshot]) -> None:
        """Add one reading. Queues that are no longer in it are dropped."""
        seen = set()
        for snapshot in snapshots:
            seen.add(snapshot.queue)
            _append(self._tracks.setdefault(snapshot.queue, _Track()).samples, _sample(snapshot))
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
            return Trends(cells=_cells(list(track.samples)) if track else (None,) * CELLS)
        unbroken = _since_gap(track.samples)
        recent = [sample for sample in unbroken if sample.at >= last.at - RATE_S]
        rates = _rates(recent)
        outlook = _rates([sample for sample in unbroken if sample.at >= last.at - CLEARS_S])
        is_steady = _is_steady(outlook)
        return Trends(
            rates=rates,
            cells=_cells(list(track.samples)),
            done_1m=_growth([sample.done for sample in unbroken]) or 0,
            failed_1m=_growth([sample.failed for sample in unbroken]) or 0,
            drift=_settled([sample.drift for sample in recent]),
            grows=_grows(unbroken),
            shrinks=any(after.queued < before.queued for before, after in pairwise(recent)),
            clears_s=None if is_steady and last.queued else _clears_s(last.queued, outlook.net_s),
            is_steady=is_steady,
        )


def _sample(snapshot: Snapshot) -> _Sample:
    totals, counts = snapshot.totals, snapshot.counts
    # Node clients do not count. A rate of 0 would be wrong while they work, since no counter grows then.
    by_others = counts.processing > 0 and not snapshot.workers
    ended = None if by_others and "done" not in totals and "failed" not in totals else 0
    published = totals.get("published", 0 if not counts.committed else None)
    return _Sample(
        snapshot.at,
        counts.queued,
        counts.drift,
        published,
        totals.get("done", ended),
        ended if ended is None else totals.get("failed", 0) + totals.get("retried", 0),
    )


def _append(samples: deque[_Sample | None], sample: _Sample) -> None:
    last = samples[-1] if samples else None
    if last is not None and 0 <= sample.at - last.at < _CLOSEST_S:
        samples.pop()
    elif last is not None and sample.at < last.at:
        samples.clear()  # another store, or its clock was set back
    samples.append(sample)
    while samples and (samples[0] is None or samples[0].at < sample.at - MINUTE_S - CELL_S):
        samples.popleft()


def _since_gap(samples: Iterable[_Sample | None]) -> list[_Sample]:
    unbroken: list[_Sample] = []
    for sample in samples:
        if sample is None:
            unbroken = []
        else:
            unbroken.append(sample)
    return unbroken


def _rates(recent: Sequence[_Sample]) -> Rates:
    if len(recent) < 2 or (span := recent[-1].at - recent[0].at) <= 0:
        return Rates()

    def per_second(numbers: list[int | None]) -> float | None:
        growth = _growth(numbers)
        return None if growth is None else growth / span

    return Rates(
        in_s=per_second([sample.published for sample in recent]),
        out_s=per_second([sample.done for sample in recent]),
        fail_s=per_second([sample.failed for sample in recent]),
        net_s=(recent[-1].queued - recent[0].queued) / span,
    )


def _growth(numbers: Sequence[int | None]) -> int | None:
    """How much a counter grew. None if it is unknown at either end, or was reset (the store was emptied)."""
    if not numbers or (first := numbers[0]) is None or (last := numbers[-1]) is None or last < first:
        return None
    return last - first


def _settled(differences: Sequence[int]) -> int:
    if not differences or min(differences) <= 0 <= max(differences):
        return 0
    return min(differences, key=abs)


def _grows(unbroken: Sequence[_Sample]) -> bool:
    """Whether the number of waiting IDs grew in each third of a whole minute, and by more than a few IDs."""
    if unbroken[-1].at - unbroken[0].at < MINUTE_S - CELL_S:
        return False
    end = unbroken[-1].at
    marks = [_at(unbroken, end - MINUTE_S * part / 3) for part in (3, 2, 1, 0)]
    return all(before < after for before, after in pairwise(marks)) and marks[3] - marks[0] > 10


def _at(samples: Sequence[_Sample], when: float) -> int:
    return next((sample.queued for sample in samples if sample.at >= when), samples[-1].queued)


def _is_steady(outlook: Rates) -> bool:
    out_s = (outlook.out_s or 0.0) + (outlook.fail_s or 0.0)
    return outlook.net_s is not None and out_s > 0 and abs(outlook.net_s) <= _RIPPLE * max(outlook.in_s or 0.0, out_s)


def _clears_s(queued: int, net_s: float | None) -> float | None:
    if not queued:
        return 0.0
    return queued / -net_s if net_s is not None and net_s < 0 else None


def _cells(samples: Sequence[_Sample | None]) -> tuple[int | None, ...]:
    """The last value of each twelfth of a minute. Between two samples without a gap the older value is used."""
    last = next((sample for sample in reversed(samples) if sample is not None), None)
    if last is None:
        return (None,) * CELLS
    newest = int(last.at // CELL_S)
    cells: list[int | None] = [None] * CELLS
    for sample, following in zip(samples, [*samples[1:], None], strict=True):
        if sample is None:
            continue
        first = int(sample.at // CELL_S)
        beyond = first + 1 if following is None else max(first + 1, int(following.at // CELL_S))
        for number in range(max(first, newest - CELLS + 1), min(beyond, newest + 1)):
            cells[number - newest + CELLS - 1] = sample.queued
    return tuple(cells)
