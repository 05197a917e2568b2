"""`convoy failures`: the failed IDs in groups, and one group with a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

from convoy_core.failure_groups import group_id
from tests.cli.conftest import Convoy

Fail = Callable[..., None]

FLAT = group_id("RuntimeError: flat tyre")
NO_FILE = group_id("exit status 1: cat: '..': no such file")
TRACED = {
    "error": "KeyError: 'wheel'",
    "at": 1_700_000_100,
    "attempt": 3,
    "traceback": 'Traceback (most recent call last):\n  File "/app/trucks.py", line 7, in crush\n    wheels["wheel"]\n'
    "KeyError: 'wheel'\n",
}
CRUSHED = group_id("KeyError in trucks.py:crush")


@pytest.fixture
def broken(raw: redis.Redis, fail: Fail) -> None:
    """Six failed IDs in three groups, and one that a Node worker failed."""
    fail("1", "2")
    fail("3", "4", "5", error="exit status 1: cat: 'a b': no such file", failures=2)
    fail("6", failures=3)
    raw.hset("cv:trucks:failure", "6", json.dumps(TRACED))
    raw.zadd("cv:trucks:failed", {"node": 9})


@pytest.mark.usefixtures("broken")
def test_failures_are_listed_in_groups_the_largest_first(convoy: Convoy) -> None:
    result = convoy("failures", "trucks")

    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [[row[0], row[1], row[2], row[5]] for row in rows] == [
        [NO_FILE, "3", "0", "exit status 1: cat: '..': no such file"],
        [FLAT, "2", "0", "RuntimeError: flat tyre"],
        [CRUSHED, "1", "2", "KeyError in trucks.py:crush"],
        [group_id("without a record"), "1", "0", "without a record"],
    ]
    assert "7 failed IDs in 4 groups; a traceback: convoy failures trucks --group GROUP" in result.stderr


@pytest.mark.usefixtures("broken")
def test_the_table_has_headings_and_ages(convoy: Convoy) -> None:
    lines = convoy("failures", "trucks", "-o", "table").stdout.splitlines()

    assert lines[0].split() == ["GROUP", "IDS", "RETRIES", "FIRST", "LAST", "WHAT", "BROKE"]
    assert lines[4].split()[3:] == ["—", "—", "without", "a", "record"]


@pytest.mark.usefixtures("broken")
def test_the_documents_of_failures(convoy: Convoy) -> None:
    whole = convoy.json("failures", "trucks")
    lines = [json.loads(line) for line in convoy("failures", "trucks", "-o", "jsonl").stdout.splitlines()]

    assert (whole["schema"], whole["queue"], whole["total"], whole["others"]) == ("convoy.failures/1", "trucks", 7, 0)
    assert whole["groups"][2] == {
        "queue": "trucks",
        "id": CRUSHED,
        "what": "KeyError in trucks.py:crush",
        "count": 1,
        "first": 1_700_000_100.0,
        "last": 1_700_000_100.0,
        "retries": 2,
        "samples": ["6"],
        "message": "KeyError: 'wheel'",
        "newest": "6",
        "recent": [0] * 12,
    }
    assert lines == [{"schema": "convoy.failures/1", **group} for group in whole["groups"]]


@pytest.mark.usefixtures("broken")
def test_one_group_is_shown_with_a_traceback_of_a_sample(convoy: Convoy) -> None:
    sheet = convoy("failures", "trucks", "--group", CRUSHED, "-o", "table").stdout
    plain = convoy("failures", "trucks", "--group", NO_FILE).stdout
    document = convoy.json("failures", "trucks", "--group", CRUSHED)

    assert f"      group  {CRUSHED}\n what broke  KeyError in trucks.py:crush\n        IDs  1: 6\n" in sheet
    assert "\n    retries  2 spent in vain\n last error  KeyError: 'wheel'\n  traceback  of 6\n" in sheet
    assert sheet.endswith(
        """\n      File "/app/trucks.py", line 7, in crush\n        wheels["wheel"]\n    KeyError: 'wheel'\n"""
    )
    assert f"group\t{NO_FILE}\n" in plain
    assert "IDs\t3: 3, 4, 5\n" in plain
    assert (document["schema"], document["id"], document["count"]) == ("convoy.failure-group/1", CRUSHED, 1)
    assert (document["sample"]["id"], document["sample"]["traceback"]) == ("6", TRACED["traceback"])


@pytest.mark.usefixtures("broken")
def test_a_group_without_a_record_is_shown_as_well(convoy: Convoy) -> None:
    none = group_id("without a record")

    assert convoy("failures", "trucks", "--group", none, "-o", "table").stdout.splitlines()[1:] == [
        " what broke  without a record",
        "        IDs  1: node",
    ]
    assert convoy.json("failures", "trucks", "--group", none)["sample"] is None


@pytest.mark.usefixtures("broken")
def test_the_ids_of_a_group_can_be_piped(convoy: Convoy) -> None:
    result = convoy("failures", "trucks", "--group", NO_FILE, "-o", "ids")

    assert (result.exit_code, result.stdout) == (0, "3\n4\n5\n")


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("format", ["table", "json", "ids"])
def test_an_unknown_group_is_not_found(convoy: Convoy, format: str) -> None:
    result = convoy("failures", "trucks", "--group", "00000000", "-o", format)

    assert (result.exit_code, result.stdout) == (3, "")
    assert "convoy: No failed ID of trucks is in a group 00000000." in result.stderr


@pytest.mark.usefixtures("broken")
def test_what_does_not_fit_is_refused(convoy: Convoy) -> None:
    without, wrong = convoy("failures", "trucks", "-o", "ids"), convoy("failures", "trucks", "--group", "ValueError")

    assert (without.exit_code, wrong.exit_code) == (2, 2)
    assert "-o ids does not fit here: it needs --group GROUP" in without.stderr
    assert "convoy: --group: 'ValueError' is no group; `convoy failures QUEUE` lists them." in wrong.stderr


def test_without_failures_there_is_nothing_to_show(convoy: Convoy, trucks: object, raw: redis.Redis) -> None:
    raw.sadd("cv:trucks:committed", "1")

    result = convoy("failures", "trucks")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "Nothing in trucks is failed.\n")
