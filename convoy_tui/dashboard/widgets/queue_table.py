"""The table of the overview: one widget that draws its own lines, so that an update draws only the rows that changed.

The cursor follows the name of a queue, not a row number. The parent decides the order and what the keys do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import is_
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.columns import MARGIN, Column, Glyphs, cells, columns, heading
from convoy_tui.dashboard.board.spans import Line, Span, Tone
from convoy_tui.dashboard.widgets.lines import TONE_CLASSES, paint
from convoy_tui.text.health import PLAIN_STALE_SIGN, STALE_SIGN

_MOVE = Binding.Group("Move", compact=True)


class QueueTable(ScrollView, can_focus=True):
    """Queues as rows, with a cursor and a selection."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONE_CLASSES, "table--cursor", "table--heading"}
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", key_display="↓ j", id="table.down", show=False, group=_MOVE),
        Binding("k,up", "move(-1)", "Up", key_display="↑ k", id="table.up", show=False, group=_MOVE),
        Binding("pagedown", "page(1)", "Page down", id="table.page_down", show=False, group=_MOVE),
        Binding("pageup", "page(-1)", "Page up", id="table.page_up", show=False, group=_MOVE),
        Binding("g,home", "edge(-1)", "First", key_display="g", id="table.first", show=False, group=_MOVE),
        Binding("G,end", "edge(1)", "Last", key_display="G", id="table.last", show=False, group=_MOVE),
        Binding("space", "pick", "Select", id="table.select", show=False),
        Binding("asterisk", "pick_all", "Select all shown", key_display="*", id="table.select_all", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The user moved the cursor or changed the selection."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._rows: tuple[Row, ...] = ()
        self._drawn: list[Line] = []
        self._columns: tuple[Column, ...] = ()
        self._is_stale = False
        self._is_placed = False
        self.cursor: str | None = None
        self.selected: frozenset[str] = frozenset()

    def show(self, rows: Sequence[Row], *, is_stale: bool) -> None:
        """Show these rows, in this order."""
        is_same = len(rows) == len(self._rows) and all(map(is_, rows, self._rows))
        if is_same and is_stale == self._is_stale:
            return  # only time has passed
        before = (self._is_stale, self.cursor, len(self._rows))
        place = self._place
        self._rows, self._is_stale = tuple(rows), is_stale
        names = {row.queue for row in rows}
        self.selected &= names
        if self.cursor not in names or not self._is_placed:
            # Until the user moves it, the cursor stays on the worst queue, which the inspector then explains.
            place = place if self._is_placed else 0
            self.cursor = self._rows[min(max(place, 0), len(rows) - 1)].queue if rows else None
        self._redraw(everything=before != (is_stale, self.cursor, len(rows)))

    @property
    def targets(self) -> tuple[str, ...]:
        """The queues that a verb acts on: the selection in the order shown, else the row under the cursor."""
        if self.selected:
            return tuple(row.queue for row in self._rows if row.queue in self.selected)
        return (self.cursor,) if self.cursor is not None else ()

    @property
    def order(self) -> tuple[str, ...]:
        """The queues in the order shown."""
        return tuple(row.queue for row in self._rows)

    def point_at(self, queue: str) -> None:
        """Move the cursor to a queue, if it is shown."""
        self._go(next((i for i, row in enumerate(self._rows) if row.queue == queue), -1))

    def clear_selection(self) -> None:
        """Select nothing."""
        self.selected = frozenset()
        self._redraw(everything=True)
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._go(max(0, min(len(self._rows) - 1, self._place + by)))

    def action_page(self, by: int) -> None:
        """Move by a screenful."""
        self.action_move(by * max(1, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        """Move to the first or the last row."""
        self._go(len(self._rows) - 1 if end > 0 else 0)

    def action_pick(self) -> None:
        """Select or deselect the row under the cursor, and move to the next row."""
        if self.cursor is not None:
            self._is_placed = True
            self.selected ^= {self.cursor}
            self._redraw(everything=True)
            self.action_move(1)
            self.post_message(self.Moved())

    def action_pick_all(self) -> None:
        """Select every row shown, or none if all are."""
        shown = frozenset(row.queue for row in self._rows)
        self.selected = frozenset() if self.selected == shown else shown
        self._redraw(everything=True)
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row that was clicked."""
        at = event.get_content_offset(self)
        if at is not None and at.y > 0:
            self._go(at.y - 1 + self.scroll_offset.y)

    def on_resize(self) -> None:
        """Choose the columns for the new width."""
        self._redraw(everything=True)

    def notify_style_update(self) -> None:
        """Draw all lines again in the new theme."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line: the headings, which do not scroll, or a row."""
        width = self.size.width
        if y == 0:
            line = (Span(" " * MARGIN), *heading(self._columns))
            return paint(self, line, width, self.get_component_rich_style("table--heading"))
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[index]
        if row.queue != self.cursor:
            line = (self._mark(row), *self._drawn[index])
            return paint(self, line, width, self.rich_style, dim=self._is_stale)
        base = self.get_component_rich_style("table--cursor")
        bar = Span(self._glyphs.pick("▌", ">"), Tone.ACCENT)
        tick = self._tick(row)
        named = (bar, tick, *cells(row, self._columns, self._glyphs, is_cursor=True))
        return paint(self, named, width, base, dim=self._is_stale)

    @property
    def _place(self) -> int:
        return next((i for i, row in enumerate(self._rows) if row.queue == self.cursor), -1)

    def _mark(self, row: Row) -> Span:
        if self._is_stale and row.queue not in self.selected:
            return Span(self._glyphs.pick(STALE_SIGN, PLAIN_STALE_SIGN) + " ", Tone.DIM)
        tick = self._tick(row)
        return tick._replace(text=" " + tick.text)

    def _tick(self, row: Row) -> Span:
        return Span(self._glyphs.pick("✓", "*"), Tone.ACCENT) if row.queue in self.selected else Span(" ")

    def _go(self, index: int) -> None:
        if not 0 <= index < len(self._rows):
            return
        before = self._place
        self._is_placed = True
        self.cursor = self._rows[index].queue
        for place in {before, index}:
            self.refresh_lines(1 + place)
        self._reveal(index)
        self.post_message(self.Moved())

    def _reveal(self, index: int) -> None:
        room = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if index < top:
            self.scroll_to(y=index, animate=False)
        elif index >= top + room:
            self.scroll_to(y=index - room + 1, animate=False)

    def _redraw(self, *, everything: bool) -> None:
        before = self._drawn
        self._columns = columns(self.size.width)
        self._drawn = [cells(row, self._columns, self._glyphs) for row in self._rows]
        size = Size(self.size.width, len(self._rows) + 1)
        if size != self.virtual_size:
            self.virtual_size = size
        if everything or len(before) != len(self._drawn):
            self.refresh()
            return
        for index, (old, new) in enumerate(zip(before, self._drawn, strict=True)):
            if old != new:
                self.refresh_lines(1 + index)
