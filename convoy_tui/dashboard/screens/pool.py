"""The Pool screen: one pool, and every ID that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual.app import ComposeResult

from convoy_core import Entry
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.cells import Align, Column, fitted
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.headline import clock
from convoy_tui.dashboard.board.pool_rates import PoolRates
from convoy_tui.dashboard.board.pool_words import pool_lines
from convoy_tui.dashboard.board.pools import Pool, process
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line
from convoy_tui.dashboard.board.window import Window
from convoy_tui.dashboard.reading.pools import read_pool
from convoy_tui.dashboard.screens.pool_verbs import PoolVerbs
from convoy_tui.dashboard.services import Services, Where
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.dashboard.widgets.table import Table
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age


def _id(item: tuple[Entry, float], glyphs: Glyphs, width: int) -> Span:
    return Span(safe(item[0].id, width))


def _running(item: tuple[Entry, float], glyphs: Glyphs, width: int) -> Span:
    entry, at = item
    return Span("—", Tone.DIM) if entry.since is None else Span(age(max(0.0, at - entry.since)))


def _started(item: tuple[Entry, float], glyphs: Glyphs, width: int) -> Span:
    return Span(clock(item[0].since), Tone.DIM)


_COLUMNS: tuple[Column[tuple[Entry, float]], ...] = (
    Column("ID", 0, _id, Align.LEFT, is_name=True),
    Column("RUNNING", 9, _running),
    Column("SINCE", 9, _started, least=60),
)


_WIDEST = 80
"""An ID has at most so many cells: else what is told of it would stand far from it."""


class PoolScreen(PoolVerbs):
    """What a pool holds."""

    AUTO_FOCUS = "#held"
    page_name = "pool"
    first_keys = ("table.open", "pool.more", "pool.fewer", "pool.log", "pool.stop")

    def __init__(self, services: Services, pool: Pool) -> None:
        super().__init__(services, Where(pool.info.queue))
        self._pool = pool
        self._is_gone = False
        self._rates = PoolRates()

    @property
    def pool(self) -> Pool:
        """The pool, as it was read last."""
        return self._pool

    @property
    def crumbs(self) -> Sequence[str]:
        """The pool, behind the workers."""
        return ("workers", process(self._pool.info, 60))

    def body(self) -> ComposeResult:
        """The pool in words, and the IDs that it holds."""
        yield Lines(id="about")
        yield Table[tuple[Entry, float]](
            lambda item: item[0].id,
            lambda width: fitted(_COLUMNS, width, most=_WIDEST),
            self.services.glyphs,
            id="held",
        )

    async def load(self) -> None:
        """Read the pool, and all that it holds."""
        known = self._pool.info
        pool = await read_pool(self.services.source.fleet, known.queue, known.id)
        self._is_gone = pool is None
        if pool is None:
            self._pool = replace(self._pool, held=(), info=replace(known, running=0), here=None)
            return
        pool = self.as_known_here(pool)
        self._rates.add([pool.info], pool.at)
        self._pool = replace(pool, speed=self._rates.of(known.id, pool.at) or self._pool.speed)

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """Which queue it works on."""
        info = self._pool.info
        if self._is_gone:
            gone = f" This pool of {safe(info.queue, 40)} has ended, and holds nothing."
            return [clip(line((gone, Tone.DIM)), width)]
        doing = (" works on ", Tone.DIM)
        return [clip(line(" ", process(info, 40), doing, (safe(info.queue, 60), Tone.STRONG)), width)]

    def draw(self, board: Board) -> None:
        """The pool in words, and its IDs."""
        row = board.row(self._pool.info.queue)
        is_alone = row is None or not row.snapshot.workers
        told = [] if self._is_gone else pool_lines(self._pool, is_alone, self.size.width)
        offers = self.offers(self._pool)
        self.say("#about", [*told, *([line(" ", *offers)] if offers else []), ()])
        rows = tuple((entry, self._pool.at) for entry in self._pool.held)
        table = self.query_one("#held", Table)
        table.show_window(Window.whole(rows), is_stale=board.is_stale or bool(self.trouble))

    def on_table_opened(self, event: Table.Opened) -> None:
        """Enter an ID."""
        self.services.open("job", Where(self._pool.info.queue, event.key))
