"""The dialog with the workers of one queue. Those of this process can be started, scaled and stopped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from convoy_core import ConvoyError, PoolState, WorkerInfo
from convoy_tui.dashboard.board.board import Board, Row
from convoy_tui.dashboard.board.spans import Line, Span, Tone, line
from convoy_tui.dashboard.local_pools import Local
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.screens.launch import LaunchDialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number


class WorkersDialog(Dialog):
    """See, launch, scale and stop workers."""

    leave_label = "Close"
    confirm_key = "W"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("W", "confirm", "Launch workers", id="workers.launch"),
        Binding("down,j", "move(1)", "Next", id="workers.down", show=False),
        Binding("up,k", "move(-1)", "Previous", id="workers.up", show=False),
        Binding("plus,equals_sign", "more", "One more worker", key_display="+", id="workers.more"),
        Binding("minus", "stop", "Stop this one", key_display="-", id="workers.fewer", show=False),
        Binding("X", "stop", "Stop this one", id="workers.stop"),
        Binding("pagedown", "scroll(1)", "Page down", id="workers.page_down", show=False),
        Binding("pageup", "scroll(-1)", "Page up", id="workers.page_up", show=False),
    ]

    def __init__(self, services: Services, row: Row) -> None:
        super().__init__(services)
        self._queue = row.queue
        self._elsewhere: list[WorkerInfo] = []
        self._locals: list[Local] = []
        self._cursor = 0
        self._asked_at: float | None = None
        self._said = Done("", Tone.DIM)
        self.heading = f"Workers · {safe(row.queue, 50)}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """The two lists."""
        with VerticalScroll(id="scroll"):
            yield Lines(id="workers")

    def on_mount(self) -> None:
        """Read the workers again with every new board."""
        self.services.changed.subscribe(self, self._ask)
        self._ask(self.services.board)
        self.arm("Launch workers")

    def action_confirm(self) -> None:
        """Open the launch form."""
        row = self.services.board.row(self._queue)
        if row is not None and self.services.board.is_writable:
            self.app.push_screen(LaunchDialog(self.services, row), self._say)

    def action_move(self, by: int) -> None:
        """Choose another pool of this process."""
        self._cursor = max(0, min(len(self._locals) - 1, self._cursor + by))
        self._draw()

    def action_scroll(self, by: int) -> None:
        """Scroll a long list."""
        box = self.query_one("#scroll", VerticalScroll)
        box.scroll_relative(y=by * max(1, box.size.height - 1), animate=False)

    def action_more(self) -> None:
        """Start one more pool with the settings of the chosen one."""
        if (local := self._chosen) is not None:
            self.run_worker(self._start(replace(local.order, concurrency=1)), exit_on_error=False)

    def action_stop(self) -> None:
        """Stop the chosen pool after its jobs have ended. The second time, give its jobs back at once."""
        if (local := self._chosen) is not None:
            local.pool.request_stop()
            jobs = count(len(local.status.running), "running job")
            self._say(Done(f"{local.name} stops after its {jobs}. Again gives them back at once.", Tone.WARNING))

    @property
    def _chosen(self) -> Local | None:
        return self._locals[self._cursor] if self._cursor < len(self._locals) else None

    async def _start(self, order: object) -> None:
        try:
            local = await asyncio.to_thread(self.services.local_pools.launch, order)  # type: ignore[arg-type]
        except ConvoyError as error:
            self._say(Done(f"Not started. {safe(str(error), 200)}", Tone.ALARM))
        else:
            self._say(Done(f"Started {local.name}."))

    def _say(self, done: Done | None) -> None:
        if done is not None:
            self._said = done
            self.note(done.text, done.tone)
        self.services.hurry()

    def _ask(self, board: Board) -> None:
        if board.link.heard_at == self._asked_at:
            return  # only time has passed; a frozen or unreachable store is not read either
        self._asked_at = board.link.heard_at
        self.run_worker(self._read(), group="read", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        try:
            workers = await self.services.source.workers(self._queue)
        except ConvoyError as error:
            self.note(safe(str(error), 200), Tone.ALARM)
            return
        self._locals = self.services.local_pools.members(self._queue)
        ours = {local.status.worker for local in self._locals}
        self._elsewhere = [worker for worker in workers if worker.id not in ours]
        self._cursor = max(0, min(self._cursor, len(self._locals) - 1))
        self._draw()

    def _draw(self) -> None:
        rows = [_local(local, i == self._cursor) for i, local in enumerate(self._locals)]
        nothing = [line(("   none", Tone.DIM))]
        there = [_elsewhere(worker, self.room) for worker in self._elsewhere]
        keys = [(), _keys()] if self._locals else []
        here = [line(("In this process", Tone.HEADING)), *(rows or nothing), *keys, ()]
        self.say("#workers", [*here, line(("Elsewhere", Tone.HEADING)), *(there or nothing)])


def _keys() -> Line:
    parts = (("+", " one more like it", "plus"), ("X", " stop it", "X"))
    return tuple(
        span
        for key, text, press in parts
        for span in (Span("   "), Span(f"[{key}]", Tone.KEY, press), Span(text, Tone.NORMAL, press))
    )


def _local(local: Local, is_chosen: bool) -> Line:
    status = local.status
    busy, slots = len(status.running), local.order.concurrency
    job = ""
    if status.running:
        id, seconds = max(status.running, key=lambda pair: pair[1])
        job = f"{safe(id, 20)} {age(seconds)}"
    if status.error:
        job = safe(status.error, 40)
    return line(
        Span(" > " if is_chosen else "   ", Tone.ACCENT),
        (f"{local.name:<9}", Tone.STRONG if is_chosen else Tone.NORMAL),
        (f"{safe(local.order.path, 18):<19}", Tone.DIM),
        (f"{_word(status.state):<11}", Tone.NORMAL),
        f"{busy} of {slots}  ",
        (f"{number(status.done)} done  ", Tone.FINE if status.done else Tone.DIM),
        (f"{number(status.failed)} failed  ", Tone.ALARM if status.failed else Tone.DIM),
        (job, Tone.DIM),
    )


def _elsewhere(worker: WorkerInfo, room: int) -> Line:
    silent = f"silent for {age(-worker.lease_ends_in_s)}"
    state = Span(f"{'alive':<19}", Tone.FINE) if worker.is_live else Span(f"{silent:<19}", Tone.WARNING)
    process = f"{safe(worker.host, 12)}/{worker.pid if worker.pid is not None else '?'}"
    slots = worker.concurrency if worker.concurrency is not None else "?"
    spare = max(0, min(14, room - 76))
    return line(
        "   ",
        f"{process:<19}",
        (f"{safe(worker.handler, 12 + spare):<{13 + spare}}", Tone.DIM),
        state,
        f"{worker.running} of {slots}  ",
        (f"{number(worker.done)} done", Tone.DIM),
    )


def _word(state: PoolState) -> str:
    """The state of a pool in a word that fits its column. The line of its error shows the state of the store."""
    return (PoolState.STOPPING if state.is_stopping else state).value
