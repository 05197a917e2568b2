"""Rows of the history as the store packs them: arrays of whole numbers in MessagePack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from convoy_core.models import TOTALS, Counts


def row(at_ms: int, counts: Counts, workers: int = 0, totals: Mapping[str, int] | None = None) -> list[int]:
    """The numbers of one row."""
    numbers = [at_ms, 0, counts.queued, counts.committed, counts.processing, counts.failed, counts.delayed, workers]
    return numbers + [(totals or {}).get(name, 0) for name in TOTALS]


def history(rows: Sequence[list[int]], forgotten: int = 0) -> list[str]:
    """Several as a list holds them: the newest as it is, each other with the growth of its counters.

    `forgotten` is what the list says of bytes that it does not hold.
    """
    packed_rows: list[str] = []
    bytes_before = forgotten
    for before, after in pairwise(rows):
        growth = [later - earlier for earlier, later in zip(before[8:], after[8:], strict=True)]
        packed_rows.append(packed([before[0], 0, *before[2:8], *growth]))
        bytes_before += len(packed_rows[-1].encode("utf-8", "surrogateescape")) + 8
    newest = rows[-1]
    return [*packed_rows, packed([newest[0], bytes_before, *newest[2:]])]


def packed(numbers: Iterable[int]) -> str:
    """An array, as text."""
    numbers = [*numbers]
    head = bytes([0x90 + len(numbers)]) if len(numbers) < 16 else b"\xdc" + len(numbers).to_bytes(2)
    return (head + b"".join(map(_number, numbers))).decode("utf-8", "surrogateescape")


def _number(n: int) -> bytes:
    if -32 <= n < 0x80:
        return bytes([n % 256])
    for kind, size in ((0, 1), (1, 2), (2, 4), (3, 8)):
        if 0 <= n < 256**size:
            return bytes([0xCC + kind]) + n.to_bytes(size)
        if -(256**size) // 2 <= n < 0:
            return bytes([0xD0 + kind]) + n.to_bytes(size, signed=True)
    raise OverflowError(n)
