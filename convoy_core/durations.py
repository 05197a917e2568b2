"""How long IDs waited and ran, as histograms: counts in buckets, from which percentiles are told.

The bounds are those of the preferred numbers R10 (ISO 3), ten for each factor of ten, from a millisecond to eleven
days. A percentile is told as the middle of its bucket by ratio, so it is at most 14% away from the true one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any, Final, Self

_R10: Final = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)

BOUNDS_S: Final = (*(round(step * 10.0**power, 6) for power in range(-3, 6) for step in _R10), 1_000_000.0)
"""The upper bound of each bucket, in seconds; one more bucket has what is longer."""

BUCKETS: Final = len(BOUNDS_S) + 1


class Histogram:
    """How many durations fall into each bucket, and their sum.

    One thread adds to it. Others may copy it meanwhile: the sum may then be behind the counts by the one being added.
    """

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.total_s = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a duration; what is below 0, by clocks that differ, is 0."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += times
        if seconds > 0:
            self.total_s += seconds * times

    def __add__(self, other: Histogram) -> Histogram:
        """What both have counted."""
        return _joined(self, other, 1)

    def __sub__(self, before: Histogram) -> Histogram:
        """What has been added since a copy was made."""
        return _joined(self, before, -1)

    def copy(self) -> Histogram:
        """As it is now."""
        return _joined(self, Histogram(), 1)

    @property
    def count(self) -> int:
        """How many durations."""
        return sum(self.counts)

    def pairs(self) -> list[tuple[int, int]]:
        """The buckets that are not empty, each with its count."""
        return [(bucket, count) for bucket, count in enumerate(self.counts) if count]

    def percentile(self, share: float) -> float | None:
        """The duration that this share (0 to 1) of them does not exceed, in seconds; None if there are none."""
        left = ceil(share * self.count)
        for bucket, count in self.pairs():
            left -= count
            if left <= 0:
                return _middle(bucket)
        return None

    def as_record(self) -> dict[str, Any]:
        """A dict that JSON can hold, for another process."""
        return {"pairs": self.pairs(), "total_s": self.total_s}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """The inverse. Raises LookupError, TypeError or ValueError for anything else."""
        return cls.of([(int(bucket), int(count)) for bucket, count in record["pairs"]], float(record["total_s"]))

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]], total_s: float = 0.0) -> Self:
        """The histogram with these counts. What is no bucket, as of a later release, is left out."""
        made = cls()
        for bucket, count in pairs:
            if 0 <= bucket < BUCKETS and count > 0:
                made.counts[bucket] += count
        made.total_s = total_s
        return made


def _joined(one: Histogram, other: Histogram, sign: int) -> Histogram:
    both = Histogram()
    both.counts = [mine + sign * theirs for mine, theirs in zip(one.counts, other.counts, strict=True)]
    both.total_s = one.total_s + sign * other.total_s
    return both


def _middle(bucket: int) -> float:
    """Of a bucket, by ratio; the first and the last have one bound alone."""
    if bucket == 0:
        return BOUNDS_S[0]
    if bucket == len(BOUNDS_S):
        return BOUNDS_S[-1]
    return sqrt(BOUNDS_S[bucket - 1] * BOUNDS_S[bucket])


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Three percentiles of so many durations, in seconds, each at most 14% off; None where there were none."""

    count: int = 0
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """Those of a histogram."""
        return cls(histogram.count, *map(histogram.percentile, (0.5, 0.95, 0.99)))


@dataclass(frozen=True, slots=True)
class Durations:
    """How long the IDs of a queue waited and ran in the last so many seconds, as its Convoy pools counted it."""

    over_s: float
    waits: Percentiles = Percentiles()
    """From the publish, or from when an ID was due, to the start of its run; see `PoolMeasures.waits`."""
    runs: Percentiles = Percentiles()
    """Runs that have ended, however; those that were given back are left out."""
