"""A requeue of failed IDs with a trial run: which IDs it is about, those that go ahead, and how each of them ends."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from convoy_core import AsyncFleet, Details, Outcome, State, chunked


class Fate(StrEnum):
    """What has become of an ID that went ahead."""

    WAITS = "waiting"
    RUNS = "running"
    DONE = "done"
    AGAIN = "failed, and will be tried again"
    FAILED = "failed again"

    @property
    def has_ended(self) -> bool:
        """Whether it is known how its run went."""
        return self in (Fate.DONE, Fate.AGAIN, Fate.FAILED)


@dataclass(frozen=True, slots=True)
class Tried:
    """One ID that went ahead."""

    id: str
    fate: Fate = Fate.WAITS
    error: str = ""
    """Why it failed again."""
    worker: str = ""


class GroupRequeue:
    """Requeues the IDs of one group, as one operation."""

    def __init__(self, fleet: AsyncFleet, queue: str) -> None:
        self._queue = fleet.queue(queue, operation=os.urandom(4).hex())
        self.ids: list[str] = []
        """Those that are failed, and that nobody has begun to requeue."""
        self.preview: Counter[Outcome] = Counter()
        self.tried: dict[str, Tried] = {}
        self.outcomes: Counter[Outcome] = Counter()
        """What became of those that were requeued so far."""

    async def find(self, group: str, most: int, progress: Callable[[int], object]) -> None:
        """Read the IDs of the group, up to so many, and what requeueing them would do."""
        async for id in self._queue.ids_of_group(group):
            self.ids.append(id)
            if len(self.ids) % 5000 == 0:
                progress(len(self.ids))
            if len(self.ids) == most:
                break
        for some in chunked(self.ids):
            self.preview.update((await self._queue.requeue(some, dry_run=True)).values())

    async def begin(self, n: int) -> None:
        """Queue the first `n` that still are failed, ahead of all that waits."""
        while len(self.tried) < n and self.ids:
            some = self.ids[: n - len(self.tried)]
            outcomes = await self._queue.requeue(some, front=True)
            del self.ids[: len(some)]
            self.outcomes.update(outcomes.values())
            self.tried |= {id: Tried(id) for id, outcome in outcomes.items() if outcome is Outcome.QUEUED}

    async def look(self) -> None:
        """See how those go that have not ended."""
        left = [each.id for each in self.tried.values() if not each.fate.has_ended]
        async for id, state in self._queue.states(left):
            if state is State.ABSENT:
                self.tried[id] = Tried(id, Fate.DONE)
            elif state is not State.QUEUED:  # while it is queued nobody looks: that may be dear
                self.tried[id] = _fate(await self._queue.show(id))

    @property
    def has_ended(self) -> bool:
        """Whether it is known of all that went ahead how they went."""
        return all(each.fate.has_ended for each in self.tried.values())

    async def rest(self) -> AsyncIterator[tuple[int, Counter[Outcome]]]:
        """Queue the others, slice by slice, each with how many it was."""
        while self.ids:
            some = self.ids[:500]
            outcomes = Counter((await self._queue.requeue(some)).values())
            del self.ids[: len(some)]
            yield len(some), outcomes


def _fate(details: Details) -> Tried:
    error = details.failure.error if details.failure is not None else "no reason is kept"
    if details.state is State.FAILED:
        return Tried(details.id, Fate.FAILED, error)
    if details.state is State.ABSENT:
        return Tried(details.id, Fate.DONE)
    if details.attempt > 1:
        return Tried(details.id, Fate.AGAIN, error)
    if details.state is State.PROCESSING:
        return Tried(details.id, Fate.RUNS, worker=details.worker or "")
    return Tried(details.id)


def fates(tried: Iterable[Tried]) -> Counter[Fate]:
    """How many have gone which way."""
    return Counter(each.fate for each in tried)
