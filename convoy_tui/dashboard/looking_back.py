"""A look at the past: which time is shown, and what was so then. The overview has one."""

from __future__ import annotations

import time
from dataclasses import replace

from convoy_core import AsyncFleet
from convoy_tui.dashboard.board.board import Board, Past, Row
from convoy_tui.dashboard.board.rewound import earlier, later, past_rows, step_name
from convoy_tui.dashboard.reading.activity import AuditReader
from convoy_tui.dashboard.reading.past import read_past


class LookingBack:
    """The time that is shown, if it is not now."""

    def __init__(self, fleet: AsyncFleet) -> None:
        self._fleet = fleet
        self._audit = AuditReader(fleet)
        self.at: float | None = None
        """In Unix seconds of the store's clock; None is now."""
        self._read_of: float | None = None
        self._rows: tuple[Row, ...] = ()

    def step(self, by: int, board: Board) -> None:
        """Show an earlier time, or a later one, which may be now."""
        now = _now(board)
        if by < 0:
            self.at = earlier(self.at, now)
        elif self.at is not None:
            self.at = later(self.at, now)
        if self.at is None:
            self.leave()

    def leave(self) -> None:
        """Show what is so now."""
        self.at = self._read_of = None
        self._rows = ()

    async def read(self, board: Board) -> None:
        """Read the time that is shown, unless that has been done."""
        at = self.at
        if at is None or at == self._read_of:
            return
        queues = [row.queue for row in board.rows]
        kept = await read_past(self._fleet, queues, at, _now(board))
        await self._audit.read(queues)  # with each step: it must reach to what is paused now
        if at == self.at:
            paused = {row.queue for row in board.rows if row.snapshot.paused}
            self._rows = past_rows(kept, at, board.limits, self._audit.entries.values(), paused)
            self._read_of = at

    def board(self, live: Board) -> Board:
        """What is to be shown: the board as it is, or with the rows of that time."""
        if self.at is None:
            return live
        now = _now(live)
        unknown = len(live.rows) - len(self._rows)
        past = Past(self.at, now, step_name(now - self.at), unknown, is_read=self._read_of == self.at)
        return replace(live, rows=self._rows, past=past)


def _now(board: Board) -> float:
    """The store's time, as well as it is known."""
    read_at, heard_at = board.link.read_at, board.link.heard_at
    if read_at is None or heard_at is None:
        return time.time()
    return read_at + max(0.0, board.now - heard_at)
