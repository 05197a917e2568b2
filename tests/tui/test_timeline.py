"""Charts of the history: what they show of which rows, and how they are drawn."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from convoy_core import Counts, HistoryRow
from convoy_core.moves.history import _hourly
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Tone, plain, width
from convoy_tui.dashboard.board.timeline import (
    PERIODS,
    Chart,
    Curve,
    Period,
    charts,
    course,
    round_top,
    time_ticks,
    together,
    value_text,
)
from convoy_tui.dashboard.plotting import plotted
from convoy_tui.text.past import GAP_S

MINUTES, HOURS, DAY, WEEK = PERIODS
END = 1_790_000_000.0


def a_row(ago: float, queued: int = 0, **totals: int) -> HistoryRow:
    return HistoryRow(END - ago, Counts(queued, queued, 0, 0, 0), 1, totals)


def steady(step: int, longest: int, rate: int = 1) -> list[HistoryRow]:
    return [a_row(ago, 5, published=10_000_000 - ago * rate) for ago in range(longest, 0, -step)]


def drawn(chart: Chart, size: tuple[int, int] = (60, 12), *, is_ascii: bool = False, colour: bool = True) -> list[Line]:
    return plotted(chart, *size, Glyphs(is_ascii), has_colour=colour)


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.name)
def test_rows_that_come_in_their_time_make_a_course_without_a_gap(period: Period) -> None:
    # A row of every minute comes up to ten seconds late, one of an hour as much later.
    step = 10 if period.seconds <= 7200 else 67 if period is not WEEK else 3660

    found = course(steady(step, int(period.seconds) + 60), period, END)

    assert None not in found[1:-2]
    assert {moment.in_s for moment in found[1:-2] if moment is not None} == {1.0}


def test_a_time_in_which_nobody_kept_rows_is_a_gap_and_no_zero() -> None:
    rows = [row for row in steady(10, 900) if not 300 <= END - row.at <= 600]

    found = course(rows, MINUTES, END)

    gap = [place for place, moment in enumerate(found) if moment is None]
    assert gap == list(range(30, 61))
    (waiting, rates, *_) = charts(found, MINUTES, END)
    assert [len(curve.pieces) for curve in (waiting.curves[0], rates.curves[0])] == [2, 2]
    assert any(re.search(r"[▄▀▖▘] {10,}[▄▀▗▝]", plain(each)) for each in drawn(waiting))


def test_a_peak_within_a_step_is_seen() -> None:
    rows = [a_row(ago, 90_000 if ago == 5000 else 1) for ago in range(86_400, 0, -10)]

    found = course(rows, DAY, END)

    assert max(moment.queued for moment in found if moment is not None) == 90_000


def test_a_week_is_the_same_from_the_rows_of_hours_as_from_those_of_minutes() -> None:
    """But for the first hour, before which there is no row, and the last, of which there is only the newest."""
    end = 1_790_002_800.0  # a full hour
    minutes = [
        HistoryRow(end - ago, Counts(queued=abs(ago % 10_000 - 5000)), 1, {"published": 10_000_000 - ago * 12})
        for ago in range(604_800, 0, -60)
    ]

    fine, hourly = course(minutes, replace(WEEK, late_s=0), end), course(_hourly(minutes), WEEK, end)

    pairs = [(one, other) for one, other in zip(fine, hourly, strict=True) if one is not None and other is not None]
    assert len(pairs) >= 167
    same = [one.in_s == other.in_s == 12 and abs(one.queued - other.queued) <= 120 for one, other in pairs[1:-1]]
    assert all(same)


def test_a_week_shows_hours_in_which_nobody_kept_rows_as_a_gap() -> None:
    rows = [row for row in steady(3600, 604_800) if not 80 <= (END - row.at) / 3600 <= 90]

    found = course(rows, WEEK, END)

    gap = [place for place, moment in enumerate(found) if moment is None]
    assert len(gap) >= 10
    assert gap == list(range(gap[0], gap[-1] + 1))


def test_rates_are_unknown_where_counters_went_back() -> None:
    rows = [a_row(40, published=100), a_row(30, published=200), a_row(20, published=3), a_row(10, published=13)]

    found = course(rows, MINUTES, END)

    assert [moment and moment.in_s for moment in found[-4:]] == [None, 10.0, None, 1.0]


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.name)
def test_a_step_that_has_just_begun_goes_on_as_the_last_until_its_row_is_due(period: Period) -> None:
    """Else the sum of all queues would fall at the end, until each of them has a row in the new step."""
    early, late = ([a_row(ago, 5) for ago in range(last, 7200, 10)][::-1] for last in (3, 13))

    sums = together([course(rows, period, END + period.step_s - 5) for rows in (early, late)])

    assert [moment.queued for moment in sums[-3:] if moment is not None] == [10, 10, 10]
    gone = course([a_row(ago, 5) for ago in range(round(GAP_S) + 30, 900, 10)][::-1], MINUTES, END)
    assert gone[-1] is None


def test_queues_together_are_the_sum_of_those_that_are_known() -> None:
    one, other = course(steady(10, 900), MINUTES, END), course(steady(10, 300), MINUTES, END)

    found = together([one, other])

    first, last = found[3], found[-3]
    assert first is not None
    assert last is not None
    assert (first.queued, first.in_s, last.queued, last.in_s) == (5, 1.0, 10, 2.0)


def test_each_chart_begins_at_0_and_names_its_unit_and_its_last_values() -> None:
    found = course(steady(10, 900, rate=12), MINUTES, END)
    for chart, unit in zip(charts(found, MINUTES, END), ("IDs", "IDs per second", "IDs", "IDs"), strict=True):
        lines = list(map(plain, drawn(chart)))
        assert lines[0].endswith(f"{unit} ")
        assert any(line.startswith("     0┤") for line in lines)
        assert max(map(len, lines)) <= 60
    assert plain(drawn(charts(found, MINUTES, END)[1])[0]).split()[:4] == ["in", "12", "out", "0"]


def test_charts_are_ascii_alone_where_that_was_asked_for_and_curves_differ_without_colour() -> None:
    found = course(steady(10, 900, rate=12), MINUTES, END)
    rates = charts(found, MINUTES, END)[1]

    ascii_text = "\n".join(map(plain, drawn(rates, is_ascii=True)))
    uncoloured = "\n".join(map(plain, drawn(rates, colour=False)))

    assert ascii_text.isascii()
    assert "* in 12   o out 0   x failing 0" in ascii_text
    assert "**********" in uncoloured
    assert "xxxxxxxxxx" in uncoloured


def test_each_curve_has_its_tone() -> None:
    found = course(steady(10, 900, rate=12), MINUTES, END)

    lines = drawn(charts(found, MINUTES, END)[1])

    tones = {span.tone for line in lines[1:] for span in line}
    assert {Tone.CURVE_1, Tone.CURVE_3, Tone.DIM} <= tones


@pytest.mark.parametrize("size", [(24, 4), (38, 7), (60, 16), (98, 25), (5, 2)], ids=str)
def test_a_chart_keeps_to_its_size(size: tuple[int, int]) -> None:
    found = course(steady(10, 900), MINUTES, END)
    for chart in charts(found, MINUTES, END):
        lines = drawn(chart, size)
        assert len(lines) <= size[1]
        assert all(width(line) <= size[0] for line in lines[1:])


@pytest.mark.parametrize("height", range(6, 40))
def test_the_axis_of_a_count_shows_no_half_ids(height: int) -> None:
    for most in (0, 3, 11, 1204):
        failed = Curve("failed", Tone.CURVE_1, (((0.0, 0.0), (99.0, float(most))),), most)
        chart = Chart("IDs", (failed,), 0, 99, round_top(most, 2))
        axis = [plain(line)[:7] for line in drawn(chart, (60, height))[1:]]
        labels = [label[:-1].strip() for label in axis if label.endswith("┤")]
        assert labels[0] == value_text(chart.top)
        assert labels[-1] == "0"
        assert len(labels) in (3, 5)
        assert "." not in "".join(labels)


def test_a_chart_without_rows_says_so() -> None:
    assert "nothing was kept" in "\n".join(map(plain, drawn(charts(course((), DAY, END), DAY, END)[0])))


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.name)
def test_times_stand_at_round_places_and_fit(period: Period) -> None:
    ticks = time_ticks(END - period.seconds, END, 7)

    assert 2 <= len(ticks) <= 8
    assert all(END - period.seconds <= at <= END for at, _ in ticks)
