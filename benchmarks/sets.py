"""What it costs to look at every ID of a long queue: to prove it sound, to repair it, and to ask for many states."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from benchmarks.figures import AtMost, Row, Settings, columns, peak_mib, seconds_of
from benchmarks.store import longest_ms, server_for, slow_log
from convoy_core import Queue
from convoy_core.options import BATCH

FAULTS = 30
"""Of each kind are planted, spread over the whole list."""


@contextmanager
def _long_queue(settings: Settings, n: int) -> Iterator[tuple[Queue, redis.Redis]]:
    with server_for(settings) as server, server.client() as client, Queue("bench", redis=server.url) as queue:
        queue.publish_many(f"id-{number}" for number in range(n))
        yield queue, client


def doctor(settings: Settings) -> list[Row]:
    """A whole check of a sound queue, and the longest script of finding and repairing what is wrong with it."""
    n = settings.size(1_000_000, 5_000)
    rounds: list[dict[str, float]] = []
    with _long_queue(settings, n) as (queue, client):
        for _ in range(settings.rounds):
            took = {"bare": seconds_of(lambda: _read_all(client, n))}
            with slow_log(client) as slow:
                took["check"] = seconds_of(lambda: _check(queue))
            took["its longest"] = longest_ms(slow)
            _damage(client, n)
            with slow_log(client) as slow:
                took["repair"] = seconds_of(lambda: _repair(queue))
            took["longest"] = longest_ms(slow)
            with slow_log(client) as slow:
                client.lpos("cv:bench:queued", "none of them")
            took["search"] = longest_ms(slow)
            _check(queue)
            rounds.append(took)
        memory = peak_mib(lambda: _check(queue))
    taken = columns(rounds)
    note = f"{memory:.1f} MiB of memory at most"
    bare = "reading the list and the set, 500 at a time"
    long = f"{n:,} queued"
    return [
        Row("doctor.check", f"A check of {long}", "s", taken["check"], taken["bare"], bare, note=note),
        Row(
            "doctor.scripts",
            f"Longest script of a check and a repair, {long}, {3 * FAULTS} IDs wrong",
            "ms",
            taken["longest"],
            taken["search"],
            "one LPOS that finds nothing",
            AtMost(20),
            {"of a check without faults": taken["its longest"], "s for both": taken["repair"]},
        ),
    ]


def states(settings: Settings) -> list[Row]:
    """The states of a million IDs, of which every second is queued."""
    n = settings.size(1_000_000, 5_000)
    rounds: list[dict[str, float]] = []
    with _long_queue(settings, n // 2) as (queue, client):
        for _ in range(settings.rounds):
            took = {"bare": seconds_of(lambda: _ask_all(client, n))}
            rounds.append(took | {"ours": seconds_of(lambda: deque(queue.states(_ids(n)), maxlen=0))})
    taken = columns(rounds)
    bare = "asking the committed set alone, 500 at a time"
    return [Row("states", f"States of {n:,} IDs", "s", taken["ours"], taken["bare"], bare, AtMost(10))]


def _check(queue: Queue) -> None:
    assert not queue.check(grace_s=0).faults


def _repair(queue: Queue) -> None:
    faults = queue.check(grace_s=0).faults
    assert len({fault.id for fault in faults}) == 3 * FAULTS
    queue.repair(faults)


def _damage(client: redis.Redis, n: int) -> None:
    """IDs that are twice in the list, that are not committed, and that are committed but nowhere."""
    queued, committed, published = "cv:bench:queued", "cv:bench:committed", "cv:bench:published"
    step = n // (3 * FAULTS + 3)
    for number in range(FAULTS):
        first, second, third = (f"id-{(3 * number + part + 1) * step}" for part in range(3))
        client.linsert(queued, "AFTER", second, first)
        client.srem(committed, second)
        client.lrem(queued, 1, third)
        client.sadd(committed, third)
        client.hset(published, third, 1)


def _ids(n: int) -> Iterator[str]:
    return (f"id-{number}" for number in range(n))


def _read_all(client: redis.Redis, n: int) -> None:
    for start in range(0, n, BATCH):
        client.lrange("cv:bench:queued", start, start + BATCH - 1)
    for _ in client.sscan_iter("cv:bench:committed", count=BATCH):
        pass


def _ask_all(client: redis.Redis, n: int) -> None:
    for start in range(0, n, BATCH):
        client.smismember("cv:bench:committed", [f"id-{number}" for number in range(start, start + BATCH)])
