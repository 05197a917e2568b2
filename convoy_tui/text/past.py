"""The history that the store has of a queue: rates, equal parts of a time, bars, and times as people write them.

Pure. A time in which nobody kept a row is a gap, and an unknown rate is None, never 0. Clock times are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from convoy_core import HistoryRow, InvalidOption
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import parse_duration

GAP_S = 150.0
"""More time than this between two rows, which come every minute at least, is a gap."""

STEPS_S = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the time that is shown."""

    at: float
    """Its end; of a single row its time."""
    row: HistoryRow | None
    """The last that was kept in it; None in a gap."""
    in_s: float | None = None
    out_s: float | None = None
    fail_s: float | None = None


def single_rows(rows: Sequence[HistoryRow]) -> list[Part]:
    """Each row by itself, with the rates since the one before."""
    return [_part(before, row, row.at) for before, row in pairwise([None, *rows]) if row is not None]


def parts(rows: Sequence[HistoryRow], first: float, last: float, most: int) -> list[Part]:
    """Equal parts from one time to another, no more than so many, each as long as people would choose."""
    step = next((step for step in STEPS_S if (last - first) / step < most), STEPS_S[-1])
    begin = first // step * step
    found: list[Part] = []
    before: HistoryRow | None = None
    place = 0
    for n in range(int((last - begin) // step) + 1):
        end = begin + (n + 1) * step
        inside: HistoryRow | None = None
        while place < len(rows) and rows[place].at < end:
            inside = rows[place]
            place += 1
        found.append(_part(before, inside, min(end, last)))
        before = inside or before
    while before is not None and found[-1].row is None and last - before.at < GAP_S:
        found.pop()  # the next row is not due yet
    return found


def _part(before: HistoryRow | None, row: HistoryRow | None, at: float) -> Part:
    if before is None or row is None:
        return Part(at, row)
    return Part(
        at,
        row,
        in_s=_rate(before, row, "published"),
        out_s=_rate(before, row, "done"),
        fail_s=_rate(before, row, "failed", "retried"),
    )


def _rate(before: HistoryRow, row: HistoryRow, *names: str) -> float | None:
    """None after a gap, or where the counters or the clock went back: another store, or an emptied one."""
    took = row.at - before.at
    growths = [row.totals.get(name, 0) - before.totals.get(name, 0) for name in names]
    if took <= 0 or min(growths) < 0:
        return None
    return sum(growths) / took


def has_gap(found: Sequence[HistoryRow]) -> bool:
    """Whether rows are missing between two of them."""
    return any(after.at - before.at > GAP_S for before, after in pairwise(found))


def bars(values: Sequence[float | None], *, ascii_only: bool = False) -> str:
    """A trend from 0 up, a cell each; a gap is blank.

    >>> bars([0, 1, None, 4, 8])
    '▁▂ ▅█'
    """
    blocks = "_.:-=+*#" if ascii_only else "▁▂▃▄▅▆▇█"
    top = max((value for value in values if value is not None), default=0) or 1

    def block(value: float | None) -> str:
        if value is None:
            return " "
        return blocks[0] if value <= 0 else blocks[max(1, min(7, round(value / top * 7)))]

    return "".join(map(block, values))


_CLOCK = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)[ T])?(\d\d):(\d\d)(?::(\d\d))?", re.ASCII)


def parse_moment(text: str, now: float) -> float:
    """Unix seconds of "3h" (ago), of "03:12" (the last one, UTC) or of "2026-11-29 03:12". Raises InvalidOption.

    >>> [int(parse_moment(text, 1_790_000_000)) for text in ("10m", "14:13", "14:14", "2026-09-21 13:00")]
    [1789999400, 1789999980, 1789913640, 1789995600]
    """
    if (clock := _CLOCK.fullmatch(text.strip())) is None:
        try:
            return now - parse_duration(text)
        except InvalidOption:
            shown = safe(repr(text), 60)
            raise InvalidOption(
                f"{shown} is no time; write it like 3h (ago), 03:12 or 2026-11-29 03:12 (UTC)."
            ) from None
    *date, hour, minute, second = (int(part or 0) for part in clock.groups())
    today = datetime.fromtimestamp(now, UTC)
    try:
        year, month, day = date if any(date) else (today.year, today.month, today.day)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise InvalidOption(f"{safe(repr(text), 60)} is no time: {error}.") from None
    if not any(date) and moment > today:
        moment -= timedelta(days=1)
    return moment.timestamp()
