"""`convoy quiet` and `unquiet`, and the lowest version: who may claim nothing, and how that is shown."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from convoy_core import Fleet, PoolOptions, Queue, WorkerPool
from tests.cli.conftest import Convoy

HOST = socket.gethostname()


@pytest.fixture
def pool(trucks: Queue) -> Iterator[WorkerPool]:
    with WorkerPool(trucks, lambda _: None, options=PoolOptions(version_label="1.3")) as pool:
        yield pool


def states(convoy: Convoy) -> list[tuple[bool, bool]]:
    return [(one["is_quiet"], one["is_outdated"]) for one in convoy.json("workers")["workers"]]


def test_a_host_is_quiet_in_every_queue_until_it_is_taken_back(convoy: Convoy, pool: WorkerPool, fleet: Fleet) -> None:
    fleet.queue("vans").publish("1")
    before = states(convoy)

    said = convoy("quiet", HOST)
    again = convoy("quiet", HOST).stdout
    during = states(convoy)
    shown = convoy("workers", "-o", "table")
    back = convoy("unquiet", HOST).stdout

    assert (said.stdout, said.stderr) == (f"{HOST} is quiet in 2 queues\n", "")
    assert again == f"{HOST} was quiet already\n"
    assert (before, during, states(convoy)) == ([(False, False)], [(True, False)], [(False, False)])
    assert " quiet " in shown.stdout
    assert "1.3" in shown.stdout
    assert f"trucks: host {HOST} is quiet.\n" in shown.stderr
    assert back == f"{HOST} is not quiet any more in 2 queues\n"
    assert convoy("unquiet", HOST).stdout == f"{HOST} was not quiet\n"
    assert [act["verb"] for act in convoy.json("log", "trucks")["acts"]] == ["quiet", "unquiet"]


def test_a_worker_is_named_by_the_beginning_of_its_id(convoy: Convoy, pool: WorkerPool, fleet: Fleet) -> None:
    fleet.queue("vans").publish("1")
    worker = pool.status().worker

    document = convoy.json("quiet", worker[:8])

    assert document == {"schema": "convoy.quiet/1", "who": worker, "quiet": True, "queues": ["trucks"]}
    assert convoy.json("workers")["bars"] == [
        {"queue": "trucks", "quiet_hosts": [], "quiet_workers": [worker], "lowest_version": ""}
    ]
    assert "trucks: 1 worker is quiet." in convoy("workers").stderr
    assert convoy.json("unquiet", worker)["queues"] == ["trucks"]


def test_a_host_without_workers_can_be_quiet_and_that_is_said(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("quiet", "host-9", "trucks")

    assert result.stdout == "host-9 is quiet in 1 queue\n"
    assert "No worker is registered at host-9 now." in result.stderr
    assert "trucks: host host-9 is quiet." in convoy("workers").stderr


def test_a_worker_that_is_gone_is_not_taken_for_a_host(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("quiet", "f" * 32)

    assert (result.exit_code, result.stdout) == (3, "")
    assert f"No worker {'f' * 32} is registered." in result.stderr


def test_read_only_refuses_both(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    assert [convoy(word, "h", "--read-only").exit_code for word in ("quiet", "unquiet")] == [4, 4]


def test_the_lowest_version_is_set_by_describe_and_shown_with_the_workers(convoy: Convoy, pool: WorkerPool) -> None:
    said = convoy("describe", "trucks", "--lowest-version", "1.4").stdout
    during, told = states(convoy), convoy("workers", "-o", "table")
    kept = convoy("describe", "trucks", "--clear").stdout
    lifted = convoy("describe", "trucks", "--lowest-version", "").stdout

    assert said == kept == "trucks lowest version: 1.4\n"
    assert during == [(False, True)]
    assert " outdated " in told.stdout
    assert "trucks: the lowest version that may claim is 1.4." in told.stderr
    assert (lifted, states(convoy)) == ("trucks: nothing is said about it\n", [(False, False)])


def test_a_lowest_version_that_is_none_is_refused_in_a_sentence(convoy: Convoy) -> None:
    convoy("publish", "trucks", "1")

    result = convoy("describe", "trucks", "--lowest-version", "main")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "version is 'main'; it must be numbers with dots between them, like 1.4.2." in result.stderr


@pytest.mark.parametrize("processes", [(), ("--processes", "1")])
def test_work_tells_its_version_and_why_it_claims_nothing(
    convoy: Convoy, trucks: Queue, processes: tuple[str, ...]
) -> None:
    trucks.publish("1")
    trucks.set_lowest_version("1.4")
    words = ("work", "trucks", "--handler", "examples.trucks:crush", "--burst", *processes, "--version-label")

    low, high = convoy(*words, "1.3"), convoy(*words, "1.4.1")

    assert low.stdout == "0 done\n"
    assert "Version 1.3 is lower than 1.4, the lowest that may claim, so this pool claims nothing." in low.stderr
    assert high.stdout == "1 done\n"


def test_what_waits_for_those_that_may_not_claim_says_so(convoy: Convoy, trucks: Queue, pool: WorkerPool) -> None:
    trucks.quiet(HOST)
    trucks.quiet(pool.status().worker)
    trucks.set_lowest_version("1.4")
    trucks.publish("1")

    (row,) = convoy.json("status")["queues"]

    assert row["why"].endswith(f" Note: host {HOST} is quiet, 1 worker is quiet, versions below 1.4 claim nothing.")
