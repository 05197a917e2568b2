"""The course of the counts and rates of queues over a period, from what the store has kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from convoy_core import AsyncFleet, HistoryRow, StoreDamaged
from convoy_tui.dashboard.board.timeline import Moment, Period, course, together

AT_ONCE_S = 10_800.0
"""Up to this, the rows of every queue are read in one round trip; of more there would be too many at once."""
_BESIDE = 4
"""Queues whose rows are read at the same time."""


async def read_course(fleet: AsyncFleet, queue: str, period: Period, end: float) -> list[Moment | None]:
    """The course of one queue."""
    rows = await fleet.queue(queue).history(end - period.seconds - period.step_s)
    return await asyncio.to_thread(course, rows, period, end)


async def read_courses(
    fleet: AsyncFleet, queues: Sequence[str], period: Period, end: float, progress: Callable[[int], None]
) -> list[Moment | None]:
    """The course of all these queues together. `progress` is called with how many have been read."""
    if period.seconds <= AT_ONCE_S:
        kept = await fleet.histories(queues, last_s=period.seconds + period.step_s)
        return await asyncio.to_thread(_together, list(kept.values()), period, end)
    gate = asyncio.Semaphore(_BESIDE)
    found: list[list[Moment | None]] = []

    async def read(queue: str) -> None:
        async with gate:
            try:
                found.append(await read_course(fleet, queue, period, end))
            except StoreDamaged:  # what another client has put there is no history
                found.append(course((), period, end))
            progress(len(found))

    await asyncio.gather(*map(read, queues))
    return together(found) if found else course((), period, end)


def _together(kept: Sequence[Sequence[HistoryRow]], period: Period, end: float) -> list[Moment | None]:
    return together([course(rows, period, end) for rows in kept] or [course((), period, end)])
