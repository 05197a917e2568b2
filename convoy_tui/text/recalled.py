"""What the store has kept of a queue that nobody has watched just now: it is judged as if somebody had. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from convoy_core import HistoryRow, Snapshot

Rows: TypeAlias = "tuple[HistoryRow, ...]"
"""Those of one queue, oldest first."""

RECENT_S: Final = 120.0
"""The rows of this time are read of every queue."""
LONG_S: Final = 7200.0
"""And those of this time, one a minute, where they may say more of its state."""


_OFTEN_S: Final = 17.5
"""Who has looked no longer ago than this knows as much as the rows, of which there is one in ten seconds."""


class Seen:
    """When each queue was last looked at."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def missed(self, snapshots: Iterable[Snapshot]) -> list[Snapshot]:
        """Those whose rows are to be read, since they are new here or were not looked at for a while."""
        return [
            one
            for one in snapshots
            if one.damage is None and not 0 <= one.at - self._at.get(one.queue, -_OFTEN_S) <= _OFTEN_S
        ]

    def note(self, snapshots: Iterable[Snapshot]) -> None:
        """These have been looked at."""
        self._at = {one.queue: one.at for one in snapshots}


def at_stake(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """Those of which it matters how their last runs ended, however long ago that was."""
    return [one for one in snapshots if one.counts.queued + one.counts.failed + one.counts.delayed > 0]


def recalled(
    snapshots: Iterable[Snapshot], recent: Mapping[str, Sequence[HistoryRow]], long: Mapping[str, Sequence[HistoryRow]]
) -> dict[str, Rows]:
    """The rows of both kinds in one."""
    return {one.queue: _joined(one.at, recent.get(one.queue, ()), long.get(one.queue, ())) for one in snapshots}


def _joined(at: float, recent: Sequence[HistoryRow], long: Sequence[HistoryRow]) -> Rows:
    begin = recent[0].at if recent else at
    return (*(row for row in long if row.at < begin), *recent)
