"""Dramatiq: threads in one worker. It publishes neither unique jobs nor many per call."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peer_scripts.peer import QUEUE, Peer, tick


class Jobs(Peer):
    """An actor on the Redis broker with its default middleware."""

    def __init__(self, url: str) -> None:
        self._broker = RedisBroker(url=url)
        dramatiq.set_broker(self._broker)
        self._actor = dramatiq.actor(_job, queue_name=QUEUE)

    def publish(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._actor.send(id)

    def work(self, concurrency: int) -> None:
        dramatiq.Worker(self._broker, worker_threads=concurrency).start()
        threading.Event().wait()


def _job(_: str) -> None:
    tick()
