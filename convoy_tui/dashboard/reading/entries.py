"""Reads the entries of one tab of a queue: a range of them, all of them in slices, or the IDs alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from convoy_core import BATCH, AsyncFleet, Details, Entry, FaultKind, State, WorkerInfo
from convoy_tui.dashboard.board.entries import Item, Tab
from convoy_tui.dashboard.board.window import Window
from convoy_tui.text.workers import holder

GRACE_S = 2.0
"""How long an ID has to be in no place before it counts as an orphan: a Node client moves IDs in two commands."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the entries of a tab."""

    items: Sequence[Item]
    examined: int
    """How many entries were looked at for it."""
    total: int
    """How many there are in all."""


class EntryReader:
    """Reads one tab of a queue."""

    def __init__(self, fleet: AsyncFleet, queue: str, tab: Tab, jam_after_s: float) -> None:
        self._queue = fleet.queue(queue)
        self._tab = tab
        self._jam_after_s = jam_after_s
        self._pools: Mapping[str, WorkerInfo] = {}

    async def window(self, first: int, last: int) -> Window[Item]:
        """The entries from rank `first` up to `last`, which is not among them, or up to the last there is."""
        await self._read_pools()
        items: list[Item] = []
        start: int | None = first
        total = 0
        while start is not None and start < last:
            page = await self._queue.page(self._tab.state, start=start, limit=min(BATCH, last - start))
            items += [self._item(entry, page.at) for entry in page.entries]
            start, total = page.next, page.total
        return Window(tuple(items), first, max(total, first + len(items)) if items else total)

    async def backwards(self, first: int, last: int, total: int) -> Window[Item]:
        """The same, counted from the last entry, which stands first. `total` is how many there were."""
        window = await self.window(max(0, total - last), max(1, total - first))
        if window.total != total:
            total = window.total
            window = await self.window(max(0, total - last), max(1, total - first))
        rows = window.rows[: max(0, total - first - window.first)]
        return Window(rows[::-1], first, total)

    async def slices(self, is_wanted: Callable[[str], bool] | None = None) -> AsyncIterator[Slice]:
        """All entries in slices. With `is_wanted` those are read of which an ID is wanted; of the others the IDs."""
        await self._read_pools()
        start: int | None = 0
        while start is not None:
            if is_wanted is not None:
                bare = await self._queue.id_page(self._tab.state, start=start, limit=BATCH)
                if not any(map(is_wanted, bare.ids)):
                    yield Slice([], len(bare.ids), bare.total)
                    start = bare.next
                    continue
            page = await self._queue.page(self._tab.state, start=start, limit=BATCH)
            yield Slice([self._item(entry, page.at) for entry in page.entries], len(page.entries), page.total)
            start = page.next

    async def ids(self) -> AsyncIterator[Sequence[str]]:
        """All IDs in slices, many times as fast."""
        start: int | None = 0
        while start is not None:
            page = await self._queue.id_page(self._tab.state, start=start, limit=BATCH)
            yield page.ids
            start = page.next

    async def item_of(self, details: Details) -> Item:
        """The entry of an ID whose details are known."""
        await self._read_pools()
        match details.state:
            case State.PROCESSING:
                since = details.started
            case State.FAILED:
                since = details.failure.at if details.failure else None
            case _:
                since = details.published
        error = details.failure.error.partition("\n")[0] if details.failure else None
        entry = Entry(details.id, details.state, since, details.due, details.worker, details.failures, error)
        return self._item(entry, details.at)

    async def orphans(self) -> Sequence[Item]:
        """The IDs that are committed and in no place, and still were after the time of grace."""
        check = await self._queue.check(grace_s=GRACE_S)
        return [self._item(Entry(fault.id, None), 0.0) for fault in check.faults if fault.kind is FaultKind.MISSING]

    async def _read_pools(self) -> None:
        if self._tab is Tab.PROCESSING:
            self._pools = {pool.id: pool for pool in await self._queue.workers()}

    def _item(self, entry: Entry, at: float) -> Item:
        pool = self._pools.get(entry.worker or "")
        is_silent = pool is not None and not pool.is_live
        return Item(entry, at, holder(pool) if pool else "", is_silent, self._jam_after_s)


def is_in(tab: Tab, details: Details) -> bool:
    """Whether an ID is listed in the tab."""
    return details.is_missing if tab is Tab.ORPHANS else details.state is tab.state
