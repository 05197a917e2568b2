"""The IDs of a queue in one state, as many as are in view."""

from __future__ import annotations

from convoy_core import BATCH, AsyncFleet, State
from convoy_tui.dashboard.board.entries import Item
from convoy_tui.dashboard.board.window import Window


async def read_window(fleet: AsyncFleet, queue: str, state: State, first: int, last: int) -> Window[Item]:
    """The entries from rank `first` up to `last`, which is not among them, or up to the last there is."""
    items: list[Item] = []
    start: int | None = first
    total = 0
    while start is not None and start < last:
        page = await fleet.queue(queue).page(state, start=start, limit=min(BATCH, last - start))
        items += [Item(entry, page.at) for entry in page.entries]
        start, total = page.next, page.total
    return Window(tuple(items), first, max(total, first + len(items)) if items else total)
