"""A check of a queue that is alive: no fault where there is none, beside pools, publishers and Node clients at work."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from convoy_core import Job, PoolOptions, Queue, QueueCheck, Retry, WorkerPool
from tests.servers import RealServer

SECONDS = float(os.environ.get("CONVOY_BUSY_SECONDS", "20"))
GRACE_S = 2.0
IDS = [f"i{number}" for number in range(300)]
OPTIONS = PoolOptions(lease_s=5, beat_s=0.5, backoff_s=0.05, backoff_cap_s=0.1)


class Clients:
    """Publishers and workers of ours and of Node, each in a thread of its own, until told to stop."""

    def __init__(self, store: RealServer) -> None:
        self._store = store
        self._is_over = threading.Event()
        self.did: Counter[str] = Counter()

    def handler(self, job: Job) -> Retry | None:
        """Some fail, some ask for another run."""
        dice = random.random()
        if dice < 0.02:
            raise ValueError("boom")
        return Retry(0.05) if dice < 0.04 else None

    def publish(self) -> None:
        with Queue("q", redis=self._store.url) as queue:
            while not self._is_over.is_set():
                some = random.sample(IDS, 20)
                queue.publish_many(some[:15], rerun=random.random() < 0.1, payload=random.choice([None, "x"]))
                queue.publish_many(some[15:], delay_s=0.05)
                self.did["published"] += 20

    def publish_as_node(self) -> None:
        with self._store.client() as client:
            while not self._is_over.is_set():
                id = random.choice(IDS)
                if client.sadd("cv:q:committed", id):
                    self._pause()
                    client.rpush("cv:q:queued", id)
                    self.did["published by Node"] += 1

    def work_as_node(self) -> None:
        with self._store.client() as client:
            while not self._is_over.is_set():
                found = client.blpop(["cv:q:queued"], 1)
                if found is None:
                    continue
                self._pause()
                client.zadd("cv:q:processing", {found[1]: client.time()[0]})
                self._pause()
                client.zrem("cv:q:processing", found[1])
                self._pause()
                client.srem("cv:q:committed", found[1])
                self.did["run by Node"] += 1

    def _pause(self) -> None:
        """Between two commands of a Node client, which is nothing if it does nothing else, or a few ms."""
        self._is_over.wait(random.choice([0, 0, 0.001, 0.005]))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        jobs: list[Callable[[], None]] = [self.publish] * 2 + [self.publish_as_node, self.work_as_node] * 2
        with (
            Queue("q", redis=self._store.url) as queue,
            WorkerPool(queue, self.handler, concurrency=20, options=OPTIONS),
            WorkerPool(queue, self.handler, concurrency=5, options=OPTIONS),
            ThreadPoolExecutor(len(jobs)) as threads,
        ):
            running = [threads.submit(job) for job in jobs]
            yield
            self._is_over.set()
            for job in running:
                job.result()


@pytest.mark.timeout(100 + SECONDS)
def test_f47_a_busy_queue_of_living_clients_has_no_fault(store: RealServer) -> None:
    clients = Clients(store)
    checks: list[QueueCheck] = []
    with Queue("q", redis=store.url) as queue, clients.at_work():
        until = time.monotonic() + SECONDS
        while time.monotonic() < until or min(clients.did.values()) <= 100 or len(clients.did) < 3:
            checks.append(queue.check(grace_s=GRACE_S))

    assert [check.faults for check in checks if not check.is_sound] == []
    assert all(check.examined > 10 for check in checks)
