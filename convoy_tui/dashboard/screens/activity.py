"""The Activity screen: what operators have done, live, with a filter."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input

from convoy_core import AuditEntry, ConvoyError
from convoy_tui.dashboard.board.activity import UNDOABLE, Act, columns, no_undo, sheet
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.cells import fitted
from convoy_tui.dashboard.board.inspector import rule
from convoy_tui.dashboard.board.spans import Line, Tone, clip, line
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.reading.activity import AuditReader
from convoy_tui.dashboard.reading.requeued import AftermathReader
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.screens.undo import UndoDialog
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.table import Table
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number

_KEPT = ("activity", Where())


class ActivityScreen(Page):
    """The audit of all queues, or of one."""

    AUTO_FOCUS = "#audit"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("U", "undo", "Undo", id="activity.undo", tooltip="take back what was done, as far as that goes"),
        Binding(
            "slash", "filter", "Filter", key_display="/", id="activity.filter", tooltip="queue:, who:, act: or text"
        ),
        Binding("a", "everywhere", "This queue", id="activity.all", tooltip="of the queue one comes from, or of all"),
        Binding("escape", "back", "Clear the filter, or go back", key_display="Esc", id="page.back", show=False),
    ]
    page_name = "activity"
    writing = frozenset({"undo"})
    first_keys = ("activity.undo", "activity.filter", "activity.all", "table.open")

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, where)
        self._reader = AuditReader(services.source.fleet)
        self._aftermath = AftermathReader(services.source.fleet)
        self._is_everywhere = True
        self._wanted = str(services.kept.get(_KEPT, ""))
        self._has_read = False
        self._made_from: tuple[float, tuple[AuditEntry, ...]] = (0.0, ())
        self._made: tuple[Act, ...] = ()

    @property
    def crumbs(self) -> Sequence[str]:
        """That this is the activity, of one queue where that is chosen."""
        return ("activity",) if self._is_everywhere else (self.where.queue or "", "activity")

    @property
    def here(self) -> Where:
        """The queue of the act under the cursor."""
        row = self._row
        return Where(row.entry.queue) if row is not None else self.where

    def body(self) -> ComposeResult:
        """The filter, the acts, and all about the one under the cursor."""
        yield OneLine(self._wanted, id="search", placeholder="words, or queue:name who:name act:verb")
        with Container(id="main"):
            yield Table[Act](
                lambda act: act.key, lambda width: fitted(columns(width), width), self.services.glyphs, id="audit"
            )
            with Vertical(id="side"):
                yield Lines(id="rule")
                yield Lines(id="inspector")

    async def load(self) -> None:
        """Read what has been done since."""
        await self._reader.read([row.queue for row in self.services.board.rows])
        self._has_read = True
        self._want_aftermath()

    def _want_aftermath(self) -> None:
        """See what has become of the requeue under the cursor, if it is one."""
        row = self._row
        if row is not None and row.entry.verb == "requeue" and self._aftermath.is_due(row.entry):
            self.start(partial(self._read_aftermath, row.entry), "aftermath")

    async def _read_aftermath(self, act: AuditEntry) -> None:
        try:
            await self._aftermath.read(act)
        except ConvoyError:
            return  # the next reading of the page reports it
        self._show_sheet()

    # -- showing

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """How many acts there are, and the newest."""
        if not self._has_read:
            return [line((" Reading the activity", Tone.DIM))]
        acts, queue = self._acts(), self._queue
        total = sum(1 for entry in self._reader.entries.values() if queue in (None, entry.queue))
        if not total:
            return [line((" Nobody has done anything that is kept.", Tone.DIM))]
        if self._wanted:
            found = f" {number(len(acts))} of {count(total, 'act')} fit {safe(repr(self._wanted), 40)}"
            return [clip(line((found, Tone.STRONG if acts else Tone.WARNING), ("   Esc clears", Tone.DIM)), width)]
        newest = acts[0]
        who = f"{safe(newest.entry.who, 40)}, {safe(newest.entry.verb, 20)} of {safe(newest.entry.queue, 40)}"
        ago = age(max(0.0, newest.at - newest.entry.at))
        return [clip(line(f" {count(total, 'act')}", ("; the newest ", Tone.DIM), f"{ago} ago: {who}"), width)]

    def draw(self, board: Board) -> None:
        """The acts, and the one under the cursor."""
        box = self.query_one("#search", Input)
        box.display = box.has_focus or bool(self._wanted)
        is_old = board.is_stale or bool(self.trouble)
        self._table.show_window(Window.whole(self._acts()), is_stale=is_old)
        self._show_sheet()

    def _acts(self) -> tuple[Act, ...]:
        entries, now = self._reader.listed(self._queue, self._wanted), self._now
        if self._made_from != (now, entries):
            self._made_from = now, entries
            self._made = tuple(Act(entry, now) for entry in entries)
        return self._made

    @property
    def _queue(self) -> str | None:
        """The queue whose acts are shown; None is all."""
        return None if self._is_everywhere else self.where.queue

    @property
    def _now(self) -> float:
        """The store's time of the last reading, to the second, so that rows are drawn again once a second at most."""
        rows = self.services.board.rows
        return float(int(rows[0].snapshot.at)) if rows else 0.0

    def _show_sheet(self) -> None:
        row, box = self._row, self.query_one("#inspector", Lines)
        width = self.query_one("#side").size.width or self.size.width
        self.say("#rule", [rule(row.entry.queue, width, self.services.glyphs)] if row is not None else [()])
        after = self._aftermath
        is_known = row is not None and after.act is not None and (after.act.at, after.act.queue) == _place(row)
        box.show(sheet(row, after.known if is_known else None, width) if row is not None else [])

    def ability(self, board: Board) -> Hashable:
        """Whether writes are possible, and which act is under the cursor."""
        return board.is_writable, self._row is not None

    def is_offered(self, id: str) -> bool:
        """Nothing is selected here, and there is another view only where one came from a queue."""
        return id != "table.select" and (id != "activity.all" or self.where.queue is not None)

    @property
    def _table(self) -> Table[Act]:
        return self.query_one("#audit", Table)

    @property
    def _row(self) -> Act | None:
        return self._table.row if self.is_mounted else None

    # -- what the user does

    def on_table_moved(self) -> None:
        """Show another act."""
        self._show_sheet()
        self._want_aftermath()
        self.show_ability(self.services.board)

    def on_table_opened(self) -> None:
        """Open the queue of the act."""
        if (row := self._row) is not None:
            self.services.open("queue", Where(row.entry.queue))

    def action_undo(self) -> None:
        """Undo the act under the cursor, or say why that cannot be."""
        row = self._row
        if row is None:
            self.tell(Done("Nothing is here to undo.", Tone.DIM))
        elif row.entry.verb not in UNDOABLE:
            self.tell(Done(no_undo(row.entry), Tone.WARNING))
        else:
            self.app.push_screen(UndoDialog(self.services, row.entry), self._close)

    def _close(self, done: Done | None) -> None:
        self.tell(done)
        self.reload()

    def action_everywhere(self) -> None:
        """Show the acts on all queues, or on the one that one came from."""
        if self.where.queue is not None:
            self._is_everywhere = not self._is_everywhere
            self._table.forget()
            self.redraw()

    def action_filter(self) -> None:
        """Open the filter box."""
        box = self.query_one("#search", Input)
        box.display = True
        self.set_focus(box)  # at once: more keys may be on their way

    def action_back(self) -> None:
        """Clear the filter, or else go back."""
        if self._wanted or self.query_one("#search", Input).has_focus:
            self.query_one("#search", Input).value = ""
            self._table.focus()
            self.call_after_refresh(self.redraw)
        else:
            super().action_back()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the acts that fit."""
        self._wanted = event.value
        self.services.kept[_KEPT] = event.value
        self.redraw()

    def on_input_submitted(self) -> None:
        """Keep the filter, and move to the acts."""
        self._table.focus()
        self.call_after_refresh(self.redraw)


def _place(act: Act) -> tuple[float, str]:
    return act.entry.at, act.entry.queue
