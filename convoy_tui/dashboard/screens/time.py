"""The Time page: charts of the counts and rates of a queue, or of all, over the last minutes, hours or days."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Size

from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.spans import Line, Span, Tone, line, spread
from convoy_tui.dashboard.board.timeline import PERIODS, Chart, Moment, charts
from convoy_tui.dashboard.plotting import plotted
from convoy_tui.dashboard.reading.courses import read_course, read_courses
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.services import Services, Where
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count, number

_CHARTS = tuple(f"chart-{n}" for n in range(4))
_Wanted = tuple[tuple[Chart, Size], ...]
"""The charts that are to be drawn, and the room of each."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is kept for when one comes back."""

    period: int = 1
    is_of_all: bool = False
    first: int = 0


class TimeScreen(Page):
    """Charts of the history in the store."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,right", "period(1)", "Longer time", key_display="Tab", id="time.longer", tooltip="up to 7 days"),
        Binding("shift+tab,left", "period(-1)", "Shorter time", id="time.shorter", show=False),
        Binding("down,j", "queue(1)", "Next queue", key_display="j", id="time.next", tooltip="the next queue"),
        Binding("up,k", "queue(-1)", "Previous queue", id="time.previous", show=False),
        Binding("a", "all", "All queues", id="time.all", tooltip="all queues together, or one"),
        Binding("m", "more", "More charts", id="time.more", tooltip="those that did not fit"),
    ]
    page_name = "time"
    first_keys = ("time.longer", "time.next", "time.all", "time.more")

    def __init__(self, services: Services, where: Where) -> None:
        super().__init__(services, where)
        kept = services.kept.get((self.page_name, Where()))
        names, last = [period.name for period in PERIODS], services.memory.choices.period
        self._shown = kept if isinstance(kept, _Shown) else _Shown(names.index(last) if last in names else 1)
        self.queue = where.queue
        self._read: tuple[Chart, ...] = ()
        self._read_at: float | None = None
        self._read_of: tuple[Hashable, ...] = ()
        self._n_read: int | None = None
        self._drawn: _Wanted = ()
        self._has_more = False
        self._pictures: list[list[Line]] = []

    @property
    def crumbs(self) -> Sequence[str]:
        """The queue, or that it is all of them."""
        return ("time", "all queues" if self._is_of_all else self.queue or "")

    @property
    def here(self) -> Where:
        """The queue that is shown."""
        return Where(self.queue)

    def body(self) -> ComposeResult:
        """The periods, and the charts."""
        yield Lines(id="periods")
        with Container(id="charts"):
            for name in _CHARTS:
                yield Lines(id=name, classes="chart")

    @property
    def _is_of_all(self) -> bool:
        return self._shown.is_of_all or self.queue is None

    @property
    def _period(self) -> int:
        return self._shown.period

    @property
    def _choice(self) -> tuple[Hashable, ...]:
        return None if self._is_of_all else self.queue, self._period

    # -- reading

    async def load(self) -> None:
        """Read the rows when new ones are worth it, and draw the charts where something is new."""
        period, board = PERIODS[self._period], self.services.board
        if self._read_at is None or time.monotonic() - self._read_at >= period.every_s:
            end = period.end(board.link.read_at or time.time())
            chosen = self._choice
            self._read = charts(await self._course(end), period, end)
            self._read_at, self._read_of = time.monotonic(), chosen
        await self._plot()

    async def _course(self, end: float) -> list[Moment | None]:
        fleet, period = self.services.source.fleet, PERIODS[self._period]
        if not self._is_of_all:
            return await read_course(fleet, self.queue or "", period, end)
        queues = [row.queue for row in self.services.board.rows]
        try:
            return await read_courses(fleet, queues, period, end, self._tell_read)
        finally:
            self._n_read = None

    def _tell_read(self, n: int) -> None:
        self._n_read = n
        self.say("#periods", [self._periods(self.services.board)])

    async def _plot(self) -> None:
        """Draw the charts, in a thread: that takes a while, in which they or their room may change."""
        while (wanted := self._wanted()) != self._drawn:
            self._pictures = await asyncio.to_thread(self._drawn_as, wanted)
            self._drawn = wanted

    def _wanted(self) -> _Wanted:
        chosen = self._chosen()
        return tuple((chart, self.query_one(f"#{name}").size) for name, chart in zip(_CHARTS, chosen, strict=False))

    def _drawn_as(self, wanted: _Wanted) -> list[list[Line]]:
        glyphs, has_colour = self.services.glyphs, not self.app.no_color
        return [plotted(chart, *size, glyphs, has_colour=has_colour) for chart, size in wanted]

    # -- showing

    def summary(self, board: Board, width: int) -> Sequence[Line]:
        """Which time this is, and of what."""
        what = "all queues together" if self._is_of_all else safe(self.queue or "", max(12, width - 50))
        zone = datetime.now().astimezone().strftime("%Z")
        told = f" The last {PERIODS[self._period].name} of {what}; times are {zone}."
        if width >= 100:
            told += " Where a line is broken, nobody kept the numbers."
        return [line((told, Tone.NORMAL))]

    def draw(self, board: Board) -> None:
        """The charts as they were last drawn; new ones follow."""
        self.say("#periods", [self._periods(board)])
        self.query_one("#charts").set_class(self._places == 4, "-four")
        # Charts of another time or queue stay for the moment that reading takes, and no longer.
        pictures = self._pictures if self._read_of == self._choice or self.is_loading else []
        for place, name in enumerate(_CHARTS):
            chart = self.query_one(f"#{name}", Lines)
            chart.display = place < self._places
            lines = pictures[place] if place < len(pictures) else []
            is_old = board.is_stale or bool(self.trouble)
            chart.show([tuple(span._replace(tone=Tone.DIM) for span in each) for each in lines] if is_old else lines)

    @property
    def _places(self) -> int:
        """How many charts fit."""
        width, height = self.size
        return 4 if height >= 30 and width >= 100 else 1 if height < 20 else 2

    def _chosen(self) -> tuple[Chart, ...]:
        """The charts that fit, from the one that is first."""
        first = self._shown.first // self._places * self._places
        return self._read[first : first + self._places]

    def _periods(self, board: Board) -> Line:
        parts = [Span(" ")]
        for place, period in enumerate(PERIODS):
            is_chosen = place == self._period
            text = f"[{period.name}]" if is_chosen else f" {period.name} "
            parts += [Span(text, Tone.STRONG if is_chosen else Tone.DIM), Span(" ")]
        note = ""
        if self._n_read is not None:
            note = f"read {number(self._n_read)} of {count(len(board.rows), 'queue')} "
        elif self._read_at is None:
            note = "reading " if self.is_loading else "not read "
        return spread(parts, (Span(note, Tone.DIM),), self.size.width)

    def fit(self) -> None:
        """Draw the charts for the room that they have now. That needs no store."""
        self.start(self._plot_anew, "plot")

    async def _plot_anew(self) -> None:
        await self._plot()
        if self.is_mounted:
            self.redraw()

    # -- keys

    def ability(self, board: Board) -> Hashable:
        """Whether there are queues to choose from, and charts that did not fit."""
        self._has_more = len(self._chosen()) < len(self._read)
        return bool(board.rows), self._has_more

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the key for more charts where there are none."""
        return self._has_more if action == "more" else super().check_action(action, parameters)

    def action_period(self, by: int) -> None:
        """Show a longer or a shorter time."""
        self._show_other(period=(self._period + by) % len(PERIODS))

    def action_all(self) -> None:
        """Show all queues together, or one again."""
        self._show_other(is_of_all=not self._shown.is_of_all)

    def action_queue(self, by: int) -> None:
        """Show the next queue of the overview."""
        names = [row.queue for row in self.services.board.rows]
        if names:
            place = names.index(self.queue) + by if self.queue in names else 0
            self.queue = names[place % len(names)]
            self._show_other(is_of_all=False)

    def action_more(self) -> None:
        """Show the charts that did not fit."""
        self._shown = replace(self._shown, first=(self._shown.first + self._places) % len(_CHARTS))
        self._keep()

    def _show_other(self, *, period: int | None = None, is_of_all: bool | None = None) -> None:
        self._shown = replace(
            self._shown,
            period=self._period if period is None else period,
            is_of_all=self._shown.is_of_all if is_of_all is None else is_of_all,
        )
        self._read_at = None
        self._keep()

    def _keep(self) -> None:
        self.services.kept[self.page_name, Where()] = self._shown
        self.services.memory.note(period=PERIODS[self._period].name)
        self.reload()
        self.redraw()
