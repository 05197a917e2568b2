"""The dialog to discard a group of failures: its IDs are forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from textual.app import ComposeResult

from convoy_core import ConvoyError, Outcome, State, chunked
from convoy_core.kept import KeptFile
from convoy_tui.dashboard.board.commands import command
from convoy_tui.dashboard.board.failures import Group
from convoy_tui.dashboard.board.spans import Tone, line
from convoy_tui.dashboard.id_moves import broke_off, where_kept
from convoy_tui.dashboard.screens.dialog import Dialog
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

MANY = 10
"""More than so many are lost only after the queue's name has been typed."""


class DiscardGroupDialog(Dialog):
    """Discard the failed IDs of a group."""

    leave_label = "Keep them"
    footing = "exactly these IDs, each only if it is still failed"

    def __init__(self, services: Services, group: Group) -> None:
        super().__init__(services)
        self._group = group
        self._ids: list[str] = []
        self._queue = services.source.fleet.queue(group.queue, operation=self.operation)
        self.heading = f"Discard group {group.group.id} · {safe(group.queue, 40)}{self.place(services.board)}"

    def body(self) -> ComposeResult:
        """What broke, which IDs, and what becomes of them."""
        yield Lines(id="summary")
        yield Lines(id="outcomes")

    def on_mount(self) -> None:
        """Read the IDs."""
        self.disarm("Reading")
        self.say_wrapped("#summary", safe(self._group.group.what, 200), Tone.STRONG)
        self.say("#outcomes", [line(("Reading the failures", Tone.DIM))])
        group = self._group
        self.show_command(command(self.services.board.place, "discard", group.queue, "--group", group.group.id))
        self.run_worker(self._read(), group="read", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        try:
            async for id in self._queue.ids_of_group(self._group.group.id):
                self._ids.append(id)
                if len(self._ids) % 5000 == 0:
                    self.disarm(f"Read {number(len(self._ids))}")
        except ConvoyError as error:
            self.say("#outcomes", [line((safe(str(error), 300), Tone.ALARM))])
            self.disarm("Nothing to discard")
        else:
            self._offer()

    def _offer(self) -> None:
        n = len(self._ids)
        if not n:
            self.say("#outcomes", [line(("Nothing of this group is failed any more.", Tone.STRONG))])
            self.disarm("Nothing to discard")
            return
        names = ", ".join(safe(id, 24) for id in self._ids[:3]) + (" …" if n > 3 else ".")
        effect = f"{count(n, 'failed ID is', 'failed IDs are')} forgotten, with payload, error and count of failures"
        later = (
            "Nothing runs them again, unless they are published anew, or restored from the file in which they are kept."
        )
        self.say(
            "#outcomes",
            lambda: [
                *map(line, self.wrapped(f"{effect}: {names}")),
                *(line((part, Tone.WARNING)) for part in self.wrapped(later)),
            ],
        )
        asks = n > (1 if self.services.board.place.is_production else MANY)
        self.arm(f"Discard {number(n)}", danger=True, wanted=self._group.queue if asks else "")

    async def act(self) -> Done:
        """Discard exactly these, slice by slice."""
        tally: Counter[Outcome] = Counter()
        self._kept = KeptFile(self._group.queue, self.services.source.fleet.store)  # of this try alone
        try:
            return await self.runner.run(self._slices(), tally, len(self._ids), self._told)
        except ConvoyError as error:
            if not self._kept.count:
                raise
            return broke_off(self._kept, error)
        finally:
            self._kept.close()

    def _told(self, tally: Counter[Outcome]) -> Done:
        done = _told(tally)
        return Done(f"{done.text}{where_kept(self._kept)}", done.tone)

    async def _slices(self) -> AsyncIterator[tuple[int, Counter[Outcome]]]:
        for ids in chunked(self._ids):
            yield len(ids), Counter((await self._queue.discard(ids, state=State.FAILED, keep=self._kept)).values())


def _told(tally: Counter[Outcome]) -> Done:
    n, gone = tally[Outcome.DISCARDED], tally[Outcome.GONE]
    rest = f"; {number(gone)} no longer failed" if gone else ""
    if not n:
        return Done(f"Discarded nothing{rest}.", Tone.WARNING)
    return Done(f"Discarded {count(n, 'failed ID')}{rest}.")
