"""The Store page: what the server tells of itself, what is wrong with it or with the queues, and the repair."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.worker import WorkType

from convoy_core import ConvoyError, QueueCheck
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.inspector import rule
from convoy_tui.dashboard.board.server import check_lines, fault_count, finding_lines, headline, server_lines
from convoy_tui.dashboard.board.spans import Line, Tone, clip, line
from convoy_tui.dashboard.reading.server import ServerState, read_server
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.screens.repair import RepairDialog
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number

JUDGE_S = 30.0
"""How often the server is judged anew; what it tells of its state is read with each look."""
GRACE_S = 10.0
"""Only what is wrong all this time is a fault, as in `convoy doctor`."""
_SHOW_S = 0.2
_PARTS = tuple(f"{part}-{n}" for n in range(3) for part in ("rule", "part"))
_TRIPS = 24


class StoreScreen(Page):
    """The server, the check of its settings, and the check of every ID in the queues."""

    AUTO_FOCUS = "#store"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("D", "check", "Check the IDs", id="store.check", tooltip="prove that every ID is in exactly one place"),
        Binding("F", "fix", "Fix", id="store.fix", tooltip="repair what the check has found, after a preview"),
        Binding("escape", "back", "Stop the check, or go back", key_display="Esc", id="page.back", show=False),
    ]
    page_name = "store"
    first_keys = ("store.check", "store.fix")
    writing = frozenset({"fix"})

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, where)
        self._state = ServerState()
        self._judged_at: float | None = None
        self._trips: deque[float | None] = deque(maxlen=_TRIPS)
        self._checks: Sequence[QueueCheck] | None = None
        self._checked_at = 0.0
        self._progress: tuple[int, int] | None = None
        self._shown_at = 0.0
        self._check_trouble = ""

    @property
    def crumbs(self) -> Sequence[str]:
        """That this is the store."""
        return ("store",)

    def body(self) -> ComposeResult:
        """The server, its findings, and the check of the queues, of which any part may be long."""
        with VerticalScroll(id="store"):
            for name in _PARTS:
                yield Lines(id=name)

    async def load(self) -> None:
        """Read the server's state, and from time to time judge it."""
        judge = self._judged_at is None or time.monotonic() - self._judged_at >= JUDGE_S
        self._trips.append(self.services.board.link.round_trip_s)
        self._state = await read_server(self.services.source.fleet, self._state, judge=judge)
        if judge:
            self._judged_at = time.monotonic()

    # -- showing

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """What is wrong, or that nothing is."""
        text, tone = headline(self._state.findings, self._checks)
        return [clip(line((f" {text}", tone)), width)]

    def draw(self, board: Board) -> None:
        """Everything, dimmed where it is old."""
        width, glyphs = max(20, self.query_one("#part-0").size.width or self.size.width), self.services.glyphs
        is_old = board.is_stale or bool(self.trouble)
        is_short = self.size.height < 30
        findings = finding_lines(self._state.findings, width, glyphs, is_short=is_short)
        blocks = [
            ("server", server_lines(self._state.info, board, tuple(self._trips), width, glyphs)),
            ("findings", findings or [line((" reading", Tone.DIM))]),
            ("every ID in the queues", self._check_lines(width)),
        ]
        if self._progress is not None or self._checks is not None:
            blocks.insert(0, blocks.pop())  # what was asked for last comes first
        parts = [part for name, lines in blocks for part in ([rule(name, width, glyphs)], lines)]
        for name, lines in zip(_PARTS, parts, strict=True):
            dimmed = [tuple(span._replace(tone=Tone.DIM) for span in each) for each in lines] if is_old else lines
            self.say(f"#{name}", dimmed)

    def _check_lines(self, width: int) -> list[Line]:
        if self._progress is not None:
            done, total = self._progress
            share = f"{min(100, 100 * done // max(1, total))}% " if total else ""
            told = f" Checking: {share}{number(done)} entries looked at; a fault must last {GRACE_S:g} s."
            return [clip(line((told, Tone.NORMAL), ("  Esc stops", Tone.DIM)), width)]
        if self._check_trouble:
            return [clip(line((f" {safe(self._check_trouble, 400)}", Tone.ALARM)), width)]
        if self._checks is None:
            n = len(self.services.board.rows)
            told = f" Not checked. D reads every ID of {count(n, 'queue')}, and writes nothing."
            told = told if n else " There is no queue to check."
            return [clip(line((told, Tone.DIM)), width)]
        ago = age(max(0.0, time.monotonic() - self._checked_at) // 10 * 10)
        return [
            clip(line((f" Checked {ago} ago; D checks again.", Tone.DIM)), width),
            *check_lines(self._checks, width, self.services.glyphs),
        ]

    def ability(self, board: Board) -> Hashable:
        """Whether something can be repaired."""
        return board.is_writable, self._can_fix, bool(board.rows), self._progress is not None

    @property
    def _can_fix(self) -> bool:
        return self._progress is None and bool(fault_count(self._checks or ()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the repair where nothing is known to repair."""
        if action == "fix" and not self._can_fix:
            return None
        return super().check_action(action, parameters)

    # -- keys

    def action_check(self) -> None:
        """Check every ID of every queue, in slices; the page shows how far it is."""
        if self._progress is None and self.services.board.rows:
            self._progress, self._check_trouble = (0, 0), ""
            work: WorkType[None] = self._check
            self.run_worker(work, name="check", group="check", exclusive=True, exit_on_error=False)
            self.redraw()

    async def _check(self) -> None:
        names = [row.queue for row in self.services.board.rows]
        try:
            checks = await self.services.source.fleet.check(names, grace_s=GRACE_S, progress=self._note)
        except ConvoyError as error:
            self._check_trouble = f"The check broke off: {error}"
        else:
            self._checks, self._checked_at = checks, time.monotonic()
        finally:
            self._progress = None
        if self.is_mounted:
            self.redraw()

    def _note(self, done: int, total: int) -> None:
        self._progress = (done, total)
        if time.monotonic() - self._shown_at > _SHOW_S:
            self._shown_at = time.monotonic()
            self.redraw()

    def action_fix(self) -> None:
        """Show what a repair would do, and do exactly that."""
        if self._checks is not None:
            self.app.push_screen(RepairDialog(self.services, self._checks), self._repaired)

    def _repaired(self, done: Done | None) -> None:
        if done is not None:
            self.tell(done)
            self._checks = None
            self.action_check()

    def action_back(self) -> None:
        """Stop the check, or go back."""
        if self._progress is not None:
            self.workers.cancel_group(self, "check")
            self._progress = None
            self.tell(Done("The check was stopped; it had changed nothing.", Tone.DIM))
            self.redraw()
        else:
            super().action_back()
