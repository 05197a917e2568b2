"""What can be done with a pool of this process, on each page that shows one: more slots, fewer, its log, its end."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from convoy_core import Entry, State
from convoy_tui.dashboard.board.pool_words import offer
from convoy_tui.dashboard.board.pools import Here, Pool, process
from convoy_tui.dashboard.board.spans import Line, Tone
from convoy_tui.dashboard.local_pools import Local
from convoy_tui.dashboard.screens.output import OutputScreen
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.screens.stop import StopDialog
from convoy_tui.dashboard.services import Done
from convoy_tui.text.words import count


class PoolVerbs(Page):
    """The verbs on the pool that a page shows, or that its cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "plus,equals_sign",
            "scale(1)",
            "More slots",
            key_display="+",
            id="pool.more",
            tooltip="one more run at once, in a pool of this process",
        ),
        Binding(
            "minus",
            "scale(-1)",
            "Fewer",
            key_display="-",
            id="pool.fewer",
            tooltip="one run less at once; what runs goes on to its end",
        ),
        Binding("L", "output", "Log", id="pool.log", tooltip="what the handlers of a pool of this process write"),
        Binding("X", "stop", "Stop", id="pool.stop", tooltip="stop a pool of this process"),
    ]

    @property
    def pool(self) -> Pool | None:
        """The pool that the verbs are about."""
        raise NotImplementedError

    @property
    def local(self) -> Local | None:
        """That pool, if it belongs to this process."""
        pool = self.pool
        return None if pool is None else self.services.local_pools.find(pool.info.id)

    def as_known_here(self, pool: Pool) -> Pool:
        """The pool with what this process knows of it, where that is newer than what the store knows."""
        local = self.services.local_pools.find(pool.info.id)
        if local is None:
            return pool
        status = local.status
        info = replace(
            pool.info,
            concurrency=local.pool.concurrency,
            running=len(status.running),
            done=status.done,
            failed=status.failed,
        )
        longest_first = sorted(status.running, key=lambda run: -run[1])
        runs = tuple(Entry(id, State.PROCESSING, since=pool.at - seconds) for id, seconds in longest_first)
        here = Here(local.name, status.state, status.error or status.shortage or "")
        return replace(pool, info=info, held=runs, here=here)

    def offers(self, pool: Pool) -> Line:
        """The keys for a pool of this process."""
        if pool.here is None:
            return ()
        return (*offer("+", "more slots", "+"), *offer("-", "fewer", "-"), *offer("L", "log"), *offer("X", "stop it"))

    def is_offered(self, id: str) -> bool:
        """The verbs on pools of this process are offered on these alone; they act on one at a time."""
        return id != "table.select" and (not id.startswith("pool.") or self.local is not None)

    def action_scale(self, by: int) -> None:
        """Give the pool more slots, or fewer."""
        if (local := self._local_or_why("+ and - scale")) is None:
            return
        slots = local.pool.concurrency + by
        if slots < 1:
            self.tell(Done(f"{local.name} has one slot only. X stops it.", Tone.DIM))
            return
        local.pool.resize(slots)
        over = len(local.status.running) - slots
        rest = f"; {count(over, 'run')} above that may end" if over > 0 else ""
        self.tell(Done(f"{local.name} has {count(slots, 'slot')} now{rest}."))
        self.services.hurry()

    def action_stop(self) -> None:
        """Ask how the pool is to stop."""
        if (local := self._local_or_why("X stops")) is not None:
            self.app.push_screen(StopDialog(self.services, [local]), self.tell)

    def action_output(self) -> None:
        """Show what the handlers of the pool have written; where the cursor is on none, what all have."""
        local = self.local
        self.app.push_screen(OutputScreen(self.services.local_pools.log, local.name if local is not None else None))

    def _local_or_why(self, verb: str) -> Local | None:
        """The pool, if it belongs to this process; else it is said why nothing happens.

        A key that is off would reach the app, where + and - set the pace.
        """
        pool, local = self.pool, self.local
        if pool is None:
            self.tell(Done(f"{verb} pools of this process: move the cursor to one.", Tone.DIM))
        elif local is None:
            who = process(pool.info, 40)
            self.tell(Done(f"{who} is a pool of another process; {verb} those of this one.", Tone.DIM))
        return local
