"""What a wide overview shows besides: charts of the queue under the cursor, and the last acts of operators."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from textual.app import ComposeResult
from textual.containers import Container

from convoy_core import ConvoyError
from convoy_tui.dashboard.board.activity import outcome
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.inspector import rule
from convoy_tui.dashboard.board.spans import Line, Tone, clip, line, wrap
from convoy_tui.dashboard.board.timeline import PERIODS, Chart, charts
from convoy_tui.dashboard.plotting import plotted
from convoy_tui.dashboard.reading.activity import AuditReader
from convoy_tui.dashboard.reading.courses import read_course
from convoy_tui.dashboard.screens.page import Page
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age

WIDE, TALL = 160, 30
"""The least width and height of a screen with room for this."""
_PERIOD = PERIODS[1]
_SETTLE_S = 0.15
"""A cursor that stays for so long on a queue is meant."""
_ACTS_S = 5.0
_BELOW = 12
"""The least lines that charts below the table need."""
_PLACES = {"side-chart": 0, "below-1": 1, "below-2": 3}
"""Which chart stands in which part."""


@dataclass(frozen=True, slots=True)
class _Of:
    """What charts are about: a queue, and the end of their time where that is in the past."""

    queue: str
    end: float | None


class Beside:
    """The parts of a wide overview beside its table, and what they show."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._reader = AuditReader(page.services.source.fleet)
        self._acts_at: float | None = None
        self._of: _Of | None = None
        self._read_at = 0.0
        self._charts: tuple[Chart, ...] = ()
        self._drawn: Hashable = None
        self._pictures: dict[str, Sequence[Line]] = {}
        self._trouble = ""

    # -- the widgets

    @staticmethod
    def side() -> ComposeResult:
        """Below the inspector."""
        for name in ("side-rule", "side-chart", "acts-rule", "acts"):
            yield Lines(id=name)

    @staticmethod
    def below() -> ComposeResult:
        """Below the table."""
        with Container(id="below"):
            yield Lines(id="below-1")
            yield Lines(id="below-2")

    @property
    def has_room(self) -> bool:
        """Whether the screen is wide and high enough."""
        width, height = self._page.size
        return width >= WIDE and height >= TALL

    def fit(self, left: int) -> None:
        """Show charts below the table where it leaves enough lines for them."""
        self._page.query_one("#below").display = self.has_room and left >= _BELOW

    # -- reading

    async def load(self, queue: str | None, board: Board) -> None:
        """Read what is due, and draw the charts where something is new."""
        if not self.has_room:
            return
        try:
            await self._load_acts()
            if queue is not None:
                await self._load_charts(_Of(queue, board.past.at if board.past is not None else None), board)
        except ConvoyError as error:  # the overview itself is as it was
            self._acts_at, self._trouble = time.monotonic(), str(error)

    async def _load_acts(self) -> None:
        if self._acts_at is None or time.monotonic() - self._acts_at >= _ACTS_S:
            await self._reader.read([row.queue for row in self._page.services.board.rows])
            self._acts_at, self._trouble = time.monotonic(), ""

    async def _load_charts(self, of: _Of, board: Board) -> None:
        if of != self._of:
            await asyncio.sleep(_SETTLE_S)
        found, read_at = self._charts, self._read_at
        if of != self._of or time.monotonic() - read_at >= _PERIOD.every_s:
            end = _PERIOD.end(of.end or board.link.read_at or time.time())
            course = await read_course(self._page.services.source.fleet, of.queue, _PERIOD, end)
            found, read_at = charts(course, _PERIOD, end), time.monotonic()
        await self._plot(found)
        self._charts, self._of, self._read_at = found, of, read_at  # with the pictures: what is shown is of this queue

    async def _plot(self, found: tuple[Chart, ...]) -> None:
        sizes = {name: self._page.query_one(f"#{name}").size for name in _PLACES}
        wanted = (found, tuple(sizes.values()))
        if wanted == self._drawn:
            return
        glyphs, has_colour = self._page.services.glyphs, not self._page.app.no_color

        def draw() -> dict[str, Sequence[Line]]:
            return {
                name: plotted(found[_PLACES[name]], size.width, size.height, glyphs, has_colour=has_colour)
                for name, size in sizes.items()
                if size.height
            }

        self._pictures = await asyncio.to_thread(draw)
        self._drawn = wanted

    # -- showing

    def draw(self, queue: str | None, board: Board) -> None:
        """Everything, in a screen with room for it."""
        for name in ("side-rule", "side-chart", "acts-rule", "acts"):
            self._page.query_one(f"#{name}").display = self.has_room
        if not self.has_room:
            return
        width, glyphs = self._page.query_one("#side").size.width or 60, self._page.services.glyphs
        self._page.say("#side-rule", [rule(f"the last {_PERIOD.name}", width, glyphs)])
        self._page.say("#acts-rule", [rule("activity", width, glyphs)])
        is_of_it = self._of == (_Of(queue, board.past.at if board.past is not None else None) if queue else None)
        for name in _PLACES:
            lines = self._pictures.get(name, []) if is_of_it else []
            self._page.say(f"#{name}", _dimmed(lines) if board.is_stale else lines)
        self._page.say("#acts", list(self._acts(board, width)))

    def _acts(self, board: Board, width: int) -> Iterable[Line]:
        now = board.past.at if board.past is not None else board.link.read_at or 0.0
        most = max(1, self._page.query_one("#acts").size.height)
        then = (entry for entry in self._reader.listed() if entry.at <= now or board.past is None)
        entries = list(islice(then, most))
        if self._trouble:
            for part in wrap(safe(self._trouble, 400), width - 2)[:6]:
                yield line((f" {part}", Tone.WARNING))
        elif not entries:
            yield line((" Nobody has done anything that is kept.", Tone.DIM))
        for entry in entries:
            ago = age(max(0.0, now - entry.at))
            yield clip(
                line(
                    *((f" {ago:>6} ", Tone.DIM), (f"{safe(entry.who, 14)} ", Tone.NORMAL)),
                    (f"{safe(entry.verb, 9)} ", Tone.STRONG),
                    *(safe(entry.queue, 20), (f" {safe(outcome(entry), 30)}", Tone.DIM)),
                ),
                width,
            )


def _dimmed(lines: Sequence[Line]) -> list[Line]:
    return [tuple(span._replace(tone=Tone.DIM) for span in each) for each in lines]
