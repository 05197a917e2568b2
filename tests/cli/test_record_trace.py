"""`convoy record` and `convoy trace`: a queue's moves for a while, and the story of one ID."""

from __future__ import annotations

import json

import pytest

from convoy_core import Queue
from tests.cli.conftest import Convoy


@pytest.fixture
def recorded(trucks: Queue) -> Queue:
    """A queue with a recorder, and a publish that was refused."""
    trucks.record(for_s=600)
    trucks.publish("42")
    trucks.publish("42")
    return trucks


def test_a_recorder_is_started_looked_at_and_stopped(convoy: Convoy, trucks: Queue) -> None:
    assert convoy("record", "trucks", "-o", "table").stdout == "trucks is not being recorded; 0 entries kept\n"
    started = convoy("record", "trucks", "--for", "10m", "-o", "table").stdout
    assert started.startswith("trucks is being recorded; it ends in 9m")
    assert started.endswith("; 1 entry kept\n")
    assert convoy("record", "trucks", "--stop", "-o", "table").stdout == "trucks is not being recorded; 1 entry kept\n"
    again = convoy("record", "trucks", "--stop")
    assert again.exit_code == 0
    assert again.stderr.endswith("trucks was not being recorded.\n")


def test_a_trace_tells_the_story_of_one_id(convoy: Convoy, recorded: Queue) -> None:
    result = convoy("trace", "trucks", "42")

    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[1:] for row in rows] == [
        ["start_recording", "", ""],
        ["publish", "queued", ""],
        ["refuse", "already_queued", ""],
    ]
    table = convoy("trace", "trucks", "42", "-o", "table").stdout
    assert table.splitlines()[0].split() == ["TIME", "(UTC)", "MOVE", "RESULT", "WORKER"]
    assert "refuse           already queued" in table


def test_the_documents_of_record_and_trace(convoy: Convoy, recorded: Queue) -> None:
    found = recorded.recording()
    moves = [
        {"at": move.at, "move": move.move, "result": move.result, "worker": None, "ids": list(move.ids)}
        for move in recorded.trace()
    ]

    exported = [json.loads(line) for line in convoy("record", "trucks", "--export").stdout.splitlines()]

    assert convoy.json("record", "trucks") == {
        "schema": "convoy.record/1",
        "queue": "trucks",
        "is_on": True,
        "since": found.since,
        "until": found.until,
        "entries": 3,
        "limit": 64 * 2**20,
    }
    assert exported == [{"schema": "convoy.move/1", "queue": "trucks", **move} for move in moves]
    assert convoy.json("trace", "trucks", "42") == {
        "schema": "convoy.trace/1",
        "queue": "trucks",
        "id": "42",
        "moves": [{name: value for name, value in move.items() if name != "ids"} for move in moves],
    }


def test_a_trace_of_what_was_not_recorded_ends_with_3_and_says_what_to_do(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("42")

    nothing = convoy("trace", "trucks", "42")
    trucks.record(for_s=60)
    not_it = convoy("trace", "trucks", "42")

    assert (nothing.exit_code, not_it.exit_code) == (3, 3)
    assert nothing.stderr == (
        "convoy: No move of 42 is recorded.\nNothing is recorded in trucks; `convoy record trucks --for 10m` begins.\n"
    )
    assert not_it.stderr.endswith("1 entry is recorded in trucks, not about this ID.\n")


@pytest.mark.parametrize(
    "words", [["--for", "1m", "--stop"], ["--stop", "--export"], ["--for", "0s"], ["--for", "1m", "--keep", "0"]]
)
def test_what_makes_no_sense_is_a_usage_error(convoy: Convoy, trucks: Queue, words: list[str]) -> None:
    result = convoy("record", "trucks", *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert trucks.recording().until is None


def test_s14_recording_is_a_write_and_looking_is_not(convoy: Convoy, recorded: Queue) -> None:
    for words in (["--for", "1m"], ["--stop"]):
        refused = convoy("--read-only", "record", "trucks", *words)
        assert (refused.exit_code, refused.stdout) == (4, "")
    for words in ([], ["--export"]):
        assert convoy("--read-only", "record", "trucks", *words).exit_code == 0
