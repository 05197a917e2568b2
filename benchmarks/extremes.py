"""How long a script holds the store at the extremes: very many queues, runs, pools and owners, very large IDs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from benchmarks.acts import ACTS, Act, page
from benchmarks.figures import Row, Settings
from benchmarks.long_queue import LongQueue, Shape, long_queue
from benchmarks.scripts import plain_ms, row_of_slowest, slowest_ms
from convoy_core import State

POOLS = 1_000
"""Registered beside, everywhere."""
MIB = 1024 * 1024


def many_processing(settings: Settings) -> list[Row]:
    """Runs by the hundred thousand."""
    shape = Shape(processing=settings.size(100_000, 1_000))
    return [_row(settings, "processing", f"{shape.processing:,} processing", shape)]


def long_ids(settings: Settings) -> list[Row]:
    """IDs of 4 KiB, and as long as they may be."""
    n, few, batch = settings.size(2_000, 200), settings.size(600, 100), settings.size(100, 10)
    shapes = {kib: Shape(n, n, few, few, id_bytes=kib * 1024, batch=batch) for kib in (4, 16)}
    return [_row(settings, f"ids.{kib}k", f"IDs of {kib} KiB", shape) for kib, shape in shapes.items()]


def large_payloads(settings: Settings) -> list[Row]:
    """Payloads as large as they may be."""
    n, few = settings.size(300, 20), settings.size(600, 100)
    shape = Shape(n, few, few, few, payload_bytes=MIB, batch=settings.size(20, 2))
    return [_row(settings, "payloads", "payloads of 1 MB", shape)]


def many_queues(settings: Settings) -> list[Row]:
    """A thousand queues, of which each has a little of everything."""
    names = [f"queue-{n:04}" for n in range(settings.size(1_000, 30))]

    def fill(long: LongQueue, client: redis.Redis) -> None:
        with client.pipeline(transaction=False) as pipe:
            for name in names:
                _fill_one(pipe, f"cv:{name}:")
            pipe.execute()

    acts = {
        "snapshot": Act(lambda long, _: long.fleet.snapshot(names)),
        "snapshot, all jammed": Act(lambda long, _: long.fleet.snapshot(names, jam_after_s=0)),
        "queue names": Act(lambda long, _: long.fleet.queues()),
        "find": Act(lambda long, _: long.fleet.find("q7", names)),
    }
    return [_row(settings, "queues", f"{len(names):,} queues", Shape(100, 0, 0, 0), acts, fill)]


def _fill_one(pipe: Any, prefix: str) -> None:
    ids = [f"p{n}" for n in range(20)]
    pipe.rpush(f"{prefix}queued", *(f"q{n}" for n in range(20)))
    pipe.sadd(f"{prefix}committed", *(f"q{n}" for n in range(20)), *ids)
    pipe.zadd(f"{prefix}processing", {id: 1_700_000_000 + n for n, id in enumerate(ids)})
    pipe.zadd(f"{prefix}started", {id: 1_700_000_000_000 + n for n, id in enumerate(ids[::2])})
    pipe.hset(f"{prefix}owner", mapping={id: f"{'f' * 32}:{n}@1700000000000" for n, id in enumerate(ids)})
    pipe.hset(f"{prefix}published", mapping={f"q{n}": 1_700_000_000_000 for n in range(20)})
    pipe.zadd(f"{prefix}failed", {"f1": 1, "f2": 2})
    pipe.zadd(f"{prefix}delayed", {"d1": 4_000_000_000_000})
    pipe.zadd(f"{prefix}workers", {f"{n:032}": 4_000_000_000_000 for n in range(3)})
    pipe.hset(f"{prefix}totals", mapping=dict.fromkeys(("published", "done", "failed", "retried", "refused"), 12345))


def many_due(settings: Settings) -> list[Row]:
    """Very many delayed IDs that are due at once."""
    n = settings.size(100_000, 1_000)

    def fill(long: LongQueue, client: redis.Redis) -> None:
        long.queue.publish_many((f"due{number}" for number in range(n)), delay_s=0.001)

    acts = {"promote": Act(lambda long, _: long.promote()), "page, delayed, end": page(State.DELAYED, 1)}
    acts |= {name: ACTS[name] for name in ("snapshot", "page, delayed, middle", "discard the first delayed", "sweep")}
    return [_row(settings, "due", f"{n:,} due at once", Shape(100, 0, 0, 0), acts, fill)]


def many_owners(settings: Settings) -> list[Row]:
    """Very many dead pools, each with an ID to be recovered, and as many that were unregistered."""
    n = settings.size(10_000, 200)
    dead = [f"{number:032x}" for number in range(n)]

    def fill(long: LongQueue, client: redis.Redis) -> None:
        with client.pipeline(transaction=False) as pipe:
            for start in range(0, n, 1_000):
                some = dead[start : start + 1_000]
                pipe.zadd("cv:bench:processing", {f"p{pool}": 1_700_000_000 for pool in some})
                pipe.hset("cv:bench:owner", mapping={f"p{pool}": f"{pool}:1@1700000000000" for pool in some})
                pipe.sadd("cv:bench:committed", *(f"p{pool}" for pool in some))
                pipe.zadd("cv:bench:workers", dict.fromkeys(some, 1_700_000_000_000))
                pipe.zadd("cv:bench:departed", {f"d{pool}": 4_000_000_000_000 for pool in some})
            pipe.execute()

    acts = {
        "expired leases": Act(lambda long, _: long.expired_leases()),
        "compare": Act(lambda long, _: long.held(dead)),
        "recover": Act(lambda long, _: [long.recover(pool) for pool in dead[:20]]),
        "reclaim": Act(lambda long, _: long.reclaim()),
    }
    acts |= {name: ACTS[name] for name in ("workers", "audit", "snapshot", "show, first in line", "jammed", "publish")}
    return [_row(settings, "owners", f"{n:,} dead pools", Shape(1_000, 0, 0, 0), acts, fill)]


def _row(
    settings: Settings,
    name: str,
    what: str,
    shape: Shape,
    acts: dict[str, Act] = ACTS,
    fill: Callable[[LongQueue, redis.Redis], None] = lambda long, client: None,
) -> Row:
    shape = shape._replace(pools=settings.size(POOLS, 10))
    with long_queue(settings, shape) as (long, client):
        fill(long, client)
        rounds = [{name: slowest_ms(client, long, act) for name, act in acts.items()} for _ in range(settings.rounds)]
        plain = plain_ms(client, settings)
    return row_of_slowest(f"scripts.{name}", f"Slowest script call, {what}, {shape.pools:,} pools", rounds, plain)
