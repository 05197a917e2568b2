"""The course of counts and rates over a time: what charts show, from the rows of the history in the store. Pure.

A time of which no row was kept is a gap, in the values and in the lines; nothing is drawn across it, and nothing as 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from convoy_core import HistoryRow
from convoy_tui.dashboard.board.columns import short
from convoy_tui.dashboard.board.spans import Tone
from convoy_tui.text.past import GAP_S


@dataclass(frozen=True, slots=True)
class Period:
    """A time that charts can show, up to now."""

    name: str
    seconds: float
    step_s: float
    """The time that one value stands for."""
    every_s: float
    """How often a chart of it is worth reading again."""
    gap_s: float = GAP_S
    """More time than this between two rows is a gap."""
    late_s: float = 0.0
    """A row may come so late after the time that it tells of."""

    def end(self, now: float) -> float:
        """The end of the step that is going on, so that the steps do not shift from one reading to the next."""
        return math.ceil(now / self.step_s) * self.step_s


PERIODS: Final = (
    Period("15 min", 900, 10, 10),
    Period("3 h", 10_800, 60, 30),
    Period("24 h", 86_400, 600, 300),
    Period("7 days", 604_800, 3600, 1800, gap_s=7200, late_s=120),
)


class Moment(NamedTuple):
    """What was so in one step: the largest counts, and rates per second, which are None where they are unknown."""

    queued: int
    processing: int
    failed: int
    delayed: int
    in_s: float | None = None
    out_s: float | None = None
    fail_s: float | None = None


Course: TypeAlias = "Sequence[Moment | None]"
"""The moments of a period, one a step; None where nothing was kept."""


def course(rows: Sequence[HistoryRow], period: Period, end: float) -> list[Moment | None]:
    """The course of one queue up to `end`, from its rows, oldest first."""
    begin = end - period.seconds
    found: list[Moment | None] = [None] * round(period.seconds / period.step_s)
    groups: dict[int, list[HistoryRow]] = {}
    for row in rows:
        groups.setdefault(math.floor((row.at - period.late_s - begin) / period.step_s), []).append(row)
    before: HistoryRow | None = None
    moment: Moment | None = None
    last_step = 0
    for step, inside in groups.items():
        is_joined = before is not None and inside[0].at - before.at <= period.gap_s
        moment = _moment(before if is_joined else None, inside)
        for between in range(last_step + 1 if is_joined else step, step + 1):
            if 0 <= between < len(found):
                found[between] = moment
        before, last_step = inside[-1], step
    if before is not None:  # the next row may not be due yet
        for step in range(max(0, last_step + 1), len(found)):
            if begin + step * period.step_s - before.at <= period.gap_s:
                found[step] = moment
    return found


def _moment(before: HistoryRow | None, inside: Sequence[HistoryRow]) -> Moment:
    first, last = before or inside[0], inside[-1]

    def most(of: Callable[[HistoryRow], int]) -> int:
        return max(map(of, inside))

    return Moment(
        most(lambda row: row.counts.queued),
        most(lambda row: row.counts.processing),
        most(lambda row: row.counts.failed),
        most(lambda row: row.counts.delayed),
        _rate(first, last, "published"),
        _rate(first, last, "done"),
        _rate(first, last, "failed", "retried"),
    )


def _rate(first: HistoryRow, last: HistoryRow, *names: str) -> float | None:
    """None where the counters or the clock went back: another store, or an emptied one."""
    took = last.at - first.at
    growths = [last.totals.get(name, 0) - first.totals.get(name, 0) for name in names]
    return None if took <= 0 or min(growths) < 0 else sum(growths) / took


def together(courses: Iterable[Course]) -> list[Moment | None]:
    """The sum of several queues, of those that are known at each moment."""
    found: list[Moment | None] = []
    for at_once in zip(*courses, strict=True):
        known = [moment for moment in at_once if moment is not None]
        found.append(Moment(*map(_sum, zip(*known, strict=True))) if known else None)  # type: ignore[arg-type]
    return found


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


# -- charts

Point: TypeAlias = "tuple[float, float]"


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart."""

    name: str
    tone: Tone
    pieces: tuple[tuple[Point, ...], ...]
    """Its points by time; between two pieces nothing is known."""
    last: float | None
    """The value at the end; None if that is not known."""


COUNTED = "IDs"
"""The unit of a chart of counts."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same time, from 0 up."""

    unit: str
    curves: tuple[Curve, ...]
    begin: float
    end: float
    top: float


_FIRST, _SECOND, _THIRD = Tone.CURVE_1, Tone.CURVE_2, Tone.CURVE_3


def charts(found: Course, period: Period, end: float) -> tuple[Chart, ...]:
    """Waiting IDs, rates, running and failed IDs; delayed ones beside those that wait, if there were any."""
    begin = end - period.seconds
    times = [begin + (n + 0.5) * period.step_s for n in range(len(found))]

    def curve(name: str, tone: Tone, of: Callable[[Moment], float | None]) -> Curve:
        values = [None if moment is None else of(moment) for moment in found]
        return Curve(name, tone, _pieces(times, values), values[-1])

    waiting = [curve("waiting", _FIRST, lambda moment: moment.queued)]
    if any(moment is not None and moment.delayed for moment in found):
        waiting.append(curve("delayed", _SECOND, lambda moment: moment.delayed))
    rates = [
        curve("in", _FIRST, lambda moment: moment.in_s),
        curve("out", _SECOND, lambda moment: moment.out_s),
        curve("failing", _THIRD, lambda moment: moment.fail_s),
    ]
    return (
        _chart(COUNTED, waiting, begin, end),
        _chart("IDs per second", rates, begin, end),
        _chart(COUNTED, [curve("running", _SECOND, lambda moment: moment.processing)], begin, end),
        _chart(COUNTED, [curve("failed", _THIRD, lambda moment: moment.failed)], begin, end),
    )


def _pieces(times: Sequence[float], values: Sequence[float | None]) -> tuple[tuple[Point, ...], ...]:
    pieces: list[list[Point]] = [[]]
    for at, value in zip(times, values, strict=True):
        if value is not None:
            pieces[-1].append((at, value))
        elif pieces[-1]:
            pieces.append([])
    return tuple(tuple(piece) for piece in pieces if piece)


def _chart(unit: str, curves: Sequence[Curve], begin: float, end: float) -> Chart:
    most = max((value for curve in curves for piece in curve.pieces for _, value in piece), default=0.0)
    return Chart(unit, tuple(curves), begin, end, round_top(most, least=2.0 if unit == COUNTED else 0.2))


_ROUND = (1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)


def round_top(most: float, least: float) -> float:
    """The end of an axis: a round number with a round half, no less than the largest value.

    >>> [round_top(most, 2) for most in (0, 3, 11, 1204)], round_top(0.31, 0.2)
    ([2, 4, 12, 1600], 0.4)
    """
    most = max(most, least)
    size = 10.0 ** math.floor(math.log10(most))
    parts = _ROUND if size > 1 else [part for part in _ROUND if part % 2 == 0]
    top = next(part for part in parts if part * size >= most * (1 - 1e-9)) * size
    return round(top, 6) if top < 1 else round(top)


def value_text(value: float) -> str:
    """A value as axes and legends show it.

    >>> [value_text(value) for value in (0, 0.25, 9.5, 1204.0, 5_000_000)]
    ['0', '0.25', '9.5', '1,204', '5.00M']
    """
    if value < 1:
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.1f}" if value < 10 and value != int(value) else short(round(value))


_TICKS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 172_800)


def time_ticks(begin: float, end: float, most: int) -> list[tuple[float, str]]:
    """Up to so many round times of the local day between the two, each with its label."""
    step = next((step for step in _TICKS_S if (end - begin) / step <= most), _TICKS_S[-1])
    if end - begin > 2 * 86_400:
        step = max(step, 86_400)
    form = "%d %b" if step >= 86_400 else "%H:%M"
    offset = (datetime.fromtimestamp(end).astimezone().utcoffset() or timedelta()).total_seconds()
    first = math.ceil((begin + offset) / step) * step - offset
    return [
        (at, datetime.fromtimestamp(at).astimezone().strftime(form))
        for at in (first + n * step for n in range(most + 1))
        if at <= end
    ]
