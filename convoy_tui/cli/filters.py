"""Filters over the entries of a queue, which are read page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from convoy_core import Entry, Queue, State

PAGE = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions on an entry. None stands for no condition."""

    match: str | None = None
    error: str | None = None
    min_failures: int | None = None
    older_than: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every entry matches."""
        return self == Filter()

    def fits(self, entry: Entry, at: float) -> bool:
        """Whether the entry matches, at the store's time `at`. An unknown value does not match."""
        if self.match is not None and not fnmatchcase(entry.id, self.match):
            return False
        if self.error is not None and self.error.lower() not in (entry.error or "").lower():
            return False
        if self.min_failures is not None and (entry.failures or 0) < self.min_failures:
            return False
        return self.older_than is None or (entry.since is not None and at - entry.since >= self.older_than)


@dataclass(slots=True)
class Window:
    """Reads one state from `next` on. Afterwards it holds the total, the number of matches and where to go on."""

    queue: Queue
    state: State | None
    filter: Filter
    next: int | None = 0
    total: int = 0
    at: float = 0.0
    found: int = 0

    def entries(self, limit: int | None) -> Iterator[Entry]:
        """Up to `limit` entries that match. A page of the committed set is never cut, since it has no order."""
        while self.next is not None and (limit is None or self.found < limit):
            size = PAGE if limit is None or not self.filter.is_empty else min(PAGE, limit - self.found)
            start = self.next
            page = self.queue.page(self.state, start=start, limit=size)
            self.next, self.total, self.at = page.next, page.total, page.at
            for place, entry in enumerate(page.entries, 1):
                if not self.filter.fits(entry, page.at):
                    continue
                self.found += 1
                yield entry
                if self.found == limit and self.state is not None:
                    if place < len(page.entries):  # where the next one stands is not for us to count
                        self.next = self.queue.page(self.state, start=start, limit=place).next
                    return
