"""The rate at which a pool runs no-op jobs, each with a time limit, a lease, a fencing token and a result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import redis

from benchmarks.bare import Loop
from benchmarks.figures import AtLeast, AtMost, Row, Settings, columns
from benchmarks.store import BenchServer, cpu_seconds, empty, round_trips, server_for
from benchmarks.worker import How, Task
from benchmarks.worker_processes import work
from convoy_core import Queue
from convoy_core.options import SUSPECT_CRASHES

QUEUE = "bench"

SUSPECTS = 20
"""IDs of one round that must run alone."""


@dataclass(frozen=True, slots=True)
class Case:
    """One pool to be measured, in the sizes that take it a second or two."""

    how: How
    concurrency: int
    ids: int
    goal: float | None
    """IDs a second."""


CASES = {
    "process.async.1": Case("async", 1, 10_000, None),
    "process.async.10": Case("async", 10, 50_000, 20_000),
    "process.async.100": Case("async", 100, 150_000, 40_000),
    "process.async.400": Case("async", 400, 150_000, None),
    "process.threads.10": Case("threads", 10, 30_000, 8_000),
}


def one_process(settings: Settings, name: str) -> list[Row]:
    """A pool beside a bare loop of the script that settles and claims, with the same number of IDs per call."""
    case = CASES[name]
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        ids = settings.size(case.ids, 500)
        for _ in range(settings.rounds):
            (bare, nothing), bare_trips, _ = _measure(
                server, client, Task(server.url, QUEUE, "bare", case.concurrency), ids
            )
            (pool,), trips, _ = _measure(server, client, Task(server.url, QUEUE, case.how, case.concurrency), ids)
            rates = {"pool": pool.rate, "bare": bare.rate, "empty": nothing.rate}
            bare_trips -= nothing.done // case.concurrency
            rounds.append({**rates, "trips": trips / ids, "bare trips": bare_trips / ids})
    taken = columns(rounds)
    handlers = "async def" if case.how == "async" else "plain def in threads"
    what = f"Processed, {handlers}, concurrency {case.concurrency}"
    limit_is = f"settle-and-claim script, {case.concurrency} per call, no handlers"
    goal = AtLeast(case.goal) if case.goal else None
    beside = {"script that does nothing": taken["empty"]}
    rows = [Row(name, what, "IDs/s", taken["pool"], taken["bare"], limit_is, goal, beside)]
    if case.concurrency == 1:
        # The heartbeat's few are in it, hence the hundredth.
        what = f"Round trips per ID, {handlers}, concurrency 1"
        goal_of_trips = AtMost(1.01)
        rows.append(Row(f"{name}.trips", what, "per ID", taken["trips"], taken["bare trips"], limit_is, goal_of_trips))
    return rows


def two_processes(settings: Settings) -> list[Row]:
    """Two pools on one queue beside two bare loops, and beside one pool."""
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        ids = settings.size(200_000, 1_000)
        pools, loops = Task(server.url, QUEUE, "async", 100), Task(server.url, QUEUE, "bare", 100)
        for _ in range(settings.rounds):
            (one,), *_ = _measure(server, client, pools, ids)
            (two,), _, server_s = _measure(server, client, pools, ids, processes=2)
            busy = (two.cpu_s + server_s) / (two.ended - two.started)
            (bare, _), *_ = _measure(server, client, loops, ids, processes=2)
            rounds.append({"one": one.rate, "two": two.rate, "bare": bare.rate, "busy": busy})
    taken = columns(rounds)
    what = "Processed by two processes, async def, concurrency 100"
    goal = AtLeast(1.7, of_the_ratio=True)
    note = f"pools and store kept {taken['busy'].median:.2f} of {os.cpu_count()} cores busy"
    return [
        Row("process.two", what, "IDs/s", taken["two"], taken["bare"], "two bare loops of the script, 100 per call"),
        Row("process.two.gain", what, "IDs/s", taken["two"], taken["one"], "one process", goal, note=note),
    ]


def beside_suspects(settings: Settings) -> list[Row]:
    """A pool that meets IDs which must run alone, since their workers died, beside one that meets none."""
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        ids = settings.size(50_000, 500)
        suspects = range(0, ids, ids // SUSPECTS)
        task = Task(server.url, QUEUE, "async", 10)
        for _ in range(settings.rounds):
            (without,), *_ = _measure(server, client, task, ids)
            (beside,), *_ = _measure(server, client, task, ids, suspects=suspects)
            rounds.append({"without": without.rate, "beside": beside.rate})
    taken = columns(rounds)
    what = f"Processed, async def, concurrency 10, {SUSPECTS} of the IDs run alone"
    goal = AtLeast(0.8, of_the_ratio=True)
    return [Row("process.suspects", what, "IDs/s", taken["beside"], taken["without"], "none runs alone", goal)]


def recorded(settings: Settings) -> list[Row]:
    """A pool whose queue is being recorded beside one whose queue is not."""
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        ids = settings.size(100_000, 500)
        task = Task(server.url, QUEUE, "async", 100)
        for _ in range(settings.rounds):
            (off,), *_ = _measure(server, client, task, ids)
            (on,), *_ = _measure(server, client, task, ids, is_recorded=True)
            rounds.append({"off": off.rate, "on": on.rate})
    taken = columns(rounds)
    what = "Processed, async def, concurrency 100, every move recorded"
    return [Row("process.recorded", what, "IDs/s", taken["on"], taken["off"], "not recorded")]


class _Measured(NamedTuple):
    loops: list[Loop]
    trips: int
    server_s: float
    """Processor time of the server."""


def _measure(
    server: BenchServer,
    client: redis.Redis,
    task: Task,
    ids: int,
    *,
    processes: int = 1,
    suspects: Sequence[int] = (),
    is_recorded: bool = False,
) -> _Measured:
    """How it went, and what it took."""
    empty(client)
    with Queue(QUEUE, redis=server.url) as queue:
        queue.publish_many(range(ids))
        if is_recorded:
            queue.record(for_s=600)
    if suspects:
        client.hset(f"cv:{QUEUE}:crashes", mapping=dict.fromkeys(map(str, suspects), SUSPECT_CRASHES))
    trips, spent = round_trips(client), cpu_seconds(client)
    loops = work(task, processes)
    if loops[0].done != ids:
        raise RuntimeError(f"{loops[0].done} of {ids} IDs were done.")
    return _Measured(loops, round_trips(client) - trips, cpu_seconds(client) - spent)
