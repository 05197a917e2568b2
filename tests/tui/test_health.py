"""Which word a queue gets, and when it shows."""

from __future__ import annotations

import pytest

from convoy_core import QueueLimits, Snapshot
from convoy_tui.text.health import Health, Limits, Steady, assess, word
from convoy_tui.text.history import Rates, Trends
from convoy_tui.text.reasons import why
from tests.tui.fixed import a_queue

QUIET = Trends(rates=Rates(0, 0, 0, 0))
LIMITS = Limits()
AT_MOST_TWO = QueueLimits(2)


@pytest.mark.parametrize(
    ("expected", "snapshot", "trends"),
    [
        (Health.DAMAGED, a_queue("q", jammed=1, damage="The key holds a string."), QUIET),
        (Health.JAMMED, a_queue("q", processing=1, jammed=1, paused=True), QUIET),
        (Health.FAILING, a_queue("q", queued=1), Trends(rates=Rates(fail_s=1.5))),
        (Health.FAILING, a_queue("q"), Trends(done_1m=10, failed_1m=3)),
        (Health.NO_WORKERS, a_queue("q", queued=1, workers=0, drift=1), Trends(drift=1)),
        (Health.NO_WORKERS, a_queue("q", queued=1, workers=0, delayed=1, next_due_s=-60.0), QUIET),
        (Health.OVERDUE, a_queue("q", processing=1, workers=0, delayed=1, next_due_s=-10.0), QUIET),
        (Health.OVERDUE, a_queue("q", workers=2, delayed=1, next_due_s=-60.0, drift=1), Trends(drift=1)),
        (Health.IDLE, a_queue("q", workers=0, delayed=1, next_due_s=-9.0), QUIET),
        (Health.PAUSED, a_queue("q", workers=0, delayed=1, next_due_s=-60.0, paused=True), QUIET),
        (Health.DRIFT, a_queue("q", queued=1, drift=2, paused=True), Trends(drift=2)),
        (Health.BEHIND, a_queue("q", queued=500), Trends(grows=True)),
        (Health.BEHIND, a_queue("q", queued=500), Trends(clears_s=4000)),
        (Health.PAUSED, a_queue("q", queued=500, paused=True, workers=0), Trends(grows=True)),
        (Health.LIMITED, a_queue("q", queued=500, limits=AT_MOST_TWO, is_held_back=True), Trends(grows=True)),
        (Health.NO_WORKERS, a_queue("q", queued=5, workers=0, limits=AT_MOST_TWO, is_held_back=True), QUIET),
        (Health.FLOWING, a_queue("q", queued=5, limits=AT_MOST_TWO), Trends(moves=True)),
        (Health.FLOWING, a_queue("q", processing=1), QUIET),
        (Health.FLOWING, a_queue("q", queued=1), Trends(moves=True)),
        (Health.FAILED, a_queue("q", delayed=4, failed=9, workers=0), QUIET),
        (Health.IDLE, a_queue("q", delayed=4, workers=0), QUIET),
    ],
)
def test_the_first_condition_that_holds_gives_the_word(expected: Health, snapshot: Snapshot, trends: Trends) -> None:
    assert assess(snapshot, trends, LIMITS) is expected


def test_a_queue_held_back_by_its_limits_says_which() -> None:
    limits = QueueLimits(2, 30, 60.0, 1)
    held_back = a_queue("q", queued=1200, processing=2, limits=limits, is_held_back=True)

    assert why(Health.LIMITED, held_back, QUIET, LIMITS) == (
        "Held back by its limits, at most 2 runs at a time, and 30 starts a minute: 1,200 IDs wait, 2 running."
    )


def test_two_failures_a_minute_raise_no_alarm() -> None:
    assert assess(a_queue("q"), Trends(done_1m=0, failed_1m=2), LIMITS) is Health.IDLE


@pytest.mark.parametrize(
    ("reason", "snapshot"),
    [
        (
            "1 pool fell silent, and nobody recovers the 2 IDs held there: start a worker.",
            a_queue("q", queued=3, processing=2, workers=0, silent=1, held=2),
        ),
        (
            "1 ID is held by workers that are gone, and nobody recovers them: start a worker.",
            a_queue("q", queued=3, processing=2, workers=0, held=1),
        ),
        ("3 IDs wait and no worker takes them.", a_queue("q", queued=3, workers=0)),
    ],
)
def test_no_workers_says_what_is_held_and_what_waits(reason: str, snapshot: Snapshot) -> None:
    assert assess(snapshot, QUIET, LIMITS) is Health.NO_WORKERS
    assert why(Health.NO_WORKERS, snapshot, QUIET, LIMITS) == reason


@pytest.mark.parametrize("health", list(Health))
def test_every_word_has_a_sign_of_its_own_an_ascii_one_and_a_reason(health: Health) -> None:
    others = [other for other in Health if other is not health]

    assert health.sign() not in {other.sign() for other in others}
    assert health.sign(ascii_only=True) not in {other.sign(ascii_only=True) for other in others}
    assert health.sign(ascii_only=True).isascii()
    assert why(health, a_queue("q", queued=3, processing=2, jammed=1), Trends(drift=1), LIMITS).endswith((".", ": "))


@pytest.mark.parametrize(
    ("workers", "reason"),
    [
        (0, "2 delayed IDs wait, and the first is overdue by 2m04s: no Convoy worker queues it, and Node's do not."),
        (1, "2 delayed IDs wait, and the first is overdue by 2m04s: the workers here do not get round to it."),
    ],
)
def test_overdue_says_for_how_long_and_which_worker_is_missing(workers: int, reason: str) -> None:
    assert why(Health.OVERDUE, a_queue("q", delayed=2, next_due_s=-124.0, workers=workers), QUIET, LIMITS) == reason


@pytest.mark.parametrize(
    ("snapshot", "reason"),
    [
        (a_queue("q", failed=2), "Nothing is waiting and nothing is running. 2 IDs have failed."),
        (a_queue("q", processing=1, failed=1), "0 waiting, 1 running. 1 ID has failed."),
        (
            a_queue("q", delayed=1, next_due_s=-5.0),
            "Nothing to do now; 1 ID waits for a later time, the first is overdue by 5s.",
        ),
    ],
)
def test_words_without_alarm_mention_failures_and_overdue_ids(snapshot: Snapshot, reason: str) -> None:
    health = assess(snapshot, QUIET, LIMITS)

    assert why(health, snapshot, QUIET, LIMITS) == reason


def test_alarms_are_in_capitals_and_other_words_are_not() -> None:
    assert all(health.value.isupper() == health.needs_you for health in Health)


def test_drift_says_how_many() -> None:
    assert word(Health.DRIFT, Trends(drift=-3)) == "DRIFT -3"
    assert word(Health.JAMMED, Trends()) == "JAMMED"


def test_the_first_health_word_shows_at_once() -> None:
    assert Steady().settle("q", Health.JAMMED, Health.FLOWING) is Health.JAMMED


def test_a_new_health_word_shows_only_when_it_lasts() -> None:
    steady = Steady()
    shown = [
        steady.settle("q", next_word, Health.IDLE)
        for next_word in (
            Health.IDLE,
            Health.JAMMED,
            Health.IDLE,
            Health.JAMMED,
            Health.JAMMED,
            Health.IDLE,
            Health.IDLE,
        )
    ]

    assert shown == [Health.IDLE] * 4 + [Health.JAMMED] * 2 + [Health.IDLE]


def test_drift_must_last_three_samples_also_at_the_start() -> None:
    steady = Steady()

    assert [steady.settle("q", Health.DRIFT, Health.FLOWING) for _ in range(4)] == [
        Health.FLOWING,
        Health.FLOWING,
        Health.DRIFT,
        Health.DRIFT,
    ]


def test_a_queue_that_came_back_starts_anew() -> None:
    steady = Steady()
    steady.settle("q", Health.IDLE, Health.IDLE)
    steady.keep([])

    assert steady.settle("q", Health.JAMMED, Health.IDLE) is Health.JAMMED
