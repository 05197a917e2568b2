"""An ID whose worker has died twice runs by itself, so that it takes nobody along the third time (RELIABILITY F28)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from convoy_core import Counts, Job, PoolOptions, Queue, WorkerPool
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


def test_f28_a_pool_that_waits_for_room_takes_nothing_and_asks_no_more_than_it_must(
    queue: Queue, store: RealServer
) -> None:
    """While one run is going, the suspect and what comes after it stay queued, for others to take."""
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
            queue.pause()
            queue.publish_many(["suspect", "after"])
            have_crashed(store, ["suspect"], 2)
            record = f"cv:q:worker:{queue.workers()[0].id}"
            claimed = client.hget(record, "number")
            queue.resume()
            eventually(lambda: client.hget(record, "number") != claimed)  # it has asked, and was told to wait
            client.config_resetstat()
            eventually(lambda: leases_seen() == 4)  # three heartbeats
            assert client.info("commandstats")["cmdstat_evalsha"]["calls"] < 60  # a pool that spins makes thousands
            assert queue.counts() == Counts(queued=2, committed=3, processing=1)
        finally:
            gate.set()
        eventually(lambda: queue.counts() == Counts())
