"""Convoy itself. Every publish is unique, so there is no other kind."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.peer_scripts.peer import QUEUE, Peer, tick
from convoy_core import AsyncQueue, Job, Queue, WorkerPool


class Jobs(Peer):
    """Published by the blocking `Queue`, run by an `async def` handler with a time limit."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queue = Queue(QUEUE, redis=url)

    def publish(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._queue.publish(id)

    def publish_unique(self, ids: Sequence[str]) -> None:
        self.publish(ids)

    def publish_bulk(self, ids: Sequence[str]) -> None:
        self._queue.publish_many(ids)

    def publish_unique_bulk(self, ids: Sequence[str]) -> None:
        self.publish_bulk(ids)

    def work(self, concurrency: int) -> None:
        queue = AsyncQueue(QUEUE, redis=self._url)
        WorkerPool(queue, _job, concurrency=concurrency, job_timeout=60.0).run()


async def _job(_: Job) -> None:
    tick()
