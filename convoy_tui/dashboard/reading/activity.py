"""What operators have done: all that is kept at first, and then only what is new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from convoy_core import AsyncFleet, AuditEntry
from convoy_tui.dashboard.board.activity import merged, newest_first


@dataclass(slots=True)
class AuditReader:
    """Reads the audit of queues, and keeps its newest entries."""

    fleet: AsyncFleet
    entries: dict[str, AuditEntry] = field(default_factory=dict)
    _places: dict[str, str] = field(default_factory=dict)
    _listed: dict[tuple[str | None, str], tuple[AuditEntry, ...]] = field(default_factory=dict)
    """What was listed last: to filter and sort takes a while."""

    async def read(self, queues: Iterable[str]) -> None:
        """Read what has been done since the last call."""
        found = await self.fleet.audit(queues, after=self._places)
        for entry in found:
            known = self._places.get(entry.queue)
            if known is None or _order(entry.place) > _order(known):
                self._places[entry.queue] = entry.place
        if found:
            self.entries = merged(self.entries, found)
            self._listed.clear()

    def listed(self, queue: str | None = None, wanted: str = "") -> tuple[AuditEntry, ...]:
        """The entries of one queue, or of all, that fit a filter, newest first: the same object until some are new."""
        of = queue, wanted
        if of not in self._listed:
            entries = (entry for entry in self.entries.values() if queue in (None, entry.queue))
            self._listed = {of: newest_first(entries, wanted)}
        return self._listed[of]


def _order(place: str) -> tuple[int, int]:
    ms, _, number = place.partition("-")
    return int(ms), int(number)
