"""The memory of a queue's history when it is full: two hours of rows per ten seconds, and a week of rows per minute."""

from __future__ import annotations

import random

import redis

from benchmarks.figures import AtMost, Figure, Row, Settings
from benchmarks.store import server_for
from convoy_core import Queue
from convoy_core.models import TOTALS
from convoy_core.moves.history import KEPT_S, LONG_KEPT_S, LONG_STEP_S, STEP_S, note_history

QUEUE = "bench"
START_MS = 1_700_000_000_000
BUSY = {"published": 1000, "refused": 200, "done": 950, "failed": 5, "retried": 40, "deferred": 3, "released": 1}
"""By how much the counters of a busy queue grow in a second, at most."""


def full(settings: Settings) -> list[Row]:
    """What all lists take, beside the same rows as text."""
    week = settings.size(LONG_KEPT_S, 7200)
    used, plain = [], []
    for _ in range(settings.rounds):
        with server_for(settings) as server, server.client() as client, Queue(QUEUE, redis=server.url) as queue:
            _fill(client, queue, week)
            used.append(_bytes(client, *(f"cv:{QUEUE}:history:{kind}" for kind in ("seconds", "minutes", "hours"))))
            plain.append(_bytes(client, "text"))
    what = f"Memory of a history of {week // 3600} h, over a thousand IDs a second"
    limit_is = "the same rows as text in a list"
    return [Row("memory.history", what, "bytes", Figure(tuple(used)), Figure(tuple(plain)), limit_is, AtMost(2**20))]


def _fill(client: redis.Redis, queue: Queue, week: int) -> None:
    """Every minute of the week, and every ten seconds of its last two hours."""
    chance = random.Random(1)
    times = [*range(0, week - KEPT_S, LONG_STEP_S), *range(week - KEPT_S, week + 1, STEP_S)]
    before = 0
    for at in times:
        with client.pipeline(transaction=False) as pipe:
            for name, most in BUSY.items():
                pipe.hincrby(f"cv:{QUEUE}:totals", name, chance.randrange(most * (at - before) + 1))
            counters = pipe.execute()
        row = [START_MS + 1000 * at, *[0] * 6, *counters, *[0] * (len(TOTALS) - len(counters))]
        client.rpush("text", " ".join(map(str, row)))
        queue._connection.now_ms = START_MS + 1000 * at
        queue._connection.run(note_history(queue._keys))
        before = at


def _bytes(client: redis.Redis, *keys: str) -> float:
    return float(sum(client.memory_usage(key, samples=0) or 0 for key in keys))
