"""The dialog to undo what an operator has done: it asks the store what that would do now, says so, and does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from textual.app import ComposeResult

from convoy_core import AuditEntry, ConvoyError, Outcome, QueueLimits, Undo, Undone
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.spans import Tone, line
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.limits import as_options, in_words
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import clock, count, number


class UndoDialog(Dialog):
    """Take back one act of the audit."""

    leave_label = "Leave it as it is"
    footing = "looked at again by the store when it is done"

    def __init__(self, services: Services, act: AuditEntry) -> None:
        super().__init__(services)
        self._act = act
        self._queue = services.source.fleet.queue(act.queue, operation=self.operation)
        self.heading = f"Undo {act.verb} · {safe(act.queue, 50)}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """Who did what, and what undoing it would do."""
        yield Lines(id="summary")
        yield Lines(id="outcomes")

    def on_mount(self) -> None:
        """Ask what would happen."""
        act = self._act
        told = f"{safe(act.who, 60)}, {clock(act.at)} UTC: {safe(act.verb, 20)} of {safe(act.queue, 60)}"
        self.say_wrapped("#summary", told, Tone.STRONG)
        self.say("#outcomes", [line(("Looking what that would do", Tone.DIM))])
        if words := _command(act):
            self.show_command(command(self.services.board.place, *words))
        self.disarm("Looking")
        self.run_worker(self._ask(), group="read", exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        try:
            would = await self._queue.undo(self._act, dry_run=True)
        except ConvoyError as error:
            self.say_wrapped("#outcomes", safe(str(error), 300), Tone.ALARM)
            self.disarm("Not known")
            return
        if would.answer is not Undo.UNDONE:
            self.say_wrapped("#outcomes", refusal(self._act, would), Tone.WARNING)
            self.disarm("Nothing to undo")
            return
        self.say_wrapped("#outcomes", "\n".join(self._effects(would)))
        n = _back(would)
        self.arm(f"Put {number(n)} back" if self._act.verb == "requeue" else "Undo")

    def _effects(self, would: Undone) -> Iterable[str]:
        """What would happen, in sentences."""
        act = self._act
        row = self.services.board.row(act.queue)
        if act.verb == "pause":
            waiting = row.snapshot.counts.queued if row is not None else 0
            yield f"Workers claim again: {count(waiting, 'ID that waits', 'IDs that wait')} can be run."
        elif act.verb == "resume":
            yield "Workers stop claiming; running jobs go on to the end, and publishing goes on as before."
        elif act.verb == "limit":
            yield f"The limits are now: {_told(act.after)}. They become again: {_told(act.before)}."
        else:
            yield from _of_requeue(act, would)

    async def act(self) -> Done:
        """Do it, and say what it has done."""
        undone = await self._queue.undo(self._act)
        if undone.answer is not Undo.UNDONE:
            return Done(f"Nothing undone: {refusal(self._act, undone)}", Tone.WARNING)
        if self._act.verb != "requeue":
            done = {"pause": "Resumed", "resume": "Paused", "limit": "Set back the limits of"}[self._act.verb]
            more = f" to {_told(self._act.before)}" if self._act.verb == "limit" else ""
            return Done(f"{done} {safe(self._act.queue, 60)}{more}.")
        back = _back(undone)
        left = len(undone.outcomes) - back
        rest = f"; {number(left)} had run, or were asked for or removed since" if left else ""
        return Done(f"Put {count(back, 'ID')} back to failed{rest}.")


def _of_requeue(act: AuditEntry, would: Undone) -> Iterable[str]:
    back = _back(would)
    left = len(would.outcomes) - back
    of = f"{number(back)} of the {number(act.count)}" if back != act.count else f"All {number(act.count)}"
    yield f"{of} {'waits' if back == 1 else 'wait'} and {'goes' if back == 1 else 'go'} back to failed."
    if left:
        have = "has" if left == 1 else "have"
        yield f"{number(left)} {have} run, or been asked for again or removed since: left alone."
    if unknown := act.count - len(would.outcomes):
        yield f"Of {number(unknown)} it is not known any more which they were: left alone."


def _back(undone: Undone) -> int:
    return Counter(undone.outcomes.values())[Outcome.FAILED]


def refusal(act: AuditEntry, undone: Undone) -> str:
    """Why nothing is left to undo."""
    unchanged: Mapping[str, str] = {
        "pause": "The queue is not paused any more.",
        "resume": "The queue is paused again.",
        "limit": "The limits are those of before already.",
        "requeue": "None of these IDs waits as it was requeued: they ran, or were asked for again or removed since.",
    }
    texts = {
        Undo.OVERTAKEN: "Somebody has done so since; only the last of such acts can be undone.",
        Undo.UNCHANGED: unchanged.get(act.verb, ""),
        Undo.UNKNOWN: "What is needed for it was not kept, or is not any more.",
    }
    return texts.get(undone.answer, "")


def _told(limits: QueueLimits | None) -> str:
    return in_words(limits or QueueLimits())


def _command(act: AuditEntry) -> Sequence[str]:
    """The words of the command that does the same; none does for a requeue."""
    if act.verb in ("pause", "resume"):
        return ("resume" if act.verb == "pause" else "pause", act.queue)
    if act.verb != "limit" or act.before is None:
        return ()
    return ("limit", act.queue, *as_options(act.before).split())
