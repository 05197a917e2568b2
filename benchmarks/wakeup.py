"""The time from publishing into an idle queue until the handler starts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import redis

from benchmarks.figures import AtMost, Row, Settings, columns
from benchmarks.store import BenchServer, empty, server_for
from benchmarks.worker import Task
from benchmarks.worker_processes import worker_process
from convoy_core import Queue

QUEUE = "bench"
HAND_OVER = "RPUSH until BLMOVE returns, by redis-py's own clients"
BY_SCRIPT = "the publish script until BLMOVE returns"
WITH_CLAIM = "and the claim behind it, no pool"


def idle(settings: Settings) -> list[Row]:
    """One publish after the other, each while the pool waits, beside a push to a client that waits in BLMOVE."""
    rounds: list[dict[str, float]] = []
    tries = settings.size(200, 20)
    with server_for(settings) as server:
        for _ in range(settings.rounds):
            taken = {name: measure(server, tries) for name, measure in _WAYS.items()}
            slowest = {f"{name} p99": _percentile_99(times) for name, times in taken.items()}
            rounds.append({name: statistics.median(times) for name, times in taken.items()} | slowest)
    figures = columns(rounds)
    what, what_slowest = "Published to handler started, idle, median", "Published to handler started, idle, p99"
    beside = {BY_SCRIPT: figures["script"], WITH_CLAIM: figures["claim"]}
    return [
        Row("wakeup.median", what, "ms", figures["pool"], figures["bare"], HAND_OVER, _GOAL, beside),
        Row("wakeup.p99", what_slowest, "ms", figures["pool p99"], figures["bare p99"], HAND_OVER),
    ]


_GOAL = AtMost(1.5, of_the_ratio=True)


def _through_a_pool(server: BenchServer, tries: int) -> list[float]:
    return _until_done(server, Task(server.url, QUEUE, "wake", concurrency=10), tries)


def _with_the_claim(server: BenchServer, tries: int) -> list[float]:
    return _until_done(server, Task(server.url, QUEUE, "wake claim"), tries)


def _until_done(server: BenchServer, task: Task, tries: int) -> list[float]:
    with Queue(QUEUE, redis=server.url) as queue:
        return _latencies(server, task, queue.publish, lambda: queue.counts().committed == 0, tries)


def _by_the_script(server: BenchServer, tries: int) -> list[float]:
    with Queue(QUEUE, redis=server.url) as queue:
        task = Task(server.url, f"cv:{QUEUE}:queued", "wake bare")
        return _latencies(server, task, queue.publish, lambda: True, tries)


def _through_the_store(server: BenchServer, tries: int) -> list[float]:
    with redis.Redis.from_url(server.url) as client:
        task = Task(server.url, QUEUE, "wake bare")
        return _latencies(server, task, lambda number: client.rpush(QUEUE, str(number)), lambda: True, tries)


_WAYS = {"pool": _through_a_pool, "claim": _with_the_claim, "script": _by_the_script, "bare": _through_the_store}


def _latencies(
    server: BenchServer, task: Task, publish: Callable[[int], object], is_done: Callable[[], bool], tries: int
) -> list[float]:
    """Milliseconds, one per try; the first two, which load scripts, do not count."""
    latencies: list[float] = []
    with server.client() as client, worker_process(task) as worker:
        empty(client)
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
