"""The board: all that a screen shows at one moment, as one frozen value; and the watch that makes it from readings.

Pure: no widget, no store. `now` and `heard_at` are by the clock of this process, `read_at` by that of the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from convoy_core import Snapshot
from convoy_tui.text.broken import Broken
from convoy_tui.text.health import (
    Health,
    Limits,
    Steady,
    assess,
    order,
)
from convoy_tui.text.history import History
from convoy_tui.text.judged import Judged
from convoy_tui.text.recalled import Rows
from convoy_tui.text.words import is_production

_LATE_S, _OFTEN_S = 2.0, 2.0

NOTHING: Final[Mapping[str, Rows]] = MappingProxyType({})
NOTHING_BROKEN: Final = Broken()
UNBROKEN: Final[Mapping[str, Broken]] = MappingProxyType({})


class LinkState(StrEnum):
    """The state of the connection."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Link:
    """What is known about the connection."""

    state: LinkState = LinkState.CONNECTING
    round_trip_s: float = 0.0
    read_at: float | None = None
    """When the numbers were read, by the store's clock."""
    heard_at: float | None = None
    lost_at: float | None = None
    reason: str = ""
    word: str = ""
    """The store's own first word, like NOAUTH; nothing where it does not answer at all."""
    tries: int = 0
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class Row(Judged):
    """One queue: its last snapshot, its trends, its health, and what broke in it."""

    broken: Broken = NOTHING_BROKEN
    """As far as that was read."""

    @property
    def queue(self) -> str:
        """The queue's name, exactly as in the store."""
        return self.snapshot.queue


@dataclass(frozen=True, slots=True)
class Place:
    """The store that the dashboard shows."""

    store: str
    environment: str | None = None
    read_only: bool = False
    read_only_because: str = ""
    limits: Limits = field(default_factory=Limits)
    can_start: bool = False
    """Whether the store is an embedded one, which can be started from here."""
    flags: tuple[str, ...] = ()
    """The options with which a command of `convoy` finds this store."""

    @property
    def is_production(self) -> bool:
        """Whether this is the production environment."""
        return is_production(self.environment)


@dataclass(frozen=True, slots=True)
class Past:
    """The time in the past whose rows a board has."""

    at: float
    now: float
    """Both in Unix seconds of the store's clock."""
    step: str
    """How far the next step goes."""
    unknown: int
    """The queues of which nothing was kept then."""
    is_read: bool


@dataclass(frozen=True, slots=True)
class Board:
    """The content of the dashboard at one moment."""

    place: Place
    link: Link = Link()
    rows: tuple[Row, ...] = ()
    now: float = 0.0
    interval_s: float = 1.0
    """How often the store is asked."""
    is_frozen: bool = False
    past: Past | None = None
    """Set where the rows are those of the past."""
    no_writes: str = ""
    """Why the store takes no writes, though it can be read."""

    @property
    def limits(self) -> Limits:
        """The limits that queues are judged by."""
        return self.place.limits

    @property
    def is_lost(self) -> bool:
        """Whether the store does not answer."""
        return self.link.state is LinkState.LOST

    @property
    def is_stale(self) -> bool:
        """Whether the numbers are too old: the store is unreachable, or a reading is overdue."""
        if self.past is not None:
            return not self.past.is_read
        return self.is_lost or (not self.is_frozen and self._overdue_s > _LATE_S)

    @property
    def is_live(self) -> bool:
        """Whether a store that is lost would show at once: it is asked often, and has just answered."""
        return self.link.state is LinkState.LIVE and self.interval_s <= _OFTEN_S and self._overdue_s < _OFTEN_S

    @property
    def _overdue_s(self) -> float:
        """For how long the next reading has been due."""
        heard = self.link.heard_at
        return 0.0 if heard is None else self.now - heard - self.interval_s

    @property
    def is_writable(self) -> bool:
        """Whether writes are possible now."""
        is_live = self.link.state is LinkState.LIVE and self.past is None
        return is_live and not self.place.read_only and not self.no_writes

    def row(self, queue: str) -> Row | None:
        """The row of that queue."""
        return next((row for row in self.rows if row.queue == queue), None)

    def needing(self) -> list[Row]:
        """The rows that need attention, worst first."""
        return [row for row in self.rows if row.needs_you]


class Watch:
    """Makes rows from readings, with the trends of earlier ones."""

    def __init__(self, limits: Limits, history: History | None = None) -> None:
        self.limits = limits
        self._history = history or History()
        self._steady = Steady()
        self._rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the last reading, worst first, then the heaviest."""
        return self._rows

    def take(
        self,
        snapshots: Iterable[Snapshot],
        past: Mapping[str, Rows] = NOTHING,
        broken: Mapping[str, Broken] = UNBROKEN,
    ) -> tuple[Row, ...]:
        """Add one reading, what the store has kept of some queues, and what broke in some. Returns its rows."""
        seen = tuple(snapshots)
        for snapshot in seen:
            if snapshot.queue in past:
                self._history.recall(snapshot, past[snapshot.queue])
        self._history.add(seen)
        self._steady.keep(snapshot.queue for snapshot in seen)
        rows = [self._row(one, broken.get(one.queue, NOTHING_BROKEN)) for one in seen]
        self._rows = tuple(sorted(rows, key=lambda row: order(row.health, row.snapshot, row.trends)))
        return self._rows

    def lose(self) -> None:
        """Add a gap to every trend."""
        self._history.gap()

    def _row(self, snapshot: Snapshot, broken: Broken) -> Row:
        trends = self._history.trends(snapshot.queue)
        word = assess(snapshot, trends, self.limits)
        calm = assess(snapshot, replace(trends, drift=0), self.limits) if word is Health.DRIFT else word
        return Row(snapshot, trends, self._steady.settle(snapshot.queue, word, calm), broken)
