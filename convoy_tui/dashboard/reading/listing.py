"""What is known of one tab of a queue: the entries in view, or all that match a filter or stand in another order."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence, Set
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from convoy_core import AsyncFleet, Details
from convoy_tui.dashboard.board.entries import Item, Order, Tab, sort_key
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.reading.entries import EntryReader, Slice, is_in
from convoy_tui.text.entry_filter import Filter, sought_id

KEPT = 10_000
"""The most matches of a filter that are kept to be shown; all are counted."""
CHEAP = 2_000
"""A filtered or sorted listing of at most so many entries is read again with each tick."""
PICKED = 1_000_000
"""The most IDs that can be selected at once."""
_SHOW_EACH_S = 0.2


@dataclass(slots=True)
class Listing:
    """One tab. `change` says what is wanted of it, and `read` reads that."""

    queue: str
    tab: Tab
    jam_after_s: float
    text: str = ""
    """What stands in the filter box."""
    filter: Filter = field(default_factory=Filter)
    order: Order = field(default_factory=Order)
    window: Window[Item] = field(default_factory=Window)
    exact: Details | None = None
    """The ID that the filter box names, wherever it is."""
    scanned: int = 0
    found: int = 0
    total: int = 0
    is_scanned: bool = False
    """Whether all entries have been read for the present filter and order."""
    is_stopped: bool = False
    """Whether the user has stopped that."""

    @property
    def needs_scan(self) -> bool:
        """Whether every entry has to be read before the first can be shown."""
        return not self.filter.is_empty or not self.order.is_stored or self.tab is Tab.ORPHANS

    def change(self, text: str, conditions: Filter, order: Order) -> None:
        """Take another filter and order. What was read is forgotten."""
        self.text, self.filter, self.order = text, conditions, order
        self.exact = None
        self.forget()

    def forget(self) -> None:
        """Read everything anew the next time."""
        self.window, self.is_scanned, self.is_stopped = Window(), False, False
        self.scanned = self.found = self.total = 0

    def renew(self) -> None:
        """Read everything anew as well. What was read stays until then, and is old."""
        self.is_scanned = self.is_stopped = False
        self.scanned = self.found = 0

    @property
    def is_old(self) -> bool:
        """Whether nothing has been read yet since it was renewed."""
        return self.needs_scan and not (self.is_scanned or self.scanned or self.found)

    async def read(self, fleet: AsyncFleet, view: range, progress: Callable[[], None]) -> None:
        """Read what is in view and as much on both sides of it; or all entries, and keep those that match."""
        reader = self._reader(fleet)
        if self.needs_scan:
            if self._is_due:
                await self._scan(fleet, reader, progress)
            return
        first, last = max(0, view.start - len(view)), view.stop + len(view)
        if self.order.is_reversed:
            self.window = await reader.backwards(first, last, self.total)
        else:
            self.window = await reader.window(first, last)
        self.total = self.window.total

    def place_of(self, details: Details) -> int | None:
        """Where the ID stands, if the store tells that: in the queue, and not behind a filter or in another order."""
        if self.needs_scan or self.tab is not Tab.QUEUED or details.position is None:
            return None
        return self.total - 1 - details.position if self.order.is_reversed else details.position

    async def matching(self, fleet: AsyncFleet, progress: Callable[[int], None]) -> dict[str, None]:
        """The ID of every entry that matches now, in the order of the store, up to about PICKED, as keys.

        `progress` is told how many there are so far.
        """
        picked: dict[str, None] = {}
        async for ids in self._matching(self._reader(fleet)):
            picked.update(dict.fromkeys(ids))
            progress(len(picked))
            if len(picked) > PICKED:
                break
        return picked

    async def all(self, fleet: AsyncFleet) -> AsyncIterator[Sequence[Item]]:
        """Every entry that matches now, in the order of the store, in slices."""
        async for part in self._all(self._reader(fleet)):
            yield [item for item in part.items if self._fits(item)]

    async def named(self, fleet: AsyncFleet, ids: Set[str]) -> AsyncIterator[Sequence[Item]]:
        """The entries of these IDs, whatever the filter, each once, in the order of the store, in slices."""
        left = set(ids)
        reader = self._reader(fleet)
        slices = reader.slices(left.__contains__) if self.tab is not Tab.ORPHANS else self._all(reader)
        async for part in slices:
            items = [item for item in part.items if item.entry.id in left]
            left.difference_update(item.entry.id for item in items)
            yield items
            if not left:
                return

    @property
    def _is_due(self) -> bool:
        is_cheap = self.total <= CHEAP and self.tab is not Tab.ORPHANS  # to find orphans takes seconds
        return not self.is_stopped and (is_cheap or not self.is_scanned)

    def _reader(self, fleet: AsyncFleet) -> EntryReader:
        return EntryReader(fleet, self.queue, self.tab, self.jam_after_s)

    async def _matching(self, reader: EntryReader) -> AsyncIterator[Sequence[str]]:
        if self.filter.needs_id_only and self.tab is not Tab.ORPHANS:
            async for ids in reader.ids():
                yield [id for id in ids if self._is_wanted(id)]
        else:
            async for part in self._all(reader):
                yield [item.entry.id for item in part.items if self._fits(item)]

    async def _scan(self, fleet: AsyncFleet, reader: EntryReader, progress: Callable[[], None]) -> None:
        """Read all entries; the first that are to be shown are kept, and all that match are counted."""
        kept = await self._exactly(fleet, reader)
        scanned, found = 0, len(kept)
        if kept and not self.is_scanned:
            self.found, self.window = found, Window.whole(tuple(kept))
            progress()
        first = kept[0].entry.id if kept else None
        shown_at = 0.0
        async for part in self._all(reader):
            fitting = [item for item in part.items if self._fits(item) and item.entry.id != first]
            kept, scanned, found = self._bounded(kept + fitting), scanned + part.examined, found + len(fitting)
            if not self.is_scanned and time.monotonic() - shown_at > _SHOW_EACH_S:  # what has been found so far
                self.scanned, self.found, self.total = scanned, found, max(part.total, scanned)
                self.window = Window.whole(tuple(self._shown(kept)))
                progress()
                shown_at = time.monotonic()
        self.scanned, self.found, self.total, self.is_scanned = scanned, found, scanned, True
        self.window = Window.whole(tuple(self._shown(kept)))

    async def _exactly(self, fleet: AsyncFleet, reader: EntryReader) -> list[Item]:
        """The ID that the filter names exactly, which the store finds at once, if it is listed here."""
        sought = sought_id(self.text) if self.text else None
        self.exact = await fleet.queue(self.queue).show(sought) if sought else None
        is_here = self.exact is not None and is_in(self.tab, self.exact)
        return [await reader.item_of(self.exact)] if self.exact is not None and is_here else []

    async def _all(self, reader: EntryReader) -> AsyncIterator[Slice]:
        if self.tab is Tab.ORPHANS:
            orphans = await reader.orphans()
            yield Slice(orphans, len(orphans), len(orphans))
            return
        only_ids = self.filter.needs_id_only and self.filter.match is not None
        async for part in reader.slices(self._is_wanted if only_ids else None):
            yield part

    def _is_wanted(self, id: str) -> bool:
        return self.filter.match is None or fnmatchcase(id, self.filter.match)

    def _fits(self, item: Item) -> bool:
        return self.filter.fits(item.entry, item.at, item.holder)

    def _bounded(self, items: list[Item]) -> list[Item]:
        """The items, without those that will not be shown once there are many."""
        if len(items) <= 2 * KEPT:
            return items
        return items[-KEPT:] if self.order == Order(is_reversed=True) else self._shown(items)

    def _shown(self, items: list[Item]) -> list[Item]:
        """The items in the order of the listing, as many as are kept."""
        if self.order.by:
            items = sorted(items, key=sort_key(self.order.by), reverse=self.order.is_reversed)
        elif self.order.is_reversed:
            items = items[::-1]
        return items[:KEPT]
