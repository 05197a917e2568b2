"""Waits at an empty queue that are cut at the worst moments, or end with a stop: what was handed over is seen.

The leases are so long that nobody recovers anything here: a worker itself must find what its lost wait has brought.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
import redis

from convoy_core import Counts, PoolOptions, Queue, State, WorkerPool
from tests.servers import RealServer
from tests.waiting import eventually

LONG = PoolOptions(lease_s=60, beat_s=20)
POOLS = 25
CUTS = int(os.environ.get("CONVOY_WAITS", "250"))
"""How many waits are cut."""


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def _waits(raw: redis.Redis) -> list[str]:
    """The connections that stand in BLMOVE."""
    links = raw.client_list()
    return [link["id"] for link in links if link["name"].startswith("convoy:fetch:") and "b" in link["flags"]]


def _blocked(raw: redis.Redis) -> int:
    n: int = raw.info("clients")["blocked_clients"]
    return n


def test_f2_waits_cut_while_ids_are_handed_over_leave_none_unseen(queue: Queue, raw: redis.Redis) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - to replay a failure
    dice = random.Random(seed)
    seen: Counter[str] = Counter()
    pools = [WorkerPool(queue, lambda job: seen.update([job.id]), options=LONG) for _ in range(POOLS)]
    for pool in pools:
        pool.start()
    published = cuts = 0
    while cuts < CUTS:
        eventually(lambda: _blocked(raw) > POOLS * 3 // 4)
        waits = _waits(raw)
        acts = [*waits, *([None] * dice.randrange(POOLS))]
        dice.shuffle(acts)
        # In one batch, so that the store hands over an ID and loses the connection before its answer has left.
        with raw.pipeline(transaction=False) as pipe:
            for act in acts:
                if act is None:
                    published += 1
                    pipe.sadd("cv:q:committed", published)
                    pipe.rpush("cv:q:queued", published)
                else:
                    pipe.client_kill_filter(_id=act)
            pipe.execute()
        cuts += len(waits)

    eventually(lambda: queue.counts() == Counts())
    for pool in pools:
        pool.stop()
    assert seen == Counter(map(str, range(1, published + 1)))
    assert queue.snapshot().totals == {"done": published}


def test_f2_what_is_handed_over_while_pools_are_stopped_is_queued_again(queue: Queue, raw: redis.Redis) -> None:
    seen: Counter[str] = Counter()
    published = 0
    for _ in range(2):
        pools = [WorkerPool(queue, lambda job: seen.update([job.id]), options=LONG) for _ in range(POOLS)]
        for pool in pools:
            pool.start()
        eventually(lambda: _blocked(raw) == POOLS)
        for pool in pools:
            pool.request_stop()
        for _ in range(3 * POOLS):
            published += 1
            queue.publish(published)
        for pool in pools:
            pool.stop()

    assert queue.workers() == []
    assert raw.keys("cv:q:claim:*") == []
    left = [entry.id for entry in queue.entries(State.QUEUED)]
    assert queue.counts() == Counts(queued=len(left), committed=len(left))
    assert Counter(left) + seen == Counter(map(str, range(1, published + 1)))
