"""What many dead workers held comes back in one pass, however many they are."""

from __future__ import annotations

import asyncio

from convoy_core import Counts
from convoy_core.options import PoolOptions
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.worker.maintenance import Maintenance
from tests.moves.keyspace import NOW, World
from tests.servers import RealServer

DEAD = 1_200
"""More than one look names."""


def test_one_pass_recovers_what_all_dead_workers_held_with_one_look_at_the_owners(store: RealServer) -> None:
    """Also behind those that were recovered before and stay registered for a while, since a wait may be under way."""
    world = World(store)
    ids = {f"{n:032x}": f"job{n}" for n in range(DEAD)}
    world.seed(
        {
            "workers": dict.fromkeys(ids, NOW - 1000),
            "owner": {id: f"{worker}:1@{NOW}" for worker, id in ids.items()},
            "processing": dict.fromkeys(ids.values(), NOW / 1000),
            "started": dict.fromkeys(ids.values(), NOW),
            "committed": set(ids.values()),
        }
    )

    async def recover_twice() -> list[dict[str, str]]:
        connection = AsyncConnection(store.url, prefix=None, read_only=False)
        connection.now_ms = NOW
        maintenance = Maintenance(connection, connection.keyspace.queue("q"), PoolOptions())
        assert await maintenance.recover() == {}  # the first look says nothing yet
        maintenance.judge_from = 0
        passes = [await maintenance.recover(), await maintenance.recover()]
        await connection.close()
        return passes

    world.client.config_resetstat()
    first, second = asyncio.run(recover_twice())

    assert first == dict.fromkeys(ids.values(), "queued")
    assert second == {}
    assert world.queue.counts() == Counts(queued=DEAD, committed=DEAD)
    looks = world.client.info("commandstats")["cmdstat_hscan"]["calls"]
    assert looks <= 8  # not one for each of the workers
    world.close()
