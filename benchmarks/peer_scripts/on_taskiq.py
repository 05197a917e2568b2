"""taskiq on a Redis stream, its broker that acknowledges; many are published at once by gathering."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from benchmarks.peer_scripts.peer import QUEUE, Peer, chunks, tick


class Jobs(Peer):
    """Everything happens on one event loop."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._broker = RedisStreamBroker(url, queue_name=QUEUE)
        self._task = self._broker.register_task(_job, task_name="job")
        self._runner.run(self._broker.startup())  # which makes the group that sees what is published from here on

    def publish(self, ids: Sequence[str]) -> None:
        self._runner.run(self._one_by_one(ids))

    def publish_bulk(self, ids: Sequence[str]) -> None:
        for chunk in chunks(ids):
            self._runner.run(self._at_once(chunk))

    def work(self, concurrency: int) -> None:
        self._runner.run(run_receiver_task(self._broker, max_async_tasks=concurrency))

    async def _one_by_one(self, ids: Sequence[str]) -> None:
        for id in ids:
            await self._task.kiq(id)

    async def _at_once(self, ids: Sequence[str]) -> None:
        await asyncio.gather(*(self._task.kiq(id) for id in ids))


async def _job(_: str) -> None:
    tick()
