"""A pool that waits at an empty queue is handed the next ID together with its claim."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator

import pytest

from convoy_core import AsyncQueue, Counts, Job, PoolOptions, Queue, State, WorkerPool
from tests.servers import RealServer
from tests.waiting import eventually

OPTIONS = PoolOptions(lease_s=1.5, beat_s=0.3)


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


class Crowd:
    """Handles jobs for a moment each, and counts how many run at once."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.most = 0
        self.met: dict[str, set[str]] = {}

    async def handle(self, job: Job) -> None:
        """Run for up to a hundredth of a second."""
        self.running.add(job.id)
        self.most = max(self.most, len(self.running))
        self.met[job.id] = set()
        for id in self.running:
            self.met[id] |= self.running
        await asyncio.sleep(random.random() / 100)
        self.running.remove(job.id)


def is_idle(store: RealServer) -> bool:
    """Whether somebody waits in BLMOVE."""
    with store.client() as client:
        return bool(client.info("clients")["blocked_clients"])


@pytest.mark.parametrize("concurrency", [1, 2, 3, 60])
def test_ids_published_slowly_never_exceed_the_slots(queue: Queue, store: RealServer, concurrency: int) -> None:
    """One slot is kept for the wait, which has its claim behind it, whatever the rounds claim meanwhile."""
    crowd = Crowd()
    dice = random.Random(concurrency)
    with WorkerPool(queue, crowd.handle, concurrency=concurrency, options=OPTIONS) as pool:
        published = 0
        while published < 400:
            wave = dice.choice((1, 1, 2, 5, concurrency + 1))
            queue.publish_many(range(published, published + wave))
            published += wave
            if dice.random() < 0.3:
                eventually(lambda: is_idle(store))
        eventually(lambda: queue.counts() == Counts())
        eventually(lambda: pool.status().done == published)

    assert crowd.most <= concurrency
    assert len(crowd.met) == published
    assert pool.status().stale == 0


def test_f28_a_suspect_that_is_handed_over_waits_until_nothing_else_runs(queue: Queue, store: RealServer) -> None:
    """The claim behind a wait was sent when nobody knew what would run beside it."""
    gate = asyncio.Event()
    running: set[str] = set()
    met: dict[str, set[str]] = {}

    async def handle(job: Job) -> None:
        running.add(job.id)
        met[job.id] = running.copy()
        if job.id == "long":
            await gate.wait()
        running.remove(job.id)

    async def story() -> None:
        async with AsyncQueue("q", redis=store.url) as watched:
            pool = WorkerPool(watched, handle, concurrency=3, options=OPTIONS)
            serving = asyncio.create_task(pool.serve())
            await asyncio.to_thread(eventually, lambda: is_idle(store))
            await watched.publish("long")
            await asyncio.to_thread(eventually, lambda: "long" in met and is_idle(store))
            with store.client() as client:  # not by publish, which would forgive it
                client.sadd("cv:q:committed", "suspect")
                client.hset("cv:q:crashes", "suspect", 2)
                client.rpush("cv:q:queued", "suspect")
            set_apart = Counts(delayed=1, committed=2, processing=1)
            await asyncio.to_thread(eventually, lambda: queue.counts() == set_apart)
            gate.set()
            await asyncio.to_thread(eventually, lambda: queue.counts() == Counts())
            pool.request_stop()
            await serving

    asyncio.run(story())

    assert met == {"long": {"long"}, "suspect": {"suspect"}}


def test_what_is_handed_over_while_the_pool_stops_goes_back_to_the_queue(queue: Queue, store: RealServer) -> None:
    for n in range(20):
        with WorkerPool(queue, lambda job: None, concurrency=2, options=OPTIONS) as pool:
            eventually(lambda: is_idle(store))
            stopper = threading.Thread(target=pool.stop)
            stopper.start()
            queue.publish(f"job {n}")
            stopper.join()
        assert queue.counts().processing == 0
        assert queue.counts().committed == queue.counts().queued
        assert queue.workers() == []
        queue.discard_all(State.QUEUED)
