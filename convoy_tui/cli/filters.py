"""Reads the entries of a queue that match a filter, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from convoy_core import Entry, IDPage, Page, Queue, State
from convoy_tui.text.entry_filter import Filter

PAGE = 500

P = TypeVar("P", Page, IDPage)
P_co = TypeVar("P_co", Page, IDPage, covariant=True)


class Reader(Protocol[P_co]):
    """Reads a page of a queue."""

    def __call__(self, state: State | None, *, start: int, limit: int) -> P_co:
        """From this rank on."""


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
        if limit is None:
            is_empty = self.filter.is_empty
            for page in self._pages(self.queue.page):
                fitting = [entry for entry in page.entries if is_empty or self.filter.fits(entry, page.at)]
                self.found += len(fitting)
                yield from fitting
            return
        while self.next is not None and self.found < limit:
            size = PAGE if not self.filter.is_empty else min(PAGE, limit - self.found)
            start = self.next
            page = self.queue.page(self.state, start=start, limit=size)
            self._note(page)
            for place, entry in enumerate(page.entries, 1):
                if not self.filter.fits(entry, page.at):
                    continue
                self.found += 1
                yield entry
                if self.found == limit and self.state is not None:
                    if place < len(page.entries):  # where the next one stands is not for us to count
                        self.next = self.queue.page(self.state, start=start, limit=place).next
                    return

    def ids(self) -> Iterator[Sequence[str]]:
        """The IDs of all entries that match, in lists."""
        if not self.filter.needs_id_only:
            yield from ([entry.id] for entry in self.entries(None))
            return
        match = self.filter.match
        for page in self._pages(self.queue.id_page):
            fitting = page.ids if match is None else [id for id in page.ids if fnmatchcase(id, match)]
            self.found += len(fitting)
            yield fitting

    def _pages(self, read: Reader[P]) -> Iterator[P]:
        """All pages. Each is asked for before the one before is shown, so that the store works meanwhile."""
        with ThreadPoolExecutor(1, "convoy-list") as thread:
            asked = thread.submit(read, self.state, start=self.next or 0, limit=PAGE)
            while True:
                page = asked.result()
                self._note(page)
                if page.next is None:
                    break
                asked = thread.submit(read, self.state, start=page.next, limit=PAGE)
                yield page
        yield page

    def _note(self, page: Page | IDPage) -> None:
        self.next, self.total, self.at = page.next, page.total, page.at
