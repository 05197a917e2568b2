"""`convoy doctor`: proves that queues are sound, says what is wrong, and repairs exactly that after saying so."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis

from convoy_core import Queue, State
from tests.cli.conftest import Convoy
from tests.servers import RealServer

NOW = ("--grace", "0s")


@pytest.fixture
def raw(store: RealServer) -> Iterator[redis.Redis]:
    """A server whose settings are as Convoy wants them, so that only faults count."""
    with store.client() as client:
        before = {name: client.config_get(name)[name] for name in ("appendonly", "save")}
        client.config_set("appendonly", "yes")
        yield client
        for name, value in before.items():
            client.config_set(name, value)


def test_a_sound_queue_ends_well(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish_many(["1", "2"])

    result = convoy("doctor", "trucks", *NOW, "-o", "table")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "trucks: no fault (6 entries examined)"
    assert {line.split()[0] for line in result.stdout.splitlines()[:-1]} == {"ok"}


def test_faults_are_named_and_explained_and_nothing_is_changed(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    raw.sadd("cv:trucks:committed", "lost")
    raw.rpush("cv:trucks:queued", "odd")

    result = convoy("doctor", *NOW, "-o", "table")

    assert result.exit_code == 11
    assert result.stdout.splitlines()[-6:] == [
        "trucks: 2 faults (2 entries examined)",
        "QUEUE   ID    FAULT",
        "trucks  lost  missing",
        "trucks  odd   uncommitted",
        "missing: committed, but in no place: nothing will run it. With --fix: put it into the queue.",
        "uncommitted: waits or runs, but a second publish would be accepted. With --fix: commit it.",
    ]
    assert trucks.show("lost").is_missing


def test_a_fix_says_first_what_it_will_do_and_needs_a_yes(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    raw.sadd("cv:trucks:committed", "lost", "lost too")
    raw.hset("cv:trucks:payload", "old", "sx")

    result = convoy("doctor", "trucks", "--fix", *NOW)

    assert (result.exit_code, result.stdout) == (6, "")
    assert "This repairs 3 faults at " in result.stderr
    assert ": 2 IDs: put it into the queue; 1 ID: remove that data; that needs a yes." in result.stderr
    assert result.stderr.endswith("Nothing changed. Answer with --yes, or look first without --fix.\n")
    assert trucks.counts().queued == 0


def test_what_is_fixed_does_not_count_and_a_second_run_finds_nothing(
    convoy: Convoy, trucks: Queue, raw: redis.Redis
) -> None:
    raw.sadd("cv:trucks:committed", "lost")

    fixed = convoy("doctor", "trucks", "--fix", "--yes", *NOW)
    again = convoy("doctor", "trucks", "--fix", "--yes", *NOW)

    assert (fixed.exit_code, fixed.stdout) == (0, "trucks\tlost\tmissing\tqueued\n")
    assert fixed.stderr.endswith("1 queued\n")
    assert (again.exit_code, again.stdout) == (0, "")
    assert trucks.show("lost").state is State.QUEUED


def test_data_that_was_left_over_is_a_warning(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish("1")
    raw.hset("cv:trucks:payload", "old", "sx")

    assert convoy("doctor", "trucks", *NOW).exit_code == 10


def test_a_key_of_another_type_is_an_alarm_and_cannot_be_fixed(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish("1")
    raw.set("cv:trucks:payload", "x")

    result = convoy("doctor", "trucks", "--fix", "--yes", *NOW)

    assert result.exit_code == 11
    assert "cv:trucks:payload holds a string, where Convoy keeps a hash" in result.stderr


def test_the_document_holds_the_server_the_queues_and_the_faults(
    convoy: Convoy, trucks: Queue, raw: redis.Redis
) -> None:
    raw.sadd("cv:trucks:committed", "lost")

    found = json.loads(convoy("doctor", *NOW, "--json").stdout)

    assert found["schema"] == "convoy.doctor/1"
    assert {finding["subject"] for finding in found["server"]} >= {"version", "persistence", "eviction", "clock"}
    assert found["queues"] == [
        {"queue": "trucks", "examined": 1, "sound": False, "complete": True, "damage": None},
    ]
    assert found["faults"] == [
        {
            "queue": "trucks",
            "id": "lost",
            "kind": "missing",
            "worker": None,
            "meaning": "committed, but in no place: nothing will run it",
            "repair": "put it into the queue",
            "answer": None,
        }
    ]
    assert found["dry_run"] is True


def test_the_ids_of_faults_can_be_piped(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    raw.sadd("cv:trucks:committed", "lost")

    assert convoy("doctor", *NOW, "-o", "ids").stdout == "lost\n"


def test_a_warning_about_the_server_is_told_and_counts(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    raw.config_set("appendonly", "no")
    raw.config_set("save", "3600 1")

    result = convoy("doctor", *NOW)

    assert result.exit_code == 10
    assert "persistence: snapshots only. What was written since the last snapshot is lost" in result.stderr


@pytest.mark.parametrize("arguments", [("doctor", "trucks", "--fix", "--yes"), ("doctor", "--fix")])
def test_s14_a_fix_is_refused_where_only_reading_is_allowed(
    convoy: Convoy, trucks: Queue, raw: redis.Redis, arguments: tuple[str, ...]
) -> None:
    raw.sadd("cv:trucks:committed", "lost")

    result = convoy(*arguments, *NOW, "--read-only")

    assert result.exit_code == 4
    assert trucks.show("lost").is_missing


def test_a_queue_that_does_not_exist_is_not_called_sound(convoy: Convoy, raw: redis.Redis) -> None:
    assert convoy("doctor", "truks", *NOW).exit_code == 3
