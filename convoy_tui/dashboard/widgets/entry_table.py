"""The table of the IDs of a queue, of which only those near the view are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from convoy_tui.dashboard.board.cells import Column
from convoy_tui.dashboard.board.entries import Item
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.widgets.table import Table
from convoy_tui.dashboard.widgets.table_keys import SELECT_KEYS


class EntryTable(Table[Item]):
    """IDs as rows."""

    BINDINGS: ClassVar[list[BindingType]] = SELECT_KEYS

    @dataclass
    class AllAsked(Message):
        """The user wants every ID selected that matches, known or not."""

    def __init__(
        self, columns: Callable[[int], tuple[Column[Item], ...]], glyphs: Glyphs, *, id: str | None = None
    ) -> None:
        super().__init__(lambda item: item.entry.id, columns, glyphs, id=id)

    def action_pick_all(self) -> None:
        """Ask for all, or select none if something is selected."""
        if self.selected:
            self.select(frozenset())
        else:
            self.post_message(self.AllAsked())
