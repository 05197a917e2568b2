"""The pools of many queues, each with the IDs that it holds."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from convoy_core import BATCH, AsyncFleet, Entry, State, WorkerInfo
from convoy_tui.dashboard.board.pools import Pool

MOST_PAGES = 20
"""So many pages of a queue's runs are looked through for those of one pool."""


async def read_pools(fleet: AsyncFleet, names: Iterable[str]) -> tuple[Pool, ...]:
    """Every pool of these queues, with what it holds of the oldest runs of its queue."""
    found = await asyncio.gather(*(_read_queue(fleet, name) for name in names))
    return tuple(pool for pools in found for pool in pools)


async def _read_queue(fleet: AsyncFleet, name: str) -> list[Pool]:
    queue = fleet.queue(name)
    infos, page = await asyncio.gather(queue.workers(), queue.page(State.PROCESSING, start=0, limit=BATCH))
    held: defaultdict[str | None, list[Entry]] = defaultdict(list)
    for entry in page.entries:
        held[entry.worker].append(entry)
    return [Pool(info, tuple(held[info.id]), page.at) for info in infos]


async def read_pool(fleet: AsyncFleet, name: str, id: str) -> Pool | None:
    """One pool with all that it holds; None if it is not registered any more."""
    queue = fleet.queue(name)
    info: WorkerInfo | None = next((info for info in await queue.workers() if info.id == id), None)
    held: list[Entry] = []
    start: int | None = 0
    at = 0.0
    for _ in range(MOST_PAGES):
        if start is None:
            break
        page = await queue.page(State.PROCESSING, start=start, limit=BATCH)
        held += [entry for entry in page.entries if entry.worker == id]
        start, at = page.next, page.at
    return None if info is None else Pool(info, tuple(held), at)
