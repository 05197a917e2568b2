"""Finds IDs held by, or handed to, workers that are not registered, and takes them back, one slice per turn.

A late wait may hand an ID to a worker after it was unregistered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from convoy_core.moves import recovering
from convoy_core.moves.keys import Keys
from convoy_core.options import PoolOptions
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.system.logs import Log

log = Log(__name__)


class UnregisteredHolders:
    """Unregistered workers that hold something, each judged a lease after it was first seen. No I/O.

    After a store has come back older, a living worker may be one until it registers again.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._since: dict[str, float] = {}

    def note(self, workers: Iterable[str], now: float) -> None:
        """They were seen."""
        for worker in workers:
            self._since.setdefault(worker, now)

    def take_due(self, now: float) -> list[str]:
        """Those first seen a lease ago; each is named once, and must be seen twice more to be named again."""
        due = [worker for worker, since in self._since.items() if now - since >= self._patience_s]
        for worker in due:
            del self._since[worker]
        return due

    def forget(self) -> None:
        """Whatever was seen says nothing any more."""
        self._since.clear()


class UnregisteredWorkers:
    """The search of one pool; every pool searches by itself."""

    def __init__(self, connection: AsyncConnection, keys: Keys, options: PoolOptions) -> None:
        self._connection = connection
        self._keys = keys
        self._max_crashes = options.max_crashes
        self._unregistered_holders = UnregisteredHolders(options.lease_s)
        self._owners_seen = 0
        self._departed_seen = 0

    def begin_anew(self) -> None:
        """The store was away, or its clock was set."""
        self._unregistered_holders.forget()
        self._owners_seen = self._departed_seen = 0

    async def reclaim(self) -> None:
        """Give back what late waits have handed to unregistered workers; no lease has to be judged."""
        self._departed_seen, back = await self._connection.run(recovering.reclaim(self._keys, self._departed_seen))
        if back:
            log.warning("queue %s: %d IDs had been handed to unregistered workers", self._keys.queue, back)

    async def recover(self, now: float, latest_ms: Callable[[], int]) -> dict[str, str]:
        """Recover the IDs of workers that have been unregistered for a lease. Returns where each ID went.

        The script checks once more that they are. See `recovering.recover` for `latest_ms`.
        """
        self._owners_seen, seen = await self._connection.run(
            recovering.unregistered_holders(self._keys, self._owners_seen)
        )
        self._unregistered_holders.note(seen, now)
        moved: dict[str, str] = {}
        due = self._unregistered_holders.take_due(now)
        if not due:
            return moved
        held = await self._connection.drive(recovering.held_claims(self._keys, due))
        for worker in due:
            steps = recovering.recover(self._keys, worker, self._max_crashes, held[worker], latest_ms=latest_ms)
            taken = await self._connection.drive(steps)
            if taken:
                log.warning("queue %s: recovered %d IDs of the unknown worker %s", self._keys.queue, len(taken), worker)
            moved |= taken
        return moved
