"""`convoy restore`: what `convoy discard` has removed comes back by one command, from the file that it has named."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from convoy_core import Fleet, Queue, State
from tests.cli.conftest import Convoy, states
from tests.moves.keyspace import dump
from tests.servers import RealServer

Fail = Callable[..., None]
TOLD = re.compile(r"^Kept in .*\.jsonl; to bring them back: convoy (restore .*)$", re.MULTILINE)


def test_the_command_that_discard_names_brings_all_back(
    convoy: Convoy, trucks: Queue, fail: Fail, raw: redis.Redis
) -> None:
    fail("1", "line\nend", "ü", failures=3)
    raw.hset("cv:trucks:payload", "1", "j[1]")
    before = {name: dump(raw)[f"cv:trucks:{name}"] for name in ("failed", "payload")}
    failure = trucks.show("1").failure

    discarded = convoy("discard", "trucks", "--all", "--yes")
    (command,) = TOLD.findall(discarded.stderr)
    gone = trucks.counts().failed
    restored = convoy(*shlex.split(command))
    again = convoy(*shlex.split(command))

    assert (discarded.exit_code, discarded.stdout, gone) == (0, "3 discarded\n", 0)
    assert (restored.exit_code, restored.stdout) == (0, "3 restored as failed\n")
    assert (again.exit_code, again.stdout) == (0, "3 already there\n")
    assert {name: dump(raw)[f"cv:trucks:{name}"] for name in before} == before
    assert trucks.show("1").failure == failure


@pytest.mark.parametrize("state", ["queued", "delayed", "failed"])
def test_named_ids_of_each_state_come_back_into_it(
    convoy: Convoy, trucks: Queue, fail: Fail, tmp_path: Path, state: str
) -> None:
    fail("failed")
    trucks.publish("queued")
    trucks.publish("delayed", delay_s=60)
    kept = str(tmp_path / "my file.jsonl")

    convoy("discard", "trucks", "queued", "delayed", "failed", "--state", state, "-y", "--keep", kept)
    absent = states(trucks, state)
    result = convoy("restore", kept)

    assert absent == [State.ABSENT]
    assert result.stdout == f"1 restored as {state}\n"
    assert states(trucks, "queued", "delayed", "failed") == [State.QUEUED, State.DELAYED, State.FAILED]


def test_a_dry_run_says_what_would_come_back(convoy: Convoy, trucks: Queue, fail: Fail, tmp_path: Path) -> None:
    fail("1", "2")
    kept = str(tmp_path / "kept")
    convoy("discard", "trucks", "--all", "-y", "--keep", kept)
    trucks.publish("1")

    result = convoy("restore", kept, "--dry-run")

    assert result.stdout == "1 would be restored as failed, 1 already there\n"
    assert trucks.show("2").state is State.ABSENT


def test_without_a_file_what_is_discarded_is_gone(convoy: Convoy, fail: Fail, tmp_path: Path) -> None:
    fail("1")

    result = convoy("discard", "trucks", "1", "-y", "--keep", "none")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "1 discarded\n", "")
    assert [*tmp_path.rglob("*.jsonl")] == []


def test_a_full_disk_discards_nothing(convoy: Convoy, trucks: Queue, fail: Fail) -> None:
    fail("1", "2")

    for words in (["--all"], ["1", "2"]):
        result = convoy("discard", "trucks", *words, "-y", "--keep", "/dev/full")

        assert result.exit_code == 1
        assert "/dev/full cannot be written (No space left on device)" in result.stderr
        assert "Kept in" not in result.stderr
        assert trucks.counts().failed == 2


def test_a_file_that_is_there_is_refused_before_anything_is_discarded(
    convoy: Convoy, trucks: Queue, fail: Fail, tmp_path: Path
) -> None:
    fail("1")
    (tmp_path / "kept").write_text("mine")

    result = convoy("discard", "trucks", "1", "-y", "--keep", str(tmp_path / "kept"))

    assert (result.exit_code, trucks.counts().failed) == (2, 1)
    assert "is there already; name a new file" in result.stderr
    assert (tmp_path / "kept").read_text() == "mine"


def test_another_store_is_named_and_refused_unless_a_queue_is_given(
    convoy: Convoy, fail: Fail, tmp_path: Path, redis_server: RealServer
) -> None:
    fail("1")
    kept = str(tmp_path / "kept")
    convoy("discard", "trucks", "--all", "-y", "--keep", kept)

    refused = convoy("restore", kept, "--redis", redis_server.url)
    result = convoy("restore", kept, "--redis", redis_server.url, "--queue", "vans")

    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "These IDs were discarded at" in refused.stderr
    assert "--queue trucks" in refused.stderr
    assert result.stdout == "1 restored as failed\n"
    with Fleet(redis=redis_server.url) as fleet:
        assert fleet.queue("vans").counts().failed == 1


def test_what_is_no_such_file_is_refused(convoy: Convoy, tmp_path: Path) -> None:
    (tmp_path / "export").write_text('{"schema": "convoy.export/1", "id": "1"}\n')

    result = convoy("restore", str(tmp_path / "export"))

    assert result.exit_code == 2
    assert "no file of `convoy discard`; `convoy import` reads those of `export`" in result.stderr
