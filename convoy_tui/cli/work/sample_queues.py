"""The sample queues of `convoy demo`: what is published to each, and what its sample workers do."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from convoy_core import Fleet, Job, PoolOptions, Published, Queue, Retry, State, StoreError, WorkerPool

MOST_FAILED: Final = 60
"""With more failed IDs in a queue they are requeued, as an operator would."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample queue."""

    name: str
    what: str
    per_s: float
    """How often something is published there."""
    kinds: int
    """Of so many IDs; the fewer, the more publishes are refused."""
    handler: Callable[[Job], Awaitable[object]] | None = None
    """None: nobody works on it."""
    concurrency: int = 1
    retries: int = 0
    delay_s: float = 0.0


async def _order(_job: Job) -> None:
    await asyncio.sleep(random.uniform(0.02, 0.3))


async def _image(_job: Job) -> None:
    await asyncio.sleep(random.uniform(1, 6))


async def _mail(job: Job) -> object:
    await asyncio.sleep(random.uniform(0.1, 0.6))
    if random.random() < 0.05:
        return Retry(20)
    if random.random() < 0.3:
        raise ConnectionError(f"the mail server hung up on {job.id}")
    return None


async def _import(job: Job) -> None:
    await asyncio.sleep(random.uniform(0.2, 1))
    if random.random() < 0.25:
        raise ValueError(f"row {random.randrange(1, 500)} of {job.id} has no price")


SAMPLES: Final = (
    Sample("orders", "fast, and all is well", 20, 400, _order, concurrency=8),
    Sample("images", "slow", 1, 60, _image, concurrency=4),
    Sample("mail", "fails at times, and is retried", 4, 300, _mail, concurrency=3, retries=3),
    Sample("imports", "fails at times, for good", 1.5, 200, _import, concurrency=2),
    Sample("reports", "waits until it is due", 0.5, 40, _order, delay_s=20),
    Sample("archive", "nobody works on it", 0.5, 2000),
)


class Samples:
    """All of them on one store, at work while this is entered."""

    def __init__(self, fleet: Fleet) -> None:
        self._queues = [(sample, fleet.queue(sample.name)) for sample in SAMPLES]
        self.pools: list[WorkerPool] = []
        self.accepted = 0
        self.refused = 0
        self._published_at = time.monotonic()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Start the workers; stop them in the end, and give back what they run."""
        options = PoolOptions(lease_s=6.0, beat_s=1.0, backoff_s=3.0, backoff_cap_s=20.0, grace_s=0.5)
        with ExitStack() as started:
            for sample, queue in self._queues:
                if sample.handler is not None:
                    pool = WorkerPool(
                        queue,
                        sample.handler,
                        concurrency=sample.concurrency,
                        retries=sample.retries,
                        options=options,
                    )
                    pool.start()
                    self.pools.append(pool)
                    started.callback(pool.stop)
            try:
                yield
            finally:
                for pool in self.pools:
                    pool.request_stop()  # all at once, and not one after the other

    def publish(self) -> None:
        """Publish what came due since the last time. A store that is away is tried again later."""
        now = time.monotonic()
        passed, self._published_at = now - self._published_at, now
        for sample, queue in self._queues:
            try:
                self._publish_to(sample, queue, passed)
            except StoreError:
                return

    def _publish_to(self, sample: Sample, queue: Queue, passed_s: float) -> None:
        expected = sample.per_s * min(passed_s, 1.0)
        times = int(expected) + (random.random() < expected % 1)
        for _ in range(times):
            id = f"{sample.name.removesuffix('s')}-{random.randrange(sample.kinds)}"
            answer = queue.publish(id, delay_s=random.uniform(0, sample.delay_s) if sample.delay_s else 0)
            if answer in (Published.QUEUED, Published.DELAYED):
                self.accepted += 1
            else:
                self.refused += 1
        if times and queue.counts().failed > MOST_FAILED:
            queue.requeue([entry.id for entry in queue.page(State.FAILED).entries])
