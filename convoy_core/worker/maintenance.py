"""What any pool does for its queue as a whole: promote, recover, sweep, and keep rows of its history."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from convoy_core.errors import ConvoyError
from convoy_core.moves import history, recovering, working
from convoy_core.moves.keys import Keys
from convoy_core.moves.recovering import LATE_MS
from convoy_core.options import BATCH, PoolOptions
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.system.logs import Log
from convoy_core.worker.unregistered import UnregisteredWorkers

log = Log(__name__)

JUMP_S = 5.0
"""A store whose clock has gained or lost this much on ours from one look to the next has had it set."""

HISTORY_AGAIN_S = 60.0
"""When a row of the history could not be kept, another is tried after this."""

PROMOTE_EVERY_S = 1.0
"""Another client may delay an ID at any time, so this often somebody looks whether one is due."""


class Maintenance:
    """Promotes what is due, recovers what dead pools held, sweeps what Node's workers leave. Any pool may do it."""

    def __init__(self, connection: AsyncConnection, keys: Keys, options: PoolOptions) -> None:
        self._connection = connection
        self._keys = keys
        self._options = options
        self._wait_ms = round(options.lease_s * 1000)
        self._unregistered = UnregisteredWorkers(connection, keys, options)
        self._history_at = 0.0
        self._answered: Callable[[], None] = lambda: None
        self._swept_to: list[int] = []
        self._ahead_s: float | None = None
        """How far the store's clock was ahead of ours at the last look."""
        self._expired_since: dict[str, float] = {}
        """By our own clock, since the store's may be set: a dead worker must stay registered for as long as a
        wait of it may last, or nobody would recover what that wait is handed."""
        self.judge_from = time.monotonic() + options.lease_s
        """Until then other pools are not judged: after an outage all leases look expired (F18)."""

    def postpone_judgement(self) -> None:
        """The store was away, or its clock was set: give every pool a full lease to come back."""
        self._swept_to = []
        self._unregistered.begin_anew()
        self.judge_from = time.monotonic() + self._options.lease_s

    async def promote(self) -> float:
        """Queue everything that is due; seconds until it is worth looking again."""
        following: float | None = 0.0
        while following == 0:
            _, following = await self._connection.run(working.promote(self._keys, BATCH, self._wait_ms))
        return PROMOTE_EVERY_S if following is None else min(following, PROMOTE_EVERY_S)

    async def recover(self) -> dict[str, str]:
        """Take back what dead pools held; where each ID went."""
        moved: dict[str, str] = {}
        expired = await self._expired_leases()
        if not expired or time.monotonic() < self.judge_from:
            return moved
        now = time.monotonic()
        self._expired_since = {worker: self._expired_since.get(worker, now) for worker in expired}
        held = await self._connection.drive(recovering.held_claims(self._keys, expired))
        for worker in expired:
            is_long_expired = now - self._expired_since[worker] >= LATE_MS / 1000
            steps = recovering.recover(
                self._keys,
                worker,
                self._options.max_crashes,
                held[worker],
                unregister_long_dead=is_long_expired,
                latest_ms=self._latest_ms,
            )
            taken = await self._connection.drive(steps)
            if taken:
                log.warning("queue %s: recovered %d IDs of the dead worker %s", self._keys.queue, len(taken), worker)
            moved |= taken
        return moved

    async def _expired_leases(self) -> list[str]:
        """All of them: those that were recovered a while ago stay listed, and must not hide the others."""
        expired: list[str] = []
        while True:
            now, some = await self._connection.run(recovering.expired_leases(self._keys, len(expired)))
            self._answered()  # before anybody is judged: the leases may be those of an older file
            if not self._is_clock_known(now):
                self.postpone_judgement()
            expired += some
            if len(some) < BATCH:
                return expired

    def _latest_ms(self) -> int:
        """The latest that it can be by the store's clock, unless that has been set since the last look."""
        assert self._ahead_s is not None  # noqa: S101 - there was one
        return round((time.monotonic() + self._ahead_s + JUMP_S) * 1000)

    def _is_clock_known(self, now: float) -> bool:
        """Whether the store's clock has advanced as ours since the last check.

        After it is set, all leases look expired (F19). A change before the first check cannot be detected.
        """
        before, self._ahead_s = self._ahead_s, now - time.monotonic()
        if before is not None and abs(self._ahead_s - before) >= JUMP_S:
            log.warning("queue %s: the store's clock was set by %+.0f s", self._keys.queue, self._ahead_s - before)
            return False
        return before is not None

    async def sweep(self) -> None:
        """Look at some more of what we remember, and tidy up what Node workers have finished meanwhile."""
        self._swept_to = await self._connection.drive(working.sweep(self._keys, self._swept_to, BATCH))

    async def note_history(self, *, is_last: bool = False) -> float:
        """Keep a row of the history, if it is time; in how many seconds that is next. What fails there is no matter."""
        try:
            pause_s = await self._connection.run(history.note_history(self._keys, is_last=is_last))
        except ConvoyError as error:
            log.debug("queue %s: no row of its history was kept: %s", self._keys.queue, error)
            pause_s = HISTORY_AGAIN_S
        self._history_at = time.monotonic() + pause_s
        return pause_s

    async def recover_unregistered(self) -> dict[str, str]:
        """Recover some more of the IDs that no registered worker holds. Returns where each one went.

        Call it after `recover`, which checks the store's clock.
        """
        await self._unregistered.reclaim()
        if time.monotonic() < self.judge_from:
            return {}
        return await self._unregistered.recover(time.monotonic(), self._latest_ms)

    async def run(
        self, stopping: asyncio.Event, failed: Callable[[ConvoyError], None], answered: Callable[[], None]
    ) -> None:
        """Run all tasks until `stopping`, each at its interval. An error of the store is reported, and ends nothing.

        Each turn without an error is reported as well, and so is each answer by which other pools would be judged.

        It is not cancelled: a command that is cancelled leaves its connection in doubt, and redis-py has been seen to
        swallow the cancellation.
        """
        self._answered = answered
        recover_at = time.monotonic()
        while not stopping.is_set():
            pause = PROMOTE_EVERY_S
            try:
                if time.monotonic() >= self._history_at:
                    await self.note_history()
                pause = await self.promote()
                if time.monotonic() >= recover_at:
                    recover_at = time.monotonic() + self._options.beat_s
                    await self.recover()
                    await self.sweep()
                    await self.recover_unregistered()
                answered()
            except ConvoyError as error:
                failed(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(pause, 0.01)):
                    await stopping.wait()
