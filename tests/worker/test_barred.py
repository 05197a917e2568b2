"""Pools that may claim nothing: quiet ones, and of too low a version. They finish what they run, and go on later."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator

import pytest
import redis

from convoy_core import Counts, Job, PoolOptions, PoolState, Queue, WorkerPool
from tests.servers import RealServer
from tests.waiting import eventually

HOST = socket.gethostname()
QUICK = PoolOptions(lease_s=3, beat_s=0.3)


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def _is_waiting(raw: redis.Redis) -> bool:
    return any(client["cmd"] == "blmove" for client in raw.client_list())


@pytest.mark.parametrize("by_worker", [False, True])
def test_a_pool_that_waits_takes_nothing_while_it_is_quiet(queue: Queue, raw: redis.Redis, by_worker: bool) -> None:
    seen: list[str] = []
    with WorkerPool(queue, lambda job: seen.append(job.id), options=QUICK) as pool:
        eventually(lambda: _is_waiting(raw))
        who = pool.status().worker if by_worker else HOST
        assert queue.quiet(who)
        queue.publish("a")
        eventually(lambda: pool.status().state is PoolState.QUIET)
        status = pool.status()
        # A wait that was under way may have been handed the ID; the claim behind it gives it back.
        eventually(lambda: queue.counts() == Counts(queued=1, committed=1))
        assert queue.unquiet(who)
        eventually(lambda: seen == ["a"])

    assert status.is_ready
    assert status.barred == (
        "This worker is quiet, so it claims nothing; `convoy unquiet` with its ID ends that."
        if by_worker
        else f"The host {HOST} is quiet, so no worker here claims anything; `convoy unquiet {HOST}` ends that."
    )


def test_an_idle_pool_shows_that_it_is_quiet_although_nothing_comes(queue: Queue, raw: redis.Redis) -> None:
    with WorkerPool(queue, lambda _: None, options=QUICK) as pool:
        eventually(lambda: _is_waiting(raw))
        queue.quiet(HOST)

        eventually(lambda: pool.status().state is PoolState.QUIET)

        (info,) = queue.workers()
        assert info.is_quiet


def test_the_others_take_what_a_quiet_worker_leaves(queue: Queue, raw: redis.Redis) -> None:
    mine: list[str] = []
    theirs: list[str] = []
    with (
        WorkerPool(queue, lambda job: mine.append(job.id), options=QUICK) as quiet,
        WorkerPool(queue, lambda job: theirs.append(job.id), options=QUICK),
    ):
        eventually(lambda: len(queue.workers()) == 2)
        queue.quiet(quiet.status().worker)
        queue.publish_many(range(200))
        eventually(lambda: len(mine) + len(theirs) == 200)
        before = len(mine)
        eventually(lambda: quiet.status().state is PoolState.QUIET)
        queue.publish_many(range(200, 300))
        eventually(lambda: queue.counts() == Counts())

    assert before == len(mine) == 0
    assert len(theirs) == 300


def test_what_runs_is_finished_and_nothing_more_is_taken(queue: Queue) -> None:
    gate, started = threading.Event(), threading.Event()

    def work(_: Job) -> None:
        started.set()
        gate.wait()

    queue.publish_many(["a", "b"])
    with WorkerPool(queue, work, options=QUICK) as pool:
        started.wait()
        queue.quiet(HOST)
        gate.set()
        eventually(lambda: pool.status().done == 1)
        eventually(lambda: pool.status().state is PoolState.QUIET)
        assert queue.counts().queued == 1
        queue.unquiet(HOST)
        eventually(lambda: queue.counts() == Counts())


def test_a_burst_ends_where_it_may_claim_nothing(queue: Queue) -> None:
    queue.publish("a")
    queue.quiet(HOST)

    status = WorkerPool(queue, lambda _: None, options=PoolOptions(burst=True)).run()

    assert (status.done, queue.counts().queued) == (0, 1)


def test_a_worker_that_stops_is_not_quiet_for_the_next(queue: Queue) -> None:
    with WorkerPool(queue, lambda _: None, options=QUICK) as pool:
        queue.quiet(pool.status().worker)
        eventually(lambda: pool.status().state is PoolState.QUIET)

    queue.publish("a")
    status = WorkerPool(queue, lambda _: None, options=PoolOptions(burst=True)).run()

    assert status.done == 1
    assert queue.snapshot().bars.quiet_workers == ()


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("1.3.9", "Version 1.3.9 is lower than 1.4, the lowest that may claim, so this pool claims nothing."),
        ("", "This pool has no version label, and the lowest that may claim is 1.4, so it claims nothing."),
    ],
)
def test_a_pool_of_too_low_a_version_says_why_once_and_goes_on_when_it_may(
    queue: Queue, caplog: pytest.LogCaptureFixture, label: str, why: str
) -> None:
    options = PoolOptions(lease_s=3, beat_s=0.3, version_label=label)
    asked = 0

    def has_asked_again() -> bool:
        nonlocal asked
        asked += pool.status().state is PoolState.OUTDATED
        return asked > 5

    queue.set_lowest_version("1.4")
    queue.publish("a")
    with caplog.at_level(logging.WARNING, "convoy_core"), WorkerPool(queue, lambda _: None, options=options) as pool:
        eventually(has_asked_again)
        (info,) = queue.workers()
        barred = pool.status().barred
        queue.set_lowest_version("1.3")
        if not label:
            queue.set_lowest_version(None)
        eventually(lambda: queue.counts() == Counts())
        eventually(lambda: pool.status().barred is None)

    assert (barred, info.version, info.is_outdated) == (why, label, True)
    assert [record.getMessage() for record in caplog.records] == [f"queue q: {why}"]


def test_a_pool_of_a_high_enough_version_claims_and_shows_it(queue: Queue) -> None:
    queue.set_lowest_version("1.4")
    queue.publish("a")

    with WorkerPool(queue, lambda _: None, options=PoolOptions(version_label="v1.10.1")):
        eventually(lambda: queue.counts() == Counts())
        (info,) = queue.workers()

    assert (info.version, info.is_outdated) == ("v1.10.1", False)
