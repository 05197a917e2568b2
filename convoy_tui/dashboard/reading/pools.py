"""The pools of many queues, each with the runs that it has held the longest, and all that one pool holds."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable

from convoy_core import BATCH, AsyncFleet, Entry, Snapshot, State, WorkerInfo
from convoy_tui.dashboard.board.pools import Pool

MOST_PAGES = 20
"""So many pages of a queue's runs are looked through for those of one pool."""


AGAIN_S = 5.0
"""After so long pools are read again though the snapshots tell nothing new: counters of a pool are not in them."""


class PoolReader:
    """Reads every pool of many queues, each with what it has held the longest, when something may have changed."""

    def __init__(self, fleet: AsyncFleet) -> None:
        self._fleet = fleet
        self._pools: tuple[Pool, ...] = ()
        self._told: Hashable = None
        self._read_at = -math.inf

    def forget(self) -> None:
        """Read with the next call, whatever is known."""
        self._told = None

    async def read(self, snapshots: Iterable[Snapshot], local: Iterable[tuple[str, str]]) -> tuple[Pool, ...]:
        """The pools of these queues, and of those of local pools: each of these is its queue and its ID.

        Nothing is read while the snapshots tell the same of runs and pools, and these have been read just before.
        """
        seen = [one for one in snapshots if one.damage is None]
        here = tuple(sorted(local))
        told = (tuple(map(_told, seen)), here)
        at = max((one.at for one in seen), default=0.0)
        if told != self._told or not 0 <= at - self._read_at < AGAIN_S:
            self._told = None
            queues = dict.fromkeys(one.queue for one in seen if one.workers or one.silent)
            found = await self._fleet.workers([*queues, *({queue for queue, _ in here} - queues.keys())])
            self._pools = tuple(Pool(one.worker, one.runs, one.at) for one in found)
            self._told, self._read_at = told, at
        return tuple(pool.at_time(at) for pool in self._pools)


def _told(snapshot: Snapshot) -> Hashable:
    """What a snapshot tells of the queue's pools and runs."""
    oldest_s = snapshot.oldest_processing_s
    began = None if oldest_s is None else round(snapshot.at - oldest_s, 2)
    runs = (snapshot.counts.processing, snapshot.held, began, *sorted(snapshot.totals.items()))
    return (snapshot.queue, snapshot.workers, snapshot.silent, snapshot.bars, runs)


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
