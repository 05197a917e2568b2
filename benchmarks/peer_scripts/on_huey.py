"""Huey: threads in one consumer. It publishes neither unique jobs nor many per call."""

from __future__ import annotations

from collections.abc import Sequence

import huey

from benchmarks.peer_scripts.peer import QUEUE, Peer, tick


class Jobs(Peer):
    """A task of a RedisHuey."""

    def __init__(self, url: str) -> None:
        self._huey = huey.RedisHuey(QUEUE, url=url)
        self._task = self._huey.task()(_job)

    def publish(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._task(id)

    def work(self, concurrency: int) -> None:
        self._huey.create_consumer(workers=concurrency, worker_type="thread").run()


def _job(_: str) -> None:
    tick()
