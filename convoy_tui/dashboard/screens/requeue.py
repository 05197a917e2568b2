"""The dialog to requeue failed IDs: it reads the exact IDs, previews them by a dry run, and requeues them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence

from textual.app import ComposeResult

from convoy_core import ConvoyError, Entry, Outcome, chunked
from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.spans import Line, Span, Tone, line, wrap
from convoy_tui.dashboard.screens.confirm import named, several, some_of, to_type
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

AT_ONCE = 10_000
"""The most IDs per dialog. Each is read and previewed before anything is written."""


class RequeueDialog(Dialog):
    """Queue failed IDs again."""

    leave_label = "Leave them"
    footing = "exactly these IDs, each only if it is still failed"

    def __init__(self, services: Services, rows: Sequence[Row]) -> None:
        super().__init__(services)
        self._rows = [row for row in rows if row.snapshot.counts.failed]
        self._entries: dict[str, Sequence[Entry]] = {}
        self._left: dict[str, int] = {}
        """How many more are failed in queues of which not all fit, as far as that is known."""
        self.heading = f"Requeue · {named([row.queue for row in rows])}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """The failed IDs, what requeueing would do, and why they failed."""
        yield Lines(id="queues-named")
        yield Lines(id="summary")
        yield Lines(id="outcomes")
        yield Lines(id="reasons")

    def on_mount(self) -> None:
        """Read the failures."""
        self.disarm("Reading")
        self.say("#queues-named", lambda: several([row.queue for row in self._rows], self.room))
        self.say("#summary", [line(("Reading the failures", Tone.DIM))])
        self.run_worker(self._read(), group="read", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        room = AT_ONCE
        outcomes: Counter[Outcome] = Counter()
        try:
            for row in self._rows:
                if room <= 0:
                    self._left[row.queue] = row.snapshot.counts.failed
                    continue
                failed = await self.services.source.failed(row.queue, room)
                room -= len(failed.entries)
                self._entries[row.queue] = failed.entries
                if more := failed.total - len(failed.entries):
                    self._left[row.queue] = more
                ids = [entry.id for entry in failed.entries]
                outcomes.update((await self.services.source.requeue(row.queue, ids, dry_run=True)).values())
        except ConvoyError as error:
            self.say("#summary", [line((safe(str(error), 300), Tone.ALARM))])
            self.disarm("Nothing to requeue")
        else:
            self._offer(outcomes)

    def _offer(self, outcomes: Counter[Outcome]) -> None:
        entries = [entry for queue in self._entries.values() for entry in queue]
        n, left = outcomes[Outcome.QUEUED], sum(self._left.values())
        what = f"{number(len(entries) + left)} failed."
        if left:
            what += f" These are {number(len(entries))} of them; the others{self._where} stay until you press R again."
        self.say_wrapped("#summary", what if entries else "Nothing is failed here.", Tone.STRONG)
        self.say("#outcomes", lambda: [(), *_effects(outcomes, self.room)] if entries else [])
        self.say("#reasons", lambda: [(), *_about(entries, self.room)] if entries else [])
        if not entries:
            self.disarm("Nothing to requeue")
            return
        self.show_command(*self._commands(is_all=not left))
        many = n > 1000 and self.services.board.place.is_production
        word = to_type([row.queue for row in self._rows], "requeue") if many else ""
        drops = outcomes[Outcome.ALREADY_COMMITTED]
        self.arm(f"Requeue {number(n)}" if n or not drops else f"Drop {number(drops)} from failed", wanted=word)

    @property
    def _where(self) -> str:
        """In which queues there are more, where there are several."""
        return "" if len(self._rows) == 1 else f", in {some_of([safe(queue, 30) for queue in self._left], 3)},"

    def _commands(self, *, is_all: bool) -> Iterable[str]:
        for queue, entries in self._entries.items():
            limit = [] if is_all else ["--limit", str(len(entries))]
            if entries:
                yield command(self.services.board.place, "requeue", queue, "--all", *limit)

    async def act(self) -> Done:
        """Requeue exactly the IDs that were read, slice by slice."""
        planned = sum(map(len, self._entries.values()))
        return await self.runner.run(self._slices(), Counter(), planned, self._told)

    def _told(self, tally: Counter[Outcome]) -> Done:
        """The result, which is no end where some are left: the selection stays then."""
        done, left = told(tally), sum(self._left.values())
        if not left:
            return done
        more = count(left, "more ID is", "more IDs are")
        return Done(f"{done.text} {more} failed: press R again.", Tone.WARNING)

    async def _slices(self) -> AsyncIterator[tuple[int, Counter[Outcome]]]:
        for queue, entries in self._entries.items():
            for ids in chunked(entry.id for entry in entries):
                outcomes = await self.services.source.requeue(queue, ids, dry_run=False, operation=self.operation)
                yield len(ids), Counter(outcomes.values())


def told(tally: Counter[Outcome]) -> Done:
    """The result of a requeue, with its numbers."""
    n = tally[Outcome.QUEUED]
    parts = [f"Requeued {count(n, 'ID')}" if n else "Requeued nothing"]
    if kept := tally[Outcome.ALREADY_COMMITTED]:
        parts.append(f"{number(kept)} already waiting or running, dropped from failed")
    if gone := tally[Outcome.GONE]:
        parts.append(f"{number(gone)} no longer failed")
    return Done("; ".join(parts) + ".", Tone.FINE if n else Tone.WARNING)


def _effects(outcomes: Counter[Outcome], room: int) -> Iterable[Line]:
    texts = {
        Outcome.QUEUED: ("will be queued again, at the end", Tone.STRONG),
        Outcome.ALREADY_COMMITTED: ("already waiting or running: left alone, and dropped from failed", Tone.NORMAL),
        Outcome.GONE: ("no longer failed when looked up: left alone", Tone.NORMAL),
    }
    for outcome, (text, tone) in texts.items():
        if outcomes[outcome] or outcome is Outcome.QUEUED:
            first, *others = wrap(text, room - 11)
            yield line((f"{number(outcomes[outcome]):>8}", tone), f"   {first}")
            yield from (line(f"{'':11}{other}") for other in others)


def _about(entries: Sequence[Entry], room: int) -> Iterable[Line]:
    """The worst failures, and the most common reasons."""
    worst = sorted(entries, key=lambda entry: entry.failures or 0, reverse=True)[:3]
    times = "   ".join(f"{safe(entry.id, 24)} x{number(entry.failures or 0)}" for entry in worst)
    yield line(("Most failed   ", Tone.DIM), safe(times, max(20, room - 14)))
    reasons = Counter(reason(entry.error) for entry in entries)
    label = "Same reason   "
    for text, n in reasons.most_common(4):
        yield line((label, Tone.DIM), Span(f"{number(n):>6}  ", Tone.STRONG), safe(text, max(20, room - 22)))
        label = " " * len(label)
    if (rest := len(reasons) - 4) > 0:
        yield line((f"{label}        and {count(rest, 'other reason')}", Tone.DIM))


def reason(error: str | None) -> str:
    """The name of an error, to count equal ones: its text up to the first colon.

    >>> reason("ConnectTimeout: no answer from hooks.example in 30 s")
    'ConnectTimeout'
    """
    if not error:
        return "no reason recorded"
    return error.partition(":")[0].strip() or "no reason recorded"
