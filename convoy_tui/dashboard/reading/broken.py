"""What broke in the queues that fail, read beside the polls and no more often than it may have changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from convoy_core import AsyncFleet, ConvoyError
from convoy_tui.dashboard.board.board import Row
from convoy_tui.text.broken import LOOKED_AT, Broken, what_broke
from convoy_tui.text.health import Health

_AGAIN_S = 10.0
_UNREAD = -1
"""No number of failures: what broke is due again after a while, though nothing may have changed."""
_AT_ONCE = 5
"""Of so many queues, the worst, in one turn."""


async def read_broken(fleet: AsyncFleet, queue: str) -> Broken:
    """The newest error of a queue and the commonest."""
    page = await fleet.queue(queue).errors(limit=1)
    groups = await fleet.queue(queue).failure_groups(limit=LOOKED_AT)
    return what_broke(page.errors[0].text if page.errors else "", groups)


class BrokenReader:
    """Keeps what broke in each queue that fails, or has failures left."""

    def __init__(self, fleet: AsyncFleet) -> None:
        self._fleet = fleet
        self._read_at: dict[str, tuple[float, int]] = {}
        self._task: asyncio.Task[None] | None = None
        self.known: dict[str, Broken] = {}

    def ask(self, rows: Iterable[Row]) -> None:
        """Read what broke in those of these queues where that may be another than is known."""
        failing = {row.queue: _failures(row) for row in rows if row.health in (Health.FAILING, Health.FAILED)}
        self.known = {queue: broken for queue, broken in self.known.items() if queue in failing}
        now = time.monotonic()
        due = [queue for queue, n in failing.items() if self._is_due(queue, n, now)][:_AT_ONCE]
        if due and (self._task is None or self._task.done()):
            self._read_at |= {queue: (now, failing[queue]) for queue in due}
            self._task = asyncio.create_task(self._read(due), name="convoy errors")

    async def close(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _is_due(self, queue: str, failures: int, now: float) -> bool:
        read_at, were = self._read_at.get(queue, (0.0, _UNREAD))
        return queue not in self.known or (failures != were and now - read_at >= _AGAIN_S)

    async def _read(self, queues: list[str]) -> None:
        for queue in queues:
            try:
                self.known[queue] = await read_broken(self._fleet, queue)
            except ConvoyError:  # the next poll reports it
                self.known.setdefault(queue, Broken())
                self._read_at[queue] = (time.monotonic(), _UNREAD)


def _failures(row: Row) -> int:
    """A number that changes with each failure, and with each failed ID that leaves."""
    totals = row.snapshot.totals
    return totals.get("failed", 0) + totals.get("retried", 0) + row.snapshot.counts.failed
