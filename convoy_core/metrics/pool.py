"""The metrics of pools: how long IDs waited and ran, what goes, and what got in the way, as the pools measured it.

The names are those of client-go's work queues where it has such a metric. No worker and no ID becomes a label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from convoy_core import validation
from convoy_core.durations import BOUNDS_S, Histogram
from convoy_core.metrics.store import label
from convoy_core.worker.counters import OUTCOMES
from convoy_core.worker.measures import Measured, PoolMeasures, by_queue

SHOWN: Final = tuple(
    (bucket, bound)
    for bucket, bound in enumerate(BOUNDS_S)
    if 0.005 <= bound <= 10_000 and f"{bound:e}"[:3] in ("1.0", "2.5", "5.0")
)
"""The buckets whose bounds are told, from 5 ms to 10,000 s: three for each factor of ten, since each is a series."""


class Number(NamedTuple):
    """One number of each queue."""

    name: str
    documentation: str
    value: Callable[[PoolMeasures], float]
    only_grows: bool = False


NUMBERS: Final = (
    Number(
        "convoy_unfinished_work_seconds",
        "How long the runs that go have been going, added up. If it grows steadily, some do not end.",
        lambda pool: pool.unfinished_s,
    ),
    Number("convoy_longest_running_seconds", "How long the oldest run has been going.", lambda pool: pool.longest_s),
    Number("convoy_pool_slots", "How many runs may go at once.", lambda pool: pool.slots),
    Number("convoy_pool_busy", "How many runs go.", lambda pool: pool.busy),
    Number("convoy_retries", "Runs that failed and are tried again.", lambda pool: pool.retries, only_grows=True),
    Number(
        "convoy_leases_lost",
        "How often a pool was away for longer than its lease, so that others may have run its IDs.",
        lambda pool: pool.leases_lost,
        only_grows=True,
    ),
    Number(
        "convoy_store_disruptions",
        "How often the store went away from a pool, or refused to take anything.",
        lambda pool: pool.store_disruptions,
        only_grows=True,
    ),
)
"""What is told of each queue, beside how long its IDs waited and ran."""


class PoolCollector(Collector):
    """The pools of this process as metrics, for a registry of `prometheus_client`.

    Those of one queue are added up. A scrape asks no store, and waits for nothing. Raises InvalidOption.
    """

    def __init__(self, *pools: Measured) -> None:
        for pool in pools:
            validation.one_of("Each of pools", pool, Measured, "a WorkerPool")
        self._pools = pools

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry asks for this to compare names, and would take the numbers of now."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """What the pools have measured so far."""
        queues = by_queue(pool.measures() for pool in self._pools)
        waits = HistogramMetricFamily(
            "convoy_queue_duration_seconds",
            "How long IDs waited until their runs began, from their publish or from when they were due.",
            labels=["queue"],
        )
        runs = HistogramMetricFamily(
            "convoy_work_duration_seconds", "How long runs took, by how they ended.", labels=["queue", "outcome"]
        )
        for pool in queues:
            _add(waits, [label(pool.queue)], pool.waits)
            for outcome in OUTCOMES:  # all of them: what begins above 0 is no growth to Prometheus
                _add(runs, [label(pool.queue), outcome], pool.runs.get(outcome) or Histogram())
        yield waits
        yield runs
        for number in NUMBERS:
            kind = CounterMetricFamily if number.only_grows else GaugeMetricFamily
            metric = kind(number.name, number.documentation, labels=["queue"])
            for pool in queues:
                metric.add_metric([label(pool.queue)], number.value(pool))
            yield metric


def _add(metric: HistogramMetricFamily, labels: list[str], histogram: Histogram) -> None:
    """Add up the buckets below each bound that is told."""
    buckets: list[tuple[str, float]] = []
    so_far, following = 0, 0
    for bucket, bound in SHOWN:
        so_far += sum(histogram.counts[following : bucket + 1])
        following = bucket + 1
        buckets.append((repr(float(bound)), so_far))
    buckets.append(("+Inf", so_far + sum(histogram.counts[following:])))
    metric.add_metric(labels, buckets, sum_value=histogram.total_s)
