"""The runs a pool has going: slots, time limits, and the verdict on each. Knows nothing of the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from convoy_core.handlers.functions import Handler, Raised, Runner, TimedOut, runner_for
from convoy_core.handlers.hooks import RunHook, hooked
from convoy_core.handlers.run import NotStarted, Run
from convoy_core.handlers.verdicts import VerdictRules
from convoy_core.jobs import Claim, Discard, Failed, Job, Retry, Verdict
from convoy_core.options import PoolOptions
from convoy_core.system import file_descriptors
from convoy_core.system.logs import Log
from convoy_core.worker.measures import Measures
from convoy_core.worker.slots import Slots

log = Log(__name__)

CANCEL_GRACE_S = 5.0
"""How long a cancelled coroutine may clean up before its ID is settled without it."""


@dataclass(slots=True)
class Plan:
    """What a pool was asked to do. Only its concurrency may change while it works."""

    queue: str
    handler: Handler
    concurrency: int
    job_timeout: float | None
    retries: int
    options: PoolOptions
    by: str = ""
    """The signature of the operator who has launched it, if one has."""
    hooks: tuple[RunHook, ...] = ()


class Runs:
    """Up to `plan.concurrency` runs. Each verdict is reported; `wake` is called when more may go than before."""

    def __init__(
        self, plan: Plan, worker: str, report: Callable[[Claim, Verdict], None], wake: Callable[[], None]
    ) -> None:
        self._report = report
        self._plan = plan
        self._worker = worker
        self._verdicts = VerdictRules(worker, plan.retries, plan.options)
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._running: dict[int, Run] = {}  # by claim number, in the order they were started
        self._runner: Runner = runner_for(hooked(plan.handler, plan.hooks), self._ended)
        self._expiry: asyncio.TimerHandle | None = None
        self._growth: asyncio.TimerHandle | None = None
        self._limit: str | None = None
        self._slots = Slots(self._most())
        self.measures = Measures()

    def __len__(self) -> int:
        """Slots taken."""
        return len(self._running)

    @property
    def slots(self) -> int:
        """How many may go at once. May be called from any thread."""
        return self._slots.allowed(time.monotonic())

    @property
    def free(self) -> int:
        """Slots left."""
        return max(0, self.slots - len(self._running))

    @property
    def shortage(self) -> str | None:
        """Why fewer run than the concurrency allows, if so. May be called from any thread."""
        slots = self._slots
        why = slots.why or self._limit
        return why and f"{self.slots} of {self._plan.concurrency} slots: {why}"

    def resize(self) -> None:
        """The plan's concurrency has changed. No run is ended for that: fewer begin."""
        self._slots.resize(self._most())
        self._grow()

    def start(self, claim: Claim) -> None:
        """Run the handler on a claimed ID."""
        run = Run(Job(claim, self._plan.queue, self._worker), claim, time.monotonic())
        self._running[claim.number] = run
        self.measures.began(claim.waited_s)
        if self._plan.job_timeout is not None and self._expiry is None:
            self._expiry = self._loop.call_later(self._plan.job_timeout, self._expire, self._plan.job_timeout)
        self._runner.start(run)

    def mark_lost(self, numbers: Iterable[int]) -> None:
        """Somebody took the IDs of these claims away: tell their handlers. Their results will be stale."""
        for number in numbers:
            if (run := self._running.get(number)) is not None:
                run.job.mark_lost()

    def cancel(self, numbers: Iterable[int]) -> None:
        """An operator has asked these runs to end.

        Each keeps its ID until it has ended, or its time is up: nobody else may run it meanwhile.
        """
        for number in numbers:
            run = self._running.get(number)
            if run is None or run.is_settled or run.job.cancelled:
                continue
            log.info("queue %s: %r has been asked to end", self._plan.queue, run.job.id)
            run.job.mark_cancelled()
            if not run.timed_out:  # else that has been done, and is not to be disturbed
                self._runner.cancel(run)

    def give_back(self) -> None:
        """Stop every run; its ID is released unharmed."""
        for run in list(self._running.values()):
            if not run.is_settled:
                run.is_settled = True
                run.job.mark_lost()
                self.measures.ended("released", time.monotonic() - run.started)
                self._report(run.claim, "released")
                self._runner.cancel(run)

    def snapshot(self) -> tuple[tuple[str, float], ...]:
        """The IDs that occupy a slot, each with the seconds since it was claimed. May be called from any thread."""
        now = time.monotonic()
        return tuple((run.job.id, now - run.started) for run in list(self._running.values()))

    def close(self) -> None:
        """Start no more."""
        if self._expiry is not None:
            self._expiry.cancel()
        if self._growth is not None:
            self._growth.cancel()
        self._runner.close()

    def _ended(self, run: Run, result: object) -> None:
        """The runner reports what the handler has returned, or raised."""
        del self._running[run.claim.number]
        if run.is_settled:
            self._wake()  # its slot is free
        elif type(result) is Raised and (shortage := _shortage(result.error)) is not None:
            self._release(run, shortage)
        else:
            self._decide(run, Raised(self._timeout()) if run.timed_out else result)

    def _release(self, run: Run, error: NotStarted) -> None:
        """It has not run at all: others may, or we a little later, with fewer at a time."""
        run.is_settled = True
        self._report(run.claim, "released")
        if self._slots.refuse(time.monotonic(), len(self._running), str(error)):
            log.warning(
                "queue %s: a run could not be started (%s), so its ID goes back, and fewer run at a time for a while",
                self._plan.queue,
                error,
            )
        self._grow()

    def _grow(self) -> None:
        """Have more slots used as time goes by."""
        if self._growth is not None:
            self._growth.cancel()
        wait = self._slots.look(time.monotonic())
        self._growth = None if wait is None else self._loop.call_later(wait, self._grow)
        self._wake()

    def _most(self) -> int:
        """The slots that this process can have descriptors for."""
        plan = self._plan
        each = getattr(plan.handler, "descriptors", 0)
        self._limit = None
        most = (
            min(plan.concurrency, file_descriptors.allow(plan.concurrency * each) // each) if each else plan.concurrency
        )
        if most < plan.concurrency:
            self._limit = f"the limit of open files (ulimit -n) is too low for {plan.concurrency} processes at a time"
            log.warning("queue %s: %s; at most %d run", plan.queue, self._limit, most)
        return max(1, most)

    def _decide(self, run: Run, result: object) -> None:
        run.is_settled = True
        verdict = self._verdicts.verdict(result, run)
        if run.job.cancelled and verdict != "completed" and not isinstance(verdict, Discard):
            verdict = "cancelled"
        self.measures.ended(verdict, time.monotonic() - run.started)
        self._report(run.claim, verdict)
        if verdict == "completed":  # nearly always
            return
        log.info("queue %s: %r %s", self._plan.queue, run.job.id, _told(verdict))

    def _timeout(self) -> TimedOut:
        return TimedOut(f"it ran for longer than {self._plan.job_timeout:g} s")

    def _expire(self, timeout: float) -> None:
        """End what has run out of time. One timer serves all runs, since they expire in the order they were started."""
        self._expiry = None
        now = time.monotonic()
        for run in list(self._running.values()):
            if run.timed_out or run.is_settled:
                continue
            if run.started + timeout > now:
                self._expiry = self._loop.call_later(run.started + timeout - now, self._expire, timeout)
                return
            run.timed_out = True
            if self._runner.cancel(run):
                self._loop.call_later(CANCEL_GRACE_S, self._give_up, run)
            else:
                self._give_up(run)

    def _give_up(self, run: Run) -> None:
        """It does not end: settle its ID all the same; the slot stays taken, visibly, until it does."""
        if not run.is_settled:
            run.job.mark_lost()
            self._decide(run, Raised(self._timeout()))


def _told(verdict: Verdict) -> str:
    """What a run that is not done has come to, for the log."""
    match verdict:
        case Failed(message):
            return f"failed: {message}"
        case Retry(after_s, reason):
            when = "" if after_s is None else f" in {after_s:g} s"
            return f"asked to be called again{when}{f': {reason}' if reason else ''}"
        case Discard(reason):
            return f"was discarded{f': {reason}' if reason else ''}"
        case "completed" | "released" | "cancelled":
            return f"was {verdict}"


def _shortage(error: BaseException) -> NotStarted | None:
    """Why a run could not begin; asked of the type alone, since what a handler raises may answer anything."""
    return error if issubclass(type(error), NotStarted) and isinstance(error, NotStarted) else None
