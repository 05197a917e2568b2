"""The groups of failures of some queues, each read again only when its failures have changed, and a sample of one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from convoy_core import AsyncFleet, Snapshot
from convoy_tui.dashboard.board.failures import Group, Sample

REST = 10
"""A queue is not read again before so many times the time have passed that reading it took."""
LEAST_S = 2.0
MINUTE = 60

_MOVED = ("failed", "requeued", "discarded", "restored", "jammed", "recovered")


@dataclass(slots=True)
class _Known:
    """What was read of a queue."""

    groups: tuple[Group, ...] = ()
    others: int = 0
    mark: object = None
    not_before: float = 0.0


@dataclass(slots=True)
class GroupReader:
    """Reads the groups of queues, and keeps them."""

    fleet: AsyncFleet
    progress: Callable[[str, int, int], object]
    """Called with the queue, how many failed IDs of it were read, and how many there are."""
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, _Known] = field(default_factory=dict)

    async def read(self, snapshots: Iterable[Snapshot], *, now: bool = False) -> None:
        """Read what has changed, or all of them `now`."""
        wanted = {each.queue: each for each in snapshots if each.counts.failed and each.damage is None}
        self._known = {queue: known for queue, known in self._known.items() if queue in wanted}
        for queue, snapshot in wanted.items():
            known = self._known.setdefault(queue, _Known())
            mark = _mark(snapshot)
            if now or (known.mark != mark and self.clock() >= known.not_before):
                await self._read(queue, known, mark)

    @property
    def groups(self) -> list[Group]:
        """All groups that were read."""
        return [group for known in self._known.values() for group in known.groups]

    @property
    def others(self) -> int:
        """Failed IDs of further groups."""
        return sum(known.others for known in self._known.values())

    async def _read(self, queue: str, known: _Known, mark: object) -> None:
        began = self.clock()
        found = await self.fleet.queue(queue).failure_groups(progress=lambda n, total: self.progress(queue, n, total))
        known.groups = tuple(Group(queue, group, found.at) for group in found.groups)
        known.others, known.mark = found.others, mark
        took = self.clock() - began
        known.not_before = self.clock() + max(LEAST_S, REST * took)


def _mark(snapshot: Snapshot) -> object:
    """What changes when the groups may have; the trends move on each minute."""
    totals: Mapping[str, int] = snapshot.totals
    moved = tuple(totals.get(name, 0) for name in _MOVED)
    return snapshot.counts.failed, moved, int(snapshot.at // MINUTE)


async def read_sample(fleet: AsyncFleet, group: Group) -> Sample:
    """The newest failure of a group; of a sample with a traceback where the newest has none any more."""
    best = Sample(group.group.newest, None)
    for id in dict.fromkeys([group.group.newest, *group.group.samples]):
        details = await fleet.queue(group.queue).show(id)
        if details.failure is not None and details.failure.traceback:
            return Sample(id, details.failure)
        if best.failure is None:
            best = Sample(id, details.failure)
    return best
