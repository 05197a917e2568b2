"""The rate of one publisher."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing

import redis
import redis.asyncio

from benchmarks import bare
from benchmarks.bare import (
    EMPTY,
    as_empty,
    by_redis_py,
    by_redis_py_awaited,
    publish_commands,
    send_all,
    send_all_awaited,
)
from benchmarks.figures import AtLeast, Row, Settings, columns
from benchmarks.store import BenchServer, empty, server_for
from convoy_core import AsyncQueue, Queue
from convoy_core.store.clients import Role, resolve
from convoy_core.store.transport import Command, Transport

QUEUE = "bench"
ROUND_TRIP = "EVALSHA of a script that does nothing, same arguments, by redis-py's own client"
OUR_TRANSPORT = "the same by our transport"
SCRIPT = "publish script, prepared commands"


def one_by_one(settings: Settings, name: str) -> list[Row]:
    """A publish per round trip, beside the bare round trip."""
    measure = _blocking if name == "publish.one.blocking" else _awaited
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        ids = range(settings.size(10_000, 100))
        for _ in range(settings.rounds):
            seconds = measure(server, client, ids)
            rounds.append({each: len(ids) / took for each, took in seconds.items()})
    taken = columns(rounds)
    what = f"Published one by one, {'Queue' if name == 'publish.one.blocking' else 'AsyncQueue'}"
    goal = AtLeast(0.9, of_the_ratio=True)
    beside = {OUR_TRANSPORT: taken["our transport"], SCRIPT: taken["script"]}
    return [Row(name, what, "IDs/s", taken["ours"], taken["plain"], ROUND_TRIP, goal, beside)]


def in_bulk(settings: Settings) -> list[Row]:
    """New IDs and duplicates through `publish_many`, beside the bare script with the same chunks."""
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        ids = range(settings.size(500_000, 5_000))
        for _ in range(settings.rounds):
            seconds = _bulk(server, client, ids)
            rounds.append({each: len(ids) / took for each, took in seconds.items()})
    taken = columns(rounds)
    new, known = taken["new"], taken["known"]
    what, what_known = "Published in bulk, new unique IDs", "Published in bulk, duplicates"
    no_slower = AtLeast(1.0, of_the_ratio=True)
    return [
        Row("publish.bulk", what, "IDs/s", new, taken["bare new"], SCRIPT, AtLeast(250_000)),
        Row("publish.bulk.known", what_known, "IDs/s", known, taken["bare known"], SCRIPT),
        Row("publish.bulk.known.against_new", what_known, "IDs/s", known, new, "new IDs in bulk", no_slower),
    ]


def _blocking(server: BenchServer, client: redis.Redis, ids: Sequence[int]) -> dict[str, float]:
    """Seconds for the empty script by redis-py's client and by ours, for the publish script, and for ourselves."""
    with (
        Queue(QUEUE, redis=server.url) as queue,
        closing(resolve(server.url).transport(Role.COMMAND)) as transport,
        redis.Redis.from_url(server.url) as plain_client,
    ):
        _prepare(queue, transport)
        plain_client.ping()
        commands = publish_commands(server.url, QUEUE, [[id] for id in ids])
        nothing = [as_empty(command) for command in commands]
        seconds = {
            "plain": send_all(by_redis_py(plain_client), nothing),
            "our transport": send_all(transport.send, nothing),
        }
        empty(client)
        seconds["script"] = send_all(transport.send, commands)
        empty(client)
        started = time.perf_counter()
        for id in ids:
            queue.publish(id)
        seconds["ours"] = time.perf_counter() - started
    empty(client)
    return seconds


def _awaited(server: BenchServer, client: redis.Redis, ids: Sequence[int]) -> dict[str, float]:
    """The same on an event loop."""
    with Queue(QUEUE, redis=server.url) as queue, closing(resolve(server.url).transport(Role.COMMAND)) as transport:
        _prepare(queue, transport)
        commands = publish_commands(server.url, QUEUE, [[id] for id in ids])
    return bare.run(_await_all(server, client, commands, ids))


async def _await_all(
    server: BenchServer, client: redis.Redis, commands: list[Command], ids: Sequence[int]
) -> dict[str, float]:
    transport = resolve(server.url).async_transport(Role.COMMAND)
    plain_client = redis.asyncio.Redis.from_url(server.url)
    async with AsyncQueue(QUEUE, redis=server.url) as queue:
        # All are connected before the clock starts.
        await asyncio.gather(transport.send(("PING",)), plain_client.ping(), queue.counts())
        nothing = [as_empty(command) for command in commands]
        seconds = {
            "plain": await send_all_awaited(by_redis_py_awaited(plain_client), nothing),
            "our transport": await send_all_awaited(transport.send, nothing),
        }
        empty(client)
        seconds["script"] = await send_all_awaited(transport.send, commands)
        empty(client)
        started = time.perf_counter()
        for id in ids:
            await queue.publish(id)
        seconds["ours"] = time.perf_counter() - started
    await asyncio.gather(transport.aclose(), plain_client.aclose())
    empty(client)
    return seconds


def _bulk(server: BenchServer, client: redis.Redis, ids: Sequence[int]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    with Queue(QUEUE, redis=server.url) as queue, closing(resolve(server.url).transport(Role.COMMAND)) as transport:
        _prepare(queue, transport)
        commands = publish_commands(server.url, QUEUE, [ids])
        empty(client)
        seconds["bare new"] = send_all(transport.send, commands)
        seconds["bare known"] = send_all(transport.send, commands)
        empty(client)
        for each in ("new", "known"):
            started = time.perf_counter()
            queue.publish_many(ids)
            seconds[each] = time.perf_counter() - started
    empty(client)
    return seconds


def _prepare(queue: Queue, transport: Transport) -> None:
    """Have both connected, the queue registered, and the store know the scripts, before any clock starts."""
    queue.publish("first")
    transport.send(("SCRIPT", "LOAD", EMPTY))
