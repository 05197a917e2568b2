"""What `convoy work` says on stderr: for people, and as lines of JSON for machines."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import redis

from convoy_core import Job, PoolOptions, Queue, WorkerPool
from convoy_core.json_logs import JOB_LOGGER, JSONFormatter
from tests.cli.conftest import Convoy
from tests.servers import RealServer

HANDLERS = """
import contextlib

def talk(job):
    job.log.info("lane %d", 3)
    if job.id == "bad":
        raise ValueError("no\\nway")

@contextlib.contextmanager
def hook(job):
    job.log.warning("before")
    yield
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "talking.py").write_text(HANDLERS)
    return tmp_path


def lines_of(stderr: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.decode("ascii").splitlines()]


@pytest.mark.parametrize("processes", [[], ["--processes", "2"]], ids=["one", "supervised"])
def test_every_line_on_stderr_is_an_object_that_names_the_run(
    convoy: Convoy, trucks: Queue, here: Path, processes: list[str]
) -> None:
    trucks.publish_many(["ü", "bad"])
    words = ["--handler", "talking:talk", "--hook", "talking:hook", "--burst", "--log-format", "json", *processes]

    ended = convoy.process("work", "trucks", *words, cwd=here)

    said = lines_of(ended.stderr)
    assert ended.returncode == 5
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in said)
    lanes = {line["job_id"]: line for line in said if line["message"] == "lane 3"}
    assert lanes.keys() == {"ü", "bad"}
    lane = lanes["ü"]
    assert (lane["logger"], lane["level"], lane["queue"], lane["attempt"]) == (JOB_LOGGER, "info", "trucks", 1)
    assert [line["level"] for line in said if line["message"] == "before"] == ["warning"] * 2
    assert [line["message"] for line in said if "failed" in line["message"]] == [
        "queue trucks: 'bad' failed: ValueError: no\nway"
    ]
    assert "logger" in said[0]
    assert said[0]["logger"] == "convoy"


def test_for_people_a_line_of_a_run_begins_with_its_id(convoy: Convoy, trucks: Queue, here: Path) -> None:
    trucks.publish("7")

    ended = convoy.process("work", "trucks", "--handler", "talking:talk", "--burst", cwd=here)

    assert "'7': lane 3" in ended.stderr.decode().splitlines()


@pytest.mark.parametrize("path", ["talking:none", "nowhere:hook", "talking"])
def test_a_hook_that_is_not_there_is_said_before_anything_runs(
    convoy: Convoy, trucks: Queue, here: Path, path: str, raw: redis.Redis
) -> None:
    trucks.publish("7")

    ended = convoy.process("work", "trucks", "--handler", "talking:talk", "--hook", path, "--burst", cwd=here)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) <= 2
    assert trucks.counts().queued == 1


def test_a_record_has_the_members_that_the_module_names(store: RealServer) -> None:
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    def handle(job: Job) -> None:
        try:
            int("\x1b[31m")
        except ValueError:
            job.log.exception("it broke", extra={"mine": 1})

    logger, keep = logging.getLogger(JOB_LOGGER), Keep()
    logger.addHandler(keep)
    try:
        with Queue("q", redis=store.url) as queue:
            queue.publish("7")
            WorkerPool(queue, handle, options=PoolOptions(burst=True)).run()
    finally:
        logger.removeHandler(keep)

    (record,) = records
    written = JSONFormatter().format(record)
    said = json.loads(written)
    assert said.keys() == {
        "at", "level", "logger", "message", "queue", "job_id", "attempt", "token", "error", "traceback",
    }  # fmt: skip
    assert (said["queue"], said["job_id"], said["attempt"], said["level"]) == ("q", "7", 1, "error")
    assert said["error"] == "ValueError: invalid literal for int() with base 10: '\\x1b[31m'"
    assert "\x1b" not in written
    assert record.funcName == "handle"
    assert record.__dict__["mine"] == 1
