"""The dialog to quit while workers of this process are busy: it asks what becomes of the IDs that they run."""

from __future__ import annotations

import asyncio

from convoy_tui.dashboard.screens.stop import FINISH_S, StopDialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.text.words import count


class LeaveDialog(StopDialog):
    """Closes with Done after every worker of this process has stopped."""

    leave_label = "Stay"
    then = " and quit"

    def __init__(self, services: Services, *, is_decided: bool = False) -> None:
        """`is_decided`: somebody has asked for the end who cannot be asked back, as by a signal."""
        super().__init__(services, services.local_pools.members())
        self._is_decided = is_decided
        self.heading = f"Quit · {count(len(self.pools), 'pool')} of this process{self.place(services.board)}"

    def on_mount(self) -> None:
        """Nothing has to be read first."""
        super().on_mount()
        if self._is_decided:
            self.action_confirm()

    async def act(self) -> Done:
        """Stop every pool, and wait for that. IDs that do not finish in time are given back."""
        done = await super().act()
        self.note("Nothing more is claimed. g gives back what still runs.")
        await asyncio.to_thread(self.services.local_pools.wait, FINISH_S + 5)
        return done
