"""The memory of IDs: while they wait, after they are done, and in the pool that runs them."""

from __future__ import annotations

import redis

from benchmarks.figures import AtMost, Figure, Row, Settings, columns
from benchmarks.store import BenchServer, server_for
from benchmarks.worker import Task
from benchmarks.worker_processes import work, worker_process
from convoy_core import Queue

QUEUE = "bench"
STEPS = 10
"""How often the pool reports its memory on the way."""


def per_queued_id(settings: Settings) -> list[Row]:
    """Bytes of the store for each ID that waits, beside a list and a set of the same IDs."""
    count = settings.size(1_000_000, 20_000)
    rounds = [
        {"ours": _queued_bytes(settings, count), "bare": _bare_bytes(settings, count)} for _ in range(settings.rounds)
    ]
    taken = columns(rounds)
    what = f"Memory of the store per queued short ID, 0 to {count - 1:,}"
    return [Row("memory.queued", what, "bytes", taken["ours"], taken["bare"], "list and set of the IDs", AtMost(130))]


def left_after_completion(settings: Settings) -> list[Row]:
    """Bytes that stay when all is done, beside what stays after one single ID."""
    count = settings.size(200_000, 2_000)
    rounds, keys = [], set[str]()
    for _ in range(settings.rounds):
        many, one = _left(settings, count), _left(settings, 1)
        rounds.append({"many": float(sum(many.values())), "one": float(sum(one.values()))})
        keys |= set(many)
    taken = columns(rounds)
    per_id = [(each["many"] - each["one"]) / count for each in rounds]
    what = f"Memory of the store left when {count:,} IDs are done"
    # The counters grow by a digit for every ten times as many IDs, and by nothing else.
    note = f"{max(per_id):.6f} bytes per ID; keys left: {', '.join(sorted(keys))}"
    return [
        Row(
            "memory.left",
            what,
            "bytes",
            taken["many"],
            taken["one"],
            "left when one is done",
            AtMost(1.25, True),
            note=note,
        )
    ]


def pool(settings: Settings) -> list[Row]:
    """Resident memory of a pool after many IDs, beside its own half way."""
    step = settings.size(settings.ids, 5_000) // STEPS
    with server_for(settings) as server, Queue(QUEUE, redis=server.url) as queue:
        task = Task(server.url, QUEUE, "steady", concurrency=100, ids=step)
        with worker_process(task) as worker:
            worker.go()
            resident: list[int] = []
            for first in range(0, step * STEPS, step):
                queue.publish_many(range(first, first + step))
                resident.append(worker.report())
    last, half_way = resident[-1], resident[STEPS // 2 - 1]
    slope = (last - half_way) / (step * (STEPS - STEPS // 2))
    note = f"{slope:+.3f} bytes per ID in the second half; after each tenth: "
    note += ", ".join(f"{_mebibytes(each):.1f}" for each in resident)
    what = f"Resident memory of a pool after {step * STEPS:,} IDs, concurrency 100 (one round)"
    figures = Figure((_mebibytes(last),)), Figure((_mebibytes(half_way),))
    return [
        Row("memory.pool", what, "MiB", *figures, "the same pool half way", AtMost(1.02, of_the_ratio=True), note=note)
    ]


def _queued_bytes(settings: Settings, count: int) -> float:
    with server_for(settings) as server, server.client() as client, Queue(QUEUE, redis=server.url) as queue:
        queue.counts()
        before = _used(client)
        queue.publish_many(range(count))
        return (_used(client) - before) / count


def _bare_bytes(settings: Settings, count: int) -> float:
    with server_for(settings) as server, server.client() as client:
        before = _used(client)
        for first in range(0, count, 500):
            ids = [str(number) for number in range(first, min(first + 500, count))]
            client.rpush("list", *ids)
            client.sadd("set", *ids)
        return (_used(client) - before) / count


def _left(settings: Settings, count: int) -> dict[str, int]:
    """Every key that is left, and its bytes."""
    with server_for(settings) as server, server.client() as client:
        _work_off(server, count)
        return {key.decode(): client.memory_usage(key, samples=0) or 0 for key in client.keys("*")}


def _work_off(server: BenchServer, count: int) -> None:
    with Queue(QUEUE, redis=server.url) as queue:
        queue.publish_many(range(count))
        work(Task(server.url, QUEUE, "async", concurrency=100))


def _used(client: redis.Redis) -> int:
    used: int = client.info("memory")["used_memory"]
    return used


def _mebibytes(number: int) -> float:
    return number / 2**20
