"""What is kept of the publishes that an ID has absorbed, from the store's entry. No I/O."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Absorbed(NamedTuple):
    """For how many publishes a run stands, besides the one that was accepted; see request_entry.lua."""

    n: int = 0
    first: float | None = None
    """When the first of them came, in Unix seconds, if it did not come after the publish that was accepted."""
    again: int = 0
    """Those that asked for a further run, or for this one while the ID ran the last time."""

    @property
    def requests(self) -> int:
        """As many as a run stands for that begins now."""
        return 1 + self.n + self.again


NOTHING = Absorbed()


_ENTRY: Final = re.compile(rb"(\d{1,15})(?: (\d{1,15}))?(?: (\d{1,15}) (\d{1,15}))?")


def absorbed(entry: bytes | None) -> Absorbed:
    """What an entry says; nothing if there is none, or another client wrote something else there."""
    found = _ENTRY.fullmatch(entry or b"")
    if found is None:
        return NOTHING
    n, first, again, since = (int(number or 0) for number in found.groups())
    times = [time for time in (first, since) if time]
    return Absorbed(n, min(times) / 1000 if times else None, again)


def first_asked(kept: Absorbed, published: float | None) -> float | None:
    """When a run that stands for more than one publish was first asked for."""
    times = [time for time in (kept.first, published) if time is not None]
    return min(times, default=None) if kept is not NOTHING else None
