"""The dialog to repair what a check of the queues has found: exactly these faults, each only if it is still there."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from convoy_core import SMALL_BATCH, QueueCheck, Repaired, chunked
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.server import check_lines, effects, fault_count
from convoy_tui.dashboard.board.spans import Tone, line
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.faults import ANSWERS
from convoy_tui.text.words import count, number


class RepairDialog(Dialog):
    """Repair faults of queues."""

    leave_label = "Leave them"
    footing = "exactly these faults, each only if it is still there"

    def __init__(self, services: Services, checks: Sequence[QueueCheck]) -> None:
        super().__init__(services)
        self._checks = [check for check in checks if check.faults]
        self._n = fault_count(checks)
        self.heading = f"Repair · {count(len(self._checks), 'queue')}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """What a repair does with how many, each fault, and the command that does the same."""
        yield Lines(
            line((f"{count(self._n, 'fault')} will be repaired:", Tone.STRONG)),
            *(line((f"{number(n):>8}", Tone.STRONG), f"   {text}") for n, text in effects(self._checks)),
            (),
            id="summary",
        )
        with VerticalScroll(id="scroll"):
            yield Lines(id="faults")

    def on_mount(self) -> None:
        """Nothing has to be read: the check has."""
        self.say("#faults", lambda: check_lines(self._checks, self.room, self.services.glyphs))
        self.show_command(command(self.services.board.place, "doctor", *self._named(), "--fix"))
        word = "repair" if self._n > 1000 and self.services.board.place.is_production else ""
        self.arm(f"Repair {number(self._n)}", wanted=word)

    def _named(self) -> list[str]:
        return [self._checks[0].queue] if len(self._checks) == 1 else []

    async def act(self) -> Done:
        """Repair exactly these faults, slice by slice."""
        return await self.runner.run(self._slices(), Counter(), self._n, told)

    async def _slices(self) -> AsyncIterator[tuple[int, Counter[Repaired]]]:
        fleet = self.services.source.fleet
        for check in self._checks:
            queue = fleet.queue(check.queue, operation=self.operation)
            for faults in chunked(check.faults, SMALL_BATCH):
                answers = await queue.repair(faults)
                yield len(faults), Counter(answers.values())


def told(tally: Counter[Repaired]) -> Done:
    """The result of a repair, with its numbers."""
    parts = [f"{number(tally[answer])} {word}" for answer, word in ANSWERS.items() if tally[answer]]
    gone = tally[Repaired.GONE]
    return Done(f"Repaired: {', '.join(parts) or 'nothing'}.", Tone.WARNING if gone == tally.total() else Tone.FINE)
