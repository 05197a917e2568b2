"""The orders of the overview's rows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from convoy_tui.dashboard.board.board import Row

_Key: TypeAlias = "Callable[[Row], tuple[float, str]]"

WORST: Final = "worst"
"""As the board has them: who needs someone comes first."""
_KEYS: Final[dict[str, tuple[str, _Key | None]]] = {
    WORST: ("who needs someone first", None),
    "name": ("by name", lambda row: (0.0, row.queue)),
    "queued": ("most waiting first", lambda row: (-row.snapshot.counts.queued, row.queue)),
    "failed": ("most failed first", lambda row: (-row.snapshot.counts.failed, row.queue)),
    "oldest": ("longest run first", lambda row: (-(row.snapshot.oldest_processing_s or 0.0), row.queue)),
}


def known(order: str) -> str:
    """The order of that name, or the usual one."""
    return order if order in _KEYS else WORST


def following(order: str) -> str:
    """The order after this one."""
    names = list(_KEYS)
    return names[(names.index(order) + 1) % len(names)]


def in_words(order: str) -> str:
    """What the order is."""
    return _KEYS[order][0]


def ordered(rows: Sequence[Row], order: str) -> Sequence[Row]:
    """The rows of a board in that order."""
    key = _KEYS[order][1]
    return rows if key is None else sorted(rows, key=key)
