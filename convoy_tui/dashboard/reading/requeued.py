"""What has become of the IDs of a requeue: how many wait, run, are done or have failed again, and how."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from convoy_core import AsyncFleet, AuditEntry, State
from convoy_tui.dashboard.board.aftermath import Aftermath

LOOKED_AT = 500
"""Failed IDs that are looked at one by one, for when and how they failed."""

LEAST_S = 2.0
REST = 20
"""It is not read again before so many times the time have passed that reading it took."""

LAST_S = 86_400.0
"""The last requeue of a queue counts for so long."""


@dataclass(slots=True)
class AftermathReader:
    """Reads what has become of one requeue, again and again but not too often."""

    fleet: AsyncFleet
    act: AuditEntry | None = None
    known: Aftermath | None = None
    clock: Callable[[], float] = time.monotonic
    _not_before: float = 0.0

    def is_due(self, act: AuditEntry | None) -> bool:
        """Whether this one is to be read now."""
        is_same = act is None or (self.act is not None and (act.place, act.queue) == (self.act.place, self.act.queue))
        return not is_same or self.clock() >= self._not_before

    async def read(self, act: AuditEntry) -> None:
        """Look where its IDs are now."""
        if self.act is None or (act.at, act.queue) != (self.act.at, self.act.queue):
            self.known = None
        self.act = act
        with self._resting():
            self.known = await read_aftermath(self.fleet, act)

    async def read_last(self, queue: str) -> None:
        """The same for the last requeue of a queue, if there is one of the last day."""
        with self._resting():
            acts = [act for act in await self.fleet.queue(queue).audit(since_s=LAST_S) if act.verb == "requeue"]
        if acts:
            await self.read(acts[-1])
        else:
            self.act = self.known = None

    @contextmanager
    def _resting(self) -> Iterator[None]:
        """Nothing is due while this goes on, nor for some time after it."""
        began = self.clock()
        self._not_before = inf
        try:
            yield
        finally:
            self._not_before = self.clock() + max(LEAST_S, REST * (self.clock() - began))


async def read_aftermath(fleet: AsyncFleet, act: AuditEntry) -> Aftermath:
    """Look where the IDs of a requeue are now."""
    queue = fleet.queue(act.queue)
    ids = await queue.requeued(act)
    states: Counter[State] = Counter()
    failed: list[str] = []
    async for id, state in queue.states(ids):
        states[state] += 1
        if state is State.FAILED:
            failed.append(id)
    broke: Counter[str] = Counter()
    put_back = 0
    for id in failed[:LOOKED_AT]:
        failure = (await queue.show(id)).failure
        if failure is not None and failure.at is not None and failure.at < act.at:
            put_back += 1
        else:
            broke[failure.what if failure is not None else "no reason is kept"] += 1
    waiting = states[State.QUEUED] + states[State.DELAYED]
    done, running = states[State.ABSENT], states[State.PROCESSING]
    return Aftermath(len(ids), waiting, running, done, len(failed) - put_back, put_back, tuple(broke.most_common()))
