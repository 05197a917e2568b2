"""Judges a storm by what it left: the journals of all workers, what was published, and the store itself."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from convoy_core import Queue, State


@dataclass(slots=True)
class Run:
    """One run of one ID, from its journal; `end` is None when its worker died in it."""

    id: str
    token: str
    worker: int
    """Its number in the storm: a pid comes back after some ten thousand processes."""
    start: float
    end: float | None = None


@dataclass(slots=True)
class Verdict:
    """What went wrong; every list must be empty but `repeated`, of which each has its cause."""

    lost: list[str] = field(default_factory=list)
    """Accepted, never run to the end, and not among the failed."""
    stuck: list[str] = field(default_factory=list)
    """Still in the queue when everything had come to rest."""
    ghosts: int = 0
    """Committed, but nowhere."""
    repeated: list[str] = field(default_factory=list)
    """Run more often than accepted, after a kill or a broken link."""
    unattributed: list[str] = field(default_factory=list)
    """Run more often than accepted, for no cause that we know of."""
    stale_accepted: int = 0
    """Results the store took beyond one per accepted publish."""
    concurrent: list[str] = field(default_factory=list)
    """IDs that two living processes were running at one time."""
    runs: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        faults = (self.lost, self.stuck, self.ghosts, self.unattributed, self.stale_accepted, self.concurrent)
        return not any(faults)

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"runs               {self.runs:>9,}",
            f"lost               {len(self.lost):>9,}",
            f"stuck              {len(self.stuck):>9,}",
            f"ghosts             {self.ghosts:>9,}",
            f"repeated           {len(self.repeated):>9,}   each after a kill or a broken link",
            f"  unattributed     {len(self.unattributed):>9,}",
            f"stale accepted     {self.stale_accepted:>9,}",
            f"concurrent holders {len(self.concurrent):>9,}",
        ]


def read_journals(directory: Path) -> list[Run]:
    """Every run of every worker. A last line that a kill cut short is none."""
    runs: dict[str, Run] = {}
    for journal in sorted(directory.glob("journal-*")):
        for line in journal.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue
            event = json.loads(line)
            if event["event"] == "start":
                runs[event["token"]] = Run(event["id"], event["token"], event["worker"], event["at"])
            else:
                runs[event["token"]].end = event["at"]
    return list(runs.values())


def judge(
    queue: Queue, accepted: set[str], runs: list[Run], deaths: dict[int, float], disturbed: list[float]
) -> Verdict:
    """The verdict on a storm at rest.

    `deaths` maps workers to when they were seen dead, `disturbed` holds when links broke.
    """
    verdict = Verdict(runs=len(runs))
    by_id: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_id[run.id].append(run)

    failed = {entry.id for entry in queue.entries(State.FAILED)}
    verdict.lost = [id for id in accepted if id not in failed and not any(run.end for run in by_id[id])]
    verdict.stuck = [entry.id for entry in queue.entries(None)]
    verdict.ghosts = queue.counts().drift
    totals = queue.snapshot().totals
    verdict.stale_accepted = max(0, totals["done"] - totals["published"])
    for id, several in by_id.items():
        several.sort(key=lambda run: run.start)
        if len(several) > 1:
            caused = all(_has_cause(run, deaths, disturbed) for run in several[:-1])
            (verdict.repeated if caused else verdict.unattributed).append(id)
        for one, other in pairwise(several):
            if one.worker != other.worker and other.start < (one.end or deaths.get(one.worker, other.start)):
                verdict.concurrent.append(id)
    return verdict


def _has_cause(run: Run, deaths: dict[int, float], disturbed: list[float]) -> bool:
    """Whether something happened that could keep this run's end from the store: its worker died, or a link broke."""
    settled_by = (run.end or run.start) + 10.0
    return run.worker in deaths or any(run.start - 10.0 <= at <= settled_by for at in disturbed)
