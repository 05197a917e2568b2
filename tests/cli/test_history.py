"""`convoy history`: what was kept of a queue, as a table with trends, or row by row."""

from __future__ import annotations

import json
import re

import pytest
import redis

from convoy_core import Counts, Queue
from tests.cli.conftest import Convoy
from tests.packed import history as kept
from tests.packed import row


def keep(raw: redis.Redis, *rows: tuple[float, int, int]) -> float:
    """Rows of so many seconds ago with so many queued and done; the store's time in seconds."""
    seconds, micros = raw.time()
    now = seconds * 1000 + micros // 1000
    made = [
        row(now - round(ago * 1000), Counts(queued=queued, committed=queued), 2, {"done": done})
        for ago, queued, done in rows
    ]
    raw.rpush("cv:trucks:history:seconds", *(text.encode("utf-8", "surrogateescape") for text in kept(made)))
    return now / 1000


def test_every_row_is_told_with_its_rates(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish("1")
    now = keep(raw, (30, 50, 0), (20, 40, 10), (10, 45, 5))

    document = convoy.json("history", "trucks", "--since", "1m")
    lines = [
        json.loads(line) for line in convoy("history", "trucks", "--since", "25s", "-o", "jsonl").stdout.splitlines()
    ]

    assert (document["schema"], document["queue"]) == ("convoy.history/1", "trucks")
    rows = document["rows"]
    assert [(round(now - row["at"]), row["queued"], row["workers"], row["rates"]["out_s"]) for row in rows] == [
        (30, 50, 2, None),
        (20, 40, 2, 1.0),
        (10, 45, 2, None),
    ], "a counter that went back is no rate"
    assert [row["totals"] for row in rows] == [{}, {"done": 10}, {"done": 5}]
    assert [line["queued"] for line in lines] == [40, 45]


def test_the_table_has_trends_and_leaves_a_gap_empty(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish("1")
    keep(
        raw,
        *((3590 - 60 * n, 100 + n, 60 * n) for n in range(20)),
        *((600 - 60 * n, 900, 9000 + 60 * n) for n in range(9)),
    )

    shown = convoy("history", "trucks", "--since", "1h", "-o", "table").stdout

    assert re.search(r"^queued +▂+ +█+  10[01] to 900, last 900$", shown, re.MULTILINE)
    assert "out/s" in shown
    assert "Where a line is empty, no pool or dashboard was there." in shown
    table = shown.split("TIME (UTC)")[1].splitlines()[1:-1]
    assert 10 <= len(table) <= 24
    assert any(len(line.split()) == 2 for line in table), "a date and a time alone"


def test_a_time_of_which_nothing_is_known_is_not_found(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish("1")
    keep(raw, (30, 50, 0))

    result = convoy("history", "trucks", "--since", "20s")

    assert (result.exit_code, result.stdout) == (3, "")
    assert "Nothing is known of trucks in that time." in result.stderr
    assert convoy("history", "truks").exit_code == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--since soon", "'soon' is no time; write it like 3h (ago), 03:12 or 2026-11-29 03:12 (UTC)."),
        ("--since 25:00", "'25:00' is no time: hour must be in 0..23."),
        ("--since 1h --until 2h", "--since must be before --until."),
        ("-o ids", "-o ids does not fit here: there are no IDs in the answer."),
    ],
)
def test_what_is_no_time_is_refused_in_a_sentence(convoy: Convoy, trucks: Queue, words: str, says: str) -> None:
    trucks.publish("1")

    result = convoy("history", "trucks", *words.split())

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
