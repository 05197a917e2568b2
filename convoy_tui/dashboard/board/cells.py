"""The columns of any table as data, and the line of cells that a row makes.

Pure. Column widths depend only on the width of the table, so that a number with one more digit moves no column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from rich.cells import cell_len

from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone
from convoy_tui.text.health import PLAIN_STALE_SIGN, STALE_SIGN

R = TypeVar("R")

MARGIN = 2
"""Cells left of the first column, for the cursor and the tick of a selected row."""


class Align(StrEnum):
    """The alignment of a column."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """One column of a table whose rows are of type R."""

    title: str
    width: int
    cell: Callable[[R, Glyphs, int], Span]
    align: Align = Align.RIGHT
    is_name: bool = False
    """Whether it names the row: it stands out in the row under the cursor."""
    order: str = ""
    """The order that a click on the heading asks for, if there is one."""
    least: int = 0
    """The width of a table from which this column is shown; see `fitted`."""

    def head(self) -> Span:
        """The heading, padded to the width of the column."""
        return _place(Span(self.title, Tone.HEADING), self)

    def draw(self, row: R, glyphs: Glyphs) -> Span:
        """The cell of a row, padded to the width of the column."""
        return _place(self.cell(row, glyphs, self.width), self)


def _place(span: Span, column: Column[R]) -> Span:
    room = " " * max(0, column.width - cell_len(span.text))
    return span._replace(text=span.text + room if column.align is Align.LEFT else room + span.text)


def fitted(columns: Sequence[Column[R]], width: int, *, least: int = 12, most: int = 10_000) -> tuple[Column[R], ...]:
    """The columns that a table of this width shows. One of width 0 gets the cells that the others leave."""
    chosen = [column for column in columns if column.least <= width]
    taken = sum(column.width for column in chosen) + len(chosen) - 1 + MARGIN + 1
    rest = max(least, min(most, width - taken))
    return tuple(column if column.width else replace(column, width=rest) for column in chosen)


def heading(chosen: Sequence[Column[R]], marked: str = "", mark: str = "") -> Line:
    """The line of headings. That of the order `marked` is followed by the mark."""
    return joined(
        [
            _place(Span(column.title + mark, Tone.STRONG), column)
            if marked and column.order == marked
            else column.head()
            for column in chosen
        ]
    )


def cells(row: R, chosen: Sequence[Column[R]], glyphs: Glyphs, *, is_cursor: bool = False) -> Line:
    """The cells of one row. The name is emphasized in the row under the cursor."""
    spans = [column.draw(row, glyphs) for column in chosen]
    if is_cursor:
        spans = [
            span._replace(tone=Tone.STRONG) if column.is_name else span
            for span, column in zip(spans, chosen, strict=True)
        ]
    return joined(spans)


_UNKNOWN = Span("…", Tone.DIM)


def row_line(
    row: R | None,
    chosen: Sequence[Column[R]],
    glyphs: Glyphs,
    *,
    is_cursor: bool,
    is_selected: bool,
    is_stale: bool,
) -> Line:
    """The whole line of a row: the bar of the cursor, the tick of the selection, the cells. None is not known yet."""
    bar = Span(glyphs.pick("▌", ">"), Tone.ACCENT) if is_cursor else Span(" ")
    if row is None:
        return (bar, Span(" "), _UNKNOWN)
    if is_stale and not is_cursor and not is_selected:
        bar = Span(glyphs.pick(STALE_SIGN, PLAIN_STALE_SIGN), Tone.DIM)
    tick = Span(glyphs.pick("✓", "*"), Tone.ACCENT) if is_selected else Span(" ")
    return (bar, tick, *cells(row, chosen, glyphs, is_cursor=is_cursor))


def joined(spans: Sequence[Span]) -> Line:
    """Join cells with a space. Neighbours of equal tone become one span, which needs fewer bytes."""
    made: list[Span] = []
    for span in spans:
        if made and made[-1].tone is span.tone:
            made[-1] = made[-1]._replace(text=f"{made[-1].text} {span.text}")
        else:
            made.append(span if not made else span._replace(text=f" {span.text}"))
    return tuple(made)


def column_at(chosen: Sequence[Column[R]], x: int) -> Column[R] | None:
    """The column at a cell of the table, counted from its left edge."""
    x -= MARGIN
    for column in chosen:
        x -= column.width + 1
        if x < 0:
            return column
    return None
