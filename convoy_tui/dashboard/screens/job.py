"""The Job screen: all that the store knows of one ID, and what can be done with it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll

from convoy_core import State
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.entries import Tab
from convoy_tui.dashboard.board.job_lines import (
    JobReading,
    error_lines,
    facts,
    headline,
    payload_section,
    recorded,
    stacked,
    timeline,
)
from convoy_tui.dashboard.board.spans import Line, Tone, fold, line
from convoy_tui.dashboard.clipboard import copy_ids
from convoy_tui.dashboard.id_moves import Chosen
from convoy_tui.dashboard.reading.job import read_job
from convoy_tui.dashboard.screens.move_ids import MoveIDsDialog
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.screens.publish import PublishDialog
from convoy_tui.dashboard.screens.queue_verbs import ID_KEYS, MOVES
from convoy_tui.dashboard.services import Services, Where
from convoy_tui.dashboard.widgets.lines import Lines


class JobScreen(Page):
    """One ID of a queue."""

    AUTO_FOCUS = "#sheet"
    BINDINGS: ClassVar[list[BindingType]] = [
        *ID_KEYS,
        Binding("N", "publish", "Publish", id="publish", tooltip="put IDs into this queue"),
        Binding("c", "copy", "Copy ID", id="job.copy", tooltip="send the ID to the terminal's clipboard"),
        Binding("x", "frames", "Frames", id="job.frames", tooltip="show or fold the frames of libraries"),
        Binding("j,down", "scroll_by(1)", "Down", key_display="↓ j", id="job.down", show=False),
        Binding("k,up", "scroll_by(-1)", "Up", key_display="↑ k", id="job.up", show=False),
    ]
    page_name = "job"
    first_keys = ("requeue", "rerun", "repair", "discard", "cancel", "page.back", "job.copy", "job.frames", "publish")
    writing = frozenset({"move", "publish"})

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, where)
        self.queue, self.id_shown = where.queue or "", where.id or ""
        self._job: JobReading | None = None
        self._is_folded = True

    @property
    def crumbs(self) -> Sequence[str]:
        """The queue and the ID."""
        return self.queue, self.id_shown

    @property
    def here(self) -> Where:
        """The queue: other pages are not about an ID."""
        return Where(self.queue)

    def body(self) -> ComposeResult:
        """Two columns that scroll together; under each other where there is little room."""
        with VerticalScroll(id="sheet", can_focus=True), Container(id="columns"):
            yield Lines(id="left")
            yield Lines(id="right")

    async def load(self) -> None:
        """Read the ID."""
        self._job = await read_job(self.services.source.fleet, self.queue, self.id_shown, self._job)

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """Where the ID is, and what publishing it would answer."""
        if self._job is None:
            return [line((" Reading", Tone.DIM))]
        return fold(headline(self._job, board.limits.jam_after_s, self.services.glyphs), width, 3)[:2]

    def draw(self, board: Board) -> None:
        """The facts and the timeline; the error, the payload and the recorded moves."""
        job, glyphs = self._job, self.services.glyphs
        if job is None:
            return
        room = self.size.width - 2
        is_wide = self.size.width >= 100
        left = min(64, self.size.width * 2 // 5 - 2) if is_wide else room
        right = self.size.width - left - 4 if is_wide else room
        limit = board.limits.jam_after_s
        self._say("#left", stacked(facts(job, limit, left), timeline(job, left, glyphs)), board)
        error = error_lines(job, right, is_folded=self._is_folded)
        self._say("#right", stacked(error, payload_section(job, right), recorded(job, right)), board)

    def _say(self, selector: str, lines: list[Line], board: Board) -> None:
        if board.is_stale or self.trouble:
            lines = [tuple(span._replace(tone=Tone.DIM) for span in spans) for spans in lines]
        self.say(selector, lines)

    def ability(self, board: Board) -> Hashable:
        """What the keys depend on: whether writes are possible, and the state of the ID."""
        return board.is_writable, self._tab

    @property
    def _tab(self) -> Tab | None:
        """The tab of the Queue screen in which it is listed."""
        if self._job is None or (self._job.details.state is State.ABSENT and not self._job.details.is_committed):
            return None
        return Tab.ORPHANS if self._job.details.is_missing else Tab(self._job.details.state.value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the moves of this state alone."""
        if action == "move" and (self._tab is None or self._tab not in MOVES[str(parameters[0])]):
            return False
        return super().check_action(action, parameters)

    def action_move(self, verb: str) -> None:
        """Open the dialog of a move of this ID."""
        if self._tab is not None:
            chosen = Chosen(self.queue, [self.id_shown])
            self.app.push_screen(MoveIDsDialog(self.services, MOVES[verb][self._tab], chosen), self.tell)

    def action_publish(self) -> None:
        """Open the dialog to publish."""
        self.app.push_screen(PublishDialog(self.services, self.queue), self.tell)

    def action_copy(self) -> None:
        """Send the ID to the terminal's clipboard."""
        self.tell(copy_ids([self.id_shown], self.write_to_terminal))

    def action_frames(self) -> None:
        """Show or fold the frames of libraries."""
        self._is_folded = not self._is_folded
        self.redraw()

    def action_scroll_by(self, by: int) -> None:
        """Scroll the columns."""
        self.query_one("#sheet", VerticalScroll).scroll_relative(y=by, animate=False)
