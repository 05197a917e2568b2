"""How long it takes to put very many failures into groups, and how long a script of that holds the store."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import redis

from benchmarks.figures import AtMost, Row, Settings, columns, peak_mib, seconds_of
from benchmarks.store import longest_ms, server_for, slow_log
from convoy_core import Queue
from convoy_core.options import BATCH

GROUPS = 500
"""Different exceptions and places among the failures."""


def in_groups(settings: Settings) -> list[Row]:
    """All failed IDs of a queue, with a traceback of 1 KiB each."""
    n = settings.size(100_000, 2_000)
    rounds: list[dict[str, float]] = []
    longest: list[float] = []
    with server_for(settings) as server, server.client() as client, Queue("bench", redis=server.url) as queue:
        for _ in range(settings.rounds):
            _fill(client, n, is_old=True)
            took = {"records of older releases": seconds_of(queue.failure_groups)}
            _fill(client, n, is_old=False)
            took["bare"] = seconds_of(lambda: _read_all(client))
            with slow_log(client) as slow:
                took["ours"] = seconds_of(queue.failure_groups)
            longest.append(longest_ms(slow))
            rounds.append(took)
        memory = peak_mib(queue.failure_groups)
    taken = columns(rounds)
    beside = {"records of older releases": taken["records of older releases"]}
    note = f"longest script {max(longest):.1f} ms; {memory:.1f} MiB of memory at most, for {GROUPS} groups"
    what = f"{n:,} failures in groups"
    bare = "reading the failed IDs and their records, 500 at a time"
    return [Row("failures.groups", what, "s", taken["ours"], taken["bare"], bare, AtMost(3), beside, note)]


def _fill(client: redis.Redis, n: int, *, is_old: bool) -> None:
    client.flushall()
    ids = iter(range(n))
    while some := [*islice(ids, BATCH)]:
        client.zadd("cv:bench:failed", {f"id-{number}": 1 for number in some})
        client.hset("cv:bench:failure", mapping={f"id-{number}": _record(number, is_old=is_old) for number in some})


def _record(number: int, *, is_old: bool) -> str:
    place = number % GROUPS
    lines = [f'  File "/srv/app/jobs/step{depth}.py", line {depth}, in f{place}\n    call(x)' for depth in range(16)]
    traceback = "\n".join(["Traceback (most recent call last):", *lines, f"ValueError: no {number}\n"])
    group = {} if is_old else {"group": f"ValueError in step15.py:f{place} < step14.py:f{place} < step13.py:f{place}"}
    record = {**group, "attempt": 1, "error": f"ValueError: no {number}", "traceback": traceback}
    return '{"at":%d.000,%s' % (1_700_000_000 + number, json.dumps(record)[1:])  # noqa: UP031 - braces abound


def _read_all(client: redis.Redis) -> None:
    start = 0
    pages: Any = client.zrange  # redis-py says that it may return something else as well
    while ids := pages("cv:bench:failed", start, start + BATCH - 1):
        client.hmget("cv:bench:failure", ids)
        start += len(ids)
