"""BullMQ for Python: unique by deduplication until the job has ended; in bulk by `addBulk`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import bullmq

from benchmarks.peer_scripts.peer import QUEUE, Peer, chunks, tick


class Jobs(Peer):
    """Everything happens on one event loop."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._connection = {"connection": url}
        self._queue = self._runner.run(self._open())

    def publish(self, ids: Sequence[str]) -> None:
        self._runner.run(self._one_by_one(ids))

    def publish_unique(self, ids: Sequence[str]) -> None:
        self._runner.run(self._one_by_one(ids, are_unique=True))

    def publish_bulk(self, ids: Sequence[str]) -> None:
        self._runner.run(self._in_bulk(ids))

    def publish_unique_bulk(self, ids: Sequence[str]) -> None:
        self._runner.run(self._in_bulk(ids, are_unique=True))

    def work(self, concurrency: int) -> None:
        self._runner.run(self._work(concurrency))

    async def _open(self) -> Any:
        return bullmq.Queue(QUEUE, self._connection)

    async def _one_by_one(self, ids: Sequence[str], *, are_unique: bool = False) -> None:
        for id in ids:
            await self._queue.add("job", {"id": id}, _options(id, are_unique))

    async def _in_bulk(self, ids: Sequence[str], *, are_unique: bool = False) -> None:
        for chunk in chunks(ids):
            jobs = [{"name": "job", "data": {"id": id}, "opts": _options(id, are_unique)} for id in chunk]
            await self._queue.addBulk(jobs)

    async def _work(self, concurrency: int) -> None:
        options = {**self._connection, "concurrency": concurrency, "autorun": False}
        await bullmq.Worker(QUEUE, _job, options).run()


def _options(id: str, is_unique: bool) -> dict[str, Any]:
    return {"deduplication": {"id": id}} if is_unique else {}


async def _job(_job: Any, _token: str) -> None:
    tick()
