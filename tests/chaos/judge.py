"""Judges a storm by its results: the journals of all workers, the published IDs, and the store."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from convoy_core import Queue, State
from tests.chaos.journal import Run

SETTLING_S = 3.0
"""How long after a rollback, or the end of a pause, a handler may begin with what was claimed before it: a child has to
be started, on a busy machine.
"""

DELAY_S = 10.0
"""How long a result may be on its way to the store, and a claim on its way from there."""


class Pause(NamedTuple):
    """A worker stood still for longer than a lease."""

    worker: int
    since: float
    until: float


class Lapse(NamedTuple):
    """A worker had no living lease by the store's word: most likely it got no processor for so long."""

    worker: int
    since: float
    until: float


class Rollback(NamedTuple):
    """The store was killed, and came back with a copy of its files that was older."""

    copied: float
    killed: float
    back: float


@dataclass(slots=True)
class Troubles:
    """What happened, and when, by `time.monotonic`."""

    ends: dict[int, float] = field(default_factory=dict)
    """Worker's number -> when it was seen to have ended."""
    killed: set[int] = field(default_factory=set)
    """Those of them that were killed."""
    disturbed: list[float] = field(default_factory=list)
    """Links broke, or the server was killed."""
    pauses: list[Pause] = field(default_factory=list)
    lapses: list[Lapse] = field(default_factory=list)
    rollbacks: list[Rollback] = field(default_factory=list)

    @property
    def lapsed_by_themselves(self) -> list[Lapse]:
        """Lapses of workers that were neither standing still nor dead; what they had before a rollback is no lease."""
        return [
            lapse
            for lapse in self.lapses
            if not any(
                lapse.worker == pause.worker and lapse.since <= pause.until and pause.since <= lapse.until
                for pause in self.pauses
            )
            and not (lapse.worker in self.killed and lapse.until >= self.ends[lapse.worker])
        ]


@dataclass(slots=True)
class Verdict:
    """What went wrong; every list must be empty but those of what has its cause."""

    lost: list[str] = field(default_factory=list)
    """Accepted, never run to the end, and not among the failed."""
    forgotten: list[str] = field(default_factory=list)
    """The same, but accepted between a copy and the rollback to it: durability, not our doing."""
    stuck: list[str] = field(default_factory=list)
    """Still in the queue when everything had come to rest."""
    failed: list[str] = field(default_factory=list)
    """Among the failed, where no handler fails."""
    errors: dict[str, str] = field(default_factory=dict)
    """Why, by ID."""
    ghosts: int = 0
    """Committed, but nowhere."""
    repeated: list[str] = field(default_factory=list)
    """Run more often than accepted, after a kill, a pause, a lapse, a broken link or a rollback."""
    unattributed: list[str] = field(default_factory=list)
    """Run more often than accepted, for no cause that we know of."""
    stale_accepted: int = 0
    """Results the store took beyond one per accepted publish."""
    concurrent: list[str] = field(default_factory=list)
    """IDs that two living processes were running at one time."""
    overtaken: list[str] = field(default_factory=list)
    """The same, but the lease of one had lapsed, or the store had forgotten its claim."""
    runs: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.offenders or self.ghosts or self.stale_accepted)

    @property
    def offenders(self) -> list[tuple[str, str]]:
        """What went wrong with which ID, the rarer first."""
        faults = {
            "concurrent": self.concurrent,
            "lost": self.lost,
            "stuck": self.stuck,
            "failed": self.failed,
            "unattributed": self.unattributed,
        }
        return [(name, id) for name, ids in sorted(faults.items(), key=lambda fault: len(fault[1])) for id in ids]

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"lost               {len(self.lost):>9,}",
            f"  forgotten        {len(self.forgotten):>9,}   accepted after the copy to which the store went back",
            f"stuck              {len(self.stuck):>9,}",
            f"failed             {len(self.failed):>9,}",
            f"ghosts             {self.ghosts:>9,}",
            f"repeated           {len(self.repeated):>9,}   each after a kill, pause, lapse, broken link or rollback",
            f"  unattributed     {len(self.unattributed):>9,}",
            f"stale accepted     {self.stale_accepted:>9,}",
            f"concurrent holders {len(self.concurrent):>9,}",
            f"  overtaken        {len(self.overtaken):>9,}   one's lease had lapsed, or its claim was rolled back",
        ]


def judge(queue: Queue, accepted: dict[str, float], runs: list[Run], troubles: Troubles) -> Verdict:
    """The verdict on a storm at rest. `accepted` maps IDs to when the store's answer came."""
    verdict = Verdict(runs=len(runs))
    by_id: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_id[run.id].append(run)

    verdict.failed = [entry.id for entry in queue.entries(State.FAILED)]
    for id in verdict.failed:
        failure = queue.show(id).failure
        verdict.errors[id] = "no reason is kept" if failure is None else failure.error
    done = {*verdict.failed, *(run.id for run in runs if run.end)}
    for id in accepted.keys() - done:
        is_forgotten = any(copied <= accepted[id] <= back for copied, _, back in troubles.rollbacks)
        (verdict.forgotten if is_forgotten else verdict.lost).append(id)
    verdict.stuck = [entry.id for entry in queue.entries(None)]
    verdict.ghosts = queue.counts().drift
    totals = queue.snapshot().totals
    verdict.stale_accepted = max(0, totals["done"] - totals["published"])
    for several in by_id.values():
        judge_runs(sorted(several, key=lambda run: run.start), troubles, verdict)
    return verdict


def judge_runs(several: list[Run], troubles: Troubles, verdict: Verdict) -> None:
    """Of one ID."""
    if len(several) > 1:
        caused = all(_has_cause(run, troubles) for run in several[:-1])
        (verdict.repeated if caused else verdict.unattributed).append(several[0].id)
    for one, other in pairwise(several):
        if one.worker != other.worker and other.start < (one.end or troubles.ends.get(one.worker, other.start)):
            (verdict.overtaken if _is_overtaken(one, other, troubles) else verdict.concurrent).append(one.id)


def _has_cause(run: Run, troubles: Troubles) -> bool:
    """Whether something happened that could keep this run's end from the store, or from its memory."""
    begins, settled_by = run.start - DELAY_S, (run.end or run.start) + DELAY_S
    return (
        run.worker in troubles.killed
        or any(begins <= at <= settled_by for at in troubles.disturbed)
        or any(
            run.worker == worker and since <= settled_by and begins <= until
            for worker, since, until in (*troubles.pauses, *troubles.lapses)
        )
    )


def _is_overtaken(one: Run, other: Run, troubles: Troubles) -> bool:
    """Whether a lease ran out under a run, or the store has forgotten a claim of what is running."""
    return (
        any(
            worker in (one.worker, other.worker) and since <= other.start and one.start <= until + SETTLING_S
            for worker, since, until in troubles.pauses
        )
        or any(
            first.worker == worker and since <= second.start and first.start <= until
            for first, second in ((one, other), (other, one))
            for worker, since, until in troubles.lapses
        )
        or any(copied <= one.start <= back + SETTLING_S for copied, _, back in troubles.rollbacks)
    )
