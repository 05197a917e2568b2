"""How long the IDs of queues waited and ran, as calls: what pools have counted, summed up over the last time. No I/O.

A pool hands over what it has counted with a heartbeat, and as it unregisters. An entry is kept for each of 61 minutes
and 25 hours, of 1.2 KB at most: about 100 KB for a queue with every bucket in use, and 5 to 10 KB for most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from convoy_core.durations import Durations, Histogram, Percentiles
from convoy_core.moves.call import Call, Rounds, checked_names, sliced
from convoy_core.moves.keys import Keyspace
from convoy_core.moves.packed import numbers
from convoy_core.moves.scripts import load

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

WINDOWS: Final = ((300.0, MINUTE_MS, 5), (3_600.0, MINUTE_MS, 60), (86_400.0, HOUR_MS, 24))
"""Seconds, of what the entries are, and how many of them before the one that goes on."""

AT_ONCE: Final = 100
"""Queues in one script."""


def durations(keyspace: Keyspace, names: Iterable[str]) -> Rounds[dict[str, list[Durations]]]:
    """Of each queue, for 5 minutes, an hour and a day."""
    script = load("durations")

    def read(reply: list[Any]) -> list[list[Durations]]:
        now_ms = int(reply[0])
        return [[_over(kept, window, now_ms) for window in WINDOWS] for kept in reply[1:]]

    def ask(queues: list[str]) -> Call[list[list[Durations]]]:
        keys = [key for queue in queues for key in keyspace.existing(queue, script.keys)]
        return Call(script, tuple(keys), (), read, writes=False)

    queues = [*checked_names(names)]
    found, _ = yield from sliced(queues, 1 if keyspace.braces else AT_ONCE, ask)
    return dict(zip(queues, found, strict=True))


def _over(kept: Sequence[list[bytes]], window: tuple[float, int, int], now_ms: int) -> Durations:
    over_s, step_ms, before = window
    newest = now_ms // step_ms
    waits, runs = Histogram(), Histogram()
    for packed in kept[0 if step_ms == MINUTE_MS else 1][1::2]:
        try:
            at, n, *pairs = numbers(packed)
        except (ValueError, IndexError):
            continue
        if newest - before <= at <= newest:
            counted = [*zip(pairs[::2], pairs[1::2], strict=False)]
            waits += Histogram.of(counted[:n])
            runs += Histogram.of(counted[n:])
    return Durations(over_s, Percentiles.of(waits), Percentiles.of(runs))
