"""A source without a store: fixed readings, and a clock that does not move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from textual.pilot import Pilot

from convoy_core import (
    AsyncFleet,
    Chunk,
    Counts,
    Entry,
    Jammed,
    Outcome,
    Published,
    ReadOnly,
    Snapshot,
    State,
    StoreError,
    StoreUnreachable,
    Then,
    WorkerPool,
)
from convoy_core.handlers.functions import Handler
from convoy_tui.dashboard.app import ConvoyApp
from convoy_tui.dashboard.board.board import Place, Row
from convoy_tui.dashboard.poller import Poller
from convoy_tui.dashboard.source import Failed, Reading
from convoy_tui.text.broken import Broken
from convoy_tui.text.health import Limits
from convoy_tui.text.history import History
from tests.tui.fixed_fleet import FixedFleet, acts_of

NOW = 1_790_000_000.0
"""The store's time in every fixed reading."""


def a_queue(name: str, **changes: object) -> Snapshot:
    """A calm queue, with changes; counts may be given directly."""
    numbers = {key: changes.pop(key) for key in ("queued", "processing", "failed", "delayed") if key in changes}
    drift = changes.pop("drift", 0)
    counts = Counts(**numbers)  # type: ignore[arg-type]
    assert isinstance(drift, int)
    counts = replace(counts, committed=counts.queued + counts.processing + counts.delayed + drift)
    plain = Snapshot(
        queue=name,
        at=NOW,
        counts=counts,
        paused=False,
        workers=1,
        silent=0,
        jammed=0,
        oldest_queued_s=None,
        oldest_processing_s=None,
        next_due_s=None,
        totals={"published": 1000, "done": 900, "failed": 0, "retried": 0},
    )
    made = replace(plain, **changes)  # type: ignore[arg-type]
    return made if "held" in changes or not made.workers else replace(made, held=made.counts.processing)


def minute(
    last: Snapshot, *, in_s: float = 0, out_s: float = 0, fail_s: float = 0, wave: Sequence[int] = ()
) -> list[Snapshot]:
    """The minute that led to a snapshot, every 2.5 s, at these rates; `wave` overrides what waited."""
    steps = 24
    past = []
    for back in range(steps, 0, -1):
        ago = back * 2.5
        totals = dict(last.totals)
        for key, rate in (("published", in_s), ("done", out_s), ("failed", fail_s)):
            totals[key] = int(totals[key] - rate * ago)
        queued = max(0, int(last.counts.queued - (in_s - out_s - fail_s) * ago))
        if wave:
            queued = wave[(steps - back) * len(wave) // steps]
        moved = last.counts.queued - queued
        counts = replace(last.counts, queued=queued, committed=last.counts.committed - moved)
        past.append(replace(last, at=last.at - ago, counts=counts, totals=totals))
    return past


def alarms() -> tuple[list[Snapshot], History]:
    """Ten queues of which four need someone, with a minute of history."""
    up = [620, 680, 730, 790, 850, 900, 960, 1020, 1070, 1110, 1150, 1204]
    ripple = [70, 75, 92, 71, 95, 73, 96, 74, 90, 72, 94, 88]
    sea = [30, 44, 29, 43, 31, 45, 30, 42, 28, 44, 31, 37]
    made = [
        minute_of(
            a_queue(
                "emails:transactional",
                queued=1204,
                processing=6,
                failed=2,
                workers=2,
                jammed=3,
                oldest_processing_s=724.0,
                oldest_queued_s=95.0,
            ),
            in_s=9.7,
            wave=up,
        ),
        minute_of(
            a_queue(
                "webhooks",
                queued=88,
                processing=4,
                failed=317,
                workers=4,
                oldest_processing_s=8.0,
                totals={"published": 9000, "done": 7000, "failed": 1600, "retried": 0},
            ),
            in_s=35,
            out_s=21,
            fail_s=14,
            wave=ripple,
        ),
        minute_of(
            a_queue(
                "reports:nightly",
                queued=412,
                workers=0,
                oldest_queued_s=137.0,
                totals={"published": 412, "done": 0, "failed": 0},
            ),
            in_s=3,
        ),
        minute_of(
            a_queue("thumbs", processing=2, drift=2, workers=1, oldest_processing_s=3.0),
            in_s=2,
            out_s=2,
            wave=[0, 1, 0, 0, 2, 0],
        ),
        minute_of(
            a_queue(
                "search:index",
                queued=5210,
                processing=16,
                failed=3,
                workers=16,
                oldest_processing_s=2.0,
                totals={"published": 90000, "done": 80000, "failed": 3},
            ),
            in_s=640,
            out_s=702,
        ),
        minute_of(
            a_queue(
                "orders:sync",
                queued=37,
                processing=8,
                workers=8,
                oldest_processing_s=1.0,
                totals={"published": 90000, "done": 80000, "failed": 0},
            ),
            in_s=120,
            out_s=120,
            wave=sea,
        ),
        minute_of(
            a_queue("geo:lookup", queued=2, processing=1, workers=1, oldest_processing_s=0.2),
            in_s=9,
            out_s=9,
            wave=[1, 2, 1, 3, 2, 1, 2],
        ),
        minute_of(a_queue("billing:dunning", queued=61, paused=True, workers=3, oldest_queued_s=5400.0)),
        minute_of(a_queue("exports", workers=2)),
        minute_of(a_queue("monsterTrucks", delayed=12, next_due_s=340.0)),
    ]
    return together(made)


def calm() -> tuple[list[Snapshot], History]:
    """The same fleet on a good day."""
    sea = [30, 44, 29, 43, 31, 45, 30, 42, 28, 44, 31, 37]
    big = {"published": 90000, "done": 80000, "failed": 0}
    made = [
        minute_of(
            a_queue("emails:transactional", queued=12, processing=6, workers=2, oldest_processing_s=2.0, totals=big),
            in_s=41,
            out_s=41,
            wave=[10, 14, 9, 12],
        ),
        minute_of(
            a_queue("webhooks", queued=8, processing=4, workers=4, oldest_processing_s=1.0, totals=big),
            in_s=35,
            out_s=35,
            wave=[8, 3, 9, 5, 8],
        ),
        minute_of(
            a_queue("search:index", queued=5210, processing=16, workers=16, oldest_processing_s=2.0, totals=big),
            in_s=640,
            out_s=702,
        ),
        minute_of(
            a_queue("orders:sync", queued=37, processing=8, workers=8, oldest_processing_s=1.0, totals=big),
            in_s=120,
            out_s=120,
            wave=sea,
        ),
        minute_of(
            a_queue("geo:lookup", queued=2, processing=1, workers=1, oldest_processing_s=0.2),
            in_s=9,
            out_s=9,
            wave=[1, 2, 1, 3, 2, 1, 2],
        ),
        minute_of(a_queue("billing:dunning", queued=61, paused=True, workers=3, oldest_queued_s=5400.0)),
        minute_of(a_queue("exports", workers=2)),
        minute_of(a_queue("monsterTrucks", workers=1)),
    ]
    return together(made)


def minute_of(
    last: Snapshot, *, in_s: float = 0, out_s: float = 0, fail_s: float = 0, wave: Sequence[int] = ()
) -> list[Snapshot]:
    """A minute and the snapshot at its end."""
    return [*minute(last, in_s=in_s, out_s=out_s, fail_s=fail_s, wave=wave), last]


def together(made: Sequence[Sequence[Snapshot]]) -> tuple[list[Snapshot], History]:
    """The last snapshot of each queue, and the history of all."""
    history = History()
    for moment in zip(*(snapshots[:-1] for snapshots in made), strict=True):
        history.add(moment)
    return [snapshots[-1] for snapshots in made], history


@dataclass
class FixedSource:
    """Answers from what it was given, and writes down what it was asked to do."""

    snapshots: list[Snapshot] = field(default_factory=list)
    shown: str = "redis://redis-a:6379/15"
    read_only: bool = False
    stuck: Mapping[str, list[Jammed]] = field(default_factory=dict)
    failures: Mapping[str, list[Entry]] = field(default_factory=dict)
    committed: Mapping[str, Published] = field(default_factory=dict)
    """IDs that are there already, and what publishing them answers."""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """What becomes of an ID, where that is not what was asked for."""
    is_away: bool = False
    acts: list[tuple[object, ...]] = field(default_factory=list)
    looks: int = 0
    broken: Mapping[str, Broken] = field(default_factory=dict)
    past: History | None = None
    """What a dashboard on this source has seen already."""

    @property
    def fleet(self) -> AsyncFleet:
        """A history that led to the snapshots, for pictures of pages; these are tried on real stores, see `live.py`."""
        return cast("AsyncFleet", FixedFleet(self.snapshots, acts_of(NOW)))

    can_start: bool = False
    refusal: StoreError | None = None
    """How it is away, if not by silence."""
    no_writes: str = ""

    async def start_store(self) -> None:
        self.is_away = False

    def _answer(self) -> None:
        if self.is_away:
            raise self.refusal or StoreUnreachable(
                f"No store answers at {self.shown}: connection refused. Start it, or check the URL."
            )

    def _write(self, *act: object) -> None:
        self._answer()
        if self.read_only:
            raise ReadOnly("This connection is read-only; nothing was sent.")
        self.acts.append(act)

    async def look(self) -> Reading:
        self.looks += 1
        self._answer()
        return Reading(tuple(self.snapshots), 0.0004, NOW, broken=self.broken, no_writes=self.no_writes)

    def explain(self, rows: Sequence[Row]) -> None:
        return

    async def discover(self) -> None:
        self._answer()

    async def jammed(self, queue: str, idle_s: float) -> list[Jammed]:
        self._answer()
        return [entry for entry in self.stuck.get(queue, []) if entry.age_s > idle_s]

    async def free(
        self, queue: str, entries: Sequence[Jammed], then: Then, *, skip_live: bool, operation: str = ""
    ) -> dict[str, Outcome]:
        self._write("free", queue, [(entry.id, entry.start) for entry in entries], then, skip_live)
        done = {Then.REQUEUE: Outcome.QUEUED, Then.FAIL: Outcome.FAILED, Then.DISCARD: Outcome.DISCARDED}[then]
        return {entry.id: self.outcomes.get(entry.id, done) for entry in entries}

    async def failed(self, queue: str, limit: int) -> Failed:
        self._answer()
        entries = self.failures.get(queue, [])
        return Failed(tuple(entries[:limit]), len(entries))

    async def requeue(
        self, queue: str, ids: Sequence[str], *, dry_run: bool, operation: str = ""
    ) -> dict[str, Outcome]:
        if dry_run:
            self._answer()
        else:
            self._write("requeue", queue, list(ids))
        return {id: self.outcomes.get(id, Outcome.QUEUED) for id in ids}

    async def publish(self, queue: str, ids: Sequence[str], *, rerun: bool, dry_run: bool) -> AsyncIterator[Chunk]:
        if dry_run:
            self._answer()
        else:
            self._write("publish", queue, list(ids), rerun)
        raw = [id.encode("utf-8", "surrogateescape") for id in ids]
        answers = [self.committed.get(id, Published.QUEUED) for id in ids]
        yield Chunk(raw, [(answer, 1) for answer in answers])

    async def pause(self, queue: str) -> bool:
        self._write("pause", queue)
        return True

    async def resume(self, queue: str) -> bool:
        self._write("resume", queue)
        return True

    def pool(self, queue: str, handler: Handler, *, concurrency: int, job_timeout: float | None) -> WorkerPool:
        raise ReadOnly("A fixed source runs no workers.")

    async def close(self) -> None:
        return


STUCK = [
    Jammed("mail:88412", NOW - 724, 724.0, "3f9c21d0a7b4", is_live=False),
    Jammed("mail:88390", NOW - 718, 718.0, "3f9c21d0a7b4", is_live=False),
    Jammed("mail:88377", NOW - 401, 401.0, "90aa17e2c5d1", is_live=True),
]
FAILURES = [
    Entry(
        f"hook:{1000 + n}",
        State.FAILED,
        since=NOW - n,
        failures=1 + (n * 7) % 9,
        error="ConnectTimeout: no answer in 30 s",
    )
    for n in range(288)
] + [
    Entry(f"hook:{2000 + n}", State.FAILED, since=NOW - n, failures=1, error="HTTP 410 Gone: hooks.example/in")
    for n in range(29)
]


def alarm_source() -> tuple[FixedSource, History]:
    """A source in trouble, and its past."""
    snapshots, history = alarms()
    outcomes = {f"hook:{1000 + n}": Outcome.ALREADY_COMMITTED for n in range(14)} | {"hook:2000": Outcome.GONE}
    source = FixedSource(
        snapshots,
        stuck={"emails:transactional": STUCK},
        failures={"webhooks": FAILURES},
        broken={"webhooks": Broken("HTTP 410 Gone: hooks.example/in", "ConnectTimeout: no answer in 30 s", 288, 317)},
        committed={"mail:88412": Published.PROCESSING, "mail:90001": Published.ALREADY_QUEUED},
        outcomes=outcomes,
        past=history,
    )
    return source, history


def an_app(
    source: FixedSource,
    history: History | None = None,
    *,
    environment: str | None = "production",
    is_ascii: bool = False,
    clock: Callable[[], float] | None = None,
    theme: str = "convoy-dark",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> ConvoyApp:
    """An app on a fixed source. Its clock stands still unless another is given, and it looks when told to."""
    place = Place(
        source.shown,
        environment,
        source.read_only,
        "--read-only" if source.read_only else "",
        limits,
        can_start=source.can_start,
    )
    app = ConvoyApp(
        source,
        place,
        is_ascii=is_ascii,
        history=history or source.past,
        clock=clock or (lambda: 100.0),
        jitter=lambda: 0.5,
    )
    app._poller.__class__ = StillPoller
    app.theme = theme
    return app


class StillPoller(Poller):
    """Polls when it is told to, whatever its pace."""

    async def _pause(self, seconds: float | None) -> None:
        await super()._pause(None)


async def settle(pilot: Pilot[None], looks: int = 3) -> None:
    """Look often enough for every word to have proved itself."""
    app = pilot.app
    assert isinstance(app, ConvoyApp)
    for _ in range(looks):
        await app._poller.look_once()
    await pilot.pause()


__all__ = ["FAILURES", "NOW", "STUCK", "FixedSource", "a_queue", "alarm_source", "alarms", "an_app", "calm", "settle"]
