"""A pool hears that runs have been asked to end, ends those that it can, and says so of the others."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from convoy_core import (
    Cancelled,
    Command,
    Counts,
    Discard,
    Isolated,
    Job,
    PoolOptions,
    Published,
    Queue,
    Retry,
    State,
    WorkerPool,
)
from convoy_core.jobs import Claim
from convoy_core.worker.claims import Claims
from convoy_core.worker.runs import Plan
from tests.moves.cases import ORPHANED
from tests.moves.keyspace import W, seed
from tests.servers import RealServer
from tests.waiting import eventually

QUICK = PoolOptions(lease_s=1.5, beat_s=0.3, grace_s=5, backoff_s=0.02)
SILENT = PoolOptions(lease_s=1000, beat_s=300, grace_s=5)
"""Without heartbeats during a test."""


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def totals(queue: Queue) -> dict[str, int]:
    return dict(queue.snapshot().totals)


def run_and_cancel(queue: Queue, pool: WorkerPool, id: str = "a") -> None:
    """Have `id` run, and ask it to end."""
    queue.publish(id)
    eventually(lambda: queue.show(id).state is State.PROCESSING and pool.status().running)
    assert queue.cancel([id]) == {id: Cancelled.CANCELLING}


def test_a_coroutine_is_cancelled_and_its_id_is_absent(queue: Queue) -> None:
    ends: list[tuple[str, bool]] = []

    async def handler(job: Job) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append((job.id, job.cancelled))

    with WorkerPool(queue, handler, retries=3, options=QUICK) as pool:
        run_and_cancel(queue, pool)
        eventually(lambda: queue.counts() == Counts())

    status = pool.status()
    assert (status.cancelled, status.failed, status.retried, status.done) == (1, 0, 0, 0)
    assert ends == [("a", True)]
    assert totals(queue) == {"published": 1, "cancelled": 1}
    assert queue.publish("a") is Published.QUEUED


@pytest.mark.parametrize("concurrency", [2, 120])
def test_a_busy_pool_hears_of_it_with_its_next_round(queue: Queue, concurrency: int) -> None:
    """Its heartbeat is five minutes away."""

    async def handler(job: Job) -> None:
        if job.id == "long":
            await asyncio.Event().wait()

    with WorkerPool(queue, handler, concurrency=concurrency, options=SILENT) as pool:
        run_and_cancel(queue, pool, "long")
        queue.publish_many(range(300))
        eventually(lambda: queue.counts() == Counts())

    assert (pool.status().cancelled, pool.status().done) == (1, 300)


def test_a_pool_that_waits_beside_a_run_hears_of_it_with_the_next_id(queue: Queue) -> None:
    async def handler(job: Job) -> None:
        if job.id == "long":
            await asyncio.Event().wait()

    with WorkerPool(queue, handler, concurrency=3, options=SILENT) as pool:
        queue.publish("long")
        eventually(lambda: pool.status().running and pool.status().state == "waiting")
        queue.cancel(["long"])
        queue.publish("short")
        eventually(lambda: queue.counts() == Counts())

    assert (pool.status().cancelled, pool.status().done) == (1, 1)


def test_more_marked_runs_than_a_round_tells_of_all_end(queue: Queue) -> None:
    """A round looks at a hundred marks; the heartbeat asks for each claim."""

    async def handler(job: Job) -> None:
        await asyncio.Event().wait()

    with WorkerPool(queue, handler, concurrency=700, options=QUICK) as pool:
        queue.publish_many(range(700))
        eventually(lambda: len(pool.status().running) == 700)
        answers = queue.cancel(range(700))
        eventually(lambda: queue.counts() == Counts())

    assert {*answers.values()} == {Cancelled.CANCELLING}
    assert pool.status().cancelled == 700


def test_a_thread_is_told_and_its_id_is_processing_until_it_returns(queue: Queue, gate: threading.Event) -> None:
    told = threading.Event()

    def handler(job: Job) -> None:
        eventually(lambda: job.cancelled)
        told.set()
        gate.wait()
        raise RuntimeError("given up")

    with WorkerPool(queue, handler, retries=3, options=QUICK) as pool:
        run_and_cancel(queue, pool)
        assert told.wait(60)
        meanwhile = queue.show("a")
        refused = queue.publish("a")
        gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert (meanwhile.state, meanwhile.cancelling, refused) == (State.PROCESSING, True, Published.PROCESSING)
    assert (pool.status().cancelled, pool.status().failed, pool.status().retried) == (1, 0, 0)
    assert totals(queue) == {"published": 1, "refused": 1, "cancelled": 1}


@pytest.mark.parametrize(
    ("answer", "counted"), [(None, "done"), (Discard("enough"), "discarded"), (Retry(0), "cancelled")]
)
def test_a_run_that_goes_well_all_the_same_is_done_and_one_that_would_go_on_later_is_cancelled(
    queue: Queue, answer: object, counted: str
) -> None:
    def handler(job: Job) -> object:
        eventually(lambda: job.cancelled)
        return answer

    with WorkerPool(queue, handler, options=QUICK) as pool:
        run_and_cancel(queue, pool)
        eventually(lambda: queue.counts() == Counts())

    assert getattr(pool.status(), counted) == 1
    assert totals(queue) == {"published": 1, counted: 1}


def test_a_result_that_comes_before_the_pool_has_heard_of_it_counts_as_cancelled_unless_it_went_well(
    queue: Queue, gate: threading.Event
) -> None:
    """A failure with retries left would run again."""

    def handler(job: Job) -> None:
        gate.wait()
        if job.id == "bad":
            raise ValueError

    with WorkerPool(queue, handler, concurrency=2, retries=3, options=SILENT) as pool:
        queue.publish_many(["good", "bad"])
        eventually(lambda: len(pool.status().running) == 2)
        queue.cancel(["good", "bad"])
        gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert (pool.status().done, pool.status().cancelled, pool.status().retried) == (1, 1, 0)
    assert totals(queue) == {"published": 2, "done": 1, "cancelled": 1}


def test_a_coroutine_that_ignores_its_cancellation_keeps_its_id_until_it_returns(
    queue: Queue, gate: threading.Event
) -> None:
    ignored = threading.Event()

    async def handler(job: Job) -> None:
        if job.id != "a":
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ignored.set()
            await asyncio.to_thread(gate.wait)
            raise

    with WorkerPool(queue, handler, concurrency=2, options=QUICK) as pool:
        run_and_cancel(queue, pool)
        assert ignored.wait(60)
        queue.publish_many(range(20))  # the pool is told again with each round, and disturbs it once
        eventually(lambda: pool.status().done == 20)
        meanwhile = queue.show("a")
        gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert (meanwhile.state, meanwhile.cancelling) == (State.PROCESSING, True)
    assert pool.status().cancelled == 1


def test_a_rerun_follows_a_cancelled_run(queue: Queue) -> None:
    runs: list[str] = []

    async def handler(job: Job) -> None:
        runs.append(job.token)
        if len(runs) == 1:
            await asyncio.Event().wait()

    with WorkerPool(queue, handler, options=QUICK) as pool:
        queue.publish("a")
        eventually(lambda: runs)
        assert queue.cancel(["a"]) == {"a": Cancelled.CANCELLING}
        queue.publish("a", rerun=True)
        eventually(lambda: queue.counts() == Counts())

    assert len(runs) == 2
    assert (pool.status().cancelled, pool.status().done) == (1, 1)


def test_a_thread_that_is_out_of_time_is_cancelled_and_has_not_failed(queue: Queue, gate: threading.Event) -> None:
    def handler(job: Job) -> None:
        gate.wait()

    with WorkerPool(queue, handler, job_timeout=1, options=QUICK) as pool:
        run_and_cancel(queue, pool)
        eventually(lambda: queue.counts() == Counts())
        held = pool.status().running
        gate.set()

    assert [id for id, _ in held] == ["a"], "its slot is taken until it returns"
    assert (pool.status().cancelled, pool.status().failed) == (1, 0)


def test_a_stopping_pool_still_hears_of_it(queue: Queue) -> None:
    async def handler(job: Job) -> None:
        await asyncio.Event().wait()

    with WorkerPool(queue, handler, options=QUICK) as pool:
        queue.publish("a")
        eventually(lambda: pool.status().running)
        pool.request_stop(3000)
        queue.cancel(["a"])

    assert pool.status().cancelled == 1
    assert queue.counts() == Counts()


def test_a_thread_that_outlives_the_grace_of_a_stop_is_not_queued_again(queue: Queue, gate: threading.Event) -> None:
    def handler(job: Job) -> None:
        gate.wait()

    with WorkerPool(queue, handler, options=QUICK) as pool:
        run_and_cancel(queue, pool)
        status = pool.stop(0)
        counts = queue.counts()

    assert (status.cancelled, status.released) == (1, 0)
    assert counts == Counts()


def test_a_command_ends_with_its_whole_group_even_if_it_ignores_the_first_signal(queue: Queue, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    source = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '3000'])\n"
        f"open({str(told)!r} + '.part', 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(told)!r} + '.part', {str(told)!r})\n"
        "time.sleep(3000)\n"
    )

    with WorkerPool(queue, Command([sys.executable, "-c", source]), options=QUICK) as pool:
        queue.publish("a")
        eventually(told.exists)
        assert queue.cancel(["a"]) == {"a": Cancelled.CANCELLING}
        eventually(lambda: queue.counts() == Counts())

    assert (pool.status().cancelled, pool.status().failed) == (1, 0)
    eventually(lambda: not any(map(is_alive, told.read_text().split())))


def is_alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_isolated_child_ends_and_another_takes_the_next_id(queue: Queue) -> None:
    with WorkerPool(queue, Isolated("tests.handlers.handlers_to_isolate:work"), options=QUICK) as pool:
        queue.publish("stuck")
        eventually(lambda: pool.status().running)
        assert queue.cancel(["stuck"]) == {"stuck": Cancelled.CANCELLING}
        queue.publish("a")
        eventually(lambda: queue.counts() == Counts())

    assert (pool.status().cancelled, pool.status().done) == (1, 1)


async def test_a_claim_whose_run_has_not_begun_does_not_begin() -> None:
    begun: list[str] = []

    async def handler(job: Job) -> None:
        begun.append(job.id)

    claims = Claims(Plan("q", handler, 5, None, 0, PoolOptions()), W, lambda: None)
    claims.add([Claim(b"a", 1), Claim(b"b", 2)])

    claims.cancel([1])

    settlement, _ = claims.take_results()
    claims.start()
    await asyncio.sleep(0)
    assert [claim.raw_id for claim in settlement.cancelled] == [b"a"]
    assert begun == ["b"]


async def test_a_run_that_is_cancelled_before_its_first_step_has_ended() -> None:
    """A heartbeat may be heard right after the start. Nothing of a task that is cancelled so early will run."""

    async def handler(job: Job) -> None:
        """Never called."""

    claims = Claims(Plan("q", handler, 5, None, 0, PoolOptions()), W, lambda: None)
    claims.add([Claim(b"a", 1)])
    claims.start()

    claims.cancel([1])

    for _ in range(3):
        await asyncio.sleep(0)
    settlement, _ = claims.take_results()
    assert [claim.raw_id for claim in settlement.cancelled] == [b"a"]
    assert claims.free == 5


def test_the_cancelled_id_of_a_dead_worker_does_not_run_again(store: RealServer, queue: Queue) -> None:
    runs: list[str] = []
    with store.client() as client:
        seed(client, {**ORPHANED, "cancelling": {"a": f"{W}:1"}})

    with WorkerPool(queue, lambda job: runs.append(job.id), options=QUICK):
        eventually(lambda: queue.counts() == Counts())

    assert runs == []
    assert totals(queue) == {"recovered": 1, "cancelled": 1}
