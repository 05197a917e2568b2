"""`convoy jam-guard`: frees exactly what it showed, and marks what a living worker holds."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

from convoy_core import Queue, State
from tests.cli.conftest import Convoy, states

Run = Callable[..., None]


def test_one_jammed_id_goes_back_into_the_queue(convoy: Convoy, trucks: Queue, run_since: Run) -> None:
    run_since("old", age_s=600)
    run_since("new", age_s=5)

    result = convoy("jam-guard", "trucks", "--idle", "5m")

    assert (result.exit_code, result.stderr) == (0, "1 requeued\n")
    assert result.stdout.startswith("trucks\told\t60")
    assert states(trucks, "old", "new") == [State.QUEUED, State.PROCESSING]


@pytest.mark.parametrize(
    ("then", "state", "words"),
    [
        ("requeue", State.QUEUED, "2 requeued"),
        ("fail", State.FAILED, "2 failed"),
        ("discard", State.ABSENT, "2 discarded"),
    ],
)
def test_the_preview_says_what_becomes_of_each_id(
    convoy: Convoy, trucks: Queue, run_since: Run, then: str, state: State, words: str
) -> None:
    run_since("1", "2")

    result = convoy("jam-guard", "trucks", "--idle", "5m", "--then", then, "--yes", "-o", "table")

    assert result.stdout.splitlines()[-1] == words
    assert states(trucks, "1", "2") == [state, state]


@pytest.mark.parametrize(("ids", "then"), [(["1", "2"], "requeue"), (["1"], "discard")])
def test_many_or_lost_ids_need_a_yes(convoy: Convoy, trucks: Queue, run_since: Run, ids: list[str], then: str) -> None:
    run_since(*ids)

    result = convoy("jam-guard", "trucks", "--idle", "5m", "--then", then)

    assert (result.exit_code, result.stdout) == (6, "")
    assert f"This frees {len(ids)} ID" in result.stderr
    assert trucks.counts().processing == len(ids)


def test_a_dry_run_shows_and_changes_nothing(convoy: Convoy, trucks: Queue, run_since: Run) -> None:
    run_since("1", "2")

    result = convoy("jam-guard", "trucks", "--idle", "5m", "--dry-run", "-o", "table")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "2 would be requeued"
    assert "Node client" in result.stdout
    assert trucks.counts().processing == 2


def test_living_holders_are_marked_and_can_be_left_out(convoy: Convoy, raw: redis.Redis, run_since: Run) -> None:
    worker, now = "ab" * 16, raw.time()[0]
    run_since("1")
    raw.zadd("cv:trucks:workers", {worker: (now + 60) * 1000})
    raw.hset("cv:trucks:owner", "1", f"{worker}:1@{(now - 600) * 1000}")

    (row,) = convoy.json("jam-guard", "trucks", "--idle", "5m", "--dry-run")["entries"]

    assert (row["is_live"], row["worker"], row["answer"], row["dry_run"]) == (True, worker, None, True)
    assert convoy.json("jam-guard", "trucks", "--idle", "5m", "--skip-live", "--dry-run")["entries"] == []


def test_nothing_jammed_ends_with_3(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("jam-guard", "trucks", "--idle", "5m")

    assert (result.exit_code, result.stdout) == (3, "")
    assert "Nothing has been processing for longer than 5m" in result.stderr


def test_formats(convoy: Convoy, run_since: Run) -> None:
    run_since("1")
    assert convoy("jam-guard", "trucks", "--idle", "5m", "--dry-run", "-o", "ids").stdout == "1\n"
    assert json.loads(convoy("jam-guard", "trucks", "--idle", "5m", "-n", "-o", "jsonl").stdout)["id"] == "1"

    document = convoy.json("jam-guard", "trucks", "--idle", "5m")

    assert document["schema"] == "convoy.jam-guard/1"
    assert (document["idle_s"], document["then"], document["dry_run"]) == (300, "requeue", False)
    assert document["entries"][0]["answer"] == "queued"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "--idle"),
        (["--idle", "5q"], "no duration"),
        (["--idle", "5m", "--then", "explode"], "explode"),
        (["--idle", "5m", "--every", "0"], "greater than 0"),
        (["--idle", "5m", "--every", "5s", "--dry-run"], "without --dry-run"),
        (["--idle", "5m", "--every", "5s", "--json"], "use -o jsonl"),
    ],
)
def test_contradictory_options_are_refused_with_2(convoy: Convoy, args: list[str], says: str) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("jam-guard", "trucks", *args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_repeating_the_jam_guard_needs_a_yes(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    assert convoy("jam-guard", "trucks", "--idle", "5m", "--every", "30s").exit_code == 6


def test_read_only_refuses_with_4(convoy: Convoy, run_since: Run) -> None:
    run_since("1")

    assert convoy("--read-only", "jam-guard", "trucks", "--idle", "5m", "-y").exit_code == 4
