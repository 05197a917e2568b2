"""The part of the Queue screen that only looks: the IDs of one queue, a tab for each state, with filters and orders."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widgets import Input

from convoy_core import AsyncQueue, ConvoyError, Details, Durations, InvalidOption, State
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.columns import SEVERITY_TONES
from convoy_tui.dashboard.board.entries import STORED, Order, Tab, asked_order, columns_of, next_order
from convoy_tui.dashboard.board.inspector import rule
from convoy_tui.dashboard.board.queue_page import at_length, durations_line, found_line, in_short, numbers, tab_line
from convoy_tui.dashboard.board.spans import Line, Tone, line, wrap
from convoy_tui.dashboard.reading.entries import is_in
from convoy_tui.dashboard.reading.listing import KEPT, Listing
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.entry_table import EntryTable
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.entry_filter import SYNTAX, Filter, parse_filter
from convoy_tui.text.health import word
from convoy_tui.text.reasons import why
from convoy_tui.text.safe_text import safe

_FILTER_AFTER_S = 0.3
_MEASURE_EVERY_S = 5.0
"""As often as pools tell of how long IDs waited and ran, about."""


@dataclass(slots=True)
class _Kept:
    """What the page knows again when one comes back to it: what was asked for, and nothing that was read."""

    tab: Tab = Tab.QUEUED
    asked: dict[Tab, tuple[str, Filter, Order]] = field(default_factory=dict)


class QueueListPage(Page):
    """The IDs of one queue, to look at."""

    AUTO_FOCUS = "#entries"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket,shift+tab", "tab(-1)", "Tabs", key_display="[ ]", id="queue.previous"),
        Binding("right_square_bracket,tab", "tab(1)", "Next tab", key_display="]", id="queue.next", show=False),
        *(
            Binding(f"f{n}", f"tab_to('{tab}')", tab.capitalize(), id=f"queue.{tab}", show=False)
            for n, tab in enumerate(Tab, 1)
        ),
        Binding("slash", "filter", "Filter", key_display="/", id="filter", tooltip=SYNTAX),
        Binding("s", "sort", "Sort", id="queue.sort", tooltip="the next order; a click on a heading does the same"),
    ]
    page_name = "queue"

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, Where(where.queue))
        self.queue = where.queue or ""
        kept = services.kept.setdefault((self.page_name, self.where), _Kept())
        self._kept = kept if isinstance(kept, _Kept) else _Kept()
        self._tab = self._kept.tab
        self._listings: dict[Tab, Listing] = {}
        self._details: Details | None = None
        self._asked_for: str | None = None
        self._durations: Sequence[Durations] = ()
        self._measured_at: float | None = None
        self._timer: Timer | None = None

    @property
    def crumbs(self) -> Sequence[str]:
        """The queue."""
        return (self.queue,)

    @property
    def listing(self) -> Listing:
        """What is known of the chosen tab."""
        tab, limit = self._tab, self.services.board.limits.jam_after_s
        asked = self._kept.asked.get(tab, ("", Filter(), Order()))
        return self._listings.setdefault(tab, Listing(self.queue, tab, limit, *asked))

    @property
    def in_view(self) -> Iterable[Where]:
        """The IDs that are known, those in view among them."""
        return (Where(self.queue, item.entry.id) for item in self.table.window.rows)

    def body(self) -> ComposeResult:
        """The numbers, the percentiles, the tabs, the IDs of the chosen one, and the ID under the cursor in short."""
        yield Lines(id="numbers")
        yield Lines(id="durations")
        yield Lines(id="tabs")
        yield OneLine(id="search", placeholder=f"{SYNTAX}; Enter keeps it, Esc clears it")
        yield Lines(id="found")
        with Container(id="main"):
            yield EntryTable(lambda width: columns_of(self._tab, width), self.services.glyphs, id="entries")
            with Vertical(id="side"):
                yield Lines(id="rule")
                yield Lines(id="inspector")

    def on_mount(self) -> None:
        """Show the filter that was kept."""
        super().on_mount()
        self._show_box()

    # -- reading

    async def load(self) -> None:
        """Read the listing, and the ID under the cursor. The cursor follows its ID, however far that has moved."""
        table, listing, fleet = self.table, self.listing, self.services.source.fleet
        view = table.view or range(max(30, self.size.height))
        await listing.read(fleet, view, self.redraw)
        if (cursor := table.cursor) is not None:
            await self._follow(cursor, view)
        now = time.monotonic()
        if self._measured_at is None or now - self._measured_at >= _MEASURE_EVERY_S:
            self._measured_at = now
            self._durations = await self._store.durations()

    async def _follow(self, cursor: str, view: range) -> None:
        listing, fleet = self.listing, self.services.source.fleet
        self._details = await self._store.show(cursor)
        place = listing.place_of(self._details)
        if place is not None and listing.window.place(lambda item: item.entry.id == cursor) is None:
            first = max(0, place - len(view) // 2)
            await listing.read(fleet, range(first, first + len(view)), self.redraw)

    def read_again(self) -> None:
        """Read all entries again where a filter or an order needs them all."""
        self.listing.renew()

    def on_table_wanted(self) -> None:
        """Read the rows that have come into view."""
        if not self.listing.needs_scan:
            self.reload()

    async def _ask(self, id: str) -> None:
        try:
            self._details = await self._store.show(id)
        except ConvoyError:
            return  # the reading of the same tick reports it
        self._show_short(self.services.board)

    # -- showing

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """The health of the queue, and the reason."""
        row = board.row(self.queue)
        if row is None:
            return [line((" This queue is empty, or gone.", Tone.DIM))]
        sign = row.sign(ascii_only=self.services.glyphs.is_ascii)
        head = (f" {sign} {word(row.health, row.trends)}  ", SEVERITY_TONES[row.severity])
        because = wrap(why(row.health, row.snapshot, row.trends, board.limits), max(20, width - len(head[0]) - 1))
        indent = " " * len(head[0])
        return [line(head, because[0]), *(line(indent, part) for part in because[1:2])]

    def draw(self, board: Board) -> None:
        """The tabs with their counts, and the rows."""
        row, listing, room = board.row(self.queue), self.listing, self.size.width
        table = self.table
        table.show_window(listing.window, is_stale=board.is_stale or bool(self.trouble) or listing.is_old)
        marks = self.services.glyphs.pick("▴", "^"), self.services.glyphs.pick("▾", "v")
        table.show_order(listing.order.by or STORED[listing.tab], marks[not listing.order.is_reversed])
        self.say("#numbers", [numbers(row, room, self.services.glyphs)])
        told = durations_line(self._durations, room)
        self.query_one("#durations").display = bool(told) and self.size.height >= 30
        self.say("#durations", [told])
        self.say("#tabs", [tab_line(row, listing.tab, listing.order, table.view, listing.total, room)])
        self.query_one("#found").display = listing.needs_scan
        if listing.needs_scan:
            self.say("#found", [self._found(room)])
        self._show_short(board)

    def _found(self, room: int) -> Line:
        listing, exact = self.listing, self.listing.exact
        elsewhere = ""
        if exact is not None and not is_in(listing.tab, exact) and (exact.is_committed or exact.state is State.FAILED):
            elsewhere = f"{safe(exact.id, 40)} is {'missing' if exact.is_missing else exact.state}"
        return found_line(
            listing.found,
            listing.scanned,
            listing.total,
            is_done=listing.is_scanned,
            is_stopped=listing.is_stopped,
            kept=KEPT,
            elsewhere=elsewhere,
            room=room,
        )

    def _show_short(self, board: Board) -> None:
        cursor, side = self.table.cursor, self.query_one("#side")
        if cursor is not None and cursor != self._asked_for:
            self._asked_for = cursor
            self.start(partial(self._ask, cursor), "details")
        width = side.size.width or self.size.width
        self.say("#rule", [rule(cursor, width, self.services.glyphs) if cursor is not None else ()])
        is_tall = self.query_one("#inspector").size.height > 8
        short = in_short(self._details, cursor, board, width)
        long = at_length(self._details, cursor, board, width, self.services.glyphs) if is_tall else short
        lines = [tuple(span._replace(tone=Tone.DIM) for span in each) for each in long] if board.is_stale else long
        self.say("#inspector", lines)

    @property
    def table(self) -> EntryTable:
        """The list."""
        return self.query_one("#entries", EntryTable)

    @property
    def _store(self) -> AsyncQueue:
        return self.services.source.fleet.queue(self.queue)

    # -- tabs, filter, order

    def action_tab(self, by: int) -> None:
        """Show the next or the previous tab."""
        tabs = list(Tab)
        self.action_tab_to(tabs[(tabs.index(self._tab) + by) % len(tabs)])

    def action_tab_to(self, tab: str) -> None:
        """Show this tab."""
        self._tab = self._kept.tab = Tab(tab)
        self.listing.renew()
        self._show_box()
        self.table.select(frozenset())
        self.begin_anew()

    def action_filter(self) -> None:
        """Open the filter box."""
        box = self.query_one("#search", Input)
        box.display = True
        self.set_focus(box)  # at once: more keys may be on their way

    def on_input_changed(self) -> None:
        """Filter, after a pause in typing."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_FILTER_AFTER_S, self._filter)

    def on_input_submitted(self) -> None:
        """Filter now, and go to the list."""
        self._filter()
        self.table.focus()

    def action_back(self) -> None:
        """Stop what is being looked for; else clear the filter, else the selection, else go back."""
        if self.is_loading and self.listing.needs_scan and not self.listing.is_scanned:
            self.listing.is_stopped = True
            self.stop_loading()
        elif self.query_one("#search").display:
            self.query_one("#search", Input).value = ""
            self._filter()
            self.query_one("#search").display = False
            self.table.focus()
        elif self.table.selected:
            self.table.select(frozenset())
        else:
            super().action_back()

    def action_sort(self) -> None:
        """Take the next order."""
        self._order(next_order(self._tab, self.listing.order))

    def on_table_order_asked(self, event: EntryTable.OrderAsked) -> None:
        """Take the order of the column that was clicked."""
        self._order(asked_order(self._tab, self.listing.order, event.order))

    def _order(self, order: Order) -> None:
        self._change(self.listing.text, self.listing.filter, order)

    def _filter(self) -> None:
        text = self.query_one("#search", Input).value
        if text == self.listing.text:
            return
        try:
            self._change(text, parse_filter(text), self.listing.order)
        except InvalidOption as error:
            self.tell(Done(str(error), Tone.WARNING))

    def _change(self, text: str, conditions: Filter, order: Order) -> None:
        self._kept.asked[self._tab] = text, conditions, order
        self.listing.change(text, conditions, order)
        self.begin_anew()

    def _show_box(self) -> None:
        box = self.query_one("#search", Input)
        box.value = self.listing.text
        box.display = bool(self.listing.text)

    def begin_anew(self) -> None:
        """Read another list, from its first row on."""
        self.table.forget(keep_selected=True)
        self.redraw()
        self.reload()
