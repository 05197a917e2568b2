"""The fixtures, in a pytest of a user's own."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest
from convoy_core import AsyncQueue
from convoy_core.testing import drain

SEEN = set()

@pytest.mark.parametrize("n", range(3))
def test_each_test_has_a_queue_of_its_own(convoy_queue, convoy_url, n):
    SEEN.add(convoy_url)
    assert convoy_queue.publish("42").is_accepted
    assert convoy_queue.counts().queued == 1

def test_there_is_one_store(convoy_queue, convoy_url):
    assert SEEN == {convoy_url}
    assert convoy_queue.counts().queued == 0

def test_the_clock(convoy_queue, convoy_clock):
    convoy_queue.publish("42", delay_s=3600)
    assert drain(convoy_queue, print).done == []
    convoy_clock.advance(3600)
    assert drain(convoy_queue, print).done == ["42"]

def test_all_queues(convoy_fleet, convoy_queue):
    convoy_fleet.queue("other").publish("1")
    assert convoy_fleet.queues() == ["other"]
"""


def test_the_fixtures_are_there_and_the_store_goes_with_the_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:cacheprovider", f"--basetemp={pytester.path}/t")

    result.assert_outcomes(passed=6)
    assert [*pytester.path.glob("t/**/server.sock")] == []


def test_nothing_of_convoy_is_loaded_in_a_session_that_does_not_ask_for_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "redis" not in sys.modules
            assert "convoy_core.queue" not in sys.modules
        """
    )

    pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:valkey").assert_outcomes(passed=1)
