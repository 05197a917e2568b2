"""The dialog to start workers of this dashboard: it looks up the handler while its path is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input

from convoy_core import ConvoyError, InvalidOption
from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.outlook import outlook
from convoy_tui.dashboard.board.spans import Line, Tone, line
from convoy_tui.dashboard.handler_search import find
from convoy_tui.dashboard.local_pools import Order, RunsIn
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, LaunchForm, Services
from convoy_tui.dashboard.widgets.choice import Choice
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, duration, parse_duration

_CHECK_AFTER_S = 0.4
_MOST = 1000
_FIELDS = ("path", "slots", "time")
_PLACES = (RunsIn.PROCESSES, RunsIn.THREADS, RunsIn.COMMAND)
_OPTIONS = (
    "in child processes: a crash ends one run",
    "in threads: a crash ends this dashboard",
    "as a command line, in which {} is the ID",
)


class LaunchDialog(Dialog):
    """Start a worker pool for a queue."""

    AUTO_FOCUS = "#path"
    footing = "they stop when you quit; you are asked about busy ones"

    def __init__(self, services: Services, row: Row) -> None:
        super().__init__(services)
        self._row = row
        self._order: Order | None = None
        self._timer: Timer | None = None
        self.heading = f"Launch workers · {safe(row.queue, 50)}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """The handler, the concurrency and the timeout, and where it runs."""
        form, queued = self.services.launch_form, self._row.snapshot.counts.queued
        pools = count(self._row.snapshot.workers, "pool works", "pools work")
        now = f"{count(queued, 'ID waits', 'IDs wait')}; {pools} here already"
        yield Lines(line((now, Tone.DIM)), id="now")
        yield from _field("Handler", OneLine(form.path, id="path", placeholder="package.module:function"), hint=False)
        yield Lines(id="path-hint")
        yield from _field("Slots", OneLine(form.concurrency, id="slots"))
        yield from _field("Time limit", OneLine(form.job_timeout, id="time"))
        with Horizontal(id="then-row"):
            yield Lines(_label("Runs"), classes="label")
            yield Choice(_OPTIONS, self.services.glyphs, id="then", index=_PLACES.index(form.runs_in))
        yield Lines(id="summary")

    def on_mount(self) -> None:
        """Check the initial values. Typing replaces the handler of the last time."""
        if self.app.is_web:
            self.dismiss(
                Done("No workers from a browser: they would end with its tab. Use `convoy work`.", Tone.WARNING)
            )
            return
        self.query_one("#path", Input).select_all()
        self._check_soon(0)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check the form again."""
        super().on_input_changed(event)
        if event.input.id in _FIELDS:
            self._check_soon(_CHECK_AFTER_S)

    def on_choice_changed(self) -> None:
        """Check the form again: the handler has to be found where it will run."""
        self._check_soon(0)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field moves on to the next; the last one leads to the answer, once that can be given."""
        super().on_input_submitted(event)
        place = _FIELDS.index(event.input.id) + 1 if event.input.id in _FIELDS else 0
        if 0 < place < len(_FIELDS):
            self.query_one(f"#{_FIELDS[place]}").focus()
        elif self._is_armed:
            self.query_one("#confirm").focus()

    def _check_soon(self, seconds: float) -> None:
        self._order = None
        self.disarm("Start a pool")
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(max(seconds, 0.01), self._check_now)

    def _check_now(self) -> None:
        self.run_worker(self._check(), group="check", exclusive=True, exit_on_error=False)

    async def _check(self) -> None:
        path = self.query_one("#path", Input).value.strip()
        self._hint("slots", "jobs at once")
        self._hint("time", "a longer run has failed")
        self.note("")
        self.say("#summary", [])
        self.show_command()
        try:
            slots, limit_s = self._slots(), self._limit()
            if not path:
                is_command = self._runs_in is RunsIn.COMMAND
                self._hint("path", "a program and its arguments" if is_command else "the path of a function of a job")
                return
            self._hint("path", "looking for it")
            runs_in = self._runs_in
            handler, found = await find(path, runs_in)
        except _BadField as error:
            self._hint(error.field, str(error), Tone.WARNING)
        except ConvoyError as error:
            self._hint("path", safe(str(error), 400), Tone.WARNING)
        else:
            self._offer(Order(self._row.queue, path, slots, limit_s, runs_in, handler), found)

    @property
    def _runs_in(self) -> RunsIn:
        return _PLACES[self.query_one("#then", Choice).index]

    def _slots(self) -> int:
        text = self.query_one("#slots", Input).value.strip()
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST:
            raise _BadField("slots", f"a number from 1 to {_MOST:,}")
        return int(text)

    def _limit(self) -> float | None:
        text = self.query_one("#time", Input).value.strip()
        if not text:
            return None
        try:
            seconds = parse_duration(text)
        except InvalidOption:
            seconds = 0.0
        if not seconds:
            raise _BadField("time", "like 30s or 5m, or nothing")
        return seconds

    def _hint(self, field: str, text: str, tone: Tone = Tone.DIM) -> None:
        self.say_wrapped(f"#{field}-hint", text, tone, indent=12 if field == "path" else 26)

    def _offer(self, order: Order, found: str) -> None:
        self._hint("path", f"found: {safe(found, 200)}", Tone.FINE)
        if order.job_timeout is not None:
            self._hint("time", f"a run over {duration(order.job_timeout)} has failed")
        self._order = order
        row = self.services.board.row(order.queue) or self._row
        place = self.services.board.place
        self.say_wrapped("#summary", outlook(row, order.concurrency))
        where = f", against {place.environment}" if place.environment else ""
        self.note(f"! This code runs on your machine, with your environment{where}.")
        self.show_command(*self._commands(order))
        self.arm(f"Start a pool of {count(order.concurrency, 'slot')}")

    def _commands(self, order: Order) -> Iterable[str]:
        how = "--exec" if order.runs_in is RunsIn.COMMAND else "--handler"
        words = ["work", order.queue, how, order.path, "-c", str(order.concurrency)]
        isolate = ["--isolate"] if order.runs_in is RunsIn.PROCESSES else []
        limit = ["--job-timeout", duration(order.job_timeout)] if order.job_timeout is not None else []
        remark = "" if limit else "with its own limit of 5m"
        yield command(self.services.board.place, *words, *isolate, *limit, remark=remark)

    async def act(self) -> Done:
        """Start the pool, and wait until it is registered."""
        order = self._order
        assert order is not None  # noqa: S101 - armed only with an order
        path, slots, limit = (self.query_one(f"#{field}", Input).value.strip() for field in _FIELDS)
        self.services.launch_form = LaunchForm(path, slots, limit, order.runs_in)
        local = await asyncio.to_thread(self.services.local_pools.launch, order)
        return Done(f"Started {local.name}: {count(order.concurrency, 'slot')} on {safe(order.queue, 40)}.")


class _BadField(Exception):
    """A field has an invalid value."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def _field(label: str, box: OneLine, *, hint: bool = True) -> ComposeResult:
    with Horizontal(classes="field"):
        yield Lines(_label(label), classes="label")
        yield box
        if hint:
            yield Lines(id=f"{box.id}-hint", classes="hint")


def _label(text: str) -> Line:
    return line((f"{text:<12}", Tone.DIM))
