"""A list of any length whose rows can be ticked or not. Only the lines on screen are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone
from convoy_tui.dashboard.widgets.lines import paint


class PickList(ScrollView, can_focus=True):
    """Rows with a tick each."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--cursor"}
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", id="list.down", show=False),
        Binding("k,up", "move(-1)", "Up", id="list.up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="list.page_down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="list.page_up", show=False),
        Binding("space", "pick", "Leave out, or take in again", id="list.toggle", show=False),
    ]

    @dataclass
    class Changed(Message):
        """The ticked rows changed."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._count = 0
        self._draw: Callable[[int, int], Line] = lambda index, width: ()
        self._cursor = 0
        self.left_out: frozenset[int] = frozenset()

    def show(self, count: int, draw: Callable[[int, int], Line], left_out: frozenset[int] = frozenset()) -> None:
        """Show `count` rows, ticked but for those left out. `draw(index, width)` returns the line of a row."""
        self._count, self._draw, self._cursor, self.left_out = count, draw, 0, left_out
        self.virtual_size = Size(self.size.width, count)
        self.scroll_to(y=0, animate=False)
        self.refresh()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move by a screenful."""
        self._go(self._cursor + by * max(1, self.size.height - 1))

    def action_pick(self) -> None:
        """Tick or untick the row under the cursor."""
        if self._count:
            self.left_out ^= {self._cursor}
            self._go(self._cursor + 1)
            self.refresh()
            self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Toggle the row that was clicked."""
        at = event.get_content_offset(self)
        if at is not None and at.y + self.scroll_offset.y < self._count:
            self._cursor = at.y + self.scroll_offset.y
            self.action_pick()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        index = y + self.scroll_offset.y
        width = self.size.width
        if index >= self._count:
            return Strip.blank(width, self.rich_style)
        is_out = index in self.left_out
        tick = Span(f" {' ' if is_out else self._glyphs.pick('✓', '*')}  ", Tone.ACCENT)
        is_cursor = index == self._cursor
        base = self.get_component_rich_style("table--cursor") if is_cursor else self.rich_style
        return paint(self, (tick, *self._draw(index, width - 4)), width, base, dim=is_out)

    def _go(self, index: int) -> None:
        if not self._count:
            return
        self._cursor = max(0, min(self._count - 1, index))
        top, room = self.scroll_offset.y, max(1, self.size.height)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + room:
            self.scroll_to(y=self._cursor - room + 1, animate=False)
        self.refresh()
