"""Ages, numbers and durations are written and read one way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convoy_core import InvalidOption
from convoy_tui.text.words import age, count, number, parse_duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (0.9, "0s"),
        (8, "8s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (724, "12m04s"),
        (3599, "59m59s"),
        (12000, "3h20m"),
        (86399, "23h59m"),
        (183600, "2d03h"),
        (86400 * 99 + 3600, "99d01h"),
        (86400 * 1234, "1,234d"),
        (-5, "-5s"),
    ],
)
def test_an_age_has_two_units(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_numbers_are_grouped() -> None:
    assert [number(n) for n in (0, 999, 1000, 1234567)] == ["0", "999", "1,000", "1,234,567"]


def test_a_noun_follows_its_number() -> None:
    assert [count(0, "ID"), count(1, "ID"), count(2000, "ID")] == ["0 IDs", "1 ID", "2,000 IDs"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300.0),
        ("30s", 30.0),
        ("1h30m", 5400.0),
        ("250ms", 0.25),
        ("2d", 172800.0),
        ("1w", 604800.0),
        ("0", 0.0),
        ("90", 90.0),
        ("1.5", 1.5),
        ("1.5h", 5400.0),
        (" 5m ", 300.0),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5q", "m", "-5m", "5 m", "1e3", "inf", "nan", "5m!", "\u0665m", "5m3"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidOption, match="write it like 30s, 5m"):
        parse_duration(text)


@given(st.integers(0, 10**7))
def test_an_age_below_a_hundred_days_can_be_read_again(seconds: int) -> None:
    assert parse_duration(age(seconds).replace(",", "")) <= seconds
