"""`convoy export` and `convoy import`: a queue moves to another store, and nothing of it is lost or doubled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from convoy_core import Fleet, Queue, State
from tests.cli.conftest import Convoy
from tests.moves.keyspace import dump


@pytest.fixture
def places(trucks: Queue, raw: redis.Redis, fail: Callable[..., None]) -> Queue:
    """IDs of any bytes with payloads of any kind, in each state but processing."""
    trucks.publish("q", payload={"n": 1})
    trucks.publish("line\nend", payload=b"\x00\xff")
    trucks.publish("\udcff", payload="t\udcfe")
    trucks.publish("d", delay_s=1000)
    fail("f", failures=3)
    raw.hset("cv:trucks:payload", "f", b'j{ "odd": 1 }')
    raw.hset("cv:trucks:attempts", "q", 2)
    return trucks


def test_a_queue_that_is_exported_and_imported_is_the_same(convoy: Convoy, places: Queue, raw: redis.Redis) -> None:
    exported = convoy.process("export", "trucks")
    ours = ("queued", "committed", "delayed", "failed", "payload", "attempts", "published")
    before = {key: value for key, value in dump(raw).items() if key.rpartition(":")[2] in ours}
    failure = json.loads(raw.hget("cv:trucks:failure", "f") or "")
    raw.flushdb()

    imported = convoy.process("import", "trucks", input=exported.stdout)

    after = dump(raw)
    assert (exported.returncode, exported.stderr) == (0, b"3 queued, 1 delayed, 1 failed\n")
    assert imported.stdout == b"3 imported as queued, 1 imported as delayed, 1 imported as failed\n"
    assert {key: value for key, value in after.items() if key in before} == before
    assert json.loads(raw.hget("cv:trucks:failure", "f") or "") == failure


def test_importing_twice_changes_nothing(convoy: Convoy, places: Queue, raw: redis.Redis) -> None:
    exported = convoy("export", "trucks").stdout
    before = dump(raw)

    result = convoy("import", "trucks", input=exported)

    assert (result.exit_code, result.stdout) == (0, "5 already there\n")
    assert dump(raw) == before


def test_one_state_is_exported_and_running_ids_come_as_queued(
    convoy: Convoy, trucks: Queue, run_since: Callable[..., None]
) -> None:
    trucks.publish("q")
    run_since("r")

    whole, running = convoy("export", "trucks"), convoy("export", "trucks", "--state", "processing")

    assert [json.loads(line)["id"] for line in whole.stdout.splitlines()] == ["q"]
    assert whole.stderr.endswith("1 running left out; --state processing exports them.\n")
    assert json.loads(running.stdout) == {
        "schema": "convoy.export/1",
        "queue": "trucks",
        "id": "r",
        "state": "queued",
        "due": None,
        "published": None,
        "attempts": 0,
        "failures": 0,
        "crashes": 0,
        "requests": 1,
        "first_asked": None,
        "failure": None,
    }


@pytest.mark.parametrize("format", ["table", "plain", "json", "ids"])
def test_export_writes_lines_of_json_alone(convoy: Convoy, trucks: Queue, format: str) -> None:
    result = convoy("export", "trucks", "-o", format)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "convoy: export writes a line of JSON for each ID (-o jsonl), and nothing else.\n"


LINES = '{"id": "a"}\n\n{"id": 7, "state": "failed"}\n{"id": "a"}\n'


def test_an_import_answers_in_every_format(convoy: Convoy, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text(LINES)

    def load(*format: str) -> str:
        return convoy("import", f"q{len(fleet.queues())}", str(tmp_path / "lines"), *format).stdout

    rows = [json.loads(line) for line in load("-o", "jsonl").splitlines()]
    assert [(row["id"], row["answer"]) for row in rows] == [("a", "queued"), ("7", "failed"), ("a", "present")]
    assert {row["schema"] for row in rows} == {"convoy.import/1"}
    assert load("-o", "ids") == "a\n7\n"
    assert json.loads(load("--json")) == {
        "schema": "convoy.import/1",
        "queue": "q2",
        "dry_run": False,
        "queued": 1,
        "delayed": 0,
        "failed": 1,
        "present": 1,
        "exact": True,
    }


def test_a_dry_run_changes_nothing(convoy: Convoy, fleet: Fleet) -> None:
    result = convoy("import", "trucks", "--dry-run", input=LINES)

    assert result.stdout == "1 would be imported as queued, 1 would be imported as failed, 1 already there\n"
    assert fleet.queues() == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "This is no JSON (Expecting value, at character 1)."),
        ("[1]", "A record is [1]; it must be an object."),
        ('{"id": ""}', "A job ID must not be empty."),
        ('{"id": "x", "state": "delayed"}', "due is missing; a delayed ID must have one."),
        ('{"id": "x", "dealy": 1}', "A record has no member 'dealy'."),
        ('{"schema": "convoy.list/1", "id": "x"}', "This is convoy.list/1; it must be convoy.export/1."),
        ("[" * 100_000, "This is no JSON (maximum recursion depth exceeded"),
        (b"\xff", "This is no JSON ('utf-8' codec can't decode byte 0xff"),
        ("x" * 8_388_700, "A line has at most 8,388,608 bytes; this one is longer."),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_wrong_line_is_named_and_what_was_before_it_is_done(
    convoy: Convoy, trucks: Queue, line: str | bytes, says: str
) -> None:
    wrong = line if isinstance(line, bytes) else line.encode()

    result = convoy("import", "trucks", input=b'{"id": "1"}\n\n' + wrong + b'\n{"id": "2"}\n')

    assert (result.exit_code, result.stdout) == (2, "1 imported as queued\n")
    assert result.stderr.startswith(f"convoy: stdin, line 3: {says}")
    assert len(result.stderr.splitlines()) <= 2
    assert trucks.counts().committed == 1


def test_a_file_that_cannot_be_read_is_named(convoy: Convoy, tmp_path: Path) -> None:
    result = convoy("import", "trucks", str(tmp_path / "none"))

    assert result.exit_code == 2
    assert result.stderr == f"convoy: {tmp_path / 'none'} cannot be read: No such file or directory.\n"
    assert result.stdout == ""


def test_the_order_is_kept_over_many_chunks(convoy: Convoy, fleet: Fleet, trucks: Queue) -> None:
    ids = [f"id {n}" for n in range(7000, 0, -1)]
    trucks.publish_many(ids)

    convoy("import", "copy", input=convoy("export", "trucks").stdout)

    assert [entry.id for entry in fleet.queue("copy").entries(State.QUEUED)] == ids
