"""The metrics of a store: its queues as one snapshot says them, taken anew for each scrape.

Names and units follow the conventions of Prometheus (https://prometheus.io/docs/practices/naming): base units, and
`_total` for what only grows. One exporter per store is enough: every worker would tell the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from convoy_core import validation
from convoy_core.errors import ConvoyError
from convoy_core.models import Snapshot
from convoy_core.queue import Fleet
from convoy_core.system.logs import Log
from convoy_core.system.version import VERSION
from convoy_core.validation import Seconds

log = Log(__name__)

_PUBLISHES: Final = {"accepted": "published", "absorbed": "refused"}
"""Label value -> counter of the store. Absorbed are those that met their ID in the queue."""

_RUNS: Final = ("done", "failed", "deferred", "retried", "released", "recovered", "jammed", "cancelled")
"""How a run ended: a label value, and a counter of the store; see `Snapshot.totals`."""


def _acknowledged(snapshot: Snapshot) -> Mapping[str, float]:
    known = snapshot.about.acknowledged
    return {} if known is None else dict.fromkeys(known.words or ("any",), 1.0)


class Family(NamedTuple):
    """One metric of every queue."""

    name: str
    documentation: str
    values: Callable[[Snapshot], Mapping[str, float | None]]
    """Label value -> number; None where it is not known. One number without a label has the label value ""."""
    label: str = ""
    only_grows: bool = False


FAMILIES: Final = (
    Family(
        "convoy_queue_depth",
        "IDs of a queue in each state.",
        lambda snapshot: {
            state: getattr(snapshot.counts, state) for state in ("queued", "delayed", "processing", "failed")
        },
        "state",
    ),
    Family(
        "convoy_queue_committed",
        "IDs of which another publish would be absorbed: waiting, delayed or running.",
        lambda snapshot: {"": snapshot.counts.committed},
    ),
    Family(
        "convoy_queue_oldest_age_seconds",
        "How long the ID next in line has waited, and the oldest run has run. Missing where that is not known.",
        lambda snapshot: {"queued": snapshot.oldest_queued_s, "processing": snapshot.oldest_processing_s},
        "state",
    ),
    Family("convoy_queue_paused", "1 while workers may claim nothing.", lambda snapshot: {"": snapshot.paused}),
    Family(
        "convoy_queue_held_back",
        "1 while IDs wait that a limit of the queue holds back.",
        lambda snapshot: {"": snapshot.is_held_back},
    ),
    Family(
        "convoy_queue_acknowledged",
        "1 while an operator knows of trouble of this health word, so that nobody need be told; any is whatever comes.",
        _acknowledged,
        "word",
    ),
    Family(
        "convoy_queue_workers",
        "Worker pools: live ones, and silent ones, whose lease ran out. Node workers are not counted.",
        lambda snapshot: {"live": snapshot.workers, "silent": snapshot.silent},
        "status",
    ),
    Family(
        "convoy_queue_jammed",
        "Runs that have lasted longer than the limit of the exporter.",
        lambda snapshot: {"": snapshot.jammed},
    ),
    Family(
        "convoy_publishes",
        "IDs published: accepted, or absorbed by one that was there.",
        lambda snapshot: {value: snapshot.totals.get(name, 0) for value, name in _PUBLISHES.items()},
        "result",
        only_grows=True,
    ),
    Family(
        "convoy_runs",
        "Runs by how they ended. Those of Node workers are not counted.",
        lambda snapshot: {name: snapshot.totals.get(name, 0) for name in _RUNS},
        "outcome",
        only_grows=True,
    ),
)
"""What is told of every queue that can be read."""


class StoreCollector(Collector):
    """The queues of a fleet as metrics, for a registry of `prometheus_client`.

    A run that lasts longer than `jam_after_s` seconds counts as jammed. A store that does not answer is told by
    `convoy_store_up` being 0, and raises nothing. Only queue names become labels, never IDs or workers. Raises
    InvalidOption.
    """

    def __init__(self, fleet: Fleet, *, jam_after_s: Seconds = 300.0) -> None:
        validation.one_of("fleet", fleet, Fleet, "a Fleet")
        self._fleet = fleet
        self._jam_after_s = validation.seconds("jam_after_s", jam_after_s)
        self._trouble = ""

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry asks for this when a collector is added, and must not wait for a store."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Take one snapshot, and tell it."""
        build = GaugeMetricFamily("convoy_build_info", "Always 1; which Convoy has read these.", labels=["version"])
        build.add_metric([VERSION], 1)
        yield build
        snapshots = self._read()
        yield GaugeMetricFamily(
            "convoy_store_up", "Whether the store could be read just now.", float(snapshots is not None)
        )
        if snapshots is not None:
            yield from _families(snapshots)

    def _read(self) -> list[Snapshot] | None:
        try:
            snapshots = self._fleet.snapshot(self._fleet.queues(), jam_after_s=self._jam_after_s)
        except ConvoyError as error:
            if self._trouble != str(error):  # once, and not at each scrape
                self._trouble = str(error)
                log.warning("the store could not be read: %s", error)
            return None
        self._trouble = ""
        return snapshots


def _families(snapshots: Sequence[Snapshot]) -> Iterator[Metric]:
    damaged = GaugeMetricFamily(
        "convoy_queue_damaged",
        "1 while a key of the queue has the wrong type. Nothing else is told of it then.",
        labels=["queue"],
    )
    for snapshot in snapshots:
        damaged.add_metric([label(snapshot.queue)], snapshot.damage is not None)
    yield damaged
    readable = [(label(snapshot.queue), snapshot) for snapshot in snapshots if snapshot.damage is None]
    for family in FAMILIES:
        kind = CounterMetricFamily if family.only_grows else GaugeMetricFamily
        metric = kind(family.name, family.documentation, labels=["queue", *([family.label] if family.label else [])])
        for queue, snapshot in readable:
            for value, number in family.values(snapshot).items():
                if number is not None:
                    metric.add_metric([queue, *([value] if family.label else [])], number)
        yield metric


def label(text: str) -> str:
    """Text as a label value, which is UTF-8: bytes that are none are written `\\xff`.

    >>> label("trucks"), label("b\\udcff")
    ('trucks', 'b\\\\xff')
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
