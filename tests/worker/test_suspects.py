"""An ID whose worker has died twice runs alone, so that no other job dies with it (F28).

Other IDs are claimed while it waits (F69).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from convoy_core import Counts, Job, PoolOptions, Queue, WorkerPool
from convoy_core.worker.suspects import MOST_KNOWN, Suspects
from tests.servers import RealServer
from tests.waiting import eventually

BURST = PoolOptions(lease_s=1.5, beat_s=0.3, burst=True)
STEADY = PoolOptions(lease_s=1.5, beat_s=0.3)


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def have_crashed(store: RealServer, ids: list[str], times: int) -> None:
    """As if the workers of these IDs had died so often."""
    with store.client() as client:
        client.hset("cv:q:crashes", mapping=dict.fromkeys(ids, times))


def put_in_front(store: RealServer, id: str) -> None:
    """As if its worker had just died: not by publish, which would forgive it."""
    with store.client() as client:
        client.sadd("cv:q:committed", id)
        client.hset("cv:q:crashes", id, 2)  # after that, or the sweep takes it for a mark that Node left behind
        client.lpush("cv:q:queued", id)


class Company:
    """Handles jobs, and notes who else ran while each did."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.met: dict[str, set[str]] = {}

    async def handle(self, job: Job) -> None:
        """Run for three turns of the loop and one short while."""
        self.running.add(job.id)
        self.met[job.id] = set()
        for id in self.running:
            self.met[id] |= self.running
        await asyncio.sleep(0.01)
        self.running.remove(job.id)


@pytest.mark.parametrize("concurrency", [1, 10])
def test_f28_from_the_second_crash_on_an_id_runs_with_nothing_beside_it(
    queue: Queue, store: RealServer, concurrency: int
) -> None:
    suspects = ["7", "8", "30"]
    queue.publish_many(range(40))
    have_crashed(store, suspects, 2)
    have_crashed(store, ["11", "12"], 1)
    company = Company()

    status = WorkerPool(queue, company.handle, concurrency=concurrency, options=BURST).run()

    assert {id: company.met[id] for id in suspects} == {id: {id} for id in suspects}
    assert (status.done, queue.counts()) == (40, Counts())
    if concurrency > 1:
        assert all(len(company.met[id]) > 1 for id in ("11", "12", "20", "35"))


def test_f69_the_queue_flows_past_a_suspect_while_something_else_runs(queue: Queue, store: RealServer) -> None:
    """One long run keeps the suspect waiting, and nobody else."""
    gate = threading.Event()
    company = Company()

    async def handle(job: Job) -> None:
        if job.id == "long":
            await asyncio.to_thread(gate.wait)
        else:
            await company.handle(job)

    queue.publish("long")
    with WorkerPool(queue, handle, concurrency=5, options=STEADY):
        try:
            eventually(lambda: queue.counts().processing == 1)
            put_in_front(store, "suspect")
            queue.publish_many(range(400))
            eventually(lambda: len(company.met) == 400)
            assert "suspect" not in company.met
        finally:
            gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert company.met["suspect"] == {"suspect"}


def test_f69_a_pool_that_is_never_idle_drains_for_a_suspect(queue: Queue, store: RealServer) -> None:
    """Nobody is idle while IDs keep coming, so a pool spares some time."""
    company = Company()
    queue.publish_many(range(100))
    put_in_front(store, "suspect")
    with WorkerPool(queue, company.handle, concurrency=5, options=STEADY):
        published = 100
        while "suspect" not in company.met:
            queue.publish_many(range(published, published + 20))
            published += 20
            eventually(lambda: queue.counts().queued < 100)
        eventually(lambda: queue.counts() == Counts())

    assert company.met["suspect"] == {"suspect"}


def test_f69_a_pool_that_holds_others_does_not_spin_for_a_suspect(queue: Queue, store: RealServer) -> None:
    gate = threading.Event()
    leases: set[float] = set()

    def leases_seen() -> int:
        leases.update(score for _, score in client.zrange("cv:q:workers", 0, -1, withscores=True))
        return len(leases)

    queue.publish("long")
    with (
        WorkerPool(queue, lambda job: gate.wait(), concurrency=5, options=STEADY),
        store.client() as client,
    ):
        try:
            eventually(lambda: queue.counts().processing == 1)
            put_in_front(store, "suspect")
            eventually(lambda: queue.counts().delayed == 1)
            client.config_resetstat()
            eventually(lambda: leases_seen() == 4)  # three heartbeats
            assert client.info("commandstats")["cmdstat_evalsha"]["calls"] < 60  # a pool that spins makes thousands
        finally:
            gate.set()
        eventually(lambda: queue.counts() == Counts())


def test_f69_what_a_drained_pool_gets_is_counted_as_time_spent() -> None:
    suspects = Suspects()
    assert not suspects.is_due(0.0, is_idle=True)
    suspects.note([b"a", b"b", b"a"])

    assert suspects.is_due(0.0, is_idle=False)
    suspects.begin(10.0)
    assert suspects.next() == b"a"
    suspects.end(12.0, has_run=True)

    assert not suspects.is_due(29.9, is_idle=False)
    assert suspects.is_due(29.9, is_idle=True)
    assert suspects.is_due(30.0, is_idle=False)  # 2 of 20 s
    assert (suspects.next(), suspects.next()) == (b"b", b"")


def test_f69_draining_that_fails_lasts_twice_as_long_the_next_time() -> None:
    suspects = Suspects()
    first = suspects.patience_s
    for tries in range(3):
        suspects.begin(tries * 100.0)
        suspects.end(tries * 100.0 + suspects.patience_s, has_run=False)
    assert suspects.patience_s == first * 8

    suspects.begin(500.0)
    suspects.end(501.0, has_run=True)
    assert suspects.patience_s == first


def test_f69_a_pool_remembers_the_latest_suspects_only() -> None:
    suspects = Suspects()
    suspects.note(str(n).encode() for n in range(MOST_KNOWN + 5))

    assert (len(suspects), suspects.next()) == (MOST_KNOWN, b"5")
