"""`convoy ack`: trouble that somebody knows of is not told until the time is over, or it becomes another."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from convoy_core import Fleet, Queue
from tests.cli.conftest import Convoy
from tests.cli.test_watch import next_of, watching


def acknowledged(convoy: Convoy, *words: str) -> str:
    """An acknowledgement of a queue that nobody works on, and what was said of it."""
    convoy("publish", "trucks", "1")
    result = convoy("ack", "trucks", "--for", "2h", *words, "--operator", "ann")
    assert result.exit_code == 0, result.stderr
    return result.stdout


def row(convoy: Convoy, *words: str) -> dict[str, Any]:
    (found,) = convoy.json("status", "trucks", *words)["queues"]
    return dict(found)


def test_the_word_stays_and_is_marked_with_who_knows_until_when_and_why(convoy: Convoy) -> None:
    said = acknowledged(convoy, "--note", "they know")

    found, table = row(convoy), convoy("status", "-o", "table").stdout.splitlines()
    assert said.startswith("trucks: NO WORKERS. Acknowledged by ann until ")
    assert said.endswith(" UTC: they know\n")
    assert (found["health"], found["severity"]) == ("NO WORKERS", "deliberate")
    known = found["acknowledged"]
    assert (known["by"], known["note"], known["words"], known["covers"]) == ("ann", "they know", ["NO WORKERS"], True)
    assert 7100 < known["until"] - found["at"] <= 7200
    assert table[0] == "No queue needs you. 1 queue in trouble is acknowledged."
    assert table[2].split()[:4] == ["◎", "NO", "WORKERS", "trucks"]
    assert table[4].startswith("◎ trucks: 1 ID waits and no worker takes it. Acknowledged by ann until ")


def test_a_check_finds_nothing_until_it_is_taken_back(convoy: Convoy) -> None:
    acknowledged(convoy)

    before = convoy("status", "--check", "-q").exit_code
    ended = convoy("ack", "trucks", "--end")
    after = convoy("status", "--check", "-q").exit_code

    assert (before, ended.stdout, after) == (0, "trucks: told again\n", 10)
    assert convoy("ack", "trucks", "--end").stdout == "trucks: nothing is acknowledged\n"


def test_it_is_over_when_its_time_is(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    acknowledged(convoy)

    raw.hset("cv:trucks:about", "until", raw.time()[0] * 1000)

    assert convoy("status", "--check", "-q").exit_code == 10
    assert row(convoy)["acknowledged"] is None


def test_another_word_is_told_as_ever(convoy: Convoy, trucks: Queue, run_since: Any) -> None:
    acknowledged(convoy)
    run_since("1", age_s=724)

    found = row(convoy)

    assert (found["health"], found["severity"], found["acknowledged"]["covers"]) == ("JAMMED", "alarm", False)
    assert convoy("status", "--check", "-q").exit_code == 11


def test_any_covers_whatever_comes_and_needs_no_trouble_to_begin_with(convoy: Convoy, trucks: Queue) -> None:
    trucks.pause()
    trucks.publish("1")
    refused = convoy("ack", "trucks", "--for", "1h")

    said = convoy("ack", "trucks", "--for", "1h", "--any").stdout
    trucks.resume()

    assert (refused.exit_code, refused.stdout) == (3, "trucks: nothing is acknowledged\n")
    assert "trucks is paused, so nothing was acknowledged; --any acknowledges whatever comes." in refused.stderr
    assert said.startswith("trucks: whatever comes. Acknowledged by ")
    assert convoy("status", "--check", "-q").exit_code == 0


def test_failures_that_somebody_knows_of_are_not_too_many(convoy: Convoy, fail: Any) -> None:
    fail("1", "2", "3")
    words = ("status", "--check", "--max-failed", "2", "-q")
    before = convoy(*words).exit_code

    convoy("ack", "trucks", "--for", "1h")

    assert (before, convoy(*words).exit_code) == (10, 0)


def test_what_is_damaged_is_always_told(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    acknowledged(convoy, "--any")
    raw.delete("cv:trucks:queued")
    raw.set("cv:trucks:queued", "x")

    result = convoy("ack", "trucks", "--for", "1h", "--any")

    assert "trucks is DAMAGED, so nothing was acknowledged; it cannot hold an answer." in result.stderr
    assert convoy("status", "--check", "-q").exit_code == 11


def test_the_troubled_come_before_the_acknowledged(convoy: Convoy, fleet: Fleet) -> None:
    acknowledged(convoy)
    fleet.queue("vans").publish("1")
    fleet.queue("bikes").publish("1")

    lines = convoy("status", "-o", "table").stdout.splitlines()

    assert lines[0] == "2 of 3 queues need you. 1 more is acknowledged."
    assert [line.split()[3] for line in lines[2:5]] == ["bikes", "vans", "trucks"]


def test_several_queues_are_acknowledged_in_one_document(convoy: Convoy, fleet: Fleet) -> None:
    fleet.queue("vans").publish("1")
    convoy("publish", "trucks", "1")

    document = convoy.json("ack", "trucks", "vans", "--for", "1h", "--operator", "ann")

    assert [(one["queue"], one["changed"], one["acknowledged"]["by"]) for one in document["queues"]] == [
        ("trucks", True, "ann"),
        ("vans", True, "ann"),
    ]
    (first, *_) = convoy.json("log", "trucks")["acts"]
    assert (first["verb"], first["who"]) == ("ack", "ann")


def test_a_hostile_note_is_shown_safely(convoy: Convoy) -> None:
    said = acknowledged(convoy, "--note", "\x1b[31mred\nnext")

    assert r"\x1b[31mred\nnext" in said
    assert "\x1b" not in convoy("status", "trucks", "-o", "table").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--end", "--for", "1h"], "--end takes an acknowledgement back; give it alone."),
        (["--note", "x"], "An acknowledgement ends by itself; say when with --for."),
        (["--for", "400d"], "for_s is 34560000.0; it must be a time of at most 366 days."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(convoy: Convoy, words: list[str], says: str) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("ack", "trucks", *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_read_only_looks_and_does_not_acknowledge(convoy: Convoy) -> None:
    acknowledged(convoy)

    assert convoy("ack", "trucks", "--read-only").stdout.startswith("trucks: NO WORKERS. Acknowledged by ann")
    assert convoy("ack", "trucks", "--for", "1h", "--read-only").exit_code == 4


def test_a_watch_tells_it_when_the_acknowledgement_is_over_and_not_before(
    convoy: Convoy, trucks: Queue, fleet: Fleet
) -> None:
    trucks.publish("1")
    trucks.acknowledge(for_s=3600, words=["NO WORKERS"])
    with watching(convoy) as process:
        fleet.queue("vans").publish("1")  # which says that the watch has looked
        first = next_of(process)
        trucks.end_acknowledgement()
        second = next_of(process)

    assert (first["queue"], first["health"]) == ("vans", "NO WORKERS")
    assert (second["queue"], second["before"], second["health"]) == ("trucks", "acknowledged", "NO WORKERS")


def test_the_command_of_a_watch_is_not_run_for_what_is_acknowledged(
    convoy: Convoy, trucks: Queue, tmp_path: Any
) -> None:
    trucks.publish("1")
    trucks.acknowledge(for_s=3600)
    words = ("watch", "--samples", "3", "--interval", "10ms", "--on-change", f"touch {tmp_path}/told", "-o", "jsonl")

    hushed = convoy(*words).stdout
    was_told = (tmp_path / "told").exists()
    trucks.end_acknowledgement()
    convoy(*words)

    assert (hushed, was_told) == ("", False)
    assert (tmp_path / "told").exists()
