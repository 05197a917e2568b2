"""RQ: SimpleWorker, which forks no child per job and so is its fastest; it runs one job at a time."""

from __future__ import annotations

from collections.abc import Sequence

import redis
import rq

from benchmarks.peer_scripts.peer import QUEUE, Missing, Peer, chunks, tick


class Jobs(Peer):
    """Unique by `unique=True` with a job ID; in bulk by `enqueue_many`."""

    def __init__(self, url: str) -> None:
        self._connection = redis.Redis.from_url(url)
        self._queue = rq.Queue(QUEUE, connection=self._connection)

    def publish(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._queue.enqueue(job, id)

    def publish_unique(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._queue.enqueue(job, id, job_id=id, unique=True)

    def publish_bulk(self, ids: Sequence[str]) -> None:
        for chunk in chunks(ids):
            self._queue.enqueue_many([rq.Queue.prepare_data(job, (id,)) for id in chunk])

    def work(self, concurrency: int) -> None:
        if concurrency > 1:
            raise Missing
        rq.SimpleWorker([self._queue], connection=self._connection).work(logging_level="WARNING")


def job(_: str) -> None:
    """RQ finds it by its name."""
    tick()
