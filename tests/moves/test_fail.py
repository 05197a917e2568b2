"""Failing a run: retries, the failed zset, and the log of errors with its bounds."""

from __future__ import annotations

import json

import pytest

from convoy_core.moves.working import (
    Round,
)
from tests.moves.cases import DUE, GUARDED, LOG, MINE, NEW_RECORD, NO_CLAIM, OLD, RUNNING, Case
from tests.moves.keyspace import ALIVE, DAY, SECOND, T0, W, World, claim, failure

CASES = [
    Case(
        "fail: processing -> failed",
        "F26 fail without a retry is as redis-convoy's, with a record",
        {**MINE, "payload": {"a": "sload"}, "crashes": {"a": "1"}, "attempts": {"a": "1"}, LOG: ["older"]},
        lambda world: world.exchange(failed=[(claim("a"), failure())]),
        NO_CLAIM,
        {
            **ALIVE,
            "failed": {"a": 1},
            "failure": {"a": NEW_RECORD},
            "payload": {"a": "sload"},
            LOG: ["boom", "older"],
            "totals": {"failed": "1"},
        },
    ),
    Case(
        "fail: processing -> failed",
        "fail adds to the failures remembered",
        {**MINE, "failures": {"a": "4"}},
        lambda world: world.exchange(failed=[(claim("a"), failure())]),
        NO_CLAIM,
        {**ALIVE, "failed": {"a": 5}, "failure": {"a": NEW_RECORD}, LOG: ["boom"], "totals": {"failed": "1"}},
    ),
    Case(
        "fail: processing -> delayed",
        "fail with a retry left waits, and counts the attempt",
        {**MINE, "attempts": {"a": "1"}, "failures": {"a": "4"}},
        lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=60_000))]),
        NO_CLAIM,
        {
            **ALIVE,
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": OLD},
            "attempts": {"a": "2"},
            "failures": {"a": "5"},
            "failure": {"a": NEW_RECORD},
            LOG: ["boom"],
            "totals": {"retried": "1"},
        },
    ),
    Case(
        "fail: processing -> delayed",
        "F50 fail with a retry of an ID that a Node jam guard dropped commits it again",
        GUARDED,
        lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=60_000))]),
        NO_CLAIM,
        {
            **ALIVE,
            "delayed": {"a": DUE},
            "committed": {"a"},
            "attempts": {"a": "1"},
            "failures": {"a": "1"},
            "failure": {"a": NEW_RECORD},
            LOG: ["boom"],
            "totals": {"retried": "1"},
        },
    ),
    Case(
        "fail: processing -> queued",
        "F25 fail with a rerun queues it with a fresh retry budget, even if a retry was left",
        {**MINE, "rerun": {"a"}, "attempts": {"a": "1"}, "failures": {"a": "4"}},
        lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=60_000))]),
        NO_CLAIM,
        {
            **ALIVE,
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "5"},
            "failure": {"a": NEW_RECORD},
            LOG: ["boom"],
            "totals": {"failed": "1"},
        },
    ),
    Case(
        "",
        "F21 fail with a stale token changes nothing",
        MINE,
        lambda world: world.exchange(failed=[(claim("a", 2), failure())]),
        Round([2], "open", []),
        {**MINE, "totals": {"stale": "1"}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


def test_f26_the_error_log_lives_a_day_and_cuts_its_lines(world: World) -> None:
    world.seed(MINE)

    world.exchange(failed=[(claim("a"), failure("x" * 2000))])

    assert world.client.ttl(f"cv:q:{LOG}") == 86_400
    assert world.client.lrange(f"cv:q:{LOG}", 0, -1) == [b"x" * 1024]


@pytest.mark.parametrize("retry_ms", [None, 5000])
@pytest.mark.parametrize(
    ("message", "line", "kept"),
    [
        ("x" * 9000, "x" * 1024, "x" * 512),
        ("\u00e4" * 9000, "\u00e4" * 512, "\u00e4" * 256),
        ("a" + "\u00e4" * 9000, "a" + "\u00e4" * 511, "a" + "\u00e4" * 255),
        ("a\U0001f69a" * 9000, "a\U0001f69a" * 204 + "a", "a\U0001f69a" * 102 + "a"),
    ],
)
def test_f26_whatever_a_client_says_of_a_failure_a_record_and_a_line_have_their_bounds(
    world: World, message: str, line: str, kept: str, retry_ms: int | None
) -> None:
    world.seed(MINE)

    world.exchange(failed=[(claim("a"), failure(message, retry_ms))])

    state = world.state()
    assert state[LOG] == [line]
    record = state["failure"]
    assert isinstance(record, dict)
    assert json.loads(record["a"]) == {"at": SECOND, "error": kept}


def test_f26_the_error_log_keeps_its_newest_ten_thousand_lines(world: World) -> None:
    world.seed(MINE, {LOG: [f"old {n}" for n in range(12_000)]})

    world.exchange(failed=[(claim("a"), failure())])

    log = world.state()[LOG]
    assert log == ["boom", *(f"old {n}" for n in range(9_999))]


@pytest.mark.parametrize(
    ("now", "day"), [(DAY * 1000, DAY), (DAY * 1000 - 1, DAY - 86_400), (DAY * 1000 + 86_399_999, DAY)]
)
def test_f26_the_error_log_turns_over_at_midnight_utc(world: World, now: int, day: int) -> None:
    world.seed(RUNNING, {"workers": {W: now + 1}})
    world.queue._connection.now_ms = now

    world.exchange(failed=[(claim("a"), failure())])

    assert world.state()[f"errorLog.{day}"] == ["boom"]
