"""The dialog to start workers in this process: it looks up the handler while its path is typed."""

from __future__ import annotations

import asyncio

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Input

from convoy_core import Handler, HandlerNotFound, InvalidOption, check_handler, is_coroutine_handler, load_handler
from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.spans import Line, Tone, line
from convoy_tui.dashboard.local_pools import Order
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, LaunchForm, Services
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, duration, parse_duration

_CHECK_AFTER_S = 0.4
_MOST = 1000


class LaunchDialog(Dialog):
    """Start a worker pool for a queue."""

    AUTO_FOCUS = "#path"
    footing = "they stop when you quit; running jobs are finished or given back"

    def __init__(self, services: Services, row: Row) -> None:
        super().__init__(services)
        self._row = row
        self._order: Order | None = None
        self._timer: Timer | None = None
        self.heading = f"Launch workers · {safe(row.queue, 50)}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """The handler, the concurrency and the timeout."""
        form, queued = self.services.launch_form, self._row.snapshot.counts.queued
        pools = count(self._row.snapshot.workers, "pool works", "pools work")
        now = f"{count(queued, 'ID waits', 'IDs wait')}; {pools} here already"
        yield Lines(line((now, Tone.DIM)), id="now")
        yield from _field("Handler", OneLine(form.path, id="path", placeholder="package.module:function"))
        yield from _field("Slots", OneLine(form.concurrency, id="slots"))
        yield from _field("Time limit", OneLine(form.job_timeout, id="time"))

    def on_mount(self) -> None:
        """Check the initial values. If they are complete, only `y` is needed."""
        if self.app.is_web:
            self.dismiss(
                Done("No workers from a browser: they would end with its tab. Use `convoy work`.", Tone.WARNING)
            )
            return
        self._check_soon(0)
        if self.services.launch_form.path:
            self.query_one("#leave").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check the form again."""
        super().on_input_changed(event)
        if event.input.id != "typed":
            self._check_soon(_CHECK_AFTER_S)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field moves to the answer, where `y` starts the workers."""
        super().on_input_submitted(event)
        if event.input.id != "typed":
            self.query_one("#confirm" if self._is_armed else "#leave").focus()

    def _check_soon(self, seconds: float) -> None:
        self._order = None
        self.disarm("Start workers")
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(max(seconds, 0.01), self._check_now)

    def _check_now(self) -> None:
        self.run_worker(self._check(), group="check", exclusive=True, exit_on_error=False)

    async def _check(self) -> None:
        path = self.query_one("#path", Input).value.strip()
        self._hint("slots", "jobs at once, in this process")
        self._hint("time", "a job that takes longer has failed")
        self._hint("path", "")
        self.note("")
        try:
            slots = self._slots()
            limit_s = self._limit()
            if not path:
                self._hint("path", "the import path of a function that takes a job")
                return
            handler = await asyncio.to_thread(_load, path)
        except (HandlerNotFound, InvalidOption) as error:
            self._hint("path", "not found", Tone.WARNING)
            self.note(safe(str(error), 400))
        except _BadField as error:
            self._hint(error.field, str(error), Tone.WARNING)
        else:
            self._offer(Order(self._row.queue, path, handler, slots, limit_s))

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
            raise _BadField("time", "a duration like 30s or 5m, or nothing for no limit")
        return seconds

    def _hint(self, field: str, text: str, tone: Tone = Tone.DIM) -> None:
        self.say(f"#{field}-hint", [line((text, tone))])

    def _offer(self, order: Order) -> None:
        kind = "a coroutine" if is_coroutine_handler(order.handler) else "runs in threads"
        self._hint("path", f"found, {kind}", Tone.FINE)
        if order.job_timeout is not None:
            self._hint("time", f"a job that takes longer than {duration(order.job_timeout)} has failed")
        self._order = order
        where = f", against {self.services.board.place.environment}" if self.services.board.place.environment else ""
        self.note(f"! This code runs on your machine, with your environment{where}.")
        self.arm(f"Start {count(order.concurrency, 'worker')}")

    async def act(self) -> Done:
        """Start the pool, and wait until it is registered."""
        order = self._order
        assert order is not None  # noqa: S101 - armed only with an order
        typed = (self.query_one(f"#{field}", Input).value.strip() for field in ("path", "slots", "time"))
        self.services.launch_form = LaunchForm(*typed)
        local = await asyncio.to_thread(self.services.local_pools.launch, order)
        return Done(f"Started {local.name}: {count(order.concurrency, 'worker')} on {safe(order.queue, 40)}.")


class _BadField(Exception):
    """A field has an invalid value."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def _load(path: str) -> Handler:
    """The handler, also searched in the current directory."""
    try:
        handler = load_handler(path, here=True)
        check_handler(handler)
    except (HandlerNotFound, InvalidOption):
        raise
    except BaseException as error:  # the user's module: even SystemExit only means that it cannot be used
        raise HandlerNotFound(f"Importing it ended in {type(error).__name__}: {error}") from error
    return handler


def _field(label: str, box: OneLine) -> ComposeResult:
    with Horizontal(classes="field"):
        yield Lines(_label(label), classes="label")
        yield box
        yield Lines(id=f"{box.id}-hint", classes="hint")


def _label(text: str) -> Line:
    return line((f"{text:<12}", Tone.DIM))
