"""The store's clock is set while pools are at work (F19): nobody is taken for dead because of that."""

from __future__ import annotations

import asyncio
import time

import pytest

from convoy_core import Queue
from convoy_core.moves.recovering import recover
from convoy_core.moves.working import Pulse, Settlement, exchange, register, renew
from convoy_core.options import PoolOptions
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.worker.maintenance import Maintenance
from tests.moves.keyspace import NOW
from tests.servers import RealServer

HOUR_MS = 3_600_000
LEASE_MS = 15_000
LIVING, DEAD = "aa", "bb"


def test_f19_a_clock_that_is_set_between_the_look_and_the_recovery_kills_nobody(store: RealServer) -> None:
    with Queue("q", redis=store.url) as queue:
        keys = queue._connection.keyspace.queue("q")
        queue._connection.now_ms = NOW
        queue.publish("a")
        queue._connection.run(register(keys, LIVING, LEASE_MS, "epoch", {}))
        queue._connection.run(exchange(keys, LIVING, Settlement(), 1, 1, LEASE_MS))
        queue._connection.now_ms = NOW + HOUR_MS

        moved = queue._connection.drive(recover(keys, LIVING, 3, latest_ms=lambda: NOW + 5000))

        assert (moved, queue.counts().processing) == ({}, 1)
        assert queue._connection.drive(recover(keys, LIVING, 3)) == {"a": "queued"}


def test_f19_a_dead_workers_wait_is_looked_after_although_the_clock_was_set(store: RealServer) -> None:
    """By the store's clock it died long ago; but its wait may still be under way."""

    async def scenario() -> None:
        connection = AsyncConnection(store.url, prefix=None, read_only=False)
        keys = connection.keyspace.queue("q")
        connection.now_ms = NOW
        maintenance = Maintenance(connection, keys, PoolOptions())
        await connection.run(register(keys, DEAD, LEASE_MS, "epoch", {}))
        assert await maintenance.recover() == {}
        connection.now_ms += HOUR_MS
        for _ in range(2):  # sees that the clock was set; sees, a lease later, that somebody is dead
            assert await maintenance.recover() == {}
            maintenance.judge_from = 0
        with store.client() as client:
            client.sadd("cv:q:committed", "a")
            client.rpush(keys.claim_list(DEAD), "a")

            await maintenance.recover()

            assert client.lrange("cv:q:queued", 0, -1) == [b"a"]
        await connection.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("jump_ms", [HOUR_MS, -HOUR_MS])
def test_f19_after_the_stores_clock_was_set_nobody_is_judged_for_a_lease(store: RealServer, jump_ms: int) -> None:
    async def scenario() -> None:
        connection = AsyncConnection(store.url, prefix=None, read_only=False)
        keys = connection.keyspace.queue("q")
        connection.now_ms = NOW
        maintenance = Maintenance(connection, keys, PoolOptions())
        with store.client() as client:
            client.sadd("cv:q:committed", "a", "b")
            client.rpush("cv:q:queued", "a", "b")
        for worker in (LIVING, DEAD):
            await connection.run(register(keys, worker, LEASE_MS, "epoch", {}))
            claimed = await connection.run(exchange(keys, worker, Settlement(), 1, 1, LEASE_MS))
            assert len(claimed.claims) == 1
        assert await maintenance.recover() == {}
        maintenance.judge_from = 0  # it has been here for long
        connection.now_ms += jump_ms
        assert await maintenance.recover() == {}
        assert maintenance.judge_from > time.monotonic() + 10  # not before everybody could renew

        await connection.run(renew(keys, LIVING, LEASE_MS, Pulse(0, 0, []), ()))
        maintenance.judge_from = 0  # a lease later
        assert await maintenance.recover() == ({"b": "queued"} if jump_ms > 0 else {})
        await connection.close()

    asyncio.run(scenario())
