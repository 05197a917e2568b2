"""The dialog to move chosen IDs: asks the store what that would do to each, says so, and does exactly that."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from enum import StrEnum

from textual.app import ComposeResult

from convoy_core import ConvoyError, Outcome, State, chunked
from convoy_core.kept import KeptFile
from convoy_tui.dashboard.board.spans import Tone, line
from convoy_tui.dashboard.id_moves import Answers, Chosen, IDMove, broke_off, where_kept
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

_MANY = 10
"""More than so many IDs are lost only after the queue's name has been typed."""
_VERY_MANY = 1000
"""The same for any move in production."""
_PART = 2_500
"""IDs per step of the discard of a whole state."""


class MoveIDsDialog(Dialog):
    """Move these IDs, each only if it still is where it was seen."""

    leave_label = "Leave them"
    footing = "exactly these IDs, each looked at again"

    def __init__(self, services: Services, move: IDMove, chosen: Chosen) -> None:
        super().__init__(services)
        self._move = move
        self._chosen = chosen
        self._queue = services.source.fleet.queue(chosen.queue, operation=self.operation)
        self._kept: KeptFile | None = None
        self.heading = f"{move.verb} · {safe(chosen.queue, 50)}{self.place(services.board)}"

    @property
    def _is_whole(self) -> bool:
        """Whether the whole of a state is discarded, for which the store need not search for each ID."""
        return self._move.loses and self._chosen.state is State.QUEUED

    def body(self) -> ComposeResult:
        """The IDs, and what would become of them."""
        yield Lines(id="summary")
        yield Lines(id="outcomes")

    def on_mount(self) -> None:
        """Ask what would happen."""
        n = len(self._chosen.ids)
        self.say("#summary", [line((f"{count(n, 'ID')}: ", Tone.STRONG), self._chosen.sample)])
        self.show_command(self._move.shown_command(self.services.board.place, self._chosen))
        self.disarm("Looking")
        self.run_worker(self._ask(), group="read", exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        tally: Counter[StrEnum] = Counter()
        ids = self._chosen.ids
        try:
            if self._is_whole:
                tally[next(iter(self._move.done))] = len(ids)
            else:
                for some in chunked(ids, self._move.asked_size):
                    tally.update((await self._move.on(self._queue, some, True)).values())
                    if len(ids) > self._move.asked_size:
                        self.disarm(f"Looked at {number(tally.total())} of {number(len(ids))}")
        except ConvoyError as error:
            self.say("#outcomes", [line((safe(str(error), 300), Tone.ALARM))])
            self.disarm("Not known")
        else:
            self._offer(tally)

    def _offer(self, tally: Counter[StrEnum]) -> None:
        effects = self._move.effects(tally)
        self.say("#outcomes", [(), *(line((f"{number(n):>8}", tone), f"   {text}") for n, text, tone in effects)])
        n = self._move.moved(tally)
        if self._is_whole:
            self.note("All that wait are removed, from the head on; what is published behind them meanwhile stays.")
        if n or sum(tally.values()):
            is_production = self.services.board.place.is_production
            asks = n > (1 if is_production else _MANY) if self._move.loses else is_production and n > _VERY_MANY
            label = f"{self._move.verb} {number(n)}" if n else f"{self._move.verb} nothing"
            self.arm(label, danger=self._move.loses, wanted=self._chosen.queue if asks else "")
        if not n:
            self.disarm(f"Nothing to {self._move.verb.lower()}")

    async def act(self) -> Done:
        """Move them, slice by slice."""
        tally: Counter[StrEnum] = Counter()
        if self._move.loses:
            self._kept = KeptFile(self._chosen.queue, self.services.source.fleet.store)  # of this try alone
        try:
            return await self.runner.run(self._slices(), tally, len(self._chosen.ids), self._told)
        except ConvoyError as error:
            if self._kept is None or not self._kept.count:
                raise
            return broke_off(self._kept, error)
        finally:
            if self._kept is not None:
                self._kept.close()

    def _told(self, tally: Counter[StrEnum]) -> Done:
        done = self._move.told(tally)
        return done if self._kept is None else Done(f"{done.text}{where_kept(self._kept)}", done.tone)

    async def _slices(self) -> AsyncIterator[tuple[int, Counter[StrEnum]]]:
        if self._is_whole:
            async for part in self._all_waiting():
                yield part
            return
        for ids in chunked(self._chosen.ids, self._move.size):
            yield len(ids), Counter((await self._moved(ids)).values())

    async def _all_waiting(self) -> AsyncIterator[tuple[int, Counter[StrEnum]]]:
        """Of each part as many from the head as still wait, since workers claim there; the last part is named."""
        ids = [*self._chosen.ids]
        for end in range((len(ids) - 1) % _PART + 1, len(ids) + 1, _PART):
            part = ids[max(0, end - _PART) : end]
            waiting = [id async for id, state in self._queue.states(part) if state is State.QUEUED]
            removed = 0
            if waiting and end < len(ids):
                removed = await self._queue.discard_all(State.QUEUED, limit=len(waiting), keep=self._kept)
            elif waiting:
                answers = await self._moved(waiting)
                removed = sum(answer is Outcome.DISCARDED for answer in answers.values())
            yield len(part), Counter({Outcome.DISCARDED: removed, Outcome.GONE: len(part) - removed})

    async def _moved(self, ids: list[str]) -> Answers:
        if self._move.discards is not None:
            return await self._queue.discard(ids, state=self._move.discards, keep=self._kept)
        return await self._move.on(self._queue, ids, False)
