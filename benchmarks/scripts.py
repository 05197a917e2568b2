"""How long a script blocks the store, on a queue with a million waiting IDs."""

from __future__ import annotations

from collections.abc import Callable

import redis

from benchmarks.figures import AtMost, Figure, Row, Settings, columns
from benchmarks.long_queue import ACTS, LongQueue, long_queue
from benchmarks.store import LOGGED_MICROS, server_micros, slow_log

LOOKS = 200
"""How often counts and snapshot are called for their mean."""

SHOWN = 5
"""How many of the slowest operations are named."""

PLAIN = """
for n = ARGV[1], ARGV[2], 500 do
  local ids, fields = {}, {}
  for i = 1, 500 do ids[i], fields[2 * i - 1], fields[2 * i] = n + i, n + i, 1700000000000 end
  redis.call('RPUSH', KEYS[1], unpack(ids))
  redis.call('SADD', KEYS[2], unpack(ids))
  redis.call('HSET', KEYS[3], unpack(fields))
end
"""
"""Writes the IDs from one number to another into a list, a set and a hash, 500 at a time."""


def slowest(settings: Settings) -> list[Row]:
    """The operation that holds up the store the longest, by the server's own slow log."""
    queued = settings.size(1_000_000, 5_000)
    with long_queue(settings, queued) as (long, client):
        rounds = [{name: _slowest_ms(client, long, name) for name in ACTS} for _ in range(settings.rounds)]
        plain = Figure(tuple(_plain_ms(client, queued) for _ in range(settings.rounds)))
        lengths = f"{queued:,} queued, {long.failed_count:,} failed, {long.processing_count:,} processing"
    taken = columns(rounds)
    ordered = sorted(taken, key=lambda name: -taken[name].median)
    note = f"the slowest is: {ordered[0]}"
    beside = {name: taken[name] for name in ordered[1:SHOWN]}
    limit_is = "list, set and hash of equal length, 500 IDs written by one script"
    what = f"Slowest script call, {lengths}"
    return [Row("scripts.slowest", what, "ms", taken[ordered[0]], plain, limit_is, AtMost(20), beside, note)]


def looking(settings: Settings) -> list[Row]:
    """What counts and snapshot take, beside the same on a short queue."""
    long_count, short_count = settings.size(1_000_000, 5_000), settings.size(1_000, 100)
    looks: dict[str, Callable[[LongQueue], object]] = {
        "counts": lambda long: long.queue.counts(),
        "snapshot": lambda long: long.queue.snapshot(),
    }
    rounds: list[dict[str, float]] = []
    with long_queue(settings, long_count) as (long, client), long_queue(settings, short_count) as (short, other):
        for _ in range(settings.rounds):
            both = {f"{name}, long": _mean_micros(client, long, look) for name, look in looks.items()}
            both |= {f"{name}, short": _mean_micros(other, short, look) for name, look in looks.items()}
            rounds.append(both)
    taken = columns(rounds)
    goal = AtMost(1.5, of_the_ratio=True)
    return [
        Row(
            f"scripts.{name}",
            f"The server's time for {name}, {long_count:,} queued",
            "µs",
            taken[f"{name}, long"],
            taken[f"{name}, short"],
            f"the same with {short_count:,} queued",
            goal,
        )
        for name in looks
    ]


def _slowest_ms(client: redis.Redis, long: LongQueue, name: str) -> float:
    """The longest that one call of this operation took the server."""
    act = ACTS[name]
    prepared = act.prepare(long)
    with slow_log(client) as took:
        act.do(long, prepared)
    return max(took, default=LOGGED_MICROS / 1000)


def _plain_ms(client: redis.Redis, queued: int) -> float:
    plain = client.register_script(PLAIN)
    keys = ["plain list", "plain set", "plain hash"]
    client.delete(*keys)
    for first in range(0, queued, 10_000):
        plain(keys, [first, min(first + 10_000, queued) - 1])
    with slow_log(client) as took:
        plain(keys, [queued, queued])
    return max(took, default=LOGGED_MICROS / 1000)


def _mean_micros(client: redis.Redis, long: LongQueue, look: Callable[[LongQueue], object]) -> float:
    look(long)
    client.config_resetstat()
    for _ in range(LOOKS):
        look(long)
    return server_micros(client)
