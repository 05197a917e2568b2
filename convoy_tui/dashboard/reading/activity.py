"""What operators have done: all that is kept at first, and then only what is new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from convoy_core import AsyncFleet, AuditEntry
from convoy_tui.dashboard.board.activity import merged


@dataclass(slots=True)
class AuditReader:
    """Reads the audit of queues, and keeps its newest entries."""

    fleet: AsyncFleet
    entries: dict[str, AuditEntry] = field(default_factory=dict)
    _places: dict[str, str] = field(default_factory=dict)

    async def read(self, queues: Iterable[str]) -> None:
        """Read what has been done since the last call."""
        found = await self.fleet.audit(queues, after=self._places)
        for entry in found:
            known = self._places.get(entry.queue)
            if known is None or _order(entry.place) > _order(known):
                self._places[entry.queue] = entry.place
        if found:
            self.entries = merged(self.entries, found)


def _order(place: str) -> tuple[int, int]:
    ms, _, number = place.partition("-")
    return int(ms), int(number)
