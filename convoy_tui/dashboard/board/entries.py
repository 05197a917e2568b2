"""The columns of a listing of IDs, for each state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convoy_core import Entry, State
from convoy_tui.dashboard.board.cells import Align, Column
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Span, Tone
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, due_in, number


@dataclass(frozen=True, slots=True)
class Item:
    """One ID of a listing, as it was at the time `at` of the store."""

    entry: Entry
    at: float


def _id(item: Item, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(item.entry.id, width))


def _since(item: Item, glyphs: Glyphs, width: int) -> Span:
    since = item.entry.since
    return Span("—", Tone.DIM) if since is None else Span(age(max(0.0, item.at - since)))


def _due(item: Item, glyphs: Glyphs, width: int) -> Span:
    due = item.entry.due
    return Span("—", Tone.DIM) if due is None else Span(due_in(due - item.at))


def _worker(item: Item, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(item.entry.worker, width)) if item.entry.worker else Span("Node client", Tone.DIM)


def _failures(item: Item, glyphs: Glyphs, width: int) -> Span:
    n = item.entry.failures or 0
    return Span(number(n), Tone.NORMAL if n else Tone.DIM)


def _error(item: Item, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(item.entry.error, width)) if item.entry.error else Span("no reason recorded", Tone.DIM)


_ID = Column("ID", 0, _id, Align.LEFT, is_name=True)
COLUMNS: Mapping[State, tuple[Column[Item], ...]] = {
    State.QUEUED: (_ID, Column("WAITING", 9, _since)),
    State.PROCESSING: (_ID, Column("RUNNING", 9, _since), Column("WORKER", 30, _worker, Align.LEFT, least=90)),
    State.DELAYED: (_ID, Column("DUE", 20, _due), Column("FAILURES", 8, _failures)),
    State.FAILED: (
        _ID,
        Column("FAILED", 9, _since),
        Column("TIMES", 6, _failures),
        Column("ERROR", 40, _error, Align.LEFT, least=90),
    ),
}
"""The columns of each state, of which those show that the table has room for."""
