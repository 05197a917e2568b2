"""All that the store knows of one ID: its details, its holder, and the moves of it that were recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from convoy_core import AsyncFleet, Details, RecordedMove
from convoy_tui.dashboard.board.job_lines import JobReading

MOVES = 200
"""The most recorded moves of one ID that are shown."""
_AT_ONCE = 8
"""Queues that are asked at the same time for an ID."""


async def read_job(fleet: AsyncFleet, queue: str, id: str, known: JobReading | None = None) -> JobReading:
    """Read one ID. The pools are read if one is to be named, and the recorder if it has kept anything.

    With what was known of the same ID, only what was recorded since is read.
    """
    store = fleet.queue(queue)
    details, recording = await asyncio.gather(store.show(id), store.recording())
    moves: list[RecordedMove] = []
    if recording.entries:
        since, earlier = (0.0, ()) if known is None else (known.details.at, known.moves)
        moves += [move for move in earlier if move.at < since]
        moves += [move async for move in store.trace(id, since=since) if move.ids]
        moves = moves[-MOVES:]
    failed_at = details.failure.worker if details.failure is not None else None
    is_named = bool(details.worker or failed_at) or any(move.worker for move in moves)
    pools = {pool.id: pool for pool in await store.workers()} if is_named else None
    return JobReading(details, pools, recording, tuple(moves))


async def find_id(fleet: AsyncFleet, id: str, queues: Sequence[str]) -> list[Details]:
    """The details of an ID in every one of these queues that knows it."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def look(queue: str) -> list[Details]:
        async with gate:
            return await fleet.find(id, [queue])

    found = await asyncio.gather(*map(look, queues))
    return [details for some in found for details in some]
