"""The Failures screen: what broke, in groups, of one queue or of all."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from convoy_core import ConvoyError, Snapshot
from convoy_tui.dashboard.board.aftermath import counted, how
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.cells import fitted
from convoy_tui.dashboard.board.failures import ORDERS, Group, Sample, columns, ordered, sheet
from convoy_tui.dashboard.board.inspector import rule
from convoy_tui.dashboard.board.spans import Line, Tone, clip, line
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.reading.failures import GroupReader, read_sample
from convoy_tui.dashboard.reading.requeued import AftermathReader
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.screens.discard_group import DiscardGroupDialog
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.screens.requeue_group import RequeueGroupDialog
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.table import Table
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number


class FailuresScreen(Page):
    """The groups of failures."""

    AUTO_FOCUS = "#groups"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "requeue", "Requeue", id="failures.requeue", tooltip="queue the group again, a few of it first"),
        Binding("D", "discard", "Discard", id="failures.discard", tooltip="forget the failed IDs of the group"),
        Binding("a", "everywhere", "All queues", id="failures.all", tooltip="the failures of all queues, or of this"),
        Binding(
            "s", "sort", "Sort", id="failures.sort", tooltip="the largest first, or the newest, or what began last"
        ),
    ]
    page_name = "failures"
    first_keys = ("failures.requeue", "failures.discard", "table.open", "failures.all", "failures.sort")
    writing = frozenset({"requeue", "discard"})

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, where)
        self._reader = GroupReader(services.source.fleet, self._progress)
        self._is_everywhere = where.queue is None
        self._order = ORDERS[0]
        self._has_read = False
        self._is_hurried = False
        self._reading = ""
        self._sample: tuple[Group, Sample] | None = None
        self._sampled: Group | None = None
        """The group whose sample was read, or is being read."""
        self._aftermath = AftermathReader(services.source.fleet)

    @property
    def crumbs(self) -> Sequence[str]:
        """The queue, and that these are its failures."""
        return ("failures",) if self._is_everywhere else (self.where.queue or "", "failures")

    @property
    def here(self) -> Where:
        """The queue of the group under the cursor."""
        row = self._row
        return Where(row.queue) if row is not None else self.where

    def body(self) -> ComposeResult:
        """The groups, and all about the one under the cursor."""
        with Container(id="main"):
            yield Table[Group](
                lambda group: group.key,
                lambda width: fitted(columns(width, with_queue=self._is_everywhere), width),
                self.services.glyphs,
                id="groups",
            )
            with Vertical(id="side"):
                yield Lines(id="rule")
                yield Lines(id="inspector")

    # -- reading

    async def load(self) -> None:
        """Read the groups of those queues whose failures have changed."""
        try:
            hurried, self._is_hurried = self._is_hurried, False
            await self._reader.read(self._snapshots, now=hurried)
            self._has_read = True
        finally:
            self._reading = ""
        self._want_sample()
        if not self._is_everywhere and self._aftermath.is_due(None):
            self.start(self._read_aftermath, "aftermath")

    async def _read_aftermath(self) -> None:
        """See what has become of the last requeue."""
        try:
            await self._aftermath.read_last(self.where.queue or "")
        except ConvoyError:
            return  # the next reading of the page reports it
        self.redraw()

    @property
    def _snapshots(self) -> list[Snapshot]:
        rows = self.services.board.rows
        return [row.snapshot for row in rows if self._is_everywhere or row.queue == self.where.queue]

    def _progress(self, queue: str, n: int, total: int) -> None:
        if n < total and not self._reader.groups:
            self._reading = f"Reading {safe(queue, 30)}: {number(n)} of {number(total)} failed IDs"
            self.redraw()

    def _want_sample(self) -> None:
        """Read the newest traceback of the group under the cursor, if that is another one than is known."""
        row = self._row
        if row is not None and (self._sampled is None or _differs(self._sampled, row)):
            self._sampled = row
            self.start(partial(self._read_sample, row), "sample")

    async def _read_sample(self, row: Group) -> None:
        try:
            self._sample = (row, await read_sample(self.services.source.fleet, row))
        except ConvoyError:
            self._sampled = None  # the next reading of the page reports it, and tries again
            return
        self.redraw()

    # -- showing

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """How many groups there are, and what has become of the last requeue."""
        lines = [self._in_short(), *self._last_requeue(width)]
        return [clip(each, width) for each in lines]

    def _in_short(self) -> Line:
        if self._reading:
            return line((f" {self._reading}", Tone.DIM))
        if not self._has_read:
            return line((" Reading the failures", Tone.DIM))
        groups = ordered(self._reader.groups, "count")
        place = "any queue" if self._is_everywhere else safe(self.where.queue or "", 40)
        if not groups:
            return line((f" Nothing in {place} is failed.", Tone.FINE))
        ids = sum(each.group.count for each in groups) + self._reader.others
        head = f" {count(ids, 'failed ID')} in {count(len(groups), 'group')}"
        more = f" and {number(self._reader.others)} in others" if self._reader.others else ""
        newest = max(groups, key=lambda each: each.group.last or 0.0)
        tone = Tone.ALARM if newest.is_fresh else Tone.NORMAL
        return line((head + more, tone), *_latest(newest))

    def _last_requeue(self, width: int) -> Sequence[Line]:
        act, after = self._aftermath.act, self._aftermath.known
        if self._is_everywhere or act is None or after is None:
            return ()
        read_at = self.services.board.link.read_at or act.until
        ago = age(max(0.0, read_at - act.at))
        head = line((f" {number(act.count)} requeued {ago} ago: ", Tone.DIM), *counted(after))
        return [(*head, *line((f" ({how(after, 60)})" if after.how else "", Tone.DIM)))]

    def draw(self, board: Board) -> None:
        """The groups, and the one under the cursor."""
        table = self._table
        is_old = board.is_stale or bool(self.trouble)
        table.show_window(Window.whole(ordered(self._reader.groups, self._order)), is_stale=is_old)
        table.show_order(self._order, self.services.glyphs.pick("↓", "v"))
        self._show_sheet()

    def _show_sheet(self) -> None:
        row, box = self._row, self.query_one("#inspector", Lines)
        width = self.query_one("#side").size.width or self.size.width
        if row is None:
            self.say("#rule", [()])
            box.show([])
            return
        sample = self._sample[1] if self._sample is not None and self._sample[0].key == row.key else None
        self.say("#rule", [rule(f"{row.queue} · group {row.group.id}", width, self.services.glyphs)])
        box.show(sheet(row, sample, width, box.size.height or 3))

    def ability(self, board: Board) -> Hashable:
        """Whether writes are possible, and whether there is a group."""
        return board.is_writable, self._row is not None

    def is_offered(self, id: str) -> bool:
        """Nothing is selected here, and there is another view only where one came from a queue."""
        return id != "table.select" and (id != "failures.all" or self.where.queue is not None)

    @property
    def _table(self) -> Table[Group]:
        return self.query_one("#groups", Table)

    @property
    def _row(self) -> Group | None:
        return self._table.row if self.is_mounted else None

    # -- what the user does

    def on_table_moved(self) -> None:
        """Show another group."""
        self._show_sheet()
        self._want_sample()
        self.show_ability(self.services.board)

    def on_table_opened(self) -> None:
        """Open the ID that failed last."""
        if (row := self._row) is not None and row.group.newest:
            self.services.open("job", Where(row.queue, row.group.newest))

    def on_table_order_asked(self, event: Table.OrderAsked) -> None:
        """Sort by the column that was clicked."""
        self._order = event.order
        self.redraw()

    def action_requeue(self) -> None:
        """Requeue the group under the cursor."""
        if (row := self._row) is not None:
            self._open(RequeueGroupDialog(self.services, row))

    def action_discard(self) -> None:
        """Discard the group under the cursor."""
        if (row := self._row) is not None:
            self._open(DiscardGroupDialog(self.services, row))

    def _open(self, dialog: Dialog) -> None:
        self.app.push_screen(dialog, self._close)

    def _close(self, done: Done | None) -> None:
        self.tell(done)
        self._is_hurried = done is not None
        self.reload()

    def action_sort(self) -> None:
        """Sort by the next order."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        self.redraw()

    def action_everywhere(self) -> None:
        """Show the failures of all queues, or of this one alone."""
        if self.where.queue is not None:
            self._is_everywhere = not self._is_everywhere
            self._has_read = False
            self._table.forget()
            self._table.on_resize()
            self.reload()


def _differs(one: Group, other: Group) -> bool:
    return (one.key, one.group.newest, one.group.last) != (other.key, other.group.newest, other.group.last)


def _latest(newest: Group) -> Line:
    if newest.group.last is None:
        return ()
    ago = age(max(0.0, newest.at - newest.group.last))
    return line((f"; the newest {ago} ago: ", Tone.DIM), safe(newest.group.what, 120))
