"""The history of a queue as calls: keep a row of its counts and totals, and read what was kept. No I/O.

Every pool and dashboard asks for a row; the script writes one only if the newest is old enough. A row is an array of
whole numbers in MessagePack, which the store's Lua writes: Unix ms, bytes, five counts, the pools alive, and the
counters in the order of `TOTALS`, to whose end alone names may be added. The newest row holds the counters, each other
by how much they grew up to the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

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

HOUR_S, HOURS_KEPT_S = 3600, 7 * 86_400
"""And the first row of each hour, with the largest counts since the one before, kept for so long."""

BYTES, LONG_BYTES, HOURS_BYTES = 120_000, 880_000, 20_000
"""What the rows of each kind may take. If they come to more, the oldest leave early."""


_MINUTES = LONG_KEPT_S // LONG_STEP_S


def note_history(keys: Keys, *, is_last: bool = False) -> Call[float]:
    """Keep a row of what the counts and totals are, unless the newest is too young; seconds until the next is due.

    Who ends keeps a last one in any case: what it has done since the newest would else seem to be done later.
    """
    recent, longer = (STEP_S * 1000, KEPT_S // STEP_S, BYTES), (LONG_STEP_S * 1000, _MINUTES, LONG_BYTES)
    hourly = (HOUR_S * 1000, HOURS_KEPT_S // HOUR_S, HOURS_BYTES)
    return of("note_history", keys, (int(is_last), *recent, *longer, *hourly, *TOTALS), lambda reply: int(reply) / 1000)


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

LONG_S = 2 * 86_400
"""For more than so many, those of each hour."""

_MISSED_S = 3 * HOUR_S
"""If the hours of a queue tell of so much less than its minutes, these are read: hours were not always kept."""


class Kept(NamedTuple):
    """Rows of one queue as they are kept."""

    begins: float
    """What is from before this is of no interest, in Unix seconds."""
    rows: list[bytes]
    others: Sequence[bytes] = ()
    """Of one that is read by its hours, the first row of its minutes and the newest of all."""
    is_whole: bool = True
    """Whether each row counts, and not only one an hour."""


def histories(keyspace: Keyspace, names: Iterable[str], last_s: Seconds) -> Rounds[dict[str, Kept]]:
    """The rows of the last so many seconds of each queue, for `unpacked`, which may take a while."""
    span = validation.seconds("last_s", last_s)
    queues = [*checked_names(names)]
    if span <= LONG_S:
        kind, step_s = ("seconds", STEP_S) if span <= RECENT_S else ("minutes", LONG_STEP_S)
        return (yield from _kept(keyspace, queues, kind, step_s, span))
    found = yield from _kept(keyspace, queues, "hours", HOUR_S, span)
    if behind := [queue for queue, kept in found.items() if _is_behind(kept)]:
        older = yield from _kept(keyspace, behind, "minutes", HOUR_S, span)
        found |= {queue: kept._replace(is_whole=False) for queue, kept in older.items()}
    return found


def _kept(keyspace: Keyspace, queues: list[str], kind: str, step_s: int, span: float) -> Rounds[dict[str, Kept]]:
    script = load("histories")
    row_s = HOUR_S if kind == "hours" else STEP_S if kind == "seconds" else LONG_STEP_S
    most = min(math.ceil(span / row_s) + 1, _MINUTES)

    def read(reply: list[Any]) -> list[Kept]:
        begins = float(reply[0]) / 1000 - span - step_s
        return [Kept(begins, *rows) for rows in reply[1:]]

    def ask(some: list[str]) -> Call[list[Kept]]:
        keys = [key for queue in some for key in keyspace.existing(queue, script.keys)]
        return Call(script, tuple(keys), (kind, most), read, writes=False)

    found, _ = yield from sliced(queues, 1 if keyspace.braces else AT_ONCE, ask)
    return dict(zip(queues, found, strict=True))


def _is_behind(kept: Kept) -> bool:
    """Whether the hours of a queue begin later than its minutes, or end earlier: releases before kept none."""
    ends = [row.at for packed in kept.others if (row := _row(packed, None)[0]) is not None]
    if not ends:
        return False
    hours = [row.at for packed in (kept.rows[:1] + kept.rows[-1:]) if (row := _row(packed, None)[0]) is not None]
    if not hours:
        return True
    wanted = max(ends[0], kept.begins, ends[-1] - HOURS_KEPT_S)
    return hours[0] - wanted > _MISSED_S or ends[-1] - hours[-1] > _MISSED_S


def unpacked(found: dict[str, Kept]) -> dict[str, list[HistoryRow]]:
    """The rows of each queue, oldest first, and one from before."""
    return {queue: _unpacked_of(kept) for queue, kept in found.items()}


def _unpacked_of(kept: Kept) -> list[HistoryRow]:
    rows = [row for row in _unpacked(kept.rows) if row.at >= kept.begins]
    if not kept.is_whole:
        return _hourly(rows)
    newest = _row(kept.others[-1], None)[0] if kept.others else None
    return [*rows, newest] if newest is not None and (not rows or newest.at > rows[-1].at) else rows


def _hourly(rows: list[HistoryRow]) -> list[HistoryRow]:
    """Of rows of every minute those that would be kept of each hour, and the newest: see note_history.lua."""
    found: list[HistoryRow] = []
    since: list[HistoryRow] = []
    for row in rows:
        since.append(row)
        if not found or row.at // HOUR_S != found[-1].at // HOUR_S:
            found.append(_largest(since))
            since = []
    return [*found, *since[-1:]]


def _largest(rows: list[HistoryRow]) -> HistoryRow:
    """The last of these, with the largest counts of all."""
    counts = Counts(*(max(of) for of in zip(*(_counted(row.counts) for row in rows), strict=True)))
    return replace(rows[-1], counts=counts, workers=max(row.workers for row in rows))


def _counted(counts: Counts) -> tuple[int, ...]:
    return counts.queued, counts.committed, counts.processing, counts.failed, counts.delayed


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
