"""The listing of the IDs of a queue: its rows, its columns for each state, and the orders it can stand in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from convoy_core import Entry, State
from convoy_tui.dashboard.board.cells import MARGIN, Align, Column
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Span, Tone, cut
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, due_in, number


class Tab(StrEnum):
    """What is listed: the IDs in a state, or those that are committed and in none."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DELAYED = "delayed"
    FAILED = "failed"
    ORPHANS = "orphans"

    @property
    def state(self) -> State | None:
        """The state; None for the orphans."""
        return None if self is Tab.ORPHANS else State(self.value)


@dataclass(frozen=True, slots=True)
class Item:
    """One ID of a listing, as it was at the time `at` of the store."""

    entry: Entry
    at: float
    holder: str = ""
    """Host and process of the pool that holds it."""
    is_silent: bool = False
    """Whether the lease of that pool has run out."""
    limit_s: float = 300.0
    """How long a run may go before the jam guard is for it."""

    @property
    def age_s(self) -> float | None:
        """How long it has been in its state, if that is known."""
        return None if self.entry.since is None else max(0.0, self.at - self.entry.since)

    @property
    def over_s(self) -> float:
        """How far its run is past the limit; 0 if it is not."""
        return max(0.0, (self.age_s or 0.0) - self.limit_s)


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a listing: that of the store for its state where `by` is empty, else by a column."""

    by: str = ""
    is_reversed: bool = False

    @property
    def is_stored(self) -> bool:
        """Whether the store has the IDs in this order, so that any page of it can be read."""
        return not self.by


STORED: Mapping[Tab, str] = {
    Tab.QUEUED: "position",
    Tab.PROCESSING: "since",
    Tab.DELAYED: "due",
    Tab.FAILED: "failures",
    Tab.ORPHANS: "id",
}
"""What the store sorts each listing by."""

_ORDER_WORDS: Mapping[str, tuple[str, str]] = {
    "position": ("next first", "last in line first"),
    "due": ("due first", "due last first"),
    "failures": ("fewest failures first", "most failures first"),
    "id": ("by ID", "by ID, backwards"),
    "since": ("oldest first", "newest first"),
    "error": ("by error", "by error, backwards"),
    "worker": ("by worker", "by worker, backwards"),
}

_KEYS: Mapping[str, Callable[[Item], tuple[object, ...]]] = {
    "id": lambda item: (item.entry.id,),
    "since": lambda item: (item.entry.since is None, item.entry.since or 0.0, item.entry.id),
    "due": lambda item: (item.entry.due is None, item.entry.due or 0.0, item.entry.id),
    "failures": lambda item: (item.entry.failures or 0, item.entry.id),
    "error": lambda item: (not item.entry.error, item.entry.error or "", item.entry.id),
    "worker": lambda item: (item.holder, item.entry.id),
}


def order_words(tab: Tab, order: Order) -> str:
    """The order in words."""
    return _ORDER_WORDS[order.by or STORED[tab]][order.is_reversed]


def sort_key(by: str) -> Callable[[Item], tuple[object, ...]]:
    """The key of the order by a column."""
    return _KEYS[by]


def next_order(tab: Tab, order: Order) -> Order:
    """The order after this one: each column's, then that backwards."""
    if not order.is_reversed:
        return Order(order.by, True)
    columns = [column.order for column in COLUMNS[tab] if column.order and column.order != STORED[tab]]
    ways = ["", *columns]
    return Order(ways[(ways.index(order.by) + 1) % len(ways)])


def asked_order(tab: Tab, order: Order, column: str) -> Order:
    """The order that a click on a column asks for: by it, or backwards if it is already."""
    by = "" if column == STORED[tab] else column
    return Order(by, not order.is_reversed if by == order.by else False)


# -- the cells


def _sign(item: Item, glyphs: Glyphs, width: int) -> Span:
    if item.over_s:
        return Span(glyphs.pick("■", "#"), Tone.ALARM)
    if item.is_silent:
        return Span("?", Tone.WARNING)
    return Span(glyphs.pick("●", "o"), Tone.FINE)


def _id(item: Item, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(item.entry.id, width))


def _since(item: Item, glyphs: Glyphs, width: int) -> Span:
    if item.age_s is None:
        return Span("—", Tone.DIM)
    return Span(age(item.age_s), Tone.ALARM if item.over_s and item.entry.state is State.PROCESSING else Tone.NORMAL)


def _due(item: Item, glyphs: Glyphs, width: int) -> Span:
    due = item.entry.due
    if due is None:
        return Span("—", Tone.DIM)
    late = due - item.at <= -2
    return Span(safe(due_in(due - item.at), width), Tone.WARNING if late else Tone.NORMAL)


def _worker(item: Item, glyphs: Glyphs, width: int) -> Span:
    if item.entry.worker is None:
        return Span("a Node client", Tone.DIM)
    gone = " (silent)" if item.is_silent else ""
    return Span(safe(item.holder or item.entry.worker, width - len(gone)) + gone, Tone.WARNING if gone else Tone.NORMAL)


def _limit(item: Item, glyphs: Glyphs, width: int) -> Span:
    if item.age_s is None:
        return Span("—", Tone.DIM)
    if item.over_s or not item.limit_s:
        return Span(f"past by {age(item.over_s)}", Tone.ALARM)
    share = item.age_s / item.limit_s
    full, empty = glyphs.pick("▓", "#"), glyphs.pick("░", ".")
    done = int(share * 10)
    return Span(f"{full * done}{empty * (10 - done)} {share:4.0%}", Tone.DIM)


def _failures(item: Item, glyphs: Glyphs, width: int) -> Span:
    n = item.entry.failures or 0
    return Span(number(n), Tone.NORMAL if n else Tone.DIM)


def _error(item: Item, glyphs: Glyphs, width: int) -> Span:
    return Span(cut(safe(item.entry.error), width)) if item.entry.error else Span("no reason recorded", Tone.DIM)


_ID = Column("ID", 0, _id, Align.LEFT, is_name=True, order="id")
_SHORT_ERROR = Column("ERROR", 26, _error, Align.LEFT, order="error", least=70)
_SHORT_WORKER = Column("WORKER", 24, _worker, Align.LEFT, order="worker", least=70)

COLUMNS: Mapping[Tab, tuple[Column[Item], ...]] = {
    Tab.QUEUED: (_ID, Column("WAITING", 9, _since, order="since")),
    Tab.PROCESSING: (
        Column("", 1, _sign),
        _ID,
        Column("RUNNING", 9, _since, order="since"),
        _SHORT_WORKER,
        Column("LIMIT", 18, _limit, Align.LEFT, least=100),
    ),
    Tab.DELAYED: (_ID, Column("DUE", 19, _due, order="due"), Column("FAILURES", 9, _failures, order="failures")),
    Tab.FAILED: (
        _ID,
        Column("FAILED", 8, _since, order="since"),
        Column("TIMES", 6, _failures, order="failures"),
        _SHORT_ERROR,
    ),
    Tab.ORPHANS: (_ID,),
}
"""The columns of each listing, of which those show that the table has room for."""


_MAX_ID = 72
_MAX_ERROR = 90


def columns_of(tab: Tab, width: int) -> tuple[Column[Item], ...]:
    """The columns for a table of this width. The ID and the error share what the others leave."""
    chosen = [column for column in COLUMNS[tab] if column.least <= width]
    is_shared = _SHORT_ERROR in chosen
    taken = sum(column.width for column in chosen if column not in (_ID, _SHORT_ERROR)) + len(chosen) - 1 + MARGIN + 1
    rest = width - taken
    id_width = max(12, min(_MAX_ID, rest * 2 // 5 if is_shared else rest))
    wider = {"ID": id_width, "ERROR": max(12, min(_MAX_ERROR, rest - id_width))}
    return tuple(replace(column, width=wider[column.title]) if column.title in wider else column for column in chosen)
