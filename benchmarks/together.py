"""The rates of publishers that publish at the same moment, and so share round trips."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable

from benchmarks import bare
from benchmarks.figures import AtLeast, Row, Settings, columns
from benchmarks.store import BenchServer, empty, server_for
from convoy_core import AsyncQueue, Published, Queue
from convoy_core.moves.publishing import publish_single, single

QUEUE = "bench"
CALLERS = 50
BY_ITSELF = "the same, each ID in a request of its own over the same eight connections"


def publishers(settings: Settings) -> list[Row]:
    """Tasks and threads that publish one by one, and a gather of many, beside the same without sharing."""
    n, many = settings.size(20_000, 500), settings.size(10_000, 500)
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        for _ in range(settings.rounds):
            seconds = _threads(server, n) | bare.run(_tasks(server, n)) | bare.run(_gather(server, many))
            rounds.append({name: (many if "gather" in name else n) / took for name, took in seconds.items()})
            empty(client)
    taken = columns(rounds)
    gathered = {"a gather of tasks that each wait for one future": taken["gather of nothing"]}
    half = AtLeast(0.5, of_the_ratio=True)
    return [
        Row(
            "publish.together.tasks",
            f"Published one by one by {CALLERS} tasks of one AsyncQueue",
            "IDs/s",
            taken["tasks"],
            taken["tasks alone"],
            BY_ITSELF,
            AtLeast(8, of_the_ratio=True),
        ),
        Row(
            "publish.together.threads",
            f"Published one by one by {CALLERS} threads of one Queue",
            "IDs/s",
            taken["threads"],
            taken["threads alone"],
            BY_ITSELF,
        ),
        Row(
            "publish.together.gather",
            f"gather of {many:,} publishes",
            "IDs/s",
            taken["gather"],
            taken["many, no gather"],
            "publish_many of the same",
            half,
            gathered,
        ),
    ]


async def _tasks(server: BenchServer, n: int) -> dict[str, float]:
    async with AsyncQueue(QUEUE, redis=server.url) as queue:

        async def by_itself(id: str) -> Published:
            return await queue._connection.run(publish_single(queue._keys, single(id)))

        async def loop(publish: Callable[[str], Awaitable[Published]], name: str) -> None:
            for number in range(n // CALLERS):
                await publish(f"{name} {number}")

        async def all_of(publish: Callable[[str], Awaitable[Published]], name: str) -> float:
            started = time.perf_counter()
            await asyncio.gather(*(loop(publish, f"{name} {caller}") for caller in range(CALLERS)))
            return time.perf_counter() - started

        await asyncio.gather(*(by_itself(str(number)) for number in range(CALLERS)))  # which connects
        return {"tasks": await all_of(queue.publish, "a"), "tasks alone": await all_of(by_itself, "b")}


async def _gather(server: BenchServer, n: int) -> dict[str, float]:
    async def timed(awaitables: Iterable[Awaitable[object]]) -> float:
        started = time.perf_counter()
        await asyncio.gather(*awaitables)
        return time.perf_counter() - started

    async def wait() -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, None)
        await future

    async with AsyncQueue(QUEUE, redis=server.url) as queue:
        await queue.publish("first")
        seconds = {"gather": await timed(queue.publish(f"c {number}") for number in range(n))}
        seconds["gather of nothing"] = await timed(wait() for _ in range(n))
        seconds["many, no gather"] = await timed([queue.publish_many(f"d {number}" for number in range(n))])
    return seconds


def _threads(server: BenchServer, n: int) -> dict[str, float]:
    with Queue(QUEUE, redis=server.url) as queue:

        def by_itself(id: str) -> Published:
            return queue._connection.run(publish_single(queue._keys, single(id)))

        def loop(publish: Callable[[str], Published], name: str) -> None:
            for number in range(n // CALLERS):
                publish(f"{name} {number}")

        def all_of(publish: Callable[[str], Published], name: str) -> float:
            threads = [threading.Thread(target=loop, args=(publish, f"{name} {caller}")) for caller in range(CALLERS)]
            started = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return time.perf_counter() - started

        queue.publish("first")
        return {"threads": all_of(queue.publish, "e"), "threads alone": all_of(by_itself, "f")}
