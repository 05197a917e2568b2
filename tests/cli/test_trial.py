"""`convoy requeue --try`, `--group` and `--front`: a trial run first, and what is said of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from convoy_core import Job, PoolOptions, Queue, State, WorkerPool
from convoy_core.failure_groups import group_id
from tests.cli.conftest import ROOT, Convoy, states
from tests.waiting import eventually, patient

Fail = Callable[..., None]
FLAT = group_id("RuntimeError: flat tyre")


@pytest.fixture
def broken(fail: Fail) -> None:
    """Four failed IDs in two groups."""
    fail("1", "2", "3")
    fail("other", error="OSError")


@contextmanager
def working(trucks: Queue, *bad: str, retries: int = 0) -> Iterator[WorkerPool]:
    """A pool whose handler fails these IDs."""

    def handler(job: Job) -> None:
        if job.id in bad:
            raise ValueError("still flat")

    options = PoolOptions(backoff_s=3600, backoff_cap_s=3600)
    with WorkerPool(trucks, handler, retries=retries, options=options) as pool:
        yield pool


@pytest.mark.usefixtures("broken")
def test_a_group_is_requeued_and_nothing_else(convoy: Convoy, trucks: Queue) -> None:
    dry = convoy("requeue", "trucks", "--group", FLAT, "--dry-run")
    result = convoy("requeue", "trucks", "--group", FLAT, "--yes")

    assert (dry.exit_code, dry.stdout) == (0, "3 would be requeued\n")
    assert (result.exit_code, result.stdout) == (0, "3 requeued\n")
    assert states(trucks, "1", "2", "3", "other") == [*[State.QUEUED] * 3, State.FAILED]


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("more", [[], ["--all"], ["--limit", "9"]])
def test_a_group_is_discarded_and_nothing_else(convoy: Convoy, trucks: Queue, more: list[str]) -> None:
    result = convoy("discard", "trucks", "--group", FLAT, *more, "--yes")

    assert (result.exit_code, result.stdout) == (0, "3 discarded\n")
    assert states(trucks, "1", "2", "3", "other") == [*[State.ABSENT] * 3, State.FAILED]


@pytest.mark.usefixtures("broken")
def test_the_whole_group_needs_a_yes(convoy: Convoy, trucks: Queue) -> None:
    result = convoy("requeue", "trucks", "--group", FLAT, "--try", "1")

    assert result.exit_code == 6
    assert "This queues 3 failed IDs of trucks again" in result.stderr
    assert trucks.counts().failed == 4


@pytest.mark.usefixtures("broken")
def test_when_the_first_goes_well_the_group_follows(convoy: Convoy, trucks: Queue) -> None:
    with working(trucks):
        result = convoy("requeue", "trucks", "--group", FLAT, "--try", "1", "--yes")

    assert (result.exit_code, result.stdout) == (0, "3 requeued\n")
    assert result.stderr == "Waiting for 1, at the head of trucks.\n"
    assert [entry.id for entry in trucks.entries(State.FAILED)] == ["other"]


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("retries", [0, 3])
def test_when_it_fails_the_rest_stays_and_the_new_error_is_shown(convoy: Convoy, trucks: Queue, retries: int) -> None:
    with working(trucks, "1", retries=retries):
        result = convoy("requeue", "trucks", "--group", FLAT, "--try", "1", "--yes")

    assert (result.exit_code, result.stdout) == (5, "1 requeued\n")
    assert result.stderr.splitlines()[1:] == [
        "convoy: 1 failed again: ValueError: still flat",
        "The other 2 stay failed. More: convoy show trucks 1",
    ]
    assert states(trucks, "2", "3") == [State.FAILED, State.FAILED]


@pytest.mark.usefixtures("broken")
def test_the_document_tells_of_the_trial(convoy: Convoy, trucks: Queue) -> None:
    with working(trucks, "2"):
        bad = convoy.json("requeue", "trucks", "2", "3", "--try", "1", "--yes")
        good = convoy.json("requeue", "trucks", "1", "3", "--try", "2", "--yes")

    assert (bad["requeued"], good["requeued"]) == (1, 2)
    assert bad["trial"] == {"tried": ["2"], "failed": ["2"], "left": [], "error": "ValueError: still flat"}
    assert good["trial"] == {"tried": ["1", "3"], "failed": [], "left": [], "error": None}


@pytest.mark.usefixtures("broken")
def test_when_the_time_is_up_nothing_is_lost(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("before")

    result = convoy("requeue", "trucks", "--all", "--try", "2", "--timeout", "0.1s", "--yes")

    assert (result.exit_code, result.stdout) == (124, "2 requeued\n")
    assert result.stderr.splitlines() == [
        "Waiting for 2 IDs, at the head of trucks.",
        "No Convoy worker is alive on trucks. This goes on waiting; nothing is lost.",
        "convoy: 2 IDs still waited or ran after 100ms",
        "The other 2 stay failed. What went ahead runs when its turn comes.",
    ]
    assert [entry.id for entry in trucks.entries(State.QUEUED)] == ["1", "2", "before"]


@pytest.mark.usefixtures("broken")
def test_a_pause_is_told_of(convoy: Convoy, trucks: Queue) -> None:
    trucks.pause()

    result = convoy("requeue", "trucks", "1", "--try", "1", "--timeout", "0s")

    assert "trucks is paused, so no Convoy worker takes it: convoy resume trucks\n" in result.stderr
    assert "There are no others. What went ahead runs when its turn comes.\n" in result.stderr


@pytest.mark.usefixtures("broken")
def test_ids_from_stdin_can_be_tried_as_well(convoy: Convoy, trucks: Queue) -> None:
    with working(trucks):
        result = convoy("requeue", "trucks", "-", "--try", "1", "--yes", input="gone\n3\n2\n2\n")

    assert (result.exit_code, result.stdout) == (5, "2 requeued, 1 not failed\n")
    assert "Waiting for 3, at the head of trucks.\n" in result.stderr


@pytest.mark.usefixtures("broken")
def test_front_puts_ids_at_the_head(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("before")

    result = convoy("requeue", "trucks", "3", "1", "--front")

    assert result.stdout == "2 requeued\n"
    assert [entry.id for entry in trucks.entries(State.QUEUED)] == ["3", "1", "before"]


@pytest.mark.usefixtures("broken")
def test_ctrl_c_ends_the_wait_and_leaves_the_rest_failed(convoy: Convoy, trucks: Queue) -> None:
    command = [sys.executable, "-m", "convoy_tui.cli", "requeue", "trucks", "--all", "--try", "1", "--yes", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env={**os.environ, **convoy.environment}
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"Waiting for 1, at the head of trucks.\n"
        eventually(lambda: trucks.counts().queued == 1)
        process.stderr.readline()  # that no worker is alive
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=patient(60))

    assert process.returncode == 130
    assert (json.loads(said)["requeued"], json.loads(said)["exact"]) == (1, True)
    assert (trucks.counts().queued, trucks.counts().failed) == (1, 3)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["requeue", "trucks", "1", "--group", FLAT], "Give IDs or filters, not both."),
        (["requeue", "trucks", "--group", FLAT, "--match", "x"], "--group goes with --limit and no other filter."),
        (
            ["requeue", "trucks", "1", "--timeout", "5s"],
            "--timeout says how long to wait for a trial run; it needs --try.",
        ),
        (["requeue", "trucks", "1", "--try", "0"], "--try: '0' is no whole number from 1 to 100."),
        (["requeue", "trucks", "1", "--try", "101"], "--try: '101' is no whole number from 1 to 100."),
        (["requeue", "trucks", "--group", "x"], "--group: 'x' is no group; `convoy failures QUEUE` lists them."),
        (
            ["discard", "trucks", "--group", FLAT, "--state", "queued"],
            "--group is a group of failed IDs; it does not go with --state queued.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(convoy: Convoy, words: list[str], says: str) -> None:
    result = convoy(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"convoy: {says}" in result.stderr


def test_a_group_that_is_not_there_is_not_found(convoy: Convoy, broken: None, raw: redis.Redis) -> None:
    result = convoy("requeue", "trucks", "--group", "00000000", "--try", "1", "--yes")

    assert (result.exit_code, result.stdout) == (3, "")
    assert "Nothing that is failed in trucks matches." in result.stderr
