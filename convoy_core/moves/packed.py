"""Arrays of whole numbers in MessagePack, as the store's Lua writes them: what is kept of a queue over time. No I/O."""

from __future__ import annotations


def numbers(packed: bytes) -> list[int]:
    """An array of whole numbers in MessagePack. Raises ValueError and IndexError for anything else."""
    head = packed[0]
    if 0x90 <= head < 0xA0:
        count, place = head - 0x90, 1
    elif head == 0xDC:
        count, place = int.from_bytes(packed[1:3]), 3
    else:
        raise ValueError(head)
    numbers = []
    for _ in range(count):
        number, place = _number(packed, place)
        numbers.append(number)
    return numbers


def _number(packed: bytes, place: int) -> tuple[int, int]:
    kind, place = packed[place], place + 1
    if kind < 0x80:
        return kind, place
    if kind >= 0xE0:
        return kind - 256, place
    if not 0xCC <= kind <= 0xD3:
        raise ValueError(kind)
    end = place + 2 ** (kind % 4)  # cc to cf: 1, 2, 4, 8 bytes without a sign; d0 to d3: with one
    if end > len(packed):
        raise ValueError(kind)
    return int.from_bytes(packed[place:end], signed=kind >= 0xD0), end
