"""The Workers screen: the pools of all queues by host, and the verbs on those of this process."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.cells import fitted
from convoy_tui.dashboard.board.inspector import rule
from convoy_tui.dashboard.board.pool_rates import PoolRates
from convoy_tui.dashboard.board.pool_words import about, heading, in_short, offer
from convoy_tui.dashboard.board.pools import COLUMNS, HostRow, Pool, PoolRow, PoolsRow, UnservedRow, arrange, key
from convoy_tui.dashboard.board.spans import Line, Tone, line
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.reading.pools import PoolReader
from convoy_tui.dashboard.screens.launch import LaunchDialog
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.screens.pool import PoolScreen
from convoy_tui.dashboard.screens.pool_verbs import PoolVerbs
from convoy_tui.dashboard.services import Done, Services, Where
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.table import Table
from convoy_tui.text.health import Health
from convoy_tui.text.safe_text import safe


@dataclass(slots=True)
class _Kept:
    """What is known of the pools, and how they are shown, from one visit of the page to the next."""

    rates: PoolRates = field(default_factory=PoolRates)
    folded: frozenset[str] = frozenset()


class WorkersScreen(PoolVerbs, Page):
    """Every pool, by host."""

    AUTO_FOCUS = "#pools"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("W", "launch", "Launch", id="workers.launch", tooltip="start workers on this queue, in this process"),
    ]
    page_name = "workers"
    first_keys = ("table.open", "workers.launch", "pool.more", "pool.fewer", "pool.log", "pool.stop")
    writing = frozenset({"launch"})

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, where)
        kept = services.kept.setdefault((self.page_name, Where()), _Kept())
        self._kept = kept if isinstance(kept, _Kept) else _Kept()
        self._reader = PoolReader(services.source.fleet)
        self._pools: tuple[Pool, ...] = ()
        self._unserved: tuple[UnservedRow, ...] = ()
        self._is_read = False
        self._is_pointed = False

    # -- showing

    @property
    def crumbs(self) -> Sequence[str]:
        """The page itself: it is about all queues."""
        return ("workers",)

    @property
    def here(self) -> Where:
        """The queue of the row under the cursor."""
        return Where(self._queue)

    def body(self) -> ComposeResult:
        """The table, and the row under the cursor in words."""
        with Container(id="main"):
            yield Table[PoolsRow](key, lambda width: fitted(COLUMNS, width), self.services.glyphs, id="pools")
            with Vertical(id="side"):
                yield Lines(id="rule")
                yield Lines(id="inspector")

    async def load(self) -> None:
        """Read the pools of the queues that have any, if something may have changed since they were read."""
        snapshots = [row.snapshot for row in self.services.board.rows]
        local = [(each.order.queue, each.status.worker) for each in self.services.local_pools.members()]
        pools = [self.as_known_here(pool) for pool in await self._reader.read(snapshots, local)]
        rates = self._kept.rates
        if pools:
            rates.add((pool.info for pool in pools), pools[0].at)
        self._pools = tuple(replace(pool, speed=rates.of(pool.info.id, pool.at)) for pool in pools)
        self._is_read = True

    def read_again(self) -> None:
        """Read the pools with the next load."""
        self._reader.forget()

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """Who is silent, and which queues nobody works on."""
        if not self._is_read:
            return [line((f" Looking for workers{self.services.glyphs.pick('…', '...')}", Tone.DIM))]
        return in_short(self._pools, self._unserved, width, self.services.glyphs)

    def draw(self, board: Board) -> None:
        """The rows, and the one under the cursor in words."""
        self._unserved = tuple(
            UnservedRow(row.queue, row.snapshot.counts.queued + row.snapshot.counts.delayed)
            for row in board.rows
            if row.health is Health.NO_WORKERS
        )
        rows = arrange(self._pools, self._unserved, self._kept.folded)
        self._table.show_window(Window.whole(rows), is_stale=board.is_stale or bool(self.trouble))
        self._point(rows)
        self._show_row(board)

    def _point(self, rows: Sequence[PoolsRow]) -> None:
        """Begin on a pool of the queue that one comes from, of this process before all others; else on the first."""
        if self._is_pointed or not self._is_read:
            return
        self._is_pointed = True
        found = [row for row in rows if not isinstance(row, HostRow)]
        if found:
            self._table.point_at(key(min(found, key=self._distance)))

    def _distance(self, row: PoolsRow) -> tuple[bool, bool]:
        queue = row.pool.info.queue if isinstance(row, PoolRow) else getattr(row, "queue", None)
        return queue != self.where.queue, not (isinstance(row, PoolRow) and row.pool.here is not None)

    def _show_row(self, board: Board) -> None:
        side, row = self.query_one("#side"), self._table.row
        width = side.size.width or self.size.width
        if row is None:
            self.say("#rule", [()])
            self.say("#inspector", self._nothing() if self._is_read else [])
            return
        glyphs = self.services.glyphs
        self.say("#rule", [rule(heading(row), width, glyphs)])
        height = self.query_one("#inspector").size.height
        told = about(row, self._is_alone(row), self._offers(row, board), width, height)
        if board.is_stale:
            told = [tuple(span._replace(tone=Tone.DIM) for span in spans) for spans in told]
        self.say("#inspector", told)

    def _offers(self, row: PoolsRow, board: Board) -> Line:
        """The keys that help with a row."""
        launch = offer("W", "start workers") if board.is_writable and not isinstance(row, HostRow) else ()
        if not isinstance(row, PoolRow):
            return launch
        if row.pool.silent_s is not None and self._is_alone(row):
            return (*launch, *offer("enter", "what it holds", "Enter"))
        return (*offer("enter", "what it holds", "Enter"), *self.offers(row.pool))

    def _nothing(self) -> list[Line]:
        queue = self._queue
        if queue is None or not self.services.board.is_writable:
            return [line((" `convoy work QUEUE --handler package.module:function` starts workers.", Tone.DIM))]
        return [
            line(" ", *offer("W", f"starts workers on {safe(queue, 40)} in this process")),
            line((f" `convoy work {safe(queue, 40)} --handler package.module:function` does elsewhere.", Tone.DIM)),
        ]

    def _is_alone(self, row: PoolsRow) -> bool:
        """Whether no pool of the row's queue is alive."""
        return isinstance(row, PoolRow) and not any(
            pool.info.is_live for pool in self._pools if pool.info.queue == row.pool.info.queue
        )

    # -- what the user does

    @property
    def _table(self) -> Table[PoolsRow]:
        return self.query_one("#pools", Table)

    @property
    def _queue(self) -> str | None:
        match self._table.row if self.is_mounted else None:
            case PoolRow(pool):
                return pool.info.queue
            case UnservedRow(queue):
                return queue
            case HostRow():
                return None
            case _:
                return self.where.queue

    @property
    def pool(self) -> Pool | None:
        """The pool under the cursor."""
        row = self._table.row
        return row.pool if isinstance(row, PoolRow) else None

    def ability(self, board: Board) -> Hashable:
        """Whether writes are possible, and what the cursor is on."""
        return board.is_writable, self._queue, self.local is not None

    def on_table_moved(self) -> None:
        """The cursor is elsewhere."""
        self._show_row(self.services.board)
        self.show_ability(self.services.board)

    def on_table_opened(self) -> None:
        """Enter a pool or a queue without one; fold or unfold a host."""
        match self._table.row:
            case HostRow(host):
                self._kept.folded ^= {host}
                self.redraw()
            case PoolRow(pool):
                self.app.push_screen(PoolScreen(self.services, pool))
            case UnservedRow(queue):
                self.services.open("queue", Where(queue))
            case None:
                pass

    def action_launch(self) -> None:
        """Start a pool for the queue under the cursor."""
        row = None if self._queue is None else self.services.board.row(self._queue)
        if row is None:
            self.tell(Done("Move the cursor to a pool or a queue: the workers are for its queue.", Tone.DIM))
        else:
            self.app.push_screen(LaunchDialog(self.services, row), self.tell)
