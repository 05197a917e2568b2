"""What the store has kept of all queues up to a time in the past."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from convoy_core import AsyncFleet, HistoryRow, StoreDamaged
from convoy_tui.text.recalled import LONG_S

_FEW: Final = 20
"""Of so many queues the rows of every ten seconds are read."""
_NEAR_S: Final = 6 * 3600.0
"""Of more queues, and of no longer ago than this, those of every minute, all in one round trip."""
_BESIDE: Final = 4
"""Queues that are read at the same time."""


async def read_past(
    fleet: AsyncFleet, queues: Sequence[str], at: float, now: float
) -> Mapping[str, Sequence[HistoryRow]]:
    """The rows of each queue that its health at that time is judged from."""
    first = at - LONG_S
    if len(queues) > _FEW and now - at <= _NEAR_S:
        kept = await fleet.histories(queues, last_s=now - first)
        return {queue: [row for row in rows if row.at <= at] for queue, rows in kept.items()}
    gate = asyncio.Semaphore(_BESIDE)

    async def read(queue: str) -> list[HistoryRow]:
        async with gate:
            try:
                return await fleet.queue(queue).history(max(0.0, first), at)
            except StoreDamaged:
                return []

    return dict(zip(queues, await asyncio.gather(*map(read, queues)), strict=True))
