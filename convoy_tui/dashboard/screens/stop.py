"""The dialog to stop pools of this process: it asks what becomes of the IDs that they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from convoy_core import Cancelled, ConvoyError
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, width
from convoy_tui.dashboard.local_pools import Local
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number

FINISH_S = 25
"""The grace of a pool: how long its runs may take once it has been asked to stop."""
_MOST_QUEUES = 4


class StopDialog(Dialog):
    """Closes with Done when the pools have been asked to stop."""

    leave_label = "Keep them working"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "give_back", "Give their IDs back now", id="stop.give_back"),
        Binding("c", "cancel", "Cancel their IDs", id="stop.cancel"),
    ]
    then = ""
    """What follows, for the labels."""

    def __init__(self, services: Services, pools: Sequence[Local]) -> None:
        super().__init__(services)
        self.pools = pools
        self._is_cancelling = False
        self.heading = f"Stop {self._named()}{self.place(services.board)}"

    def _named(self) -> str:
        if len(self.pools) != 1:
            return count(len(self.pools), "pool")
        return f"{self.pools[0].name} · {safe(self.pools[0].order.queue, 50)}"

    def body(self) -> ComposeResult:
        """What runs, and the three ways."""
        yield Lines(id="runs")
        yield Lines(id="effect")

    def on_mount(self) -> None:
        """Nothing has to be read first; what runs is counted again with each new board."""
        self.services.changed.subscribe(self, self._on_board)
        self._on_board(self.services.board)
        self.offer_wait()

    def _on_board(self, board: Board) -> None:
        self.say("#runs", self._runs)
        if not self._is_acting:
            self.say("#effect", self._ways)

    @property
    def running(self) -> int:
        """How many IDs they run."""
        return sum(len(local.status.running) for local in self.pools)

    def _runs(self) -> list[Line]:
        runs: dict[str, list[tuple[str, float]]] = {}
        for local in self.pools:
            runs.setdefault(local.order.queue, []).extend(local.status.running)
        busy = {queue: sorted(ids, key=lambda run: -run[1]) for queue, ids in runs.items() if ids}
        if not busy:
            return [line(f"Nothing runs in {'it' if len(self.pools) == 1 else 'them'}.")]
        told = [self._queue_runs(queue, ids) for queue, ids in list(busy.items())[:_MOST_QUEUES]]
        if len(busy) > _MOST_QUEUES:
            told.append(line((f"   and {count(len(busy) - _MOST_QUEUES, 'more queue')}", Tone.DIM)))
        return [line((count(self.running, "ID is running:", "IDs are running:"), Tone.STRONG)), *told]

    def _queue_runs(self, queue: str, ids: Sequence[tuple[str, float]]) -> Line:
        shown: list[Span] = [*line(f"   {number(len(ids)):>5}  {safe(queue, 30)}")]
        for id, seconds in ids:
            part = line("   ", (safe(id, 24), Tone.DIM), (f" {age(seconds)}", Tone.DIM))
            if width(shown) + width(part) > self.room - 2:
                return clip((*shown, Span(" …", Tone.DIM)), self.room)
            shown += part
        return clip(shown, self.room)

    def _ways(self) -> list[Line]:
        n, then = self.running, self.then
        if not n:
            return []
        ids = count(n, "ID")
        ways = (
            ("y", f"wait{then}: the {ids} may end, for up to {FINISH_S} s; what still runs then goes back, uncharged"),
            ("g", f"give back{then}: the runs are cut short, and the {ids} return to the head of the queue, uncharged"),
            ("c", f"cancel{then}: the runs are cut short, and the {ids} are forgotten unless published again"),
        )
        return [
            (),
            *(
                line((f" {key} " if not i else "   ", Tone.KEY), part)
                for key, text in ways
                for i, part in enumerate(self.wrapped(text, indent=3))
            ),
        ]

    # -- the three ways

    def offer_wait(self) -> None:
        """Let the runs end."""
        self.arm(f"Wait{self.then}" if self.running else f"Stop{self.then}")

    def action_give_back(self) -> None:
        """Give the IDs back now, also while they are being waited for."""
        for local in self.pools:
            local.pool.request_stop(0)
        if not self._is_acting:
            self._is_cancelling = False
            self.offer_wait()
            self.action_confirm()

    def action_cancel(self) -> None:
        """Cancel, once the word has been typed."""
        if self.running and not self._is_acting and self.services.board.is_writable:
            self._is_cancelling = True
            self.arm(f"Cancel {count(self.running, 'ID')}{self.then}", danger=True, wanted="cancel")
            self.query_one("#typed").focus()

    async def act(self) -> Done:
        """Stop. The runs that were to be cancelled are asked to end."""
        running = self.running
        for local in self.pools:
            local.pool.request_stop()
        if not self._is_cancelling:
            after = f" once {count(running, 'run has', 'runs have')} ended" if running else ""
            return Done(f"{self._named()} stops{after}.")
        return await self._cancel()

    async def _cancel(self) -> Done:
        answers: Counter[Cancelled] = Counter()
        try:
            for local in self.pools:
                ids = [id for id, _ in local.status.running]
                queue = self.services.source.fleet.queue(local.order.queue)
                answers.update((await queue.cancel(ids)).values() if ids else ())
        except ConvoyError as error:
            return Done(f"They stop, but their IDs were not cancelled: {error}", Tone.WARNING)
        ended = answers[Cancelled.CANCELLING] + answers[Cancelled.CANCELLED]
        return Done(f"Cancelled {count(ended, 'ID')}; {self._named()} stops.")
