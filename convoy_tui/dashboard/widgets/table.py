"""A table of rows: it draws its own lines, so that an update draws only the rows that changed.

The cursor follows the key of a row, not its place. Only a window of the rows has to be known: the table says which it
needs. The parent decides which rows there are, in which order, and what happens to one that is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from convoy_tui.dashboard.board.cells import MARGIN, Column, column_at, heading, row_line
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, changed
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.widgets.lines import paint
from convoy_tui.dashboard.widgets.table_keys import TABLE_KEYS

R = TypeVar("R")


class Table(ScrollView, Generic[R], can_focus=True):
    """Rows with a cursor and a selection."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--cursor", "table--heading"}
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = TABLE_KEYS

    @dataclass
    class Moved(Message):
        """The user moved the cursor or changed the selection."""

    @dataclass
    class Opened(Message):
        """The user opened the row with this key, by Enter or a double click."""

        key: str

    @dataclass
    class Wanted(Message):
        """Rows are in view that are not known: those from `first` up to `last`, which is not among them."""

        first: int
        last: int

    @dataclass
    class OrderAsked(Message):
        """The user clicked on the heading of a column that has an order."""

        order: str

    def __init__(
        self,
        key: Callable[[R], str],
        columns: Callable[[int], tuple[Column[R], ...]],
        glyphs: Glyphs,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._key = key
        self._choose = columns
        self._glyphs = glyphs
        self._window: Window[R] = Window()
        self._drawn: dict[int, Line] = {}
        self._columns: tuple[Column[R], ...] = ()
        self._order: tuple[str, str] = ("", "")
        self._is_stale = False
        self._is_placed = False
        self.place = 0
        """The place of the cursor."""
        self._missed: str | None = None
        self.cursor: str | None = None
        """The key of the row under the cursor; None while that row is not known."""
        self.selected: Set[str] = frozenset()

    # -- for the parent

    def show_window(self, window: Window[R], *, is_stale: bool) -> None:
        """Show these rows. The cursor stays on its row, wherever that is now, and in view if it was."""
        if window == self._window and is_stale == self._is_stale:
            return  # only time has passed
        before = (self._is_stale, self.cursor, self.place, self._window.total)
        was_seen = self.place in self.view
        self._window, self._is_stale = window, is_stale
        self._find_cursor()
        self._resize_content()
        if was_seen:
            self._reveal(self.place)
        if before != (is_stale, self.cursor, self.place, window.total):
            self._redraw()
        else:
            self._redraw_changed()
        self._ask()

    def show_order(self, order: str, mark: str) -> None:
        """Put the mark behind the heading of the column that has this order."""
        if (order, mark) != self._order:
            self._order = (order, mark)
            self.refresh_lines(self.scroll_offset.y)

    @property
    def window(self) -> Window[R]:
        """The rows that are known."""
        return self._window

    @property
    def row(self) -> R | None:
        """The row under the cursor."""
        return self._window.at(self.place)

    @property
    def view(self) -> range:
        """The places in view."""
        top = self.scroll_offset.y
        return range(top, min(self._window.total, top + max(1, self.size.height - 1)))

    def forget(self, *, keep_selected: bool = False) -> None:
        """Begin anew, with another list, at its first row."""
        self._window, self.place, self.cursor, self._is_placed = Window(), 0, None, False
        self._columns = self._choose(self.size.width)
        self.selected = self.selected if keep_selected else frozenset()
        self.scroll_to(y=0, animate=False)
        self._redraw()

    def point_at(self, key: str) -> None:
        """Move the cursor to a row, if it is known."""
        place = self._window.place(lambda row: self._key(row) == key)
        if place is not None:
            self._go(place)

    def select(self, keys: Set[str]) -> None:
        """Select exactly these rows. What is given is kept, and never changed."""
        self.selected = keys
        self._redraw()
        self.post_message(self.Moved())

    # -- what the user does

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._go(max(0, min(self._window.total - 1, self.place + by)))

    def action_page(self, by: int) -> None:
        """Move by a screenful."""
        self.action_move(by * max(1, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        """Move to the first or the last row."""
        self._go(self._window.total - 1 if end > 0 else 0)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.cursor is not None:
            self.post_message(self.Opened(self.cursor))

    def action_pick(self) -> None:
        """Select or deselect the row under the cursor, and move to the next row."""
        if self.cursor is not None:
            self._is_placed = True
            self.select(self.selected ^ {self.cursor})
            self.action_move(1)

    def action_pick_all(self) -> None:
        """Select every row that is known, besides those that are selected and hidden; or none of them if all are."""
        shown = frozenset(map(self._key, self._window.rows))
        self.select(self.selected - shown if shown <= self.selected else self.selected | shown)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row that was clicked, and open it on the second. A heading asks for its order."""
        at = event.get_content_offset(self)
        if at is None:
            return
        if at.y == 0:
            column = column_at(self._columns, at.x)
            if column is not None and column.order:
                self.post_message(self.OrderAsked(column.order))
            return
        place = at.y - 1 + self.scroll_offset.y
        if place < self._window.total:
            self._go(place)
            if event.chain == 2:
                self.action_open()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Keep the cursor in view when the wheel or the scroll bar moves the rows."""
        super().watch_scroll_y(old_value, new_value)
        view = self.view
        if view and self.place not in view:
            self._go(view[0] if self.place < view[0] else view[-1])
        self._ask()

    def on_resize(self) -> None:
        """Choose the columns for the new width."""
        self._columns = self._choose(self.size.width)
        self._resize_content()
        self._reveal(self.place)
        self._redraw()
        self._ask()

    # -- drawing

    def notify_style_update(self) -> None:
        """Draw all lines again in the new theme."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line: the headings, which do not scroll, or a row."""
        width = self.size.width
        if y == 0:
            line = (Span(" " * MARGIN), *heading(self._columns, *self._order))
            return paint(self, line, width, self.get_component_rich_style("table--heading"))
        place = y - 1 + self.scroll_offset.y
        if place >= self._window.total:
            return Strip.blank(width, self.rich_style)
        base = self.get_component_rich_style("table--cursor") if place == self.place else self.rich_style
        if place not in self._drawn:
            self._drawn[place] = self._line(place)
        return paint(self, self._drawn[place], width, base, dim=self._is_stale)

    def _line(self, place: int) -> Line:
        row = self._window.at(place)
        return row_line(
            row,
            self._columns,
            self._glyphs,
            is_cursor=place == self.place,
            is_selected=row is not None and self._key(row) in self.selected,
            is_stale=self._is_stale,
        )

    def _redraw(self) -> None:
        self._drawn.clear()
        self.refresh()

    def _redraw_changed(self) -> None:
        drawn, self._drawn = self._drawn, {}
        for place in self.view:
            self._drawn[place] = self._line(place)
            cells = changed(drawn.get(place, ()), self._drawn[place])
            if cells is not None:
                self.refresh(Region(cells[0], 1 + place - self.scroll_offset.y, cells[1] - cells[0], 1))

    def _resize_content(self) -> None:
        size = Size(self.size.width, self._window.total + 1)
        if size != self.virtual_size:
            self.virtual_size = size

    # -- the cursor

    def _find_cursor(self) -> None:
        """Put the cursor where its row is now; where that is gone, on the row in its place."""
        window, place, key = self._window, None, self.cursor or self._missed
        if self._is_placed and key is not None:
            row = window.at(self.place)
            is_there = row is not None and self._key(row) == key
            place = self.place if is_there else window.place(lambda each: self._key(each) == key)
        if place is None:
            # Until the user moves it, the cursor stays on the first row.
            place = max(0, min(self.place, window.total - 1)) if self._is_placed else 0
        self.place, row = place, window.at(place)
        self.cursor = self._key(row) if row is not None else None
        self._missed = None if window.total else key  # a filter may have hidden all rows

    def _go(self, place: int) -> None:
        if not 0 <= place < self._window.total:
            return
        before = self.place
        self._is_placed = True
        self.place = place
        row = self._window.at(place)
        self.cursor = self._key(row) if row is not None else None
        for each in {before, place}:
            self._drawn.pop(each, None)
            self.refresh_lines(1 + each)
        self._reveal(place)
        self.post_message(self.Moved())

    def _reveal(self, place: int) -> None:
        room = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if place < top:
            self.scroll_to(y=place, animate=False)
        elif place >= top + room:
            self.scroll_to(y=place - room + 1, animate=False)

    def _ask(self) -> None:
        view = self.view
        if view and not self._window.holds(view[0], view[-1] + 1):
            self.post_message(self.Wanted(view[0], view[-1] + 1))
