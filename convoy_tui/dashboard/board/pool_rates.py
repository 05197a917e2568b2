"""How fast each pool works, from the counters in its record, which it brings up to date with each heartbeat. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from convoy_core import WorkerInfo

WINDOW_S = 60.0
SETTLED_S = 10.0
"""Counters that have not moved for so long, which is more than two heartbeats, stand still."""


class Speed(NamedTuple):
    """Runs that ended per second."""

    done_s: float
    failed_s: float
    over_s: float
    """Measured over so many seconds."""


class _Mark(NamedTuple):
    at: float
    done: int
    failed: int
    is_beat: bool
    """Whether the counters were seen to change, so that this is the time of a heartbeat."""


class PoolRates:
    """The counters of each pool over the last minute."""

    def __init__(self) -> None:
        self._marks: dict[str, deque[_Mark]] = {}

    def add(self, infos: Iterable[WorkerInfo], at: float) -> None:
        """One reading, at the store's time. Pools that are not in it are gone."""
        seen: dict[str, deque[_Mark]] = {}
        for info in infos:
            marks = seen[info.id] = self._marks.get(info.id, deque())
            counters = (info.done, info.failed)
            if not marks or marks[-1][1:3] != counters:
                marks.append(_Mark(at, *counters, is_beat=bool(marks)))
            while len(marks) > 2 and at - marks[1].at > WINDOW_S:
                marks.popleft()
        self._marks = seen

    def of(self, id: str, at: float) -> Speed | None:
        """The speed over the last minute, or over as much of it as is known; None if that is too little.

        It is measured from heartbeat to heartbeat: between them the counters stand still.
        """
        marks = self._marks.get(id)
        if not marks:
            return None
        last = marks[-1]
        is_settled = at - last.at > SETTLED_S
        beats = [mark for mark in marks if mark.is_beat and at - mark.at <= WINDOW_S + SETTLED_S]
        first = beats[0] if beats and (is_settled or len(beats) > 1) else last
        span_s = (at if is_settled else last.at) - first.at
        if span_s <= 0:
            return None
        return Speed((last.done - first.done) / span_s, (last.failed - first.failed) / span_s, span_s)
