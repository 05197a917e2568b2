"""`cancel`: the exact effect first, a question, and a tally that says what became of each ID."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from convoy_core import Job, PoolOptions, Queue, State, WorkerPool
from tests.cli.conftest import Convoy, states
from tests.waiting import eventually

OWNER, MARKS = "cv:trucks:owner", "cv:trucks:cancelling"
EACH = ["waits", "later", "ours", "node", "failed", "gone", "missing"]


@pytest.fixture
def each(trucks: Queue, raw: redis.Redis, fail: Callable[..., None], run_since: Callable[..., None]) -> None:
    """One ID for each answer: two of them wait."""
    trucks.publish("waits")
    trucks.publish("later", delay_s=60)
    run_since("ours", "node")
    raw.hset(OWNER, "ours", "aa:1@1700000000000")
    fail("failed")
    raw.sadd("cv:trucks:committed", "missing")


@pytest.mark.usefixtures("each")
def test_cancel_says_what_became_of_each_id(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    result = convoy("cancel", "trucks", *EACH, "--yes")

    assert result.stdout == (
        "2 cancelled, 1 running asked to end, 1 left to the Node worker that runs it, 1 failed already, 1 absent,"
        " 1 missing\n"
    )
    assert result.exit_code == 5
    assert states(trucks, "waits", "later", "ours") == [State.ABSENT, State.ABSENT, State.PROCESSING]
    assert raw.hgetall(MARKS) == {b"ours": b"aa:1"}
    assert "cancelling" in convoy("show", "trucks", "ours").stdout
    assert convoy.json("show", "trucks", "ours")["cancelling"] is True


@pytest.mark.usefixtures("each")
def test_a_dry_run_of_a_cancel_says_the_same_and_changes_nothing(convoy: Convoy, raw: redis.Redis) -> None:
    before = raw.dbsize()

    result = convoy("cancel", "trucks", *EACH, "--dry-run", "--read-only")

    assert result.stdout.startswith("2 would be cancelled, 1 running would be asked to end, 1 left to")
    assert raw.dbsize() == before


@pytest.mark.usefixtures("each")
def test_the_question_names_what_is_forgotten_and_what_is_ended(convoy: Convoy, trucks: Queue) -> None:
    result = convoy("cancel", "trucks", *EACH)

    assert (result.exit_code, result.stdout) == (6, "")
    assert "This forgets 2 waiting IDs and ends 1 run of trucks, at unix://" in result.stderr
    assert "This ends 1 run of trucks" in convoy("cancel", "trucks", "ours").stderr
    assert states(trucks, "waits", "later") == [State.QUEUED, State.DELAYED]


@pytest.mark.usefixtures("each")
def test_a_cancel_of_nothing_that_waits_or_runs_ends_with_3_and_asks_nothing(convoy: Convoy) -> None:
    result = convoy("cancel", "trucks", "node", "gone")

    assert (result.exit_code, result.stdout) == (3, "0 cancelled, 1 left to the Node worker that runs it, 1 absent\n")


@pytest.mark.usefixtures("each")
def test_cancel_takes_ids_from_stdin_with_a_yes_and_from_files(convoy: Convoy, tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(b"later\0ours")

    assert convoy("cancel", "trucks", "-", input="waits\n").exit_code == 6
    assert convoy("cancel", "trucks", "-", "-y", input="waits\n").stdout == "1 cancelled\n"
    answer = convoy("cancel", "trucks", "--from", str(tmp_path / "ids"), "-0", "-y")
    assert (answer.exit_code, answer.stdout) == (0, "1 cancelled, 1 running asked to end\n")


@pytest.mark.usefixtures("each")
def test_the_formats_of_a_cancel(convoy: Convoy) -> None:
    assert convoy.json("cancel", "trucks", "waits", "gone", "-y") == {
        "schema": "convoy.cancel/1",
        "queue": "trucks",
        "dry_run": False,
        "cancelled": 1,
        "cancelling": 0,
        "node": 0,
        "failed": 0,
        "absent": 1,
        "missing": 0,
        "exact": True,
    }
    lines = convoy("cancel", "trucks", "ours", "node", "-y", "-o", "jsonl").stdout.splitlines()
    assert [(json.loads(line)["id"], json.loads(line)["answer"]) for line in lines] == [
        ("ours", "cancelling"),
        ("node", "node"),
    ]
    assert convoy("cancel", "trucks", "later", "ours", "node", "-y", "-o", "ids").stdout == "later\nours\n"


@pytest.mark.parametrize(
    ("args", "says"), [(["trucks"], "No IDs given"), (["trucks", "1", "-"], "stands alone")], ids=str
)
def test_a_cancel_without_ids_is_refused_with_2(convoy: Convoy, args: list[str], says: str) -> None:
    result = convoy("cancel", *args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_a_cancelled_run_ends_and_a_wait_tells_when(convoy: Convoy, trucks: Queue) -> None:
    def handler(job: Job) -> None:
        eventually(lambda: job.cancelled)
        raise InterruptedError

    with WorkerPool(trucks, handler, retries=5, options=PoolOptions(lease_s=1.5, beat_s=0.3)):
        trucks.publish("1")
        eventually(lambda: trucks.show("1").state is State.PROCESSING)
        assert convoy("cancel", "trucks", "1", "--yes").stdout == "0 cancelled, 1 running asked to end\n"
        assert convoy("wait", "trucks", "1").stdout == "1 done\n"
