"""Pools at the limits of their queue: none exceeds them, each has its turn, and nobody asks in vain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from convoy_core import Counts, Job, PoolOptions, PoolState, Queue, WorkerPool
from convoy_core.worker import waiting
from tests.moves.keyspace import sent_since_reset
from tests.servers import RealServer
from tests.waiting import eventually

OPTIONS = PoolOptions(lease_s=1.5, beat_s=0.3)
HOUR = 3600.0


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


class Gate:
    """Handles jobs: each runs until it is opened. Knows which run, and how many have at once."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.running: set[str] = set()
        self.ran: list[str] = []
        self.most = 0
        self._lock = threading.Lock()

    def handle(self, job: Job) -> None:
        """Run."""
        with self._lock:
            self.running.add(job.id)
            self.most = max(self.most, len(self.running))
        self.open.wait()
        with self._lock:
            self.running.remove(job.id)
            self.ran.append(job.id)


def started(stack: ExitStack, queue: Queue, gate: Gate, n: int, concurrency: int = 3) -> list[WorkerPool]:
    """So many pools."""
    pools = [WorkerPool(queue, gate.handle, concurrency=concurrency, options=OPTIONS) for _ in range(n)]
    return [stack.enter_context(pool) for pool in pools]


def has_met_its_limit(pools: list[WorkerPool]) -> bool:
    """Whether all of them have."""
    return {pool.status().state for pool in pools} == {PoolState.LIMITED}


def test_no_more_run_at_a_time_than_the_limit_allows_over_all_pools(queue: Queue) -> None:
    gate = Gate()
    queue.set_limits(concurrency=4)
    with ExitStack() as stack:
        pools = started(stack, queue, gate, 3, concurrency=5)
        queue.publish_many(range(60))
        eventually(lambda: len(gate.running) == 4 and has_met_its_limit(pools))
        gate.open.set()
        eventually(lambda: queue.counts() == Counts())

    assert gate.most == 4
    assert sorted(gate.ran, key=int) == [str(n) for n in range(60)]


def test_no_more_begin_than_the_rate_allows_until_it_is_changed(queue: Queue) -> None:
    gate = Gate()
    gate.open.set()
    queue.set_limits(rate=7, period_s=HOUR, burst=7)
    with ExitStack() as stack:
        pools = started(stack, queue, gate, 2)
        queue.publish_many(range(20))
        eventually(lambda: has_met_its_limit(pools) and queue.counts() == Counts(queued=13, committed=13))
        begun = len(gate.ran)
        queue.set_limits()
        eventually(lambda: queue.counts() == Counts())

    assert begun == 7
    assert len(gate.ran) == 20


@pytest.mark.parametrize("limit", [{"concurrency": 1}, {"rate": 1, "period_s": HOUR}], ids=["concurrency", "rate"])
def test_what_is_handed_over_and_may_not_begin_waits_in_its_place(
    queue: Queue, store: RealServer, limit: dict[str, float]
) -> None:
    gate = Gate()
    queue.set_limits(**limit)  # type: ignore[arg-type]  # both fit
    with ExitStack() as stack:
        pools = started(stack, queue, gate, 3, concurrency=1)
        eventually(lambda: {pool.status().state for pool in pools} == {PoolState.WAITING})
        for id in ("a", "b", "c"):
            queue.publish(id)
        eventually(lambda: queue.counts() == Counts(queued=2, committed=3, processing=1))
        eventually(lambda: len(gate.running) == 1)
        with store.client() as client:
            eventually(lambda: client.keys("cv:q:claim:*") == [])
        waiting_ids = [entry.id for entry in queue.page(None).entries if entry.id not in gate.running]
        gate.open.set()
        queue.set_limits()
        eventually(lambda: queue.counts() == Counts())

    assert len(waiting_ids) == 2
    assert gate.most <= 3
    assert sorted(gate.ran) == ["a", "b", "c"]


def test_each_pool_has_its_turn_where_one_run_may_go_at_a_time(queue: Queue) -> None:
    ran: dict[str, int] = {}
    is_over = threading.Event()

    async def handle(job: Job) -> None:
        pool = job.token.partition(":")[0]
        ran[pool] = ran.get(pool, 0) + 1
        await asyncio.sleep(0.001)
        if not is_over.is_set():
            await asyncio.to_thread(queue.publish, job.id, rerun=True)

    queue.set_limits(concurrency=1)
    queue.publish_many(range(10))
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(WorkerPool(queue, handle, concurrency=2, options=OPTIONS))
        eventually(lambda: len(ran) == 3)
        is_over.set()
        eventually(lambda: queue.counts() == Counts())


def test_a_pool_that_waits_is_woken_when_a_run_of_another_ends(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convoy_core.worker.limited.pause_s", lambda again_ms: HOUR)
    gate = Gate()
    queue.set_limits(concurrency=1)
    with ExitStack() as stack:
        (first,) = started(stack, queue, gate, 1, concurrency=1)
        queue.publish("a")
        eventually(lambda: gate.running == {"a"})
        (second,) = started(stack, queue, gate, 1, concurrency=1)
        queue.publish("b")
        eventually(lambda: has_met_its_limit([second]))
        first.request_stop()
        gate.open.set()
        eventually(lambda: queue.counts() == Counts())

    assert gate.ran == ["a", "b"]


def test_a_pool_at_a_limit_asks_no_sooner_than_it_was_told(
    queue: Queue, store: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each claim at a limit reads the limits; the wait to be woken is renewed now and then, and reads nothing.

    A pool that has opened another connection, of three, compares what it holds, and then claims once more.
    """
    monkeypatch.setattr(waiting, "BLOCK_S", 0.05)
    gate = Gate()
    gate.open.set()
    queue.set_limits(rate=1, period_s=HOUR)
    queue.publish_many(range(3))
    with ExitStack() as stack, store.client() as client:
        pools = started(stack, queue, gate, 2)
        eventually(lambda: has_met_its_limit(pools) and queue.counts() == Counts(queued=2, committed=2))
        client.config_resetstat()
        eventually(lambda: sent_since_reset(client).get("blpop", 0) >= 60)
        sent = sent_since_reset(client)

    assert sent.get("hgetall", 0) <= 3 * len(pools)
    assert len(gate.ran) == 1


def test_a_burst_ends_when_the_queue_is_empty_and_not_at_its_limit(queue: Queue) -> None:
    gate = Gate()
    gate.open.set()
    queue.set_limits(rate=200)
    queue.publish_many(range(45))
    options = PoolOptions(lease_s=1.5, beat_s=0.3, burst=True)

    status = WorkerPool(queue, gate.handle, concurrency=3, options=options).run()

    assert status.done == 45


def test_a_pool_that_has_left_its_limit_takes_what_is_published_next(queue: Queue, store: RealServer) -> None:
    """Its wait to be woken is over by then, so that it waits for IDs again."""
    gate = Gate()
    gate.open.set()
    queue.set_limits(concurrency=1)
    with ExitStack() as stack, store.client() as client:
        (pool,) = started(stack, queue, gate, 1)
        for wave in range(3):
            queue.publish_many(range(wave * 5, wave * 5 + 5))
            eventually(lambda: queue.counts() == Counts())
            eventually(lambda: "cmd=blmove" in str(client.execute_command("CLIENT", "LIST")))
        assert pool.status().state is PoolState.WAITING

    assert len(gate.ran) == 15
