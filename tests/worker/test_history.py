"""Pools keep the history of their queue, one of them at a time, and let nothing that fails there disturb their work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convoy_core import Counts, PoolOptions, Queue, WorkerPool
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.worker.maintenance import HISTORY_AGAIN_S, Maintenance
from tests.servers import RealServer
from tests.waiting import eventually

OPTIONS = PoolOptions(lease_s=1.5, beat_s=0.3)


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def test_several_pools_keep_one_row(queue: Queue) -> None:
    with WorkerPool(queue, print, options=OPTIONS):
        eventually(queue.history)
        (row,) = queue.history()
        with WorkerPool(queue, print, options=OPTIONS), WorkerPool(queue, print, options=OPTIONS):
            eventually(lambda: len(queue.workers()) == 3)
            queue.publish_many(range(5))
            eventually(lambda: queue.counts() == Counts())

            assert queue.history() == [row]

        first, last = queue.history()
        assert first == row
        assert (row.workers, last.workers, last.totals["done"]) == (1, 1, 5)


def test_what_ended_since_the_last_row_did_not_end_later(queue: Queue) -> None:
    """A burst is over before the next row is due, and then nobody is there to keep one."""
    queue.publish_many(range(5))

    WorkerPool(queue, print, options=PoolOptions(burst=True)).run()

    assert [row.totals.get("done", 0) for row in queue.history()] == [0, 5]


async def test_a_history_that_cannot_be_kept_is_tried_again_later_and_is_no_outage(
    queue: Queue, store: RealServer
) -> None:
    queue.publish("1")
    with store.client() as client:
        client.set("cv:q:history:seconds", "no list")
    connection = AsyncConnection(store.url, prefix=None, read_only=False)
    maintenance = Maintenance(connection, connection.keyspace.queue("q"), OPTIONS)

    assert await maintenance.note_history() == HISTORY_AGAIN_S
    await connection.close()
    with WorkerPool(queue, print, options=OPTIONS) as pool:
        eventually(lambda: queue.counts() == Counts())
        assert pool.status().error is None
