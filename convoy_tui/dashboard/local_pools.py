"""The worker pools of this process, which the dashboard starts, lists and stops.

Each pool has its own thread and its own connections, so a slow handler never blocks the keyboard. `launch` and `wait`
block: call them from a thread.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from convoy_core import Handler, PoolState, PoolStatus, WorkerPool


@dataclass(frozen=True, slots=True)
class Order:
    """The settings with which workers were launched."""

    queue: str
    path: str
    """The import path of the handler."""
    handler: Handler
    concurrency: int
    job_timeout: float | None


@dataclass(frozen=True, slots=True)
class Local:
    """One pool of this process."""

    name: str
    order: Order
    pool: WorkerPool

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

    def __init__(self, make: Callable[[Order], WorkerPool]) -> None:
        self._make = make
        self._numbers = itertools.count(1)
        self._locals: list[Local] = []

    def launch(self, order: Order) -> Local:
        """Start a pool and wait until it is registered. Raises ConvoyError if it cannot start."""
        pool = self._make(order)
        pool.start()
        local = Local(f"local-{next(self._numbers)}", order, pool)
        self._locals.append(local)
        return local

    def members(self, queue: str | None = None) -> list[Local]:
        """The pools, oldest first. Later calls leave out those that have ended by now."""
        chosen = [local for local in self._locals if queue is None or local.order.queue == queue]
        self._locals = [local for local in self._locals if not local.is_over]
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
        """Ask every pool to stop, and to give the IDs back that still run after `grace_s` seconds. Returns at once."""
        for local in self._locals:
            local.pool.request_stop(grace_s)

    def wait(self, seconds: float) -> bool:
        """Wait until every pool has ended, at most `seconds`. Returns whether all have."""
        deadline = time.monotonic() + seconds
        while not self.is_idle and time.monotonic() < deadline:
            time.sleep(0.02)  # pools do not announce their end
        return self.is_idle
