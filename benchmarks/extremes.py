"""How long a script holds the store at the extremes: very many queues, runs, pools and owners, very large IDs."""

from __future__ import annotations

from benchmarks.acts import ACTS, Act
from benchmarks.figures import Row, Settings
from benchmarks.long_queue import Shape, long_queue
from benchmarks.scripts import plain_ms, row_of_slowest, slowest_ms

POOLS = 1_000
"""Registered beside, everywhere."""
MIB = 1024 * 1024


def many_processing(settings: Settings) -> list[Row]:
    """Runs by the hundred thousand."""
    shape = Shape(processing=settings.size(100_000, 1_000))
    return [_row(settings, "processing", f"{shape.processing:,} processing", shape)]


def long_ids(settings: Settings) -> list[Row]:
    """IDs of 4 KiB, and as long as they may be."""
    n, few, batch = settings.size(2_000, 200), settings.size(600, 100), settings.size(100, 10)
    shapes = {kib: Shape(n, n, few, few, id_bytes=kib * 1024, batch=batch) for kib in (4, 16)}
    return [_row(settings, f"ids.{kib}k", f"IDs of {kib} KiB", shape) for kib, shape in shapes.items()]


def large_payloads(settings: Settings) -> list[Row]:
    """Payloads as large as they may be."""
    n, few = settings.size(300, 20), settings.size(600, 100)
    shape = Shape(n, few, few, few, payload_bytes=MIB, batch=settings.size(20, 2))
    return [_row(settings, "payloads", "payloads of 1 MB", shape)]


def _row(settings: Settings, name: str, what: str, shape: Shape, acts: dict[str, Act] = ACTS) -> Row:
    shape = shape._replace(pools=settings.size(POOLS, 10))
    with long_queue(settings, shape) as (long, client):
        rounds = [{name: slowest_ms(client, long, act) for name, act in acts.items()} for _ in range(settings.rounds)]
        plain = plain_ms(client, settings)
    return row_of_slowest(f"scripts.{name}", f"Slowest script call, {what}, {shape.pools:,} pools", rounds, plain)
