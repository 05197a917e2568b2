"""The history of a queue as people see it: parts of a time, their rates, and times as they write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from convoy_core import Counts, HistoryRow, InvalidOption
from convoy_tui.text.past import bars, has_gap, parse_moment, parts, single_rows

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()


def at(seconds: float, queued: int = 0, **totals: int) -> HistoryRow:
    """A row so long after noon."""
    return HistoryRow(NOON + seconds, Counts(queued=queued), 1, totals)


def test_a_rate_is_the_growth_since_the_row_before() -> None:
    first, second, third = single_rows([at(0), at(10, published=50, done=20), at(20, published=50, done=30, failed=5)])

    assert (first.in_s, first.out_s, first.fail_s) == (None, None, None)
    assert (second.in_s, second.out_s, second.fail_s) == (5.0, 2.0, 0.0)
    assert (third.in_s, third.out_s, third.fail_s) == (0.0, 1.0, 0.5)


@pytest.mark.parametrize("later", [at(10, done=3), at(-3600, done=99), at(0, done=99)])
def test_a_counter_or_a_clock_that_went_back_is_no_rate(later: HistoryRow) -> None:
    assert single_rows([at(0, done=7), later])[1].out_s is None


def test_parts_are_as_long_as_people_would_choose_and_hold_their_last_row() -> None:
    rows = [at(10 * n, queued=n, done=10 * n) for n in range(360)]

    found = parts(rows, NOON, NOON + 3600, 24)

    assert [part.at - NOON for part in found] == [300.0 * n for n in range(1, 13)]
    assert [part.row.counts.queued for part in found if part.row] == [30 * n - 1 for n in range(1, 13)]
    assert {part.out_s for part in found[1:]} == {1.0}


def test_a_part_in_which_nothing_was_kept_is_a_gap() -> None:
    rows = [at(0), at(60), at(600)]

    assert [part.row is None for part in parts(rows, NOON, NOON + 660, 12)] == [False, False, *[True] * 8, False]
    assert has_gap(rows)
    assert not has_gap(rows[:2])


def test_a_trend_ends_where_the_next_row_is_not_due_yet() -> None:
    assert len(parts([at(0), at(10)], NOON, NOON + 55, 24)) == 2
    assert len(parts([at(0), at(10)], NOON, NOON + 200, 24)) == 21


def test_bars_begin_at_0_and_leave_a_gap_blank() -> None:
    assert bars([0, None, 1, 50, 100]) == "▁ ▂▅█"
    assert bars([0, 0]) == "▁▁"
    assert bars([0, None, 100], ascii_only=True) == "_ #"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3h", -3 * 3600),
        ("90", -90),
        ("11:45", -900),
        ("11:59:30", -30),
        ("12:00", 0),
        ("12:01", 60 - 86_400),
        ("2026-11-29 03:12", -31_680),
        ("2026-11-28T12:00:00", -86_400),
    ],
)
def test_a_time_is_ago_or_the_last_of_the_clock_or_a_date(text: str, seconds: float) -> None:
    assert parse_moment(text, NOON) == NOON + seconds


@pytest.mark.parametrize("text", ["soon", "3:12", "24:00", "2026-02-30 12:00", "2026-11-29", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="is no time"):
        parse_moment(text, NOON)
