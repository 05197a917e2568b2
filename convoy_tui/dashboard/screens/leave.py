"""The dialog to quit while workers of this process are busy: let them finish, or give their jobs back."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from convoy_tui.dashboard.board.spans import line
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.words import count

FINISH_S = 25.0


class LeaveDialog(Dialog):
    """Closes with Done after every worker of this process has stopped."""

    leave_label = "Stay"
    heading = "Quit"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("g", "give_back", "Give them back now", id="leave.give_back")]

    def __init__(self, services: Services, *, is_decided: bool = False) -> None:
        """`is_decided`: somebody has asked for the end who cannot be asked back, as by a signal."""
        super().__init__(services)
        self._is_decided = is_decided
        self._jobs = count(services.local_pools.running, "job is", "jobs are")

    def body(self) -> ComposeResult:
        """The two choices."""
        yield Lines(
            line(f"{self._jobs} still running in this process."),
            (),
            line(f"y  finish them first, for up to {FINISH_S:.0f} s, then quit"),
            line("g  give them back to the head of the queue now, and quit; their runs are cut short"),
            id="effect",
        )

    def on_mount(self) -> None:
        """Nothing has to be read first."""
        self.arm("Finish, then quit")
        if self._is_decided:
            self.action_confirm()

    def action_give_back(self) -> None:
        """Stop, and give the running jobs back at once."""
        self.services.local_pools.dismiss(0)
        if not self._is_acting:
            self.action_confirm()

    async def act(self) -> Done:
        """Stop every pool. IDs that do not finish in time are given back."""
        self.services.local_pools.dismiss()
        self.note("No new jobs are taken. g gives back what still runs.")
        await asyncio.to_thread(self.services.local_pools.wait, FINISH_S + 5)
        return Done("")
