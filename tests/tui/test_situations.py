"""The word is true: what a queue is called in each situation, by those who watched and by those who come later.

Each situation is told second by second. It is judged three times: by a dashboard that watched all of it, by one that
starts at its end, and by `convoy status`. The last two know of the past only what the store has kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest

from convoy_core import HistoryRow, QueueLimits, Snapshot
from convoy_tui.cli.commands.status_rows import rows_of
from convoy_tui.dashboard.board.board import Watch
from convoy_tui.text.health import Health, Limits, Severity
from convoy_tui.text.history import History
from convoy_tui.text.reasons import why
from convoy_tui.text.recalled import LONG_S, RECENT_S, Rows, at_stake, recalled
from tests.tui.fixed import NOW, a_queue

LIMITS = Limits()


class Situation(NamedTuple):
    """What was the case at each second, up to the end."""

    title: str
    word: Health
    lasts_s: int
    at: Callable[[int], Snapshot]
    says: str = ""


def q(**changes: object) -> Snapshot:
    """The queue at some time."""
    return a_queue("q", **changes)


def ended(done: int = 0, failed: int = 0, **others: int) -> dict[str, int]:
    """The totals that matter here."""
    return {"published": 5000, "done": done, "failed": failed, **others}


def burst(t: int) -> int:
    """How many of 1,486 runs have failed, of which the first ended after ten seconds and the last after twenty."""
    return min(1486, max(0, (t - 10) * 150))


def slow(t: int) -> Snapshot:
    """One run after the other, of three minutes each, all well."""
    return q(queued=100, processing=1, oldest_processing_s=float(t % 180), totals=ended(t // 180))


def wedged(t: int, **changes: object) -> Snapshot:
    """Eight runs that began after ten seconds and do not end."""
    now = {"queued": 1196, "processing": 8, "oldest_processing_s": float(max(0, t - 10)), "totals": ended(40)}
    return q(**{**now, **changes})


SITUATIONS = [
    Situation(
        "the last of many failures was more than a minute ago",
        Health.FAILING,
        90,
        lambda t: q(failed=burst(t), totals=ended(failed=burst(t))),
        "1,486 of the last 1,486 runs failed, the last 1m10s ago.",
    ),
    Situation(
        "the last of many failures was half an hour ago",
        Health.FAILING,
        1820,
        lambda t: q(failed=burst(t), totals=ended(failed=burst(t))),
    ),
    Situation(
        "many runs failed a minute ago and wait to be tried again",
        Health.FAILING,
        90,
        lambda t: q(delayed=burst(t), next_due_s=30.0, totals=ended(retried=burst(t))),
    ),
    Situation(
        "runs fail now",
        Health.FAILING,
        90,
        lambda t: q(queued=20, processing=4, failed=t * 14, totals=ended(done=t * 20, failed=t * 14)),
        "840 of 2,040 runs failed in the last minute.",
    ),
    Situation(
        "every second of a few slow runs fails",
        Health.FAILING,
        3600,
        lambda t: q(queued=50, processing=1, failed=t // 600, totals=ended(done=t // 600, failed=t // 600)),
    ),
    Situation(
        "somebody has discarded what failed",
        Health.IDLE,
        300,
        lambda t: q(failed=burst(t) if t < 200 else 0, totals=ended(failed=burst(t))),
    ),
    Situation(
        "what failed went well when it was tried again, but for one",
        Health.FAILED,
        300,
        lambda t: q(failed=burst(t) if t < 150 else 1, totals=ended(done=1485 if t > 200 else 0, failed=burst(t))),
        "Nothing is waiting and nothing is running. 1 ID has failed.",
    ),
    Situation(
        "a failing queue was paused",
        Health.PAUSED,
        300,
        lambda t: q(queued=9, failed=burst(t), paused=t > 30, totals=ended(failed=burst(t))),
    ),
    Situation(
        "failures of long ago are left",
        Health.FAILED,
        7400,
        lambda t: q(failed=burst(t), totals=ended(failed=burst(t))),
    ),
    Situation(
        "a pool is wedged past its job timeout",
        Health.STALLED,
        100,
        wedged,
        "1,196 IDs wait, and no run has ended for 1m30s; 8 are running, the longest for 1m30s.",
    ),
    Situation(
        "nothing has ended for a while",
        Health.WAITING,
        30,
        wedged,
        "1,196 IDs wait, and no run has ended for 20s; 8 are running, the longest for 20s.",
    ),
    Situation(
        "all places of a limited queue are taken by runs that do not end",
        Health.STALLED,
        100,
        lambda t: wedged(t, limits=QueueLimits(8), is_held_back=True),
    ),
    Situation(
        "a limited queue waits for its next start",
        Health.LIMITED,
        900,
        lambda t: q(queued=9, totals=ended(2), limits=QueueLimits(None, 1, 3600.0, 1), is_held_back=True),
    ),
    Situation(
        "a pool is there and takes nothing",
        Health.STALLED,
        100,
        lambda t: q(queued=7, oldest_queued_s=float(t), totals=ended(3)),
        "7 IDs wait, and no worker has taken one for 1m40s.",
    ),
    Situation(
        "the only worker has crashed and its lease still runs",
        Health.WAITING,
        40,
        lambda t: q(queued=3, processing=2, oldest_processing_s=t - 10.0, totals=ended(min(t, 20) * 3)),
    ),
    Situation(
        "the only worker has crashed and its lease is over",
        Health.NO_WORKERS,
        40,
        lambda t: q(queued=3, processing=2, held=2, workers=0, silent=1, totals=ended(5)),
    ),
    Situation(
        "what a worker held was left behind when it was taken off the list",
        Health.NO_WORKERS,
        40,
        lambda t: q(queued=3, processing=2, held=2, workers=0, oldest_processing_s=30.0, totals=ended(5)),
    ),
    Situation(
        "the last pool of a queue has crashed and nothing waits",
        Health.NO_WORKERS,
        40,
        lambda t: q(processing=2, held=2, workers=0, silent=1, totals=ended(5)),
    ),
    Situation("nobody takes what was published", Health.NO_WORKERS, 20, lambda t: q(queued=t + 1, workers=0)),
    Situation(
        "what was published is being run for the first time",
        Health.WAITING,
        20,
        lambda t: q(queued=50, processing=4, oldest_processing_s=float(t), totals=ended()),
    ),
    Situation(
        "runs of three minutes end one after the other",
        Health.WAITING,
        1160,
        slow,
        "100 IDs wait, and no run has ended for 1m20s; 1 is running, the longest for 1m20s.",
    ),
    Situation("a run of three minutes has ended just now", Health.FLOWING, 1090, slow),
    Situation(
        "a pause of an hour has just ended",
        Health.WAITING,
        3700,
        lambda t: q(
            queued=90,
            paused=t < 3695,
            processing=0 if t < 3695 else 4,
            oldest_processing_s=None if t < 3695 else t - 3695.0,
            totals=ended(70),
        ),
    ),
    Situation("runs end", Health.FLOWING, 90, lambda t: q(queued=40, processing=4, totals=ended(3 * t))),
    Situation("one run goes and nothing waits", Health.FLOWING, 90, lambda t: q(processing=1, totals=ended(3))),
    Situation(
        "Node workers run what waits",
        Health.FLOWING,
        90,
        lambda t: q(queued=500 - t, processing=2, workers=0, totals={}, oldest_processing_s=2.0),
    ),
    Situation(
        "a Node worker does not get on",
        Health.WAITING,
        90,
        lambda t: q(queued=9, processing=1, workers=0, totals={}, oldest_processing_s=float(t)),
        "9 IDs wait, and no run has been seen to end yet; 1 is running, the longest for 1m30s.",
    ),
    Situation(
        "more comes in than goes out",
        Health.BEHIND,
        90,
        lambda t: q(queued=10 + 5 * t, processing=2, totals=ended(2 * t)),
    ),
    Situation("runs are past the limit", Health.JAMMED, 30, lambda t: q(queued=3, processing=2, jammed=1)),
    Situation("a queue is paused", Health.PAUSED, 600, lambda t: q(queued=60, paused=True, oldest_queued_s=900.0)),
    Situation("there is nothing to do", Health.IDLE, 30, lambda t: q(totals=ended(900))),
]


def told(situation: Situation, t: int) -> Snapshot:
    """The queue at that second of the situation, whose end is now."""
    return replace(situation.at(t), at=NOW - situation.lasts_s + t)


def seconds(situation: Situation) -> list[int]:
    """When a dashboard looked that watched: every second of late, and less often before, which makes no difference."""
    recent = max(0, situation.lasts_s - 300)
    return [*range(0, recent, 10), *range(recent, situation.lasts_s + 1)]


def kept(situation: Situation) -> Rows:
    """What the store has kept of it, a row in ten seconds and one a minute, and what is read of that at its end."""
    now = told(situation, situation.lasts_s)
    rows = [_row(told(situation, t)) for t in range(0, situation.lasts_s, 10)]
    recent = [row for row in rows if row.at >= NOW - RECENT_S - 10]
    long = [row for row in rows[::6] if row.at >= NOW - LONG_S - 60] if at_stake([now]) else []
    return recalled([now], {"q": recent}, {"q": long})["q"]


def _row(snapshot: Snapshot) -> HistoryRow:
    totals = {name: n for name, n in snapshot.totals.items() if n}
    return HistoryRow(snapshot.at, snapshot.counts, snapshot.workers, totals)


@pytest.mark.parametrize("situation", SITUATIONS, ids=[situation.title for situation in SITUATIONS])
def test_the_word_is_true_and_the_same_for_all_who_look(situation: Situation) -> None:
    now, past = told(situation, situation.lasts_s), kept(situation)
    watched, restarted = Watch(LIMITS), Watch(LIMITS)
    status = History()
    status.recall(now, past)
    status.add([now])

    for t in seconds(situation):
        watched.take([told(situation, t)])
    (old,) = watched.rows
    (new,) = restarted.take([now], {"q": past})
    (row,) = rows_of([now], status, LIMITS)

    assert (old.health, new.health, row.health) == (situation.word,) * 3
    reasons = [why(one.health, one.snapshot, one.trends, LIMITS) for one in (old, new)]
    if situation.says:
        assert [*reasons, row.why] == [situation.says] * 3


@pytest.mark.parametrize("situation", SITUATIONS, ids=[situation.title for situation in SITUATIONS])
def test_what_waits_while_nothing_ends_is_never_green(situation: Situation) -> None:
    now = told(situation, situation.lasts_s)
    before = told(situation, max(0, situation.lasts_s - 60))
    nothing_ends = (now.totals, now.counts.queued) == (before.totals, before.counts.queued)

    if now.counts.queued and nothing_ends:
        assert situation.word.severity is not Severity.FINE


class Unkept(NamedTuple):
    """Nobody keeps rows: one was written when a worker began, which has ended all its runs a moment later."""

    title: str
    word: Health
    age_s: int
    queued: int
    failed: int
    says: str


UNKEPT = [
    Unkept("an ID is published when the only worker has gone", Health.NO_WORKERS, 344, 1, 0, "no worker takes"),
    Unkept("the same, not long after", Health.NO_WORKERS, 135, 1, 0, "no worker takes"),
    Unkept("all runs failed", Health.FAILING, 333, 0, 5, "5 of the last 5 runs failed, the last 4m33s ago."),
    Unkept("and others wait for a worker", Health.FAILING, 333, 2, 5, "ago. 2 IDs wait and no worker takes them."),
    Unkept("and half an hour later", Health.FAILING, 1833, 0, 5, "5 of the last 5 runs failed, the last 29m ago."),
]


@pytest.mark.parametrize("one", UNKEPT, ids=[one.title for one in UNKEPT])
def test_what_ended_while_nobody_kept_a_row_did_not_end_just_now(one: Unkept) -> None:
    """`convoy status` looks anew each time, and sees but that row and now."""
    done = 0 if one.failed else 7
    begun = q(at=NOW - one.age_s, workers=1, totals=ended(0))
    now = q(at=NOW, workers=0, queued=one.queued, failed=one.failed, totals=ended(done, one.failed))
    history = History()
    history.recall(now, recalled([now], {"q": [_row(begun)]}, {"q": [_row(begun)]})["q"])
    history.add([now])

    (row,) = rows_of([now], history, LIMITS)

    assert row.health == one.word
    assert one.says in row.why
