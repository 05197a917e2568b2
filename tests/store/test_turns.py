"""More callers than connections are served in turn while the store answers (F75), on one loop after another (F73)."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
import redis
import redis.asyncio

from convoy_core import (
    AsyncFleet,
    AsyncQueue,
    ConvoyError,
    Job,
    OutcomeUnknown,
    PoolOptions,
    Queue,
    StoreUnreachable,
    Tally,
    WorkerPool,
)
from convoy_core.options import BATCH
from tests.servers import RealServer, valkey_binary
from tests.waiting import eventually

CALLERS = 50
CALLS = 2500
THREADED = 10_000
"""Enough that a turn of the system's own, in which one thread of many runs, weighs little."""


def test_fifty_threads_that_publish_in_a_loop_all_progress(store: RealServer) -> None:
    done: Counter[int] = Counter()
    failed: list[Exception] = []
    begin = threading.Barrier(CALLERS)

    def publish(number: int) -> None:
        begin.wait()
        while done.total() < THREADED:
            try:
                queue.publish(f"{number}-{done[number]}")
            except ConvoyError as error:
                failed.append(error)
                return
            done[number] += 1

    with Queue("q", redis=store.url) as queue:
        threads = [threading.Thread(target=publish, args=(number,)) for number in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failed == []
    assert len(done) == CALLERS
    fair = done.total() / CALLERS
    assert fair / 5 <= min(done.values()) <= max(done.values()) <= 5 * fair


async def test_fifty_tasks_that_publish_in_a_loop_all_progress(store: RealServer) -> None:
    done: Counter[int] = Counter()

    async def publish(number: int) -> None:
        while done.total() < CALLS:
            await queue.publish(f"{number}-{done[number]}")
            done[number] += 1

    async with AsyncQueue("q", redis=store.url) as queue:
        await asyncio.gather(*(publish(number) for number in range(CALLERS)))

    assert len(done) == CALLERS
    assert max(done.values()) <= 2 * min(done.values())


async def test_ten_thousand_publishes_at_once_all_succeed(store: RealServer) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        answers = await asyncio.gather(*(queue.publish(str(n)) for n in range(10_000)), return_exceptions=True)

        assert Counter(map(str, answers)) == {"queued": 10_000}
        assert queue._connection.opened <= 4


def test_all_waiting_threads_fail_at_once_when_the_store_is_gone() -> None:
    server = RealServer(valkey_binary())
    said: list[type[Exception]] = []

    def publish() -> None:
        try:
            while True:
                queue.publish("1")
        except (StoreUnreachable, OutcomeUnknown) as error:
            said.append(type(error))

    with Queue("q", redis=server.url) as queue:
        threads = [threading.Thread(target=publish, daemon=True) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        eventually(lambda: queue._connection.opened > 0)
        server.stop()
        for thread in threads:
            thread.join(10)

    assert len(said) == CALLERS


async def test_all_waiting_tasks_fail_at_once_when_the_store_is_gone() -> None:
    server = RealServer(valkey_binary())
    async with AsyncQueue("q", redis=server.url) as queue:
        await queue.publish("1")
        calls = [asyncio.create_task(queue.publish(str(n))) for n in range(3000)]
        await calls[0]
        await asyncio.to_thread(server.stop)

        said = await asyncio.gather(*calls, return_exceptions=True)

    failed = Counter(type(one) for one in said if isinstance(one, Exception))
    assert failed.keys() <= {StoreUnreachable, OutcomeUnknown}
    assert failed[OutcomeUnknown] <= 4 * BATCH


def test_many_threads_that_publish_in_bulk_do_not_wait_for_each_other_for_ever(
    store: RealServer, raw: redis.Redis
) -> None:
    """Each holds a connection, and needs another: for the IDs to come, or when the store has forgotten the script."""
    tallies: list[Tally] = []
    with Queue("q", redis=store.url) as queue:
        queue.publish("0")

        def ids(number: int) -> Iterator[str]:
            for one in range(1200):
                if one % 100 == 0:
                    queue.counts()
                yield f"{number}-{one}"

        def publish(number: int) -> None:
            tallies.append(queue.publish_many(ids(number)))

        threads = [threading.Thread(target=publish, args=(number,), daemon=True) for number in range(16)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            raw.script_flush()
            threads[-1].join(0.02)

    assert sum(tallies, Tally()).published == 16 * 1200


# --- one event loop after the other


def test_one_queue_serves_one_event_loop_after_the_other(store: RealServer) -> None:
    queue, fleet = AsyncQueue("q", redis=store.url), AsyncFleet(redis=store.url)

    async def publish(number: int) -> tuple[str, list[str]]:
        return await queue.publish(str(number)), await fleet.queues()

    said = [asyncio.run(publish(number)) for number in range(4)]
    gc.collect()  # what was left open would warn

    assert said == [("queued", ["q"])] * 4
    assert queue._connection.opened == 4


def test_a_ready_made_client_on_a_second_event_loop_is_refused_in_a_sentence(store: RealServer) -> None:
    client = redis.asyncio.Redis(unix_socket_path=str(store.socket))
    queue = AsyncQueue("q", redis=client)

    async def publish() -> None:
        try:
            await queue.publish("1")
        finally:
            await client.aclose()

    asyncio.run(publish())
    with pytest.raises(ConvoyError, match="belongs to the event loop that it was first used on"):
        asyncio.run(publish())


def test_a_pool_runs_on_a_second_event_loop_with_the_same_queue(store: RealServer) -> None:
    queue, ran = AsyncQueue("q", redis=store.url), []

    async def handle(job: Job) -> None:
        ran.append(job.id)
        await queue.publish("again")

    async def work(number: int) -> None:
        await queue.publish(str(number))
        await WorkerPool(queue, handle, options=PoolOptions(burst=True)).serve()

    for number in range(2):
        asyncio.run(work(number))

    assert {"0", "1", "again"} == {*ran}
