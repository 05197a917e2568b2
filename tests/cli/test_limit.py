"""`convoy limit`: sets, shows and removes the limits of a queue."""

from __future__ import annotations

import pytest

from convoy_core import Queue, QueueLimits
from tests.cli.conftest import Convoy


def test_limits_are_set_shown_and_removed(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")
    said = [
        convoy(*words.split()).stdout
        for words in (
            "limit trucks",
            "limit trucks --concurrency 20 --rate 100/s",
            "limit trucks",
            "limit trucks --rate 30/m --burst 5 --dry-run",
            "limit trucks --rate 3/10s",
            "limit trucks --none",
        )
    ]

    both = "at most 20 runs at a time, and 100 starts a second, up to 10 of them at once"
    assert said == [
        "trucks: no limits\n",
        f"trucks: {both} (before: no limits)\n",
        f"trucks: {both}\n",
        f"trucks would have: at most 30 starts a minute, up to 5 of them at once (before: {both})\n",
        f"trucks: at most 3 starts in 10s (before: {both})\n",
        "trucks: no limits (before: at most 3 starts in 10s)\n",
    ]
    assert trucks.limits() == QueueLimits()


def test_limits_are_told_in_json_and_by_status(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    answer = convoy.json("limit", "trucks", "--rate", "5/h", "--burst", "2")
    status = convoy.json("status", "trucks")["queues"][0]

    limits = {"concurrency": None, "rate": 5, "period_s": 3600.0, "burst": 2}
    assert answer == {
        "schema": "convoy.limit/1",
        "dry_run": False,
        "queue": "trucks",
        "limits": limits,
        "changed": True,
    }
    assert (status["limits"], status["held_back"]) == (limits, False)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--none --concurrency 3", "--none removes all limits; give it alone."),
        ("--burst 3", "--burst is how many runs may start at once under --rate; give both."),
        ("--rate 100", "'100' is no rate; write it like 100/s, 30/m, 5/h or 3/10s."),
        ("--rate 1.5/s", "'1.5/s' is no rate; write it like 100/s, 30/m, 5/h or 3/10s."),
        ("--rate 5/fortnight", "'5/fortnight' is no rate; write it like 100/s, 30/m, 5/h or 3/10s."),
        ("--rate 0/s", "rate is 0; it must be a whole number from 1 to 1,000,000."),
        ("--rate 5/90d", "period_s is 7776000.0; it must be from a millisecond to 31 days."),
        ("--concurrency 0", "'0' is no whole number from 1 up."),
    ],
)
def test_a_limit_that_cannot_be_is_refused_in_a_sentence(convoy: Convoy, trucks: Queue, words: str, says: str) -> None:
    trucks.publish("1")

    result = convoy("limit", "trucks", *words.split())

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert trucks.limits() == QueueLimits()


def test_limits_are_shown_read_only_and_not_set(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    assert convoy("limit", "trucks", "--read-only").exit_code == 0
    assert convoy("limit", "trucks", "--none", "--read-only").exit_code == 4
    assert convoy("limit", "truks").exit_code == 3
