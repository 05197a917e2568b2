"""`requeue` and `discard`: the exact effect first, a question where it matters, and a tally (S16)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from convoy_core import Queue, State
from tests.cli.conftest import Convoy, states

Fail = Callable[..., None]


def test_requeue_takes_named_ids_without_a_question(convoy: Convoy, trucks: Queue, fail: Fail) -> None:
    fail("1", "2", "3")

    result = convoy("requeue", "trucks", "1", "2")

    assert (result.exit_code, result.stdout) == (0, "2 requeued\n")
    assert states(trucks, "1", "2", "3") == [State.QUEUED, State.QUEUED, State.FAILED]


def test_requeue_takes_ids_from_stdin_and_files(convoy: Convoy, trucks: Queue, fail: Fail, tmp_path: Path) -> None:
    fail("1", "2", "3")
    (tmp_path / "ids").write_bytes(b"2\x003")

    assert convoy("requeue", "trucks", "-", input="1\n").stdout == "1 requeued\n"
    assert convoy("requeue", "trucks", "--from", str(tmp_path / "ids"), "-0").stdout == "2 requeued\n"


def test_requeue_tells_what_was_waiting_or_gone(convoy: Convoy, fail: Fail) -> None:
    convoy("publish", "trucks", "2")
    fail("1", "2")  # a Node client leaves an ID among the failed while it is queued again

    result = convoy("requeue", "trucks", "1", "2", "3")

    assert result.stdout == "1 requeued, 1 already waiting or running, 1 not failed\n"
    assert result.exit_code == 5


def test_requeue_of_nothing_that_failed_ends_with_3(convoy: Convoy, fail: Fail) -> None:
    fail("1")

    assert convoy("requeue", "trucks", "2").exit_code == 3
    assert convoy("requeue", "trucks", "--match", "x*", "-y").exit_code == 3


@pytest.mark.parametrize(
    "command",
    [
        ["requeue", "trucks", "--all"],
        ["requeue", "trucks", "--min-failures", "1"],
        ["discard", "trucks", "--all"],
        ["discard", "trucks", "1"],
        ["discard", "trucks", "--limit", "1"],
    ],
)
def test_without_a_terminal_and_a_yes_nothing_happens(
    convoy: Convoy, trucks: Queue, fail: Fail, command: list[str]
) -> None:
    fail("1", "2")

    result = convoy(*command)

    assert (result.exit_code, result.stdout) == (6, "")
    assert "Nothing changed. Answer with --yes" in result.stderr
    assert trucks.counts().failed == 2


def test_the_question_states_the_exact_effect(convoy: Convoy, fail: Fail) -> None:
    fail(*map(str, range(1200)))

    assert "This queues 1,200 failed IDs of trucks again, at unix://" in convoy("requeue", "trucks", "--all").stderr
    asked = convoy("discard", "trucks", "1", "2", "3", "nope")
    assert "This forgets 3 failed IDs of trucks, at unix://" in asked.stderr
    for_good = convoy("discard", "trucks", "1", "2", "3", "nope", "--keep", "none")
    assert "This forgets 3 failed IDs of trucks for good, at unix://" in for_good.stderr


def test_requeueing_one_filtered_id_asks_no_question(convoy: Convoy, fail: Fail) -> None:
    fail("1")

    assert convoy("requeue", "trucks", "--all").stdout == "1 requeued\n"


def test_discard_from_stdin_needs_a_yes(convoy: Convoy, trucks: Queue, fail: Fail) -> None:
    fail("1")

    assert convoy("discard", "trucks", "-", input="1\n").exit_code == 6
    assert convoy("discard", "trucks", "-", "--yes", input="1\n").stdout == "1 discarded\n"
    assert trucks.show("1").state is State.ABSENT


def test_a_whole_state_is_discarded_without_a_list_of_its_ids(
    convoy: Convoy, trucks: Queue, fail: Fail, raw: redis.Redis
) -> None:
    fail("kept")
    trucks.publish_many(f"{n}".rjust(1000) for n in range(2000))
    before = raw.info("stats")["total_net_output_bytes"]

    asked = convoy("discard", "trucks", "--all", "--state", "queued", "--keep", "none")
    result = convoy("discard", "trucks", "--all", "--state", "queued", "--yes", "--keep", "none")

    assert "This forgets 2,000 queued IDs of trucks for good" in asked.stderr
    assert (result.exit_code, result.stdout) == (0, "2,000 discarded\n")
    assert raw.info("stats")["total_net_output_bytes"] - before < 100_000
    assert (trucks.counts().committed, trucks.counts().failed) == (0, 1)


def test_discarding_a_whole_state_of_nothing_ends_with_3(convoy: Convoy, fail: Fail) -> None:
    fail("1")

    result = convoy("discard", "trucks", "--all", "--state", "delayed", "--yes")

    assert (result.exit_code, result.stdout) == (3, "")
    assert "nothing delayed in trucks" in result.stderr


@pytest.mark.parametrize("state", ["queued", "delayed", "failed"])
def test_discard_takes_from_the_state_named(convoy: Convoy, trucks: Queue, fail: Fail, state: str) -> None:
    fail("failed")
    trucks.publish("queued")
    trucks.publish("delayed", delay_s=60)

    result = convoy("discard", "trucks", "queued", "delayed", "failed", "--state", state, "-y")

    assert result.stdout == f"1 discarded, 2 not {state}\n"
    assert trucks.show(state).state is State.ABSENT


def test_filters_choose(convoy: Convoy, trucks: Queue, fail: Fail) -> None:
    fail("a1", "a2", error="TimeoutError: slow")
    fail("b1", failures=3)

    convoy("requeue", "trucks", "--error", "timeouterror", "--limit", "1", "-y")
    convoy("requeue", "trucks", "--min-failures", "2", "-y")
    convoy("discard", "trucks", "--match", "a2", "-y")

    assert states(trucks, "a1", "a2", "b1") == [State.QUEUED, State.ABSENT, State.QUEUED]


@pytest.mark.parametrize("command", ["requeue", "discard"])
def test_a_dry_run_counts_and_changes_nothing(convoy: Convoy, trucks: Queue, fail: Fail, command: str) -> None:
    fail("1", "2")

    result = convoy(command, "trucks", "--all", "--dry-run")

    assert (result.exit_code, result.stdout) == (0, f"2 would be {command}{'d' if command == 'requeue' else 'ed'}\n")
    assert trucks.counts().failed == 2


def test_a_dry_run_is_allowed_where_nothing_may_be_written(convoy: Convoy, fail: Fail) -> None:
    fail("1", "2")

    assert convoy("requeue", "trucks", "--all", "--dry-run", "--read-only").stdout == "2 would be requeued\n"
    assert convoy("requeue", "trucks", "--all", "--yes", "--read-only").exit_code == 4


def test_formats(convoy: Convoy, fail: Fail) -> None:
    fail("1", "2")

    assert convoy.json("requeue", "trucks", "1", "x") == {
        "schema": "convoy.requeue/1",
        "queue": "trucks",
        "state": "failed",
        "dry_run": False,
        "requeued": 1,
        "already_committed": 0,
        "gone": 1,
        "exact": True,
    }
    lines = convoy("discard", "trucks", "2", "x", "-y", "-o", "jsonl").stdout.splitlines()
    assert [(json.loads(line)["id"], json.loads(line)["answer"]) for line in lines] == [
        ("2", "discarded"),
        ("x", "gone"),
    ]
    fail("3")
    assert convoy("requeue", "trucks", "3", "x", "-o", "ids").stdout == "3\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["trucks"], "No IDs given"),
        (["trucks", "1", "--all"], "not both"),
        (["trucks", "--limit", "0"], "--limit: '0' is no whole number from 1 up"),
        (["trucks", "1", "-"], "stands alone"),
    ],
)
@pytest.mark.parametrize("command", ["requeue", "discard"])
def test_contradictory_options_are_refused_with_2(
    convoy: Convoy, fail: Fail, command: str, args: list[str], says: str
) -> None:
    fail("1")

    result = convoy(command, *args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_every_byte_value_can_be_discarded(convoy: Convoy, trucks: Queue) -> None:
    ids = b"\0".join(bytes([value]) for value in range(1, 256))
    convoy("publish", "trucks", "-", "-0", input=ids)

    result = convoy("discard", "trucks", "-", "-0", "--state", "queued", "-y", input=ids)

    assert result.stdout == "255 discarded\n"
    assert trucks.counts().committed == 0
