"""The history of a queue as calls: keep a row of its counts and totals, and read what was kept. No I/O.

Every pool and dashboard asks for a row; the script writes one only if the newest is old enough. A row is an array of
whole numbers in MessagePack, which the store's Lua writes: Unix ms, bytes, five counts, the pools alive, and the
counters in the order of `TOTALS`, to whose end alone names may be added. The newest row holds the counters, each other
by how much they grew up to the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from convoy_core import validation
from convoy_core.models import TOTALS, Counts, HistoryRow
from convoy_core.moves.call import Call, Rounds, Steps, checked_names, chunked, of, sliced
from convoy_core.moves.keys import Keys, Keyspace
from convoy_core.moves.packed import numbers
from convoy_core.moves.scripts import load
from convoy_core.options import BATCH
from convoy_core.validation import Seconds

STEP_S, KEPT_S = 10, 2 * 3600
"""One row in so many seconds, kept for so long."""

LONG_STEP_S, LONG_KEPT_S = 60, 7 * 86_400
"""And of these rows one in so many seconds, kept for so long."""

BYTES, LONG_BYTES = 120_000, 900_000
"""What the rows of each kind may take. If they come to more, the oldest leave early."""


def note_history(keys: Keys) -> Call[float]:
    """Keep a row of what the counts and totals are, unless the newest is too young; seconds until the next is due."""
    sizes = (STEP_S * 1000, KEPT_S // STEP_S, BYTES, LONG_STEP_S * 1000, LONG_KEPT_S // LONG_STEP_S, LONG_BYTES)
    return of("note_history", keys, (*sizes, *TOTALS), lambda reply: int(reply) / 1000)


AT_ONCE = 100
"""Of so many queues in one round trip."""


def note_histories(keyspace: Keyspace, names: Iterable[str]) -> Rounds[float]:
    """The same for several queues; seconds until the next is due."""
    due_in_s = float(STEP_S)
    for some in chunked([*checked_names(names)], AT_ONCE):
        found = yield [note_history(keyspace.queue(name, existing=True)) for name in some]
        due_in_s = min(due_in_s, *found)
    return due_in_s


def history(keys: Keys, since: float | None, until: float | None) -> Steps[list[HistoryRow]]:
    """The rows of that time, oldest first: one per ten seconds as far back as those go, and before them per minute."""
    first = -math.inf if since is None else validation.moment("since", since)
    last = math.inf if until is None else validation.moment("until", until)
    recent = yield from _rows(keys, "seconds", first)
    begins = min((row.at for row in recent), default=math.inf)
    older = [] if begins <= first else (yield from _rows(keys, "minutes", first))
    return [row for row in [*(row for row in older if row.at < begins), *recent] if first <= row.at <= last]


RECENT_S = 600
"""Up to so many seconds, the rows of every ten seconds are read of many queues, and else those of every minute."""


def histories(keyspace: Keyspace, names: Iterable[str], last_s: Seconds) -> Rounds[dict[str, list[HistoryRow]]]:
    """The rows of the last so many seconds of each queue, oldest first, and one from before."""
    span = validation.seconds("last_s", last_s)
    kind, step_s = ("seconds", STEP_S) if span <= RECENT_S else ("minutes", LONG_STEP_S)
    most = min(math.ceil(span / step_s) + 1, LONG_KEPT_S // LONG_STEP_S)
    script = load("histories")

    def read(reply: list[Any]) -> list[list[HistoryRow]]:
        begins = float(reply[0]) / 1000 - span - step_s
        return [[row for row in _unpacked(packed) if row.at >= begins] for packed in reply[1:]]

    def ask(queues: list[str]) -> Call[list[list[HistoryRow]]]:
        keys = [key for queue in queues for key in keyspace.existing(queue, script.keys)]
        return Call(script, tuple(keys), (kind, most), read, writes=False)

    queues = [*checked_names(names)]
    found, _ = yield from sliced(queues, 1 if keyspace.braces else AT_ONCE, ask)
    return dict(zip(queues, found, strict=True))


def _unpacked(page: list[bytes]) -> list[HistoryRow]:
    """The newest rows of a list, which end with its last."""
    rows: list[HistoryRow] = []
    counters: list[int] | None = None
    for packed in reversed(page):
        row, counters = _row(packed, counters)
        if row is not None:
            rows.append(row)
    return rows[::-1]


def _rows(keys: Keys, kind: str, first: float) -> Steps[list[HistoryRow]]:
    """All rows of that list down to the first at that time, or some more."""
    rows: list[HistoryRow] = []
    counters: list[int] | None = None
    skip = 0
    while True:
        page = yield of("history", keys, (kind, skip, BATCH), list)
        known = {row.at for row in rows}  # those that came meanwhile have moved the others
        for packed in reversed(page):
            row, own = _row(packed, counters)
            if row is not None and row.at in known:
                continue
            counters = own
            if row is not None:
                rows.append(row)
        skip += BATCH
        if len(page) < BATCH or (rows and rows[-1].at < first):
            return rows[::-1]


def _row(packed: bytes, following: list[int] | None) -> tuple[HistoryRow | None, list[int]]:
    """One row, given the counters of the one after it, and its own; None for what is none of ours."""
    try:
        at, _, queued, committed, processing, failed, delayed, workers, *counters = numbers(packed)
    except (ValueError, IndexError):
        return None, []
    if following is not None:
        counters = [after - growth for after, growth in zip(following, counters, strict=False)]
    totals = {name: n for name, n in zip(TOTALS, counters, strict=False) if n > 0}
    return HistoryRow(at / 1000, Counts(queued, committed, processing, failed, delayed), workers, totals), counters
