"""The history of the IDs that violate a promise: their runs, and the faults of their workers meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.chaos.journal import Run
from tests.chaos.judge import DELAY_S, Troubles, Verdict
from tests.chaos.work import Kind

MOST_IDS = 5
MOST_LINES = 30
"""Of one ID."""


def tell(
    verdict: Verdict, accepted: Mapping[str, float], runs: list[Run], kinds: Mapping[int, Kind], troubles: Troubles
) -> list[str]:
    """The histories of the first offenders; times are in seconds since the first ID was accepted."""
    begin = min(accepted.values(), default=0.0)
    offenders = verdict.offenders
    lines = []
    for fault, id in offenders[:MOST_IDS]:
        its = [run for run in runs if run.id == id]
        events = sorted({*_of_its_own(accepted.get(id), its, kinds), *_around(accepted.get(id, begin), its, troubles)})
        why = f", by {verdict.errors[id]!r}" if id in verdict.errors else ""
        lines += ["", f"{fault}: {id!r}{why}", *(f"  {at - begin:>9.3f}  {what}" for at, what in events[:MOST_LINES])]
        if len(events) > MOST_LINES:
            lines.append(f"  and {len(events) - MOST_LINES:,} events more")
    if len(offenders) > MOST_IDS:
        lines += ["", f"and {len(offenders) - MOST_IDS:,} IDs more"]
    return lines


def _of_its_own(accepted: float | None, runs: list[Run], kinds: Mapping[int, Kind]) -> Iterator[tuple[float, str]]:
    if accepted is not None:
        yield accepted, "accepted"
    for run in runs:
        who = f"{run.token} by worker {run.worker} ({kinds[run.worker]})"
        yield run.start, f"run begins  {who}" + ("" if run.end else ", which has no end")
        if run.end:
            yield run.end, f"run ends    {who}"


def _around(accepted: float, runs: list[Run], troubles: Troubles) -> Iterator[tuple[float, str]]:
    """The faults of the store, and of the workers of the runs, close to them in time."""
    first = min([run.start for run in runs], default=accepted) - DELAY_S
    last = max([run.end or run.start for run in runs], default=accepted) + DELAY_S
    workers = {run.worker for run in runs}
    for at, what in _to_workers(workers, troubles):
        if first <= at <= last:
            yield at, what
    for copied, killed, back in troubles.rollbacks:
        if first <= back and copied <= last:
            yield copied, "store       is copied"
            yield killed, "store       is killed, to come back as it was copied"
            yield back, "store       is back, as it was copied"
    known = {at for rollback in troubles.rollbacks for at in rollback}
    for at in troubles.disturbed:
        if first <= at <= last and at not in known:
            yield at, "store       loses its connections, or is killed"


def _to_workers(workers: set[int], troubles: Troubles) -> Iterator[tuple[float, str]]:
    for worker in workers & troubles.ends.keys():
        yield troubles.ends[worker], f"worker {worker:<4} {'is dead' if worker in troubles.killed else 'has ended'}"
    spans = [*((*pause, "stands still") for pause in troubles.pauses)]
    spans += [(*lapse, "has no living lease") for lapse in troubles.lapses]
    for worker, since, until, what in spans:
        if worker in workers:
            yield since, f"worker {worker:<4} {what} from here"
            yield until, f"worker {worker:<4} {what} until here"
