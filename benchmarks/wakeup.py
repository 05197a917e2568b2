"""How long it takes from publishing into an idle queue until the handler has started."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import redis

from benchmarks.crew import hand
from benchmarks.figures import AtMost, Row, Settings, columns
from benchmarks.store import BenchServer, server_for
from benchmarks.worker import Task
from convoy_core import Queue

QUEUE = "bench"
HAND_OVER = "RPUSH until BLMOVE returns, by redis-py's own clients"


def idle(settings: Settings) -> list[Row]:
    """One publish after the other, each while the pool waits, beside a push to a client that waits in BLMOVE."""
    rounds: list[dict[str, float]] = []
    tries = settings.size(200, 20)
    with server_for(settings) as server:
        for _ in range(settings.rounds):
            ours, bare = _through_a_pool(server, tries), _through_the_store(server, tries)
            rounds.append(
                {
                    "median": statistics.median(ours),
                    "bare median": statistics.median(bare),
                    "p99": _percentile_99(ours),
                    "bare p99": _percentile_99(bare),
                }
            )
    taken = columns(rounds)
    what, what_slowest = "Published to handler started, idle, median", "Published to handler started, idle, p99"
    return [
        Row("wakeup.median", what, "ms", taken["median"], taken["bare median"], HAND_OVER, _GOAL),
        Row("wakeup.p99", what_slowest, "ms", taken["p99"], taken["bare p99"], HAND_OVER),
    ]


_GOAL = AtMost(1.5, of_the_ratio=True)


def _through_a_pool(server: BenchServer, tries: int) -> list[float]:
    with Queue(QUEUE, redis=server.url) as queue:
        task = Task(server.url, QUEUE, "wake", concurrency=10)
        return _latencies(server, task, queue.publish, lambda: queue.counts().committed == 0, tries)


def _through_the_store(server: BenchServer, tries: int) -> list[float]:
    with redis.Redis.from_url(server.url) as client:
        task = Task(server.url, QUEUE, "wake bare")
        return _latencies(server, task, lambda number: client.rpush(QUEUE, str(number)), lambda: True, tries)


def _latencies(
    server: BenchServer, task: Task, publish: Callable[[int], object], is_done: Callable[[], bool], tries: int
) -> list[float]:
    """Milliseconds, one per try; the first two, which load scripts, do not count."""
    latencies: list[float] = []
    with server.client() as client, hand(task) as worker:
        worker.go()
        for number in range(tries + 2):
            _until_idle(client, is_done)
            before = time.monotonic()
            publish(number)
            latencies.append((worker.report() - before) * 1000)
        _until_idle(client, is_done)  # or the next round would see this one's last ID recovered, and count it
    return latencies[2:]


def _until_idle(client: redis.Redis, is_done: Callable[[], bool]) -> None:
    """Until nothing is under way and a client is blocked; the store announces neither, and is asked again at once."""
    while not is_done() or client.info("clients")["blocked_clients"] == 0:
        pass


def _percentile_99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]
