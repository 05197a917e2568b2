"""Keeps the history of queues where no pool does, and learns from it whether the store takes writes at all."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence

from convoy_core import AsyncFleet, ConvoyError, Snapshot

_ENDS = ("done", "failed", "retried", "deferred")
_TAKES_NOTHING = frozenset({"OOM", "MISCONF", "READONLY", "NOREPLICAS"})
"""With these words a store refuses every write: full, unable to save, a replica. A permission concerns some writes."""
WRITES_AGAIN_S = 3.0
"""While it does, it is asked again after this."""
HISTORY_AGAIN_S = 60.0
"""When no history could be kept, another try is made after this."""


class HistoryKeeper:
    """Writes beside the polls."""

    def __init__(self, fleet: AsyncFleet) -> None:
        self._fleet = fleet
        self.task: asyncio.Task[None] | None = None
        self.no_writes = ""
        """Why the store takes no writes, where it has refused one."""
        self._due_at = 0.0
        """When the next row of the histories is due."""
        self._ended: dict[str, int] = {}
        """How many runs of each queue had ended when its history was last kept."""

    def keep(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep a row of each queue of which nobody else may, when that is due."""
        if time.monotonic() >= self._due_at:
            self._due_at = math.inf
            self.task = asyncio.create_task(self._note(self._unkept(snapshots)), name="convoy history")

    def _unkept(self, snapshots: Sequence[Snapshot]) -> list[str]:
        """The queues of which nobody else may keep the history: without a pool, or with one that ends nothing."""
        ended, self._ended = (
            self._ended,
            {one.queue: sum(one.totals.get(name, 0) for name in _ENDS) for one in snapshots},
        )
        return [
            one.queue
            for one, now in zip(snapshots, self._ended.values(), strict=True)
            if one.damage is None and (not one.workers or ended.get(one.queue, now) == now)
        ]

    async def _note(self, queues: list[str]) -> None:
        pause_s = HISTORY_AGAIN_S
        try:
            pause_s = await self._fleet.note_history(queues)
        except ConvoyError as error:  # no permission, no memory: a dashboard is there to look
            if getattr(error, "word", "") in _TAKES_NOTHING:
                self.no_writes, pause_s = str(error), WRITES_AGAIN_S
        else:
            self.no_writes = ""
        finally:
            self._due_at = time.monotonic() + pause_s
