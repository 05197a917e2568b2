"""Histories of queues as if pools had kept them for days, put into a real store."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import redis

from convoy_core.models import Counts
from tests.packed import history, row

At = Callable[[float], tuple[Counts, int, dict[str, int]]]
"""Counts, live pools and totals so many seconds ago."""


def busy(ago: float) -> tuple[Counts, int, dict[str, int]]:
    """A queue with waves of work, of which a few in a hundred fail."""
    queued = int(600 + 500 * math.sin(ago / 1300))
    running, failed = 4, max(0, int(400 - ago / 200))
    published = 1_000_000 - int(ago * 12)
    done = 900_000 - int(ago * 11)
    counts = Counts(queued=queued, committed=queued + running, processing=running, failed=failed, delayed=0)
    return counts, 2, {"published": published, "done": done, "failed": 20_000 - int(ago * 0.4)}


def keep(
    client: redis.Redis, queue: str, now: float, at: At = busy, *, gaps: Sequence[tuple[float, float]] = ()
) -> None:
    """Keep a row every 10 s for two hours, and every minute for seven days, but none in the gaps (seconds ago)."""
    for kind, step, longest in (("seconds", 10, 7200), ("minutes", 60, 604_800)):
        rows = []
        for ago in range(longest, 0, -step):
            if not any(first >= ago >= last for first, last in gaps):
                counts, workers, totals = at(ago)
                rows.append(row(int((now - ago) * 1000), counts, workers, totals))
        packed = [each.encode("utf-8", "surrogateescape") for each in history(rows)]
        client.delete(f"cv:{queue}:history:{kind}")
        for first in range(0, len(packed), 1000):
            client.rpush(f"cv:{queue}:history:{kind}", *packed[first : first + 1000])
