"""The overview: every queue live, the inspector for the one under the cursor, and a key for each dialog."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input

from convoy_tui.dashboard.board.board import Board, LinkState, Row
from convoy_tui.dashboard.board.headline import verdict
from convoy_tui.dashboard.board.inspector import inspector, rule
from convoy_tui.dashboard.board.needs import needs
from convoy_tui.dashboard.board.orders import WORST, following, in_words, known, ordered
from convoy_tui.dashboard.board.spans import Line, Tone
from convoy_tui.dashboard.looking_back import LookingBack
from convoy_tui.dashboard.screens.beside import Beside
from convoy_tui.dashboard.screens.confirm import PauseDialog
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.screens.jam_guard import JamGuardDialog
from convoy_tui.dashboard.screens.launch import LaunchDialog
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.screens.publish import PublishDialog
from convoy_tui.dashboard.screens.requeue import RequeueDialog
from convoy_tui.dashboard.screens.welcome import no_match, no_target, welcome
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.queue_table import QueueTable
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number

HOLD_S = 5.0
"""Seconds after a move of the cursor during which rows keep their order."""

_PUBLISH, _REQUEUE = "publish", "requeue"
_DIALOGS: Mapping[str, Callable[[Services, list[Row]], Dialog]] = {
    "jam_guard": JamGuardDialog,
    _REQUEUE: RequeueDialog,
    "pause": PauseDialog,
    "launch": lambda services, rows: LaunchDialog(services, rows[0]),
}
"""The dialogs that act on queues, by the verb of their key."""


class OverviewScreen(Page):
    """The list of all queues."""

    AUTO_FOCUS = "#queues"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("J", "open('jam_guard')", "Jam guard", id="jam", tooltip="free jobs that run too long"),
        Binding("R", "open('requeue')", "Requeue", id="requeue", tooltip="queue failures again"),
        Binding("N", "open('publish')", "Publish", id="publish", tooltip="put IDs into a queue"),
        Binding("P", "open('pause')", "Pause", id="pause", tooltip="stop workers from claiming, or let them again"),
        Binding("W", "open('launch')", "Launch", id="launch", tooltip="start workers of this queue, in this process"),
        Binding("slash", "filter", "Filter", key_display="/", id="filter", tooltip="show queues by part of their name"),
        Binding("s", "sort", "Sort", id="sort", tooltip="by need, name, waiting, failed or longest run"),
        Binding(
            "left_square_bracket", "step_time(-1)", "Back in time", key_display="[", id="time.back", tooltip="by steps"
        ),
        Binding(
            "right_square_bracket", "step_time(1)", "Forth", key_display="]", id="time.forth", tooltip="a later time"
        ),
        Binding("0", "now", "Now", id="time.now", tooltip="return to the present"),
        Binding("escape", "back", "Clear the filter, then the selection", id="back", show=False),
    ]
    page_name = "overview"
    first_keys = (
        *("time.now", "time.forth", "table.open", "jam", "requeue", "publish", "pause", "launch", "filter"),
        *("table.select", "app.quit", "time.back", "sort"),
    )
    kept_keys = frozenset({"filter", "table.select", "app.quit"})

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(services)
        self._clock = clock
        self._held_until = 0.0
        self._wanted = ""
        self._has_target = False
        self._looking_back = LookingBack(services.source.fleet)
        self._beside = Beside(self)
        self._places: dict[str, int] = {}  # of each queue in the order last shown, without a filter

    def body(self) -> ComposeResult:
        """The table, and the inspector."""
        yield OneLine(id="search", placeholder="part of a name; Enter keeps it, Esc clears it")
        with Container(id="main"):
            with Vertical(id="rows"):
                yield QueueTable(self.services.glyphs, id="queues")
                yield Lines(id="needs")
                yield from self._beside.below()
            yield Lines(id="welcome")
            with Vertical(id="side"):
                yield Lines(id="rule")
                yield Lines(id="inspector")
                yield from self._beside.side()

    @property
    def here(self) -> Where:
        """The queue under the cursor."""
        return Where(self.query_one("#queues", QueueTable).cursor)

    async def load(self) -> None:
        """Read the past, where that is shown, and what a wide screen shows besides."""
        await self._looking_back.read(self.services.board)
        await self._beside.load(self.here.queue, self.board)

    def fit(self) -> None:
        """Read what stands beside the table where there is room for it. What was read stays while the store is away."""
        if self.services.board.link.state is LinkState.LIVE:
            self.reload()

    # -- showing

    def shown(self, board: Board) -> Board:
        """The board, or what was so at the time in the past that is shown."""
        return self._looking_back.board(board)

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """Which queues need someone."""
        return verdict(board, width, 2, self.services.glyphs)

    def draw(self, board: Board) -> None:
        """The rows, and the inspector."""
        self.set_class(board.past is not None, "-past")
        rows = self._arrange(board)
        is_empty = not board.rows and board.link.state is LinkState.LIVE and board.past is None
        is_hidden = bool(board.rows) and not rows
        self.query_one("#welcome", Lines).display = is_empty or is_hidden
        self.query_one("#rows").display = not (is_empty or is_hidden)
        if is_empty or is_hidden:
            said = welcome(board, self.size.width) if is_empty else no_match(board, self._wanted, self.size.width)
            self.query_one("#welcome", Lines).show(said)
        table = self.query_one("#queues", QueueTable)
        table.show_order("" if self._order == WORST else self._order, "")
        table.show(rows, is_stale=board.is_stale, known=[row.queue for row in self.services.board.rows])
        self._show_needs(replace(board, rows=tuple(rows)))
        self._show_inspector(board)

    @property
    def _order(self) -> str:
        return known(self.services.memory.choices.order)

    def _show_needs(self, board: Board) -> None:
        """Fill the lines that the rows leave empty."""
        rows = len(board.rows)
        size, box = self.query_one("#rows").size, self.query_one("#needs", Lines)
        lines = needs(board, size.width, size.height - rows - 2, self.services.glyphs)
        self.query_one("#queues").styles.height = rows + 2 if lines else "1fr"
        box.display = bool(lines)
        box.show(lines)
        self._beside.fit(size.height - rows - 2 - len(lines) if lines else 0)

    def _arrange(self, board: Board) -> Sequence[Row]:
        """The rows to show, in the old order while the user works with it. What a filter hides keeps its place, too."""
        rows, places = list(ordered(board.rows, self._order)), self._places
        table = self.query_one("#queues", QueueTable)
        if self._clock() < self._held_until or table.selected or not self.is_current:
            rows.sort(key=lambda row: places.get(row.queue, len(places)))
        self._places = {row.queue: place for place, row in enumerate(rows)}
        return [row for row in rows if self._wanted.lower() in safe(row.queue).lower()]

    def _show_inspector(self, board: Board) -> None:
        table = self.query_one("#queues", QueueTable)
        row = board.row(table.cursor) if table.cursor is not None else None
        self._beside.draw(None if row is None else row.queue, board)
        ruler, box = self.query_one("#rule", Lines), self.query_one("#inspector", Lines)
        width = self.query_one("#side").size.width or self.size.width
        if row is None:
            ruler.show([()])
            box.show([])
            return
        note = f" {number(len(board.rows))} queues, shown: {safe(self._wanted, 20)} " if self._wanted else ""
        ruler.show([rule(row.queue, width, self.services.glyphs, note)])
        box.show(inspector(row, board, width, box.size.height or 3, self.services.glyphs))

    def ability(self, board: Board) -> Hashable:
        """Whether writes are possible, whether there is a queue to act on, and whether this is the past."""
        self._has_target = bool(self.query_one("#queues", QueueTable).targets)
        return board.is_writable, self._has_target, board.past is None

    def key_note(self) -> str:
        """How many queues are selected, and how many of them a filter hides."""
        return self.query_one("#queues", QueueTable).note

    # -- what the user does

    def on_table_moved(self) -> None:
        """The cursor or the selection changed: keep the order of the rows for a while."""
        self._held_until = self._clock() + HOLD_S
        self._show_inspector(self.board)
        self.show_ability(self.board)
        if self._beside.has_room:
            self.reload()

    def on_table_opened(self, event: QueueTable.Opened) -> None:
        """Enter a queue."""
        self.services.open("queue", Where(event.key))

    def point_at(self, queue: str) -> None:
        """Put the cursor on a queue, clearing a filter that hides it."""
        if queue not in self.query_one("#queues", QueueTable).order:
            self._stop_filter()
        self.query_one("#queues", QueueTable).point_at(queue)

    def on_table_order_asked(self, event: QueueTable.OrderAsked) -> None:
        """Sort by the heading that was clicked; a second click on it returns to the usual order."""
        self._sort(WORST if event.order == self._order else event.order)

    def action_sort(self) -> None:
        """Show the rows in the next order."""
        self._sort(following(self._order))

    def _sort(self, order: str) -> None:
        self._held_until = 0.0
        self.services.memory.note(order=order)
        self.tell(Done(f"Sorted: {in_words(order)}.", Tone.DIM))
        self.redraw()

    def action_filter(self) -> None:
        """Open the filter box."""
        box = self.query_one("#search", Input)
        box.display = True
        self.set_focus(box)  # at once: more keys may be on their way

    def action_back(self) -> None:
        """Clear the filter, or else the selection."""
        if self.query_one("#search", Input).display:
            self._stop_filter()
        else:
            self.query_one("#queues", QueueTable).clear_selection()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the queues that match."""
        self._wanted = event.value
        self.redraw()

    def on_input_submitted(self) -> None:
        """Keep the filter and move the focus to the table."""
        if not self._wanted:
            self._stop_filter()
        self.query_one("#queues").focus()

    def _stop_filter(self) -> None:
        box = self.query_one("#search", Input)
        box.value = self._wanted = ""
        box.display = False
        self._held_until = 0.0
        self.query_one("#queues").focus()
        self.redraw()  # at once: whoever cleared it may act on what is shown now

    # -- the past

    def action_step_time(self, by: int) -> None:
        """Show an earlier time, or a later one."""
        self._looking_back.step(by, self.services.board)
        self.redraw()
        self.reload()

    def action_now(self) -> None:
        """Return to the present."""
        self._looking_back.leave()
        self.redraw()

    # -- the verbs

    def refusal(self, board: Board) -> Done:
        """Why a verb does nothing here."""
        return Done(no_target(board), Tone.DIM) if board.is_writable else super().refusal(board)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the verbs if writes are not possible, or there is no queue to act on."""
        if action == "now" or (action == "step_time" and parameters == (1,)):
            return self._looking_back.at is not None
        is_possible = action != "open" or (self.board.is_writable and (self._has_target or parameters == (_PUBLISH,)))
        return True if is_possible else None

    def action_open(self, verb: str) -> None:
        """Open the dialog of a verb for the selected queues, else the one under the cursor. Publishing needs none."""
        if verb == _PUBLISH:
            self.app.push_screen(PublishDialog(self.services, self.here.queue), self._close)
        elif rows := self._targets():
            if verb == _REQUEUE and not any(row.snapshot.counts.failed for row in rows):
                self.tell(Done("Nothing is failed there.", Tone.DIM))
            else:
                self.app.push_screen(_DIALOGS[verb](self.services, rows), self._close)

    def _targets(self) -> list[Row]:
        names = self.query_one("#queues", QueueTable).targets
        return [row for name in names if (row := self.services.board.row(name)) is not None]

    def _close(self, done: Done | None) -> None:
        self.tell(done)
        if done is not None and done.tone is Tone.FINE:
            self.query_one("#queues", QueueTable).clear_selection()
