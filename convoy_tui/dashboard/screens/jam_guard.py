"""The jam guard dialog: lists jobs that have been running for too long, and frees exactly those that still are."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input

from convoy_core import SMALL_BATCH, ConvoyError, InvalidOption, Jammed, Outcome, Then, chunked
from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.headline import clock
from convoy_tui.dashboard.board.spans import Line, Span, Tone, line
from convoy_tui.dashboard.screens.confirm import named, several, to_type
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.choice import Choice
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.pick_list import PickList
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, duration, number, parse_duration

_THEN = (Then.REQUEUE, Then.DISCARD, Then.FAIL)
_OPTIONS = (
    "put them back in the queue, at the end",
    "discard them: gone unless published again",
    "mark them failed",
)
_VERBS = {Then.REQUEUE: "and requeue", Then.DISCARD: "and discard", Then.FAIL: "and fail"}
_READ_AFTER_S = 0.3
_WIDE = 80
"""So many cells have room for a holder's name."""


class JamGuardDialog(Dialog):
    """Free stuck jobs."""

    AUTO_FOCUS = "#limit"
    leave_label = "Keep everything"
    footing = "each only if it is still stuck at that moment"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "list('move', 1)", "Down the list", id="jam.down", show=False),
        Binding("up", "list('move', -1)", "Up the list", id="jam.up", show=False),
        Binding("space", "list('pick')", "Take the job in, or leave it out", id="jam.toggle"),
    ]

    def __init__(self, services: Services, rows: Sequence[Row]) -> None:
        super().__init__(services)
        self._rows = rows
        self._found: list[tuple[str, Jammed]] = []
        self._timer: Timer | None = None
        self._asked = ""
        """The limit that the list is for, as it was typed."""
        self.heading = f"Jam guard · {named([row.queue for row in rows])}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """The limit, the jobs found, and what to do with them."""
        yield Lines(id="queues-named")
        with Horizontal(id="ask"):
            yield Lines(line("Jobs running longer than "), id="ask-text")
            yield OneLine(duration(self.services.board.limits.jam_after_s), id="limit", passes=" ")
        yield Lines(id="summary")
        yield PickList(self.services.glyphs, id="jobs")
        with Horizontal(id="then-row"):
            yield Lines(line(("Then  ", Tone.DIM)), id="then-text")
            yield Choice(_OPTIONS, self.services.glyphs, id="then")

    def on_mount(self) -> None:
        """Read the stuck jobs."""
        self.say("#queues-named", lambda: several([row.queue for row in self._rows], self.room))
        self._read_soon(0)

    def action_list(self, what: str, by: int = 0) -> None:
        """Control the list from anywhere in the dialog."""
        jobs = self.query_one("#jobs", PickList)
        if what == "pick":
            jobs.action_pick()
        else:
            jobs.action_move(by)

    def on_input_changed(self, event: Input.Changed) -> None:
        """The limit changed: read again after a pause in typing."""
        super().on_input_changed(event)
        if event.input.id == "limit" and event.value != self._asked:
            self._read_soon(_READ_AFTER_S)

    def on_pick_list_changed(self) -> None:
        """The chosen jobs changed."""
        self._offer()

    def on_choice_changed(self) -> None:
        """The chosen effect changed."""
        self._offer()

    # -- reading

    def _read_soon(self, seconds: float) -> None:
        self._asked = self.query_one("#limit", Input).value
        self._found = []
        self.query_one("#jobs", PickList).show(0, self._draw)
        self.disarm("Reading")
        self.say("#summary", [line(("Reading what is running", Tone.DIM))])
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(max(seconds, 0.01), self._read_now)

    def _read_now(self) -> None:
        self.run_worker(self._read(), group="read", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        try:
            limit_s = parse_duration(self.query_one("#limit", Input).value)
            found = [
                (row.queue, entry)
                for row in self._rows
                for entry in await self.services.source.jammed(row.queue, limit_s)
            ]
        except InvalidOption as error:
            self._show_nothing(str(error), Tone.WARNING)
        except ConvoyError as error:
            self._show_nothing(safe(str(error), 300), Tone.ALARM)
        else:
            self._found = found
            self._show_found()

    def _show_nothing(self, why: str, tone: Tone) -> None:
        self.query_one("#jobs", PickList).show(0, self._draw)
        self.say("#summary", [line((why, tone))])
        self.show_command()
        self.disarm("Nothing to clear")

    def _show_found(self) -> None:
        # What lives is left to its worker unless somebody asks for it: freed, it can run twice at once.
        alive = frozenset(index for index, (_, entry) in enumerate(self._found) if entry.is_live)
        self.query_one("#jobs", PickList).show(len(self._found), self._draw, alive)
        self.note("")
        self._offer()

    def _draw(self, index: int, width: int) -> Line:
        queue, entry = self._found[index]
        is_wide = width >= _WIDE
        names = [Span(f"{safe(queue, 18):<19}", Tone.DIM)] if len(self._rows) > 1 and is_wide else []
        tail = [Span(f"{age(entry.age_s):>9}  ", Tone.STRONG), _holder(entry, is_wide=is_wide)]
        room = max(8, width - sum(span.cells for span in (*names, *tail)) - 1)
        name = safe(entry.id, room)
        return (*names, Span(name), Span(" " * (room + 1 - Span(name).cells)), *tail)

    # -- offering

    @property
    def _chosen(self) -> list[tuple[str, Jammed]]:
        left_out = self.query_one("#jobs", PickList).left_out
        return [found for index, found in enumerate(self._found) if index not in left_out]

    @property
    def _read_at(self) -> float | None:
        """The store's time when the list was read: the start of an entry plus its age."""
        if not self._found:
            return self.services.board.link.read_at
        _, entry = self._found[0]
        return entry.start + entry.age_s

    @property
    def _then(self) -> Then:
        return _THEN[self.query_one("#then", Choice).index]

    def _offer(self) -> None:
        chosen, then = self._chosen, self._then
        n = len(chosen)
        running = sum(row.snapshot.counts.processing for row in self._rows)
        stay = max(0, running - n)
        leaving = f"{count(n, 'job')} will leave processing. {count(stay, 'stays', 'stay')}."
        if not self._found:
            longest = max((row.snapshot.oldest_processing_s or 0 for row in self._rows), default=0)
            leaving = "Nothing has been running for that long"
            leaving += f"; the longest has for {age(longest)}." if longest else "."
        read = f"     read at {clock(self._read_at)}"
        self.say(
            "#summary",
            lambda: [line((leaving, Tone.STRONG), (read if len(leaving) + len(read) <= self.room else "", Tone.DIM))],
        )
        self._warn(chosen, then)
        self.show_command(*self._commands(chosen, then))
        if not n:
            self.disarm("Nothing to clear")
            return
        many = n > 1000 and self.services.board.place.is_production
        danger = then is Then.DISCARD
        self.arm(f"Clear {number(n)} {_VERBS[then]}", danger=danger, wanted=self._word() if danger or many else "")

    def _word(self) -> str:
        return to_type([row.queue for row in self._rows], self._then.value)

    def _commands(self, chosen: Sequence[tuple[str, Jammed]], then: Then) -> Iterable[str]:
        """The command for what is ticked; it cannot name single jobs, and says so."""
        if not chosen:
            return
        skips = not any(entry.is_live for _, entry in chosen)
        would_take = sum(not (skips and entry.is_live) for _, entry in self._found)
        more = would_take - len(chosen)
        words = ["--idle", self.query_one("#limit", Input).value.strip(), "--then", then.value]
        queues = list(dict.fromkeys(queue for queue, _ in chosen))
        skip = ["--skip-live"] if skips else []
        remark = f"takes {number(more)} more, which are left out here" if more else ""
        yield command(self.services.board.place, "jam-guard", *queues, *words, *skip, remark=remark)

    def _warn(self, chosen: Sequence[tuple[str, Jammed]], then: Then) -> None:
        live = sum(entry.is_live for _, entry in chosen)
        spared = sum(entry.is_live for _, entry in self._found) - live
        if then is Then.DISCARD and chosen:
            lost = count(len(chosen), "ID is", "IDs are")
            self.note(
                f"{lost} lost: nothing runs {'it' if len(chosen) == 1 else 'them'} again unless published.", Tone.ALARM
            )
        elif live:
            what = "is held by a live worker. Clearing it" if live == 1 else "are held by live workers. Clearing them"
            runs = "that job" if live == 1 else "those jobs"
            self.note(f"! {number(live)} of these {what} can run {runs} twice. Space leaves a job out.")
        elif spared:
            what = "is left out, since its worker lives" if spared == 1 else "are left out, since their workers live"
            self.note(f"{number(spared)} {what}. ↓ and Space take a job in.", Tone.NORMAL)
        else:
            self.note("")

    # -- acting

    async def act(self) -> Done:
        """Free exactly the chosen jobs of the list, slice by slice."""
        chosen, then = self._chosen, self._then
        return await self.runner.run(self._slices(chosen, then), Counter(), len(chosen), told)

    async def _slices(
        self, chosen: Sequence[tuple[str, Jammed]], then: Then
    ) -> AsyncIterator[tuple[int, Counter[Outcome]]]:
        source = self.services.source
        for (queue, is_live), group in groupby(chosen, key=lambda pair: (pair[0], pair[1].is_live)):
            for entries in chunked((entry for _, entry in group), SMALL_BATCH):
                # What was shown as gone is freed only if no worker has come back for it.
                outcomes = await source.free(queue, entries, then, skip_live=not is_live, operation=self.operation)
                yield len(entries), Counter(outcomes.values())


def _holder(entry: Jammed, *, is_wide: bool) -> Span:
    """Who holds a job, and whether that lives: the last is never cut."""
    if entry.worker is None:
        text, state = "a Node worker", "not known to be alive" if is_wide else "Node, unknown"
    else:
        text = f"held by {safe(entry.worker, 16)}"
        state = ("ALIVE, may still run it" if is_wide else "ALIVE") if entry.is_live else "gone"
    return Span(f"{text:<24} {state:<23}" if is_wide else f"{state:<13}", Tone.WARNING if entry.is_live else Tone.DIM)


def told(tally: Counter[Outcome]) -> Done:
    """The result of the guard, with its numbers.

    >>> told(Counter({Outcome.QUEUED: 2, Outcome.GONE: 1})).text
    'Cleared 2 and requeued them; 1 had finished in the meantime.'
    """
    words = {Outcome.QUEUED: "requeued", Outcome.FAILED: "failed", Outcome.DISCARDED: "discarded"}
    moved = {outcome: tally[outcome] for outcome in words if tally[outcome]}
    total = sum(moved.values())
    if len(moved) == 1:
        (outcome,) = moved
        parts = [f"Cleared {number(total)} and {words[outcome]} {'it' if total == 1 else 'them'}"]
    elif moved:
        each = ", ".join(f"{number(n)} {words[outcome]}" for outcome, n in moved.items())
        parts = [f"Cleared {number(total)}: {each}"]
    else:
        parts = ["Cleared nothing"]
    if tally[Outcome.GONE]:
        parts.append(f"{number(tally[Outcome.GONE])} had finished in the meantime")
    if tally[Outcome.HELD]:
        parts.append(f"{number(tally[Outcome.HELD])} left to live workers")
    if tally[Outcome.LOCKED]:
        parts.append(
            f"{number(tally[Outcome.LOCKED])} left alone, since another jam guard is at work; try again in 5 s"
        )
    return Done("; ".join(parts) + ".", Tone.FINE if total else Tone.WARNING)
