"""SAQ: many are published at once by gathering; a job's key makes it unique."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import saq

from benchmarks.peer_scripts.peer import QUEUE, Peer, chunks, tick


class Jobs(Peer):
    """Everything happens on one event loop."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._queue = saq.Queue.from_url(url, name=QUEUE)
        self._runner.run(self._queue.connect())

    def publish(self, ids: Sequence[str]) -> None:
        self._runner.run(self._one_by_one([{"id": id} for id in ids]))

    def publish_unique(self, ids: Sequence[str]) -> None:
        self._runner.run(self._one_by_one([{"id": id, "key": id} for id in ids]))

    def publish_bulk(self, ids: Sequence[str]) -> None:
        for chunk in chunks(ids):
            self._runner.run(self._at_once([{"id": id} for id in chunk]))

    def publish_unique_bulk(self, ids: Sequence[str]) -> None:
        for chunk in chunks(ids):
            self._runner.run(self._at_once([{"id": id, "key": id} for id in chunk]))

    def work(self, concurrency: int) -> None:
        worker = saq.Worker(self._queue, functions=[("job", _job)], concurrency=concurrency)
        self._runner.run(worker.start())

    async def _one_by_one(self, settings: list[dict[str, str]]) -> None:
        for each in settings:
            await self._queue.enqueue("job", **each)

    async def _at_once(self, settings: list[dict[str, str]]) -> None:
        await asyncio.gather(*(self._queue.enqueue("job", **each) for each in settings))


async def _job(_context: dict[str, Any], *, id: str) -> None:
    tick()
