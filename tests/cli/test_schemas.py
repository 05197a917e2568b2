"""Every JSON document that a command prints is as its schema in `docs/schemas` says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from convoy_core import Job, PoolOptions, Queue, WorkerPool
from convoy_tui.cli.lazy_group import COMMANDS
from tests.cli.conftest import ROOT, Convoy
from tests.cli.documents import HAS_VALIDATOR, SCHEMAS, documents, faults, file_of, schema_of
from tests.cli.test_history import keep
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not HAS_VALIDATOR, reason="jsonschema is not installed; the extra dev has it")

PRINTED = [
    "status",
    "status trucks",
    "status --watch --samples 2 --interval 300ms",
    "watch --samples 1",
    "list trucks",
    "list trucks --state delayed",
    "list trucks --state processing",
    "list trucks --state failed",
    "list trucks --state committed",
    "list trucks --limit 1",
    "find w1",
    "find f1",
    "find gone",
    "where trucks w1 d1 f1 r1 gone",
    "wait trucks gone",
    "wait trucks f1",
    "wait trucks w1 --timeout 0s",
    "show trucks w1",
    "show trucks d1",
    "show trucks f1",
    "show trucks r1",
    "show trucks n1",
    "history trucks",
    "failures trucks",
    "failures trucks --group {group}",
    "record trucks",
    "record trucks --for 1m",
    "publish trucks traced --payload 5",
    "record trucks --export",
    "trace trucks traced",
    "record trucks --stop",
    "errors trucks",
    "workers",
    "workers trucks",
    "doctor --grace 0s",
    "doctor trucks --grace 0s --fix --yes",
    "export trucks",
    "export trucks --state failed",
    "import trucks {lines} --dry-run",
    "import vans {lines}",
    "publish trucks w1 new",
    "publish trucks new d1 r1 --dry-run",
    "publish trucks r1 --rerun --payload 1",
    "requeue trucks f1 w1 gone",
    "requeue trucks --all --yes --try 1 --timeout 100ms",
    "discard trucks w2 gone --state queued --yes --keep {kept}",
    "restore {kept} --dry-run",
    "restore {kept}",
    "discard trucks --all --state queued --dry-run",
    "cancel trucks w1 gone --yes",
    "jam-guard trucks --idle 5m --dry-run",
    "jam-guard trucks --idle 5m --yes",
    "pause trucks",
    "resume trucks",
    "pause trucks --dry-run",
    "quiet host-9",
    "unquiet host-9",
    "quiet host-8",
    "workers trucks",
    "describe trucks --lowest-version 1.4",
    "ack trucks",
    "ack trucks --for 1h --any --note x",
    "ack trucks --end",
    "describe trucks",
    "describe trucks --owner team --runbook https://a.example",
    "limit trucks",
    "limit trucks --concurrency 3",
    "limit trucks --rate 5/s --burst 7",
    "log",
    "log trucks --since 1h",
    "work vans --handler examples.trucks:crush --burst",
    "work vans --handler examples.trucks:crush --burst --processes 1",
    "demo --for 100ms",
    "bench --ids 20",
    "server status --redis embedded:{directory}",
    "server start --redis embedded:{directory}",
    "server status --redis embedded:{directory}",
    "server stop --redis embedded:{directory}",
]
"""Commands that print documents, in an order in which each finds something to say."""

WITHOUT = {"tui": "it opens a screen", "metrics": "Prometheus has a form of its own"}
"""Commands that print none."""


@pytest.fixture
def busy(trucks: Queue, raw: redis.Redis, fail: Callable[..., None]) -> Iterator[Queue]:
    """A queue with an ID in every state, a living worker, and what a Node client left."""

    def crush(job: Job) -> None:
        if job.id.startswith("bad"):
            raise ValueError("flat tyre\nat the rear")
        held.wait()

    held = threading.Event()
    trucks.publish("bad1")
    trucks.publish("bad2", payload={"n": 1})
    WorkerPool(trucks, crush, options=PoolOptions(burst=True)).run()
    fail("f1", "f2")
    trucks.publish("r1", payload=b"\xff")
    with WorkerPool(trucks, crush, options=PoolOptions(grace_s=0.1)):
        eventually(lambda: trucks.counts().processing == 1)
        trucks.publish_many(["w1", "w2"], payload="text")
        trucks.publish("d1", delay_s=60)
        raw.sadd("cv:trucks:committed", "n1", "ghost")
        raw.zadd("cv:trucks:processing", {"n1": raw.time()[0] - 3600})
        raw.hset("cv:trucks:published", "left", "1")
        keep(raw, (30, 50, 0), (20, 40, 10))
        yield trucks
        held.set()


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_every_document_is_as_its_schema_says(convoy: Convoy, busy: Queue, tmp_path: Path, format: str) -> None:
    lines = tmp_path / "lines"
    lines.write_text(convoy("export", busy.name, "--state", "queued", "-o", "jsonl").stdout)
    group = busy.failure_groups().groups[0].id
    wrong: list[str] = []
    seen: set[str] = set()

    for command in PRINTED:
        words = command.format(lines=lines, directory=tmp_path / "store", group=group, kept=tmp_path / "kept").split()
        answer = convoy(*words, "-o", format)
        found = [*documents(answer.stdout)]
        if not found and answer.exit_code == 2:
            continue  # this command has not both formats, and says so
        seen |= {document["schema"] for document in found}
        wrong += [f"convoy {command} -o {format}: {fault}" for each in found for fault in faults(each, strict=True)]

    assert wrong == []
    assert {file_of(name) for name in seen} | _of_one_format(format) >= {path.name for path in SCHEMAS.glob("*.json")}


def _of_one_format(format: str) -> set[str]:
    """The schemas of what is printed in the other format alone."""
    return {"export-1.json", "move-1.json", "watch-1.json"} if format == "json" else set()


def test_every_command_has_its_line_above() -> None:
    tried = {command.split()[0] for command in PRINTED}

    assert set(COMMANDS) - set(WITHOUT) - tried == set(), "a new command: what does it print?"


def test_every_name_in_the_sources_has_its_schema() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "convoy_tui").rglob("*.py")]
    names = {name for text in sources for name in re.findall(r'"(convoy\.[a-z-]+/\d+)"', text)}

    assert {name for name in names if not (SCHEMAS / file_of(name)).exists()} == set()


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_every_schema_is_one(path: Path) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    schema = schema_of(path.name)
    name, _, version = path.stem.rpartition("-")

    validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:convoy:schema:{name}:{version}"
    assert schema["title"] == f"convoy.{name}/{version}"
    assert schema["description"]
    assert json.dumps(schema).count(f'"const": "convoy.{name}/{version}"') > 0


def test_a_document_without_a_schema_is_named(convoy: Convoy) -> None:
    assert faults({"schema": "convoy.new/1"}) == ["convoy.new/1 has no schema: it needs docs/schemas/new-1.json"]
    assert faults({"schema": "convoy.wait/1", "queue": 5}, strict=True) != []
