"""Histograms of durations: exact counts, and percentiles within their promise."""

from __future__ import annotations

import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convoy_core import Histogram
from convoy_core.durations import BOUNDS_S

KNOWN = st.floats(min_value=BOUNDS_S[0], max_value=BOUNDS_S[-1])


def filled(*seconds: float) -> Histogram:
    histogram = Histogram()
    for each in seconds:
        histogram.add(each)
    return histogram


@given(st.lists(KNOWN, min_size=1, max_size=200), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_at_most_14_percent_away(seconds: list[float], share: float) -> None:
    exact = sorted(seconds)[ceil(share * len(seconds)) - 1]

    told = filled(*seconds).percentile(share)

    assert told is not None
    assert abs(told / exact - 1) <= 0.14


def test_what_is_out_of_range_is_told_by_the_nearest_bound() -> None:
    assert filled(-1.0, 0.0, 0.0002).percentile(1.0) == BOUNDS_S[0]
    assert filled(1e9).percentile(0.5) == BOUNDS_S[-1]
    assert Histogram().percentile(0.5) is None


def test_a_bound_belongs_to_the_bucket_below_it_as_prometheus_has_it() -> None:
    assert filled(*BOUNDS_S).counts == [1] * len(BOUNDS_S) + [0]


def test_sums_differences_and_copies_are_of_all_counts() -> None:
    one, other = filled(0.5, 3.0), filled(3.0, 70.0)
    before = one.copy()
    one.add(9.0)

    assert (one + other).pairs() == filled(0.5, 3.0, 9.0, 3.0, 70.0).pairs()
    assert (one - before).pairs() == filled(9.0).pairs()
    assert (one - before).total_s == pytest.approx(9.0)
    assert before.count == 2


def test_a_record_of_it_survives_json_and_buckets_that_there_are_not_are_left_out() -> None:
    histogram = filled(0.5, 3.0, 3.0)
    record = json.loads(json.dumps(histogram.as_record()))

    copy = Histogram.from_record(record)
    odd = Histogram.of([(-1, 5), (10_000, 5), (3, -5), (3, 2)])

    assert (copy.counts, copy.total_s) == (histogram.counts, histogram.total_s)
    assert odd.pairs() == [(3, 2)]
