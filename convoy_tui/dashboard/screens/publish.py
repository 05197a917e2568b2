"""The dialog to publish IDs, one per line. They are checked by dry runs while typing; only the answer writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.suggester import SuggestFromList
from textual.timer import Timer
from textual.widgets import Input

from convoy_core import ConvoyError, InvalidID, InvalidQueueName, Published, Tally, check_queue_name, encode_id
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.spans import Tone, line
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.choice import Choice
from convoy_tui.dashboard.widgets.entry import ManyLines, OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

CHECKED = 10_000
"""The most IDs that are checked while typing. The answer publishes all of them."""
_CHECK_AFTER_S = 0.25
_NAMED = 5
"""So many IDs are named in the command line."""
_OPTIONS = ("leave them: they run once", "run them once more when they end")


@dataclass(frozen=True, slots=True)
class Draft:
    """The parsed text."""

    ids: tuple[str, ...]
    lines: int
    spaced: int
    """IDs that begin or end with a space, which is allowed but seldom intended."""

    @property
    def repeated(self) -> int:
        """The number of lines that repeat an earlier one."""
        return self.lines - len(self.ids)


def read_draft(text: str) -> Draft:
    """One ID per line, exactly as typed. Empty lines are skipped. Raises InvalidID, which names the line."""
    lines = [(number, part.removesuffix("\r")) for number, part in enumerate(text.split("\n"), 1)]
    filled = [(number, part) for number, part in lines if part]
    for number_, part in filled:
        try:
            encode_id(part)
        except InvalidID as error:
            raise InvalidID(f"Line {number_:,}: {error}") from None
    ids = tuple(dict.fromkeys(part for _, part in filled))
    return Draft(ids, len(filled), sum(id != id.strip() for id in ids))


class PublishDialog(Dialog):
    """Put IDs into a queue."""

    AUTO_FOCUS = "#ids"
    leave_label = "Close"
    footing = "checked against the store as you type; nothing is written yet"

    def __init__(self, services: Services, queue: str | None) -> None:
        super().__init__(services)
        self._queue = queue or ""
        self._is_unsafe = safe(self._queue) != self._queue
        self._draft = Draft((), 0, 0)
        self._timer: Timer | None = None
        self.heading = f"Publish{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """The queue, the IDs, and what publishing them would do."""
        names = [row.queue for row in self.services.board.rows if safe(row.queue) == row.queue]
        with Horizontal(id="ask"):
            yield Lines(line("To the queue "), id="ask-text")
            yield OneLine(
                safe(self._queue),
                id="queue",
                placeholder="a name; a new one makes a new queue",
                suggester=SuggestFromList(names),
                disabled=self._is_unsafe,
            )
        yield Lines(line(("IDs, one per line, taken exactly as they stand:", Tone.DIM)), id="ids-text")
        yield ManyLines(id="ids", compact=True, show_line_numbers=False)
        yield Lines(id="summary")
        yield Lines(id="outcomes")
        with Horizontal(id="then-row"):
            yield Lines(line(("Already running?  ", Tone.DIM)), id="then-text")
            yield Choice(_OPTIONS, self.services.glyphs, id="then")

    def on_mount(self) -> None:
        """Start with an empty form."""
        self._check_soon(0)
        if not self._queue:
            self.query_one("#queue").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The queue changed."""
        super().on_input_changed(event)
        self._check_soon(_CHECK_AFTER_S)

    def on_text_area_changed(self) -> None:
        """The IDs changed."""
        self._check_soon(_CHECK_AFTER_S)

    def on_choice_changed(self) -> None:
        """The choice for running IDs changed."""
        self._check_soon(0)

    @property
    def _to(self) -> str:
        return self._queue if self._is_unsafe else self.query_one("#queue", Input).value.strip()

    @property
    def _reruns(self) -> bool:
        return self.query_one("#then", Choice).index == 1

    def _check_soon(self, seconds: float) -> None:
        self.disarm("Publish")
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(max(seconds, 0.01), self._check_now)

    def _check_now(self) -> None:
        self.run_worker(self._check(), group="check", exclusive=True, exit_on_error=False)

    async def _check(self) -> None:
        if not self._to:
            self._refuse("Name a queue; a new name makes a new queue.", Tone.DIM)
            return
        try:
            is_new = self._check_name()
            self._draft = read_draft(self.query_one("#ids", ManyLines).text)
            answers = await self._ask(self._draft.ids[:CHECKED])
        except (InvalidQueueName, InvalidID) as error:
            self._refuse(safe(str(error), 200), Tone.WARNING)
        except ConvoyError as error:
            self._refuse(safe(str(error), 300), Tone.ALARM)
        else:
            self._offer(answers, is_new=is_new)

    def _check_name(self) -> bool:
        """Whether the queue is new. Raises InvalidQueueName."""
        is_new = self.services.board.row(self._to) is None
        check_queue_name(self._to, existing=not is_new)
        return is_new

    async def _ask(self, ids: Sequence[str]) -> dict[str, Published]:
        answers: dict[str, Published] = {}
        if not ids:
            return answers
        async for chunk in self.services.source.publish(self._to, ids, rerun=self._reruns, dry_run=True):
            answers.update(zip(chunk.ids, chunk.answers(), strict=True))
        return answers

    def _refuse(self, why: str, tone: Tone) -> None:
        self.say("#summary", [line((why, tone))])
        self.say("#outcomes", [()])
        self.show_command()
        self.disarm("Publish")

    def _offer(self, answers: dict[str, Published], *, is_new: bool) -> None:
        draft, n = self._draft, len(self._draft.ids)
        typed = f"{count(draft.lines, 'line')}, {count(n, 'distinct ID')}"
        self.say(
            "#summary", [line((typed, Tone.STRONG), ("   This makes a new queue." if is_new else "", Tone.WARNING))]
        )
        self.say("#outcomes", lambda: map(line, self.wrapped(_effects(answers, draft, self.room))))
        self.note(f"{count(draft.spaced, 'ID begins', 'IDs begin')} or ends with a space." if draft.spaced else "")
        self.show_command(*self._commands())
        accepted = sum(answer.is_accepted for answer in answers.values()) + max(0, n - len(answers))
        if accepted:
            unsure = "up to " if n > len(answers) else ""
            self.arm(f"Publish {unsure}{number(accepted)}")
        else:
            self.disarm("Publish nothing" if n else "Publish")

    def _commands(self) -> Iterable[str]:
        ids, place = self._draft.ids, self.services.board.place
        options = ["--rerun"] if self._reruns else []
        if not ids:
            return
        if len(ids) <= _NAMED and sum(map(len, ids)) <= self.room:
            yield command(place, "publish", *options, "--", self._to, *ids)
        else:
            yield command(place, "publish", *options, self._to, "--from", "ids.txt", remark="these lines in a file")

    async def act(self) -> Done:
        """Publish, chunk by chunk."""
        name, draft = self._to, self._draft
        chunks = self.services.source.publish(name, draft.ids, rerun=self._reruns, dry_run=False)
        slices = ((len(chunk.ids), chunk.tally) async for chunk in chunks)
        tell = partial(told, queue=name, repeated=draft.repeated)
        return await self.runner.run(slices, Tally(), len(draft.ids), tell)


def told(tally: Tally, queue: str, repeated: int) -> Done:
    """The result of publishing, with its numbers."""
    parts = [f"Published {number(tally.published)} to {safe(queue, 40)}"]
    if tally.will_rerun:
        parts.append(f"{number(tally.will_rerun)} will run once more")
    if tally.waiting:
        parts.append(f"skipped {number(tally.waiting)} already waiting")
    if tally.running:
        parts.append(f"skipped {number(tally.running)} already running")
    if repeated:
        parts.append(f"{count(repeated, 'repeated line')}")
    return Done(", ".join(parts) + ".", Tone.FINE if tally.published else Tone.WARNING)


def _effects(answers: dict[str, Published], draft: Draft, room: int) -> str:
    """What publishing would do, with numbers, and with one ID as an example of those that would be refused."""
    tally = Counter(answers.values())
    words = {
        Published.QUEUED: "new",
        Published.WILL_RERUN: "running, will run once more",
        Published.PROCESSING: "already running",
        Published.ALREADY_QUEUED: "already waiting",
        Published.ALREADY_DELAYED: "already waiting for its time",
    }
    parts = []
    for answer, text in words.items():
        if not (n := tally[answer]):
            continue
        example = next(id for id, word in answers.items() if word is answer)
        shown = f" ({safe(example, 24)})" if answer is not Published.QUEUED and room > 70 else ""
        parts.append(f"{number(n)} {text}{shown}")
    if draft.repeated:
        parts.append(f"{number(draft.repeated)} repeated")
    if (unchecked := len(draft.ids) - len(answers)) > 0:
        parts.append(f"{number(unchecked)} not looked up yet")
    return " · ".join(parts)
