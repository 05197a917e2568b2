"""The course of the counts and rates of queues over a period, from what the store has kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from convoy_core import AsyncFleet, HistoryRow, chunked
from convoy_tui.dashboard.board.timeline import Moment, Period, course, together

_HOUR_S = 3600.0
"""Of steps that are no shorter, the rows of each hour are enough."""
_MANY_ROWS_S = 10_800.0
"""Of a longer time, rows of every minute are many: they are read of fewer queues at a time."""


async def read_course(fleet: AsyncFleet, queue: str, period: Period, end: float) -> list[Moment | None]:
    """The course of one queue."""
    if period.step_s >= _HOUR_S:
        return await _of_some(fleet, [queue], period, end)
    rows = await fleet.queue(queue).history(end - period.seconds - period.step_s)
    return await asyncio.to_thread(course, rows, period, end)


async def read_courses(
    fleet: AsyncFleet, queues: Sequence[str], period: Period, end: float, progress: Callable[[int], None]
) -> list[Moment | None]:
    """The course of all these queues together. `progress` is called with how many have been read."""
    found: list[list[Moment | None]] = []
    n_read = 0
    for some in chunked(queues, 100 if period.step_s >= _HOUR_S or period.seconds <= _MANY_ROWS_S else 20):
        found.append(await _of_some(fleet, some, period, end))
        n_read += len(some)
        progress(n_read)
    return together(found) if found else course((), period, end)


async def _of_some(fleet: AsyncFleet, queues: Sequence[str], period: Period, end: float) -> list[Moment | None]:
    kept = await fleet.histories(queues, last_s=period.seconds + period.step_s)
    return await asyncio.to_thread(_together, list(kept.values()), period, end)


def _together(kept: Sequence[Sequence[HistoryRow]], period: Period, end: float) -> list[Moment | None]:
    return together([course(rows, period, end) for rows in kept] or [course((), period, end)])
