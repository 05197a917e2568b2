"""What a pool measures reaches the store with its heartbeats and at its end, after an outage too, and nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import redis

from convoy_core import AsyncQueue, Job, PoolOptions, Queue, Retry, WorkerPool
from convoy_core.jobs import Discard, Failed, Verdict
from convoy_core.worker.measures import Measures
from tests.servers import RealServer
from tests.waiting import eventually

QUICK = PoolOptions(lease_s=1.5, beat_s=0.1, grace_s=0.1)
BURST = PoolOptions(burst=True)


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def counted(queue: Queue) -> tuple[int, int]:
    """Waits and runs."""
    five = queue.durations()[0]
    return five.waits.count, five.runs.count


def test_a_burst_shorter_than_a_heartbeat_is_counted_whole(queue: Queue) -> None:
    queue.publish_many(range(20))

    WorkerPool(queue, lambda _: None, options=BURST, concurrency=3).run()

    assert counted(queue) == (20, 20)
    assert all(each.waits.count == each.runs.count == 20 for each in queue.durations())


def test_a_pool_tells_with_its_heartbeats_and_the_end_tells_nothing_twice(queue: Queue) -> None:
    with WorkerPool(queue, lambda _: None, options=QUICK):
        queue.publish_many(range(20))
        eventually(lambda: counted(queue) == (20, 20))
        queue.publish_many(range(5))
        queue.wait(range(5))

    assert counted(queue) == (25, 25)


def test_pools_of_one_queue_add_up_and_failures_count_as_runs(queue: Queue) -> None:
    def handle(job: Job) -> object:
        if job.id == "bad":
            raise ValueError("no")
        return Retry(3600) if job.id == "later" else None

    queue.publish_many(["bad", "later", *map(str, range(18))])
    pools = [WorkerPool(queue, handle, options=BURST) for _ in range(3)]
    for pool in pools:
        pool.start()
    eventually(lambda: queue.counts().queued + queue.counts().processing == 0)
    for pool in pools:
        pool.stop()

    assert counted(queue) == (20, 20)


def test_how_long_it_waited_and_ran_is_what_is_told(queue: Queue) -> None:
    gate = threading.Event()
    queue.publish("1")
    since = queue.show("1").published
    assert since is not None
    eventually(lambda: queue.snapshot().at >= since + 0.3)
    pool = WorkerPool(queue, lambda _: gate.wait(), options=BURST)
    pool.start()
    eventually(lambda: pool.measures().longest_s > 0.2)
    gate.set()
    pool.stop()

    five = queue.durations()[0]
    assert (five.waits.p50_s or 0) >= 0.3 / 1.14
    assert (five.runs.p50_s or 0) >= 0.2 / 1.14


def test_what_a_pool_finds_in_its_name_has_waited_like_what_it_was_told_of(queue: Queue, raw: redis.Redis) -> None:
    with WorkerPool(queue, lambda _: None, options=QUICK) as pool:
        queue.publish("0")
        queue.wait(["0"])
        eventually(lambda: pool.measures().waits.count == 1)
        now = round(queue.snapshot().at * 1000)
        # A claim whose answer was lost: it is noticed with the next new connection.
        raw.sadd("cv:q:committed", "1")
        raw.hset("cv:q:published", "1", now - 5_000)
        raw.zadd("cv:q:processing", {"1": now // 1000})
        raw.hset("cv:q:owner", "1", f"{pool.status().worker}:999999@{now}")
        raw.client_kill_filter(_type="normal", skipme=True)
        queue.wait(["1"])

        eventually(lambda: pool.measures().waits.count == 2)

    assert pool.measures().waits.total_s >= 5.0


def test_what_was_given_back_has_not_run(queue: Queue) -> None:
    gate = threading.Event()
    try:
        pool = WorkerPool(queue, lambda _: gate.wait(), options=QUICK)
        with pool:
            queue.publish("1")
            eventually(lambda: pool.status().running)
            pool.stop(0)
    finally:
        gate.set()

    assert pool.measures().runs["released"].count == 1
    assert counted(queue) == (1, 0)


def test_what_is_counted_while_the_store_is_away_is_told_when_it_is_back(store: RealServer, queue: Queue) -> None:
    gate = threading.Event()
    pool = WorkerPool(queue, lambda _: gate.wait(), options=QUICK, concurrency=3)
    with pool:
        queue.publish_many(["1", "2", "3"])
        eventually(lambda: len(pool.status().running) == 3)
        store.kill()
        eventually(lambda: pool.status().error)
        gate.set()
        eventually(lambda: pool.measures().runs["done"].count == 3)
        misses = pool.status().store_silent_s
        eventually(lambda: pool.status().store_silent_s > misses + 0.5)
        store.start()
        eventually(lambda: pool.status().error is None)

        eventually(lambda: counted(queue)[1] == 3)


async def test_the_awaited_twin_reads_the_same(store: RealServer, queue: Queue) -> None:
    queue.publish("1")
    pool = WorkerPool(queue, lambda _: None, options=BURST)
    await pool.serve()

    async with AsyncQueue("q", redis=store.url) as awaited:
        found = await awaited.durations()

    assert [(each.over_s, each.runs.count) for each in found] == [(300.0, 1), (3_600.0, 1), (86_400.0, 1)]


# -- without a store


def test_each_is_told_once_and_again_only_if_it_was_taken_back() -> None:
    measures = Measures()
    first = measures.tell()
    measures.began(0.004)
    measures.ended("completed", 2.0)
    second, third = measures.tell(), measures.tell()
    measures.ended("completed", 2.0)
    lost = measures.tell()
    measures.take_back()
    measures.take_back()
    measures.ended("completed", 2.0)

    assert [first, second, third, lost, measures.tell()] == ["", "1 6 1 33 1", "", "0 33 1", "0 33 2"]


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        ("completed", "done"),
        ("released", "released"),
        ("cancelled", "cancelled"),
        (Failed("no", "{}", None), "failed"),
        (Failed("no", "{}", 5), "retried"),
        (Retry(), "deferred"),
        (Discard(), "discarded"),
    ],
)
def test_a_run_is_counted_by_how_it_ended(verdict: Verdict, outcome: str) -> None:
    measures = Measures()

    measures.ended(verdict, 1.0)

    assert {name: one.count for name, one in measures.runs.items() if one.count} == {outcome: 1}
    assert (measures.tell() == "") is (outcome == "released")


def test_a_lease_is_lost_once_whatever_notices_it() -> None:
    measures = Measures()

    measures.lost_lease(60)
    measures.lost_lease(60)
    once = measures.leases_lost
    measures.lost_lease(0)

    assert (once, measures.leases_lost) == (1, 2)
