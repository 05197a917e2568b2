"""The Queue screen: the IDs of one queue, a tab for each state."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from convoy_core import State
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.cells import fitted
from convoy_tui.dashboard.board.columns import SEVERITY_TONES
from convoy_tui.dashboard.board.entries import COLUMNS, Item
from convoy_tui.dashboard.board.spans import Line, Tone, clip, line
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.reading.listing import read_window
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.services import Services, Where
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.table import Table
from convoy_tui.text.health import word
from convoy_tui.text.reasons import why
from convoy_tui.text.words import number

_TABS = (State.QUEUED, State.PROCESSING, State.DELAYED, State.FAILED)


class QueueScreen(Page):
    """The IDs of one queue."""

    AUTO_FOCUS = "#ids"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket,shift+tab", "tab(-1)", "Tabs", key_display="[", id="queue.previous"),
        Binding("right_square_bracket,tab", "tab(1)", "Tabs", key_display="]", id="queue.next", show=False),
    ]
    page_name = "queue"
    first_keys = ("table.open", "queue.previous")

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, where)
        self.queue = where.queue or ""
        self._state = State.QUEUED
        self._read: Window[Item] = Window()
        self._wanted = range(60)

    @property
    def crumbs(self) -> Sequence[str]:
        """The queue."""
        return (self.queue,)

    def body(self) -> ComposeResult:
        """The tabs, and the IDs of the one that is chosen."""
        yield Lines(id="tabs")
        yield Table[Item](
            lambda item: item.entry.id,
            lambda width: fitted(COLUMNS[self._state], width),
            self.services.glyphs,
            id="ids",
        )

    async def load(self) -> None:
        """Read what is in view, and as much on both sides of it."""
        near = len(self._wanted)
        first = max(0, self._wanted.start - near)
        state = self._state
        self._read = await read_window(self.services.source.fleet, self.queue, state, first, self._wanted.stop + near)

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """The health of the queue, and the reason."""
        row = board.row(self.queue)
        if row is None:
            return [line((" This queue is empty, or gone.", Tone.DIM))]
        sign = row.health.sign(ascii_only=self.services.glyphs.is_ascii)
        head = (f" {sign} {word(row.health, row.trends)}  ", SEVERITY_TONES[row.health.severity])
        return [clip(line(head, why(row.health, row.snapshot, row.trends, board.limits)), width)]

    def draw(self, board: Board) -> None:
        """The tabs with their counts, and the rows."""
        self.say("#tabs", [self._tabs(board)])
        self.query_one("#ids", Table).show_window(self._read, is_stale=board.is_stale or bool(self.trouble))

    def ability(self, board: Board) -> Hashable:
        """Whether writes are possible, and on which tab this is."""
        return board.is_writable, self._state

    def on_table_wanted(self, event: Table.Wanted) -> None:
        """Read the rows that have come into view."""
        self._wanted = range(event.first, event.last)
        self.reload()

    def action_tab(self, by: int) -> None:
        """Show another state."""
        self._state = _TABS[(_TABS.index(self._state) + by) % len(_TABS)]
        self._read, self._wanted = Window(), range(60)
        self.query_one("#ids", Table).forget()
        self.redraw()
        self.reload()

    def _tabs(self, board: Board) -> Line:
        row = board.row(self.queue)
        parts: list[tuple[str, Tone] | str] = [" "]
        for state in _TABS:
            n = number(getattr(row.snapshot.counts, state.value)) if row is not None else "-"
            text = f"{state.capitalize()} {n}"
            is_chosen = state is self._state
            parts += [(f"[{text}]" if is_chosen else f" {text} ", Tone.STRONG if is_chosen else Tone.DIM), "  "]
        return line(*parts)
