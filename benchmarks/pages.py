"""What a page of a long list costs the Queue screen: the entries in the middle, as many as a large screen reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import redis

from benchmarks.figures import AtMost, Row, Settings, columns
from benchmarks.store import server_for
from convoy_core import AsyncFleet, Queue, chunked
from convoy_tui.dashboard.board.entries import Tab
from convoy_tui.dashboard.reading.entries import EntryReader

LONG = 1_000_000
ROWS = 165
"""What a screen of 60 lines reads: its rows, and as many on both sides."""
_TIMES = 20


def of_long_lists(settings: Settings) -> list[Row]:
    """A page in the middle of a million queued and of a million failed IDs, beside the bare command for its range."""
    n = settings.size(LONG, 2000)
    with server_for(settings) as server, server.client() as client:
        _fill(server.url, client, n)
        rounds = [asyncio.run(_pages(server.url, client, n)) for _ in range(settings.rounds)]
    taken = columns(rounds)
    bare = {Tab.QUEUED: "a bare LRANGE", Tab.FAILED: "a bare ZRANGE"}
    return [
        Row(f"pages.{tab}", f"A page of {n:,} {tab} IDs", "ms", taken[tab], taken[f"bare {tab}"], what, AtMost(100))
        for tab, what in bare.items()
    ]


def _fill(url: str, client: redis.Redis, n: int) -> None:
    with Queue("long", redis=url) as queue:
        queue.publish_many(range(n))
        prefix = queue.key_prefix
    for ids in chunked(range(n), 10_000):
        client.zadd(f"{prefix}failed", {f"failed{id}": 1 + int(id) % 9 for id in ids})


async def _pages(url: str, client: redis.Redis, n: int) -> dict[str, float]:
    first = n // 2
    key = "cv:long:"
    async with AsyncFleet(redis=url) as fleet:
        taken = {}
        for tab in (Tab.QUEUED, Tab.FAILED):
            look = partial(EntryReader(fleet, "long", tab, 300.0).window, first, first + ROWS)
            await look()
            taken[tab.value] = await _awaited_ms(look)
    last = first + ROWS - 1
    taken["bare queued"] = _blocking_ms(lambda: client.lrange(f"{key}queued", first, last))
    taken["bare failed"] = _blocking_ms(lambda: client.zrange(f"{key}failed", first, last, withscores=True))
    return taken


async def _awaited_ms(look: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    for _ in range(_TIMES):
        await look()
    return (time.perf_counter() - start) * 1000 / _TIMES


def _blocking_ms(look: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(_TIMES):
        look()
    return (time.perf_counter() - start) * 1000 / _TIMES
