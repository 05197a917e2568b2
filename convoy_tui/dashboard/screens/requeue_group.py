"""The dialog to requeue a group of failures: a few go ahead and are watched, and the others follow if one says so."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from textual.app import ComposeResult

from convoy_core import ConvoyError, Outcome
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.failures import Group
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Tone, clip, line
from convoy_tui.dashboard.reading.trial import Fate, GroupRequeue, Tried, fates
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.choice import Choice
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

AT_ONCE = 100_000
"""The most IDs per dialog."""

PAUSE_S = (0.1, 1.0)
"""The shortest and the longest pause between two looks at those that went ahead."""

_TRIES = (1, 10, 100)
"""How many may go ahead, as far as others are left to follow."""


class RequeueGroupDialog(Dialog):
    """Requeue the IDs of a group, with a trial run first."""

    AUTO_FOCUS = "#how"
    leave_label = "Leave them"
    footing = "exactly these IDs, each only if it is still failed"

    def __init__(self, services: Services, group: Group) -> None:
        super().__init__(services)
        self._group = group
        self._plan = GroupRequeue(services.source.fleet, group.queue)
        self._tries = [n for n in _TRIES if n < group.group.count]
        self._is_watching = False
        self._answer: asyncio.Future[bool] | None = None
        self.heading = f"Requeue group {group.group.id} · {safe(group.queue, 40)}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """The group, what requeueing it would do, and how many go ahead; later these, and how each goes."""
        yield Lines(id="summary")
        yield Lines(id="outcomes")
        yield Choice(self._options(), self.services.glyphs, id="how")
        yield Lines(id="tried")

    def _options(self) -> Sequence[str]:
        first = [f"try {number(n)} first, at the head, and ask again" for n in self._tries]
        return [*first, "all at once, at the end, without a trial run"]

    def on_mount(self) -> None:
        """Read the IDs."""
        self.disarm("Reading")
        self.say_wrapped("#summary", safe(self._group.group.what, 200), Tone.STRONG)
        self.say("#outcomes", [line(("Reading the failures", Tone.DIM))])
        self._show_command()
        self.run_worker(self._read(), group="read", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        try:
            await self._plan.find(self._group.group.id, AT_ONCE, lambda n: self.disarm(f"Read {number(n)}"))
        except ConvoyError as error:
            self.say("#outcomes", [line((safe(str(error), 300), Tone.ALARM))])
            self.disarm("Nothing to requeue")
        else:
            self._offer()

    # -- what would happen

    def _offer(self) -> None:
        preview = self._plan.preview
        if not preview:
            self.say("#outcomes", [line(("Nothing of this group is failed any more.", Tone.STRONG))])
            self.disarm("Nothing to requeue")
            return
        self.say("#outcomes", [*_effects(preview), *self._beyond()])
        self.note(self._warning())
        self._label()

    def _beyond(self) -> Iterable[Line]:
        if len(self._plan.ids) == AT_ONCE:
            yield line((f"These are the first {number(AT_ONCE)}; the others stay until you come again.", Tone.WARNING))

    def _warning(self) -> str:
        row = self.services.board.row(self._group.queue)
        if row is None:
            return ""
        if row.snapshot.paused:
            return "The queue is paused, so no Convoy worker takes what is requeued."
        return "" if row.snapshot.workers else "No worker is alive here: what is requeued waits."

    @property
    def _n(self) -> int:
        """How many go ahead; 0 where all go at once."""
        index = self.query_one("#how", Choice).index
        return min(self._tries[index], len(self._plan.ids)) if index < len(self._tries) else 0

    def _label(self) -> None:
        if not self._plan.preview:
            return
        n = self._n
        if n and n < len(self._plan.ids):
            self.arm(f"Try {number(n)} of {number(len(self._plan.ids))}")
        else:
            self._arm_for("Requeue", self._plan.preview[Outcome.QUEUED])

    def _arm_for(self, verb: str, n: int) -> None:
        is_large = n > 1000 and self.services.board.place.is_production
        self.arm(f"{verb} {number(n)}", wanted=self._group.queue if is_large else "")

    def on_choice_changed(self) -> None:
        """Another number goes ahead."""
        self._show_command()
        if self._plan.preview and not self._is_acting:
            self._label()

    def _show_command(self) -> None:
        index = self.query_one("#how", Choice).index
        trial = ["--try", str(self._tries[index])] if index < len(self._tries) else []
        group = self._group
        self.show_command(command(self.services.board.place, "requeue", group.queue, "--group", group.group.id, *trial))

    # -- the trial run

    async def act(self) -> Done:
        """Let some go ahead, watch them, ask, and let the others follow."""
        n = self._n
        try:
            if n:
                await self._plan.begin(n)
                self.services.hurry()
                await self._watch()
                if not self._plan.ids or not await self._ask():
                    return self._told()
            return await self._requeue_rest()
        except ConvoyError as error:
            if not self._plan.outcomes:
                raise
            return Done(f"{self._told().text} Then it broke off: {safe(str(error), 200)}", Tone.ALARM)

    async def _watch(self) -> None:
        self.query_one("#how").display = False
        self._is_watching = True
        self._call_leaving("Stop watching")
        while self._is_watching and not self._plan.has_ended:
            began = time.monotonic()
            try:
                await self._plan.look()
                self.note(self._warning())
            except ConvoyError as error:
                self.note(f"Not known how they go: {safe(str(error), 200)}", Tone.ALARM)
            self._show_tried()
            await asyncio.sleep(min(PAUSE_S[1], max(PAUSE_S[0], 4 * (time.monotonic() - began))))
        self._is_watching = False
        self._show_tried()

    async def _ask(self) -> bool:
        """Whether the others shall follow."""
        n = len(self._plan.ids)
        bad = fates(self._plan.tried.values())
        went = "All went well." if bad[Fate.DONE] == len(self._plan.tried) else "Not all went well."
        question = f"{went} Requeue the other {number(n)}? They are failed, and stay so unless you say yes."
        self.note(question, Tone.FINE if went.startswith("All") else Tone.WARNING)
        self._call_leaving("Leave the others")
        self._arm_for("Requeue the other", n)
        self._answer = asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        finally:
            self._answer = None
            self.disarm("Working")

    async def _requeue_rest(self) -> Done:
        n = len(self._plan.ids)
        return await self.runner.run(self._plan.rest(), Counter(), n, self._told)

    def _told(self, rest: Counter[Outcome] | None = None) -> Done:
        tried = self._plan.tried
        ways = fates(tried.values())
        went = ", ".join(f"{number(ways[fate])} {fate}" for fate in Fate if ways[fate])
        parts = [f"Tried {count(len(tried), 'ID')}: {went}"] if tried else []
        outcomes = rest or Counter()
        if queued := outcomes[Outcome.QUEUED]:
            parts.append(f"requeued {'the other ' if tried else ''}{number(queued)}")
        dropped = outcomes[Outcome.ALREADY_COMMITTED] + self._plan.outcomes[Outcome.ALREADY_COMMITTED]
        gone = outcomes[Outcome.GONE] + self._plan.outcomes[Outcome.GONE]
        parts += [f"{number(dropped)} already waiting or running, dropped from failed"] if dropped else []
        parts += [f"{number(gone)} no longer failed"] if gone else []
        parts += [f"the other {number(len(self._plan.ids))} stay failed"] if self._plan.ids else []
        is_fine = bool(queued or ways[Fate.DONE]) and not (ways[Fate.FAILED] or ways[Fate.AGAIN])
        text = "; ".join(parts) or "nothing was failed any more"
        return Done(f"{text[0].upper()}{text[1:]}.", Tone.FINE if is_fine else Tone.WARNING)

    # -- what keys do

    def action_confirm(self) -> None:
        """Begin; or, when asked, let the others follow."""
        if self._answer is None:
            super().action_confirm()
        elif self._is_armed and not self._answer.done():
            self._answer.set_result(True)

    def action_leave(self) -> None:
        """Close; while some go ahead, stop watching them; when asked, leave the others."""
        if self._answer is not None:
            if not self._answer.done():
                self._answer.set_result(False)
        elif self._is_watching:
            self._is_watching = False
        else:
            super().action_leave()

    def _show_tried(self) -> None:
        tried = list(self._plan.tried.values())
        ways = fates(tried)
        told = ", ".join(f"{number(ways[fate])} {fate}" for fate in Fate if ways[fate])
        self.say("#outcomes", [line((f"{number(len(tried))} tried: ", Tone.STRONG), told)])
        self.say("#tried", lambda: self._fates_of(tried))

    def _fates_of(self, tried: Sequence[Tried]) -> Iterable[Line]:
        most = max(3, self.app.size.height - 16)
        yield ()
        for each in sorted(tried, key=lambda each: _FIRST.index(each.fate))[:most]:
            yield clip(_tried(each, self.room, self.services.glyphs), self.room)
        if len(tried) > most:
            yield line((f"    and {number(len(tried) - most)} more", Tone.DIM))


_FIRST = (Fate.FAILED, Fate.AGAIN, Fate.RUNS, Fate.DONE, Fate.WAITS)

_LOOKS = {
    Fate.WAITS: ("·", "-", Tone.DIM),
    Fate.RUNS: ("●", "o", Tone.NORMAL),
    Fate.DONE: ("✓", "*", Tone.FINE),
    Fate.AGAIN: ("✖", "x", Tone.ALARM),
    Fate.FAILED: ("✖", "x", Tone.ALARM),
}


def _tried(each: Tried, room: int, glyphs: Glyphs) -> Line:
    sign, plain, tone = _LOOKS[each.fate]
    head = f" {glyphs.pick(sign, plain)} {safe(each.id, 30):<30}  "
    more = f": {each.error.strip().partition(chr(10))[0]}" if each.error else ""
    return line((head, tone), (safe(f"{each.fate}{more}", max(10, room - len(head))), tone))


def _effects(outcomes: Counter[Outcome]) -> Iterable[Line]:
    texts = {
        Outcome.QUEUED: ("will be queued again", Tone.STRONG),
        Outcome.ALREADY_COMMITTED: ("already waiting or running: left alone, and dropped from failed", Tone.NORMAL),
        Outcome.GONE: ("no longer failed when looked up: left alone", Tone.NORMAL),
    }
    for outcome, (text, tone) in texts.items():
        if outcomes[outcome] or outcome is Outcome.QUEUED:
            yield line((f"{number(outcomes[outcome]):>8}", tone), f"   {text}")
