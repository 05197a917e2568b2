"""The dialog to pause or resume queues, whose whole effect fits into a few sentences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from rich.cells import cell_len
from textual.app import ComposeResult

from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.spans import Line, Tone, line
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number


class PauseDialog(Dialog):
    """Pause these queues, or resume them when every one is paused."""

    leave_label = "Leave as it is"

    def __init__(self, services: Services, rows: Sequence[Row]) -> None:
        super().__init__(services)
        self._resumes = all(row.snapshot.paused for row in rows)
        self._rows = [row for row in rows if row.snapshot.paused == self._resumes]
        verb = "Resume" if self._resumes else "Pause"
        self.heading = f"{verb} · {named([row.queue for row in self._rows])}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """What pausing or resuming would do."""
        yield Lines(id="effect")

    def on_mount(self) -> None:
        """Nothing has to be read first."""
        verb = "Resume" if self._resumes else "Pause"
        self.say("#effect", lambda: [*several([row.queue for row in self._rows], self.room), *self._effect()])
        self.arm(f"{verb} {count(len(self._rows), 'queue')}" if len(self._rows) > 1 else verb)
        names = [row.queue for row in self._rows]
        self.show_command(command(self.services.board.place, verb.lower(), *names))

    def _effect(self) -> list[Line]:
        queued = sum(row.snapshot.counts.queued for row in self._rows)
        running = sum(row.snapshot.counts.processing for row in self._rows)
        workers = sum(row.snapshot.workers for row in self._rows)
        if self._resumes:
            waiting = count(queued, "ID that waits", "IDs that wait")
            return [
                line(f"Workers claim again: {waiting} can be run."),
                line((f"{count(workers, 'worker pool')} at work on {_these(self._rows)}.", Tone.DIM)),
            ]
        return [
            line(f"Workers stop claiming; {count(queued, 'ID keeps', 'IDs keep')} waiting."),
            line(f"{count(running, 'running job goes', 'running jobs go')} on to the end."),
            line("Publishing goes on as before."),
            line(("Node workers do not know this flag and go on claiming.", Tone.DIM)),
        ]

    async def act(self) -> Done:
        """Set or clear the flag."""
        nothing: list[str] = []
        return await self.runner.run(self._slices(), nothing, len(self._rows), self._tell)

    async def _slices(self) -> AsyncIterator[tuple[int, list[str]]]:
        change = self.services.source.resume if self._resumes else self.services.source.pause
        for row in self._rows:
            yield 1, [row.queue] if await change(row.queue) else []

    def _tell(self, changed: list[str]) -> Done:
        verb = "Resumed" if self._resumes else "Paused"
        if not changed:
            return Done(f"{verb} nothing: someone else had done so already.", Tone.DELIBERATE)
        return Done(f"{verb} {named(changed)}.")


def named(queues: Sequence[str], room: int = 60) -> str:
    """One queue by name, several by number."""
    return safe(queues[0], room) if len(queues) == 1 else count(len(queues), "queue")


def to_type(queues: Sequence[str], verb: str) -> str:
    """The word that has to be typed: the queue's name, or the verb where there are several or it cannot be typed."""
    return queues[0] if len(queues) == 1 and safe(queues[0]) == queues[0] else verb


def several(queues: Sequence[str], room: int) -> list[Line]:
    """The names of several queues, as many as fit into a line; the title has the name of one."""
    if len(queues) == 1:
        return []
    names = [safe(queue, 30) for queue in queues]
    texts = (some_of(names, shown) for shown in range(len(names), 0, -1))
    return [line((next((text for text in texts if cell_len(text) <= room), some_of(names, 1)), Tone.STRONG)), ()]


def some_of(names: Sequence[str], shown: int) -> str:
    """Up to so many of the names, and how many there are besides."""
    rest = max(0, len(names) - shown)
    return ", ".join(names[:shown]) + (f" and {number(rest)} more" if rest else "")


def _these(rows: Sequence[Row]) -> str:
    return "it" if len(rows) == 1 else "them"
