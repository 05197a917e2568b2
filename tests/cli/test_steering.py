"""`pause`, `resume`, `server` and `tui`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import redis

from convoy_core import Fleet, Queue
from convoy_core.system.python_program import own_program
from tests.cli.conftest import Convoy

EMBEDDED: dict[str, str | None] = {"CONVOY_REDIS_URL": None}


def test_pause_and_resume_say_what_changed(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    assert convoy("pause", "trucks").stdout == "trucks paused\n"
    assert trucks.snapshot().paused is True
    assert convoy("pause", "trucks").stdout == "trucks was paused already\n"
    assert convoy("resume", "trucks").stdout == "trucks resumed\n"
    assert trucks.snapshot().paused is False
    assert convoy("resume", "trucks").stdout == "trucks was not paused\n"


def test_pause_takes_several_queues_and_answers_in_json(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")
    convoy("publish", "vans", "1")
    convoy("pause", "vans")

    assert convoy.json("pause", "trucks", "vans") == {
        "schema": "convoy.pause/1",
        "dry_run": False,
        "queues": [
            {"queue": "trucks", "paused": True, "changed": True},
            {"queue": "vans", "paused": True, "changed": False},
        ],
    }


def test_a_dry_run_of_pause_changes_nothing(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    assert convoy("pause", "trucks", "--dry-run").stdout == "trucks would be paused\n"
    assert trucks.snapshot().paused is False


def test_a_queue_that_only_node_made_can_be_named_while_it_is_idle(convoy: Convoy, fleet: Fleet) -> None:
    convoy("publish", "trucks", "1")

    looked, resumed = convoy("status", "truks"), convoy("resume", "truks")
    paused = convoy("pause", "truks")

    assert (looked.exit_code, looked.stdout.split("\t")[:2]) == (0, ["idle", "truks"])
    assert (resumed.exit_code, resumed.stdout) == (0, "truks was not paused\n")
    assert (paused.exit_code, paused.stdout) == (0, "truks paused\n")
    assert all("Did you mean trucks?" in result.stderr for result in (looked, resumed, paused))
    assert fleet.queues() == ["trucks", "truks"]
    assert convoy("status", "truks", "--check").exit_code == 0
    assert convoy("pause", "a b").exit_code == 2


def test_a_queue_with_only_an_error_log_is_known(convoy: Convoy, raw: redis.Redis) -> None:
    now = raw.time()[0]
    raw.rpush(f"cv:trucks:errorLog.{now - now % 86_400}", "boom")

    assert convoy("errors", "trucks").stdout.endswith("\tboom\n")
    assert convoy("status", "--check").exit_code == 0
    assert convoy("pause", "trucks").stderr == convoy("resume", "trucks").stderr == ""


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_steering_is_refused_read_only_and_has_no_ids(convoy: Convoy, trucks: Queue, command: str) -> None:
    trucks.publish("1")

    assert convoy(command, "trucks", "--read-only").exit_code == 4
    assert convoy(command, "trucks", "-o", "ids").exit_code == 2


def test_the_embedded_store_is_started_asked_and_stopped(convoy: Convoy) -> None:
    assert convoy("server", "status", env=EMBEDDED).exit_code == 3
    started = convoy("server", "start", env=EMBEDDED)
    try:
        again = convoy("server", "start", "--json", env=EMBEDDED)
        status = convoy("server", "status", env=EMBEDDED)
    finally:
        stopped = convoy("server", "stop", env=EMBEDDED)

    assert started.stdout.startswith("embedded store started\n")
    assert '"running": true' in again.stdout
    assert status.exit_code == 0
    assert str(Path(os.environ["HOME"])) in status.stdout
    assert stopped.stdout.startswith("embedded store stopped\n")
    assert convoy("server", "stop", env=EMBEDDED).stdout.startswith("embedded store was not running\n")


def test_server_is_about_the_embedded_store_only(convoy: Convoy) -> None:
    result = convoy("server", "stop")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "--redis embedded:" in result.stderr


def test_tui_hands_over_with_the_settings_in_the_environment(convoy: Convoy, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))

    convoy("--read-only", "tui", "--redis", "redis://:c4n4ry@localhost:1", "--prefix", "x:")

    ((program, argv, environment),) = calls
    assert (program, argv) == (sys.executable, own_program("convoy_tui"))
    assert environment["CONVOY_REDIS_URL"] == "redis://:c4n4ry@localhost:1"
    assert (environment["CONVOY_PREFIX"], environment["CONVOY_READ_ONLY"]) == ("x:", "1")
