"""The worker pools of this process, which the dashboard starts, lists and stops.

Each pool has its own thread and its own connections. Handlers run in child processes, whose output goes into the log,
so that nothing they do reaches this process; in threads of it only if that was asked for. `launch` and `wait` block:
call them from a thread.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from convoy_core import Command, Handler, Isolated, PoolState, PoolStatus, WorkerPool
from convoy_tui.dashboard.output_log import OutputLog


class RunsIn(StrEnum):
    """Where the handlers of a pool run."""

    PROCESSES = "processes"
    THREADS = "threads"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Order:
    """The settings with which workers were launched."""

    queue: str
    path: str
    """The import path of the handler, or the command line."""
    concurrency: int
    job_timeout: float | None
    runs_in: RunsIn = RunsIn.PROCESSES
    handler: Handler | None = None
    """The handler itself, to run in threads of this process."""

    def handler_with(self, output: int | None) -> Handler:
        """What runs an ID, and writes to that descriptor unless it runs in threads. Raises ConvoyError."""
        match self.runs_in:
            case RunsIn.COMMAND:
                return Command(self.path, output=output)
            case RunsIn.PROCESSES:
                return Isolated(self.path, elsewhere=True, output=output)
            case RunsIn.THREADS:
                assert self.handler is not None  # noqa: S101 - who orders threads has looked it up
                return self.handler


@dataclass(frozen=True, slots=True)
class Local:
    """One pool of this process."""

    name: str
    order: Order
    pool: WorkerPool
    output: int | None
    """The descriptor that its handlers write to."""

    @property
    def status(self) -> PoolStatus:
        """The current status of the pool."""
        return self.pool.status()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status.state is PoolState.STOPPED


class LocalPools:
    """All pools of this process."""

    def __init__(self, make: Callable[[Order, Handler], WorkerPool]) -> None:
        self._make = make
        self._numbers = itertools.count(1)
        self._locals: list[Local] = []
        self._is_dismissed = False
        self.log = OutputLog()
        """What their handlers have written."""

    def launch(self, order: Order) -> Local:
        """Start a pool and wait until it is registered. Raises ConvoyError if it cannot start."""
        name = f"local-{next(self._numbers)}"
        output = None if order.runs_in is RunsIn.THREADS else self.log.open(name)
        try:
            pool = self._make(order, order.handler_with(output))
            pool.start()
        except BaseException:
            _close(output)
            raise
        local = Local(name, order, pool, output)
        self._locals.append(local)
        if self._is_dismissed:
            pool.stop(0)  # at once: nobody waits for what has begun after the end
        return local

    def members(self, queue: str | None = None) -> list[Local]:
        """The pools, oldest first. Later calls leave out those that have ended by now."""
        chosen = [local for local in self._locals if queue is None or local.order.queue == queue]
        for local in [local for local in self._locals if local.is_over]:
            self._locals.remove(local)
            _close(local.output)
        return chosen

    def find(self, worker: str) -> Local | None:
        """The pool with this ID, if it is one of this process."""
        return next((local for local in self._locals if local.status.worker == worker), None)

    @property
    def running(self) -> int:
        """How many jobs are running in this process."""
        return sum(len(local.status.running) for local in self._locals)

    @property
    def is_idle(self) -> bool:
        """Whether there is no pool."""
        return all(local.is_over for local in self._locals)

    def dismiss(self, grace_s: float | None = None) -> None:
        """Ask every pool to stop, and to give the IDs back that still run after `grace_s` seconds. Returns at once.

        This process ends: a pool that is being launched meanwhile stops as soon as it has started.
        """
        self._is_dismissed = True
        for local in self._locals:
            local.pool.request_stop(grace_s)

    def wait(self, seconds: float) -> bool:
        """Wait until every pool has ended, at most `seconds`. Returns whether all have."""
        deadline = time.monotonic() + seconds
        while not self.is_idle and time.monotonic() < deadline:
            time.sleep(0.02)  # pools do not announce their end
        return self.is_idle


def _close(output: int | None) -> None:
    if output is not None:
        os.close(output)
