"""What a pool says of itself at one moment: what it runs, what has become of its runs, whether it is live and ready."""

from __future__ import annotations

from dataclasses import dataclass

from convoy_core.options import PoolOptions
from convoy_core.worker.states import PoolState

STUCK_S = 60.0
"""A pool whose event loop or heartbeat has not turned for so long is taken for stuck."""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A pool at one moment, as counted by itself since it started."""

    state: PoolState
    worker: str
    """Its random ID, one per start."""
    running: tuple[tuple[str, float], ...] = ()
    """IDs it holds, each with the seconds it has been running."""
    done: int = 0
    failed: int = 0
    deferred: int = 0
    """Runs whose handler asked to be called again later."""
    discarded: int = 0
    """IDs that their handler gave up."""
    retried: int = 0
    released: int = 0
    cancelled: int = 0
    """Runs that ended because an operator had asked them to."""
    stale: int = 0
    """Results that came too late and changed nothing."""
    unknown: int = 0
    """Results whose reply was lost and that the store no longer waits for: most likely written down."""
    error: str | None = None
    """Why the store is away, or why the pool ended."""
    shortage: str | None = None
    """Why fewer run than the concurrency allows: what could not be started has gone back to the queue, uncharged."""
    barred: str | None = None
    """Why it may claim nothing: it is quiet, or its version is too low. What it runs goes on."""
    loop_silent_s: float = 0.0
    """Seconds since the event loop was last seen to turn. The heartbeat asks it, so a few are usual."""
    heartbeat_silent_s: float = 0.0
    """Seconds since the heartbeat's thread last turned, whether the store answered or not."""
    store_silent_s: float = 0.0
    """Seconds since the store last answered a heartbeat."""

    @property
    def is_live(self) -> bool:
        """Whether its event loop and its heartbeat turn, whatever the store and the jobs do.

        A process whose pool is not should be started anew; one whose store is away should not.
        """
        is_stuck = max(self.loop_silent_s, self.heartbeat_silent_s) > STUCK_S
        return self.state is not PoolState.STOPPED and not is_stuck

    @property
    def is_ready(self) -> bool:
        """Whether it is registered, its store has answered within a lease, and it is not stopping."""
        return self.state.is_working and self.store_silent_s < PoolOptions().lease_s
