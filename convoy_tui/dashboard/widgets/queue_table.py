"""The table of the overview: queues as rows, of which all are known."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import is_
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType

from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.columns import columns
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.widgets.table import Table
from convoy_tui.dashboard.widgets.table_keys import SELECT_KEYS
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number


class QueueTable(Table[Row]):
    """Queues as rows, with a cursor and a selection."""

    BINDINGS: ClassVar[list[BindingType]] = SELECT_KEYS

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(lambda row: row.queue, lambda width: columns(width, self._longest), glyphs, id=id)
        self._names: frozenset[str] = frozenset()
        self._longest = 0

    def show(self, rows: Sequence[Row], *, is_stale: bool, known: Collection[str] | None = None) -> None:
        """Show these rows, in this order. `known`: all queues, also those that a filter hides: they stay selected."""
        shown = self.window.rows
        if len(rows) == len(shown) and all(map(is_, rows, shown)):
            rows = shown
        names = frozenset(row.queue for row in rows)
        self.selected &= names if known is None else frozenset(known)
        if not names <= self._names:
            self._make_room(names - self._names)
        self.show_window(self.window if rows is shown else Window.whole(tuple(rows)), is_stale=is_stale)

    def _make_room(self, names: frozenset[str]) -> None:
        """Choose columns that leave room for these names as well. It is kept while a filter hides them."""
        self._names |= names
        longest = max(self._longest, *(cell_len(safe(name)) for name in names))
        if longest > self._longest:
            self._longest = longest
            self.on_resize()

    @property
    def targets(self) -> tuple[str, ...]:
        """The queues that a verb acts on: the selection, also what is hidden of it, else the row under the cursor."""
        if self.selected:
            shown = [name for name in self.order if name in self.selected]
            return (*shown, *sorted(self.selected - frozenset(shown)))
        return (self.cursor,) if self.cursor is not None else ()

    @property
    def order(self) -> tuple[str, ...]:
        """The queues in the order shown."""
        return tuple(row.queue for row in self.window.rows)

    @property
    def note(self) -> str:
        """How much is selected, and how much of that a filter hides."""
        hidden = len(self.selected - frozenset(self.order))
        also = f", {number(hidden)} hidden" if hidden else ""
        return f"{count(len(self.selected), 'queue')} selected{also}" if self.selected else ""

    def clear_selection(self) -> None:
        """Select nothing."""
        self.select(frozenset())
