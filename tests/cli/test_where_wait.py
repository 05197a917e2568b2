"""`convoy where` and `convoy wait`: many IDs at a time."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import redis

from convoy_core import Job, Queue, WorkerPool
from tests.cli.conftest import Convoy


@pytest.fixture
def places(trucks: Queue, raw: redis.Redis) -> Queue:
    """One ID in each state but processing."""
    trucks.publish("q")
    trucks.publish("d", delay_s=1000)
    raw.zadd("cv:trucks:failed", {"f": 1})
    return trucks


def test_where_names_the_state_of_each_id(convoy: Convoy, places: Queue) -> None:
    result = convoy("where", "trucks", "q", "d", "f", "absent")

    assert result.exit_code == 0
    assert result.stdout == "q\tqueued\nd\tdelayed\nf\tfailed\nabsent\tabsent\n"
    assert result.stderr == "1 absent, 1 queued, 1 delayed, 1 failed\n"


def test_where_reads_ids_from_a_file_and_from_stdin(convoy: Convoy, places: Queue, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("q\nabsent\n")

    for result in (convoy("where", "trucks", "--from", str(ids)), convoy("where", "trucks", "-", input="q\nabsent\n")):
        assert result.stdout == "q\tqueued\nabsent\tabsent\n"


def test_those_in_one_state_can_be_piped(convoy: Convoy, places: Queue) -> None:
    result = convoy("where", "trucks", "q", "d", "x", "y", "--state", "absent", "-o", "ids")

    assert (result.exit_code, result.stdout) == (0, "x\ny\n")


def test_where_ends_with_3_if_none_is_in_the_state(convoy: Convoy, places: Queue) -> None:
    result = convoy("where", "trucks", "q", "--state", "processing")

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.endswith("convoy: None of these IDs is processing in trucks.\n")


def test_the_documents_of_where(convoy: Convoy, places: Queue) -> None:
    whole = convoy.json("where", "trucks", "q", "x")
    lines = [json.loads(line) for line in convoy("where", "trucks", "q", "x", "-o", "jsonl").stdout.splitlines()]

    rows = [{"queue": "trucks", "id": "q", "state": "queued"}, {"queue": "trucks", "id": "x", "state": "absent"}]
    tally = {"absent": 1, "queued": 1, "delayed": 0, "processing": 0, "failed": 0}
    assert whole == {"schema": "convoy.where/1", "queue": "trucks", "tally": tally, "ids": rows}
    assert lines == [{"schema": "convoy.where/1", **row} for row in rows]


@pytest.mark.parametrize("command", ["where", "wait"])
def test_ids_must_be_given(convoy: Convoy, places: Queue, command: str) -> None:
    result = convoy(command, "trucks")

    assert result.exit_code == 2
    assert "No IDs given" in result.stderr


def work(trucks: Queue) -> WorkerPool:
    def handler(job: Job) -> None:
        if job.id.startswith("bad"):
            raise ValueError

    return WorkerPool(trucks, handler)


def test_wait_ends_when_all_have_ended(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish_many(["1", "2"])
    pool = work(trucks)
    timer = threading.Timer(0.2, pool.start)
    timer.start()

    result = convoy("wait", "trucks", "1", "2", "never there", "--timeout", "60s")
    timer.join()
    pool.stop()

    assert (result.exit_code, result.stdout, result.stderr) == (0, "3 done\n", "")


def test_wait_names_those_that_failed(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish_many(["1", "bad 1", "bad 2"])
    with work(trucks):
        result = convoy("wait", "trucks", "1", "bad 1", "bad 2")
        ids = convoy("wait", "trucks", "1", "bad 1", "-o", "ids")

    assert (result.exit_code, result.stdout) == (5, "1 done, 2 failed: bad 1, bad 2\n")
    assert (ids.exit_code, ids.stdout) == (5, "bad 1\n")


def test_wait_ends_with_124_when_its_time_is_up(convoy: Convoy, places: Queue) -> None:
    result = convoy("wait", "trucks", "q", "f", "x", "--timeout", "0.1s")

    assert (result.exit_code, result.stdout) == (124, "1 done, 1 failed: f\n")
    assert result.stderr == "1 still waited or ran after 100ms: q\n"
    document = convoy.json("wait", "trucks", "q", "f", "x", "--timeout", "0s")
    assert document == {"schema": "convoy.wait/1", "queue": "trucks", "done": 1, "failed": ["f"], "left": ["q"]}
