"""The overview in the past: which times there are, and how queues are judged from rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from convoy_core import AuditEntry, Counts, HistoryRow
from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.rewound import earlier, later, past_rows, paused_at
from convoy_tui.text.health import Health, Limits

NOW = 1_790_000_045.0
AT = NOW - 3600


def act(verb: str, at: float, queue: str = "q") -> AuditEntry:
    return AuditEntry(queue, at, at, "dana", "command", verb, {}, (), "", "x", "1-0")


@dataclass(frozen=True)
class Course:
    """Rows of two hours up to AT, each `step` seconds, whose counts and totals change by so much per second."""

    queued: int = 0
    processing: int = 0
    failed: int = 0
    drift: int = 0
    workers: int = 1
    step: int = 10
    grows: float = 0.0
    rates: dict[str, float] = field(default_factory=dict)

    def rows(self) -> list[HistoryRow]:
        found = []
        for ago in range(7200, -1, -self.step):
            queued = max(0, int(self.queued - self.grows * ago))
            counts = Counts(queued, queued + self.processing + self.drift, self.processing, self.failed, 0)
            totals = {name: int(1_000_000 - rate * ago) for name, rate in self.rates.items()}
            found.append(HistoryRow(AT - ago, counts, self.workers, totals))
        return found


def row_of(course: Course, acts: Sequence[AuditEntry] = (), *, is_paused: bool = False) -> Row:
    (row,) = past_rows({"q": course.rows()}, AT, Limits(), acts, {"q"} if is_paused else set())
    return row


FLOW = {"published": 10.0, "done": 10.0, "failed": 0.0}
SITUATIONS = {
    "idle": (Course(), Health.IDLE),
    "work that is done": (Course(queued=5, processing=2, rates=FLOW), Health.FLOWING),
    "the same, kept once a minute": (Course(queued=5, processing=2, rates=FLOW, step=60), Health.FLOWING),
    "nobody works": (Course(queued=5, workers=0, rates={"published": 1.0, "done": 0.0}), Health.NO_WORKERS),
    "most fail": (Course(queued=5, failed=9, rates={"published": 3.0, "done": 1.0, "failed": 2.0}), Health.FAILING),
    "most fail, kept once a minute": (
        Course(queued=5, failed=9, rates={"published": 3.0, "done": 1.0, "failed": 2.0}, step=60),
        Health.FAILING,
    ),
    "IDs that are nowhere": (Course(queued=5, processing=1, drift=2, rates=FLOW), Health.DRIFT),
    "nothing ends while IDs wait": (
        Course(queued=90, processing=4, rates={"published": 0.0, "done": 0.0}),
        Health.STALLED,
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_queue_of_the_past_has_the_word_that_one_would_have_seen(name: str) -> None:
    course, word = SITUATIONS[name]

    assert row_of(course).health is word


def test_rates_and_counts_are_those_of_then() -> None:
    for step in (10, 60):
        row = row_of(Course(queued=700, processing=2, grows=1.0, rates={"published": 9.0, "done": 8.0}, step=step))
        rates = row.trends.rates
        assert (row.snapshot.counts.queued, row.snapshot.workers) == (700, 1)
        assert (rates.in_s, rates.out_s, rates.net_s) == (9.0, 8.0, 1.0)


def test_rows_after_that_time_are_not_looked_at() -> None:
    rows = [*Course(queued=5, rates=FLOW).rows(), HistoryRow(AT + 10, Counts(9, 9, 0, 0, 0), 0, {})]

    (row,) = past_rows({"q": rows}, AT, Limits(), (), set())

    assert row.snapshot.counts.queued == 5


def test_a_queue_of_which_nothing_was_kept_then_is_left_out() -> None:
    rows = [row for row in Course(queued=5).rows() if row.at < AT - 600]

    assert past_rows({"q": rows, "other": []}, AT, Limits(), (), set()) == ()


@pytest.mark.parametrize(
    ("acts", "is_now", "was"),
    [
        ([act("pause", AT - 60)], False, True),
        ([act("pause", AT - 60), act("resume", AT - 30)], True, False),
        ([act("resume", AT + 60)], False, True),
        ([act("pause", AT + 60)], True, False),
        ([], True, True),
        ([], False, False),
    ],
)
def test_whether_it_was_paused_is_told_from_the_audit(acts: list[AuditEntry], is_now: bool, was: bool) -> None:
    assert paused_at(acts, AT, is_now=is_now) is was
    assert (row_of(Course(queued=5, workers=1), acts, is_paused=is_now).health is Health.PAUSED) is was


def test_steps_back_go_over_full_minutes_hours_and_quarter_days_to_the_end_of_what_is_kept() -> None:
    at: float | None = None
    ago = []
    for _ in range(200):
        at = earlier(at, NOW)
        ago.append(NOW - at)
    assert ago == sorted(ago)
    assert ago[-1] == ago[-2] <= 604_800
    assert 15 <= ago[0] <= 75
    steps = {round(after - before) for before, after in pairwise(ago)}
    assert {60, 600, 3600, 21_600, 0} <= steps
    assert all((NOW - each) % 60 == 0 for each in ago)


def test_steps_forth_come_back_to_now() -> None:
    at: float | None = None
    for _ in range(60):
        at = earlier(at, NOW)
    times = 0
    while at is not None:
        following = later(at, NOW)
        assert following is None or at < following < NOW
        at, times = following, times + 1
    assert 50 <= times <= 70


def test_one_step_back_and_one_forth_is_now_or_where_one_was() -> None:
    first = earlier(None, NOW)
    assert later(first, NOW) is None
    second = earlier(first, NOW)
    assert later(second, NOW) == first
