"""How long a script blocks the store, on a queue with a million waiting IDs."""

from __future__ import annotations

from collections.abc import Callable

import redis

from benchmarks.acts import ACTS, Act
from benchmarks.figures import AtMost, Figure, Row, Settings, columns
from benchmarks.long_queue import LongQueue, Shape, long_queue
from benchmarks.store import longest_ms, server_micros, slow_log

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

PLAIN_IS = "list, set and hash of a million entries, 500 IDs written by one script"


def slowest(settings: Settings) -> list[Row]:
    """The operation that holds up the store the longest, by the server's own slow log."""
    few = settings.size(10_000, 1_000)
    shape = Shape(settings.size(1_000_000, 5_000), settings.size(100_000, 2_000), few, few)
    with long_queue(settings, shape) as (long, client):
        rounds = [{name: slowest_ms(client, long, act) for name, act in ACTS.items()} for _ in range(settings.rounds)]
        limit = plain_ms(client, settings)
    what = f"Slowest script call, {shape.queued:,} queued, {shape.failed:,} failed, {shape.processing:,} processing"
    return [row_of_slowest("scripts.slowest", what, rounds, limit)]


def slowest_ms(client: redis.Redis, long: LongQueue, act: Act) -> float:
    """The longest that one call of this operation took the server."""
    prepared = act.prepare(long)
    with slow_log(client) as took:
        act.do(long, prepared)
    return longest_ms(took)


def row_of_slowest(name: str, what: str, rounds: list[dict[str, float]], limit: Figure) -> Row:
    """The slowest of several operations, the next ones beside it, and the time of a plain script."""
    taken = columns(rounds)
    first, *others = sorted(taken, key=lambda each: -taken[each].median)
    beside = {each: taken[each] for each in others[: SHOWN - 1]}
    return Row(name, what, "ms", taken[first], limit, PLAIN_IS, AtMost(20), beside, f"the slowest is: {first}")


def plain_ms(client: redis.Redis, settings: Settings) -> Figure:
    """What the plain script takes, on a million entries."""
    return Figure(tuple(_plain_ms(client, settings.size(1_000_000, 5_000)) for _ in range(settings.rounds)))


def looking(settings: Settings) -> list[Row]:
    """What counts and snapshot take, beside the same on a short queue."""
    long_count, short_count = settings.size(1_000_000, 5_000), settings.size(1_000, 100)
    looks: dict[str, Callable[[LongQueue], object]] = {
        "counts": lambda long: long.queue.counts(),
        "snapshot": lambda long: long.queue.snapshot(),
    }
    rounds: list[dict[str, float]] = []
    with (
        long_queue(settings, Shape(long_count)) as (long, client),
        long_queue(settings, Shape(short_count)) as (short, other),
    ):
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


def _plain_ms(client: redis.Redis, queued: int) -> float:
    plain = client.register_script(PLAIN)
    keys = ["plain list", "plain set", "plain hash"]
    client.delete(*keys)
    for first in range(0, queued, 10_000):
        plain(keys, [first, min(first + 10_000, queued) - 1])
    with slow_log(client) as took:
        plain(keys, [queued, queued])
    return longest_ms(took)


def _mean_micros(client: redis.Redis, long: LongQueue, look: Callable[[LongQueue], object]) -> float:
    look(long)
    client.config_resetstat()
    for _ in range(LOOKS):
        look(long)
    return server_micros(client)
