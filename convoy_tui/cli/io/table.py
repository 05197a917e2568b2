"""Lay out a table for a terminal. Pure. Long IDs are cut in the middle, and less important columns left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from convoy_tui.cli.io.styled import Styled
from convoy_tui.text.safe_text import safe

GAP = 2
NARROWEST = 12
"""The least width of a shrinkable column: fewer cells do not identify an ID."""
COMFORTABLE = 24
"""The width that a shrinkable column gets before a less important column gets any."""


class Cell(NamedTuple):
    """A piece of text with the style it is shown in."""

    text: str
    style: str = ""


class Heading(NamedTuple):
    """How one column is laid out."""

    text: str
    right: bool = False
    shrinks: bool = False
    """Whether long texts may be cut in the middle."""
    drop: int = 0
    """0 always stays. Of the others the highest number is left out first in a narrow terminal."""


def lay_out(headings: Sequence[Heading], rows: Sequence[Sequence[Cell]], width: int) -> list[Styled]:
    """The lines of the table, headings first, at most `width` cells wide if possible."""
    texts = [[safe(cell.text) for cell in row] for row in rows]
    natural = [
        max([cell_len(heading.text), *(cell_len(row[place]) for row in texts)])
        for place, heading in enumerate(headings)
    ]
    kept = _kept(headings, natural, width)
    widths = _fitted(headings, natural, kept, width)
    lines = [_line([Cell(heading.text, "bold") for heading in headings], headings, kept, widths)]
    lines += [_line(row, headings, kept, widths) for row in rows]
    return lines


def _kept(headings: Sequence[Heading], natural: Sequence[int], width: int) -> list[int]:
    kept = list(range(len(headings)))

    def least(place: int) -> int:
        return min(natural[place], COMFORTABLE) if headings[place].shrinks else natural[place]

    while sum(map(least, kept)) + GAP * (len(kept) - 1) > width:
        droppable = [place for place in kept if headings[place].drop]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda place: headings[place].drop))
    return kept


def _fitted(headings: Sequence[Heading], natural: Sequence[int], kept: Sequence[int], width: int) -> dict[int, int]:
    """The column widths. The widest shrinkable column shrinks first."""
    widths = {place: natural[place] for place in kept}
    over = sum(widths.values()) + GAP * (len(kept) - 1) - width
    while over > 0:
        giving = [place for place in kept if headings[place].shrinks and widths[place] > NARROWEST]
        if not giving:
            break
        widest = max(giving, key=lambda place: widths[place])
        others = [widths[place] for place in giving if widths[place] < widths[widest]]
        give = min(over, widths[widest] - max([NARROWEST, *others]))
        widths[widest] -= max(give, 1)
        over -= max(give, 1)
    return widths


def _line(row: Sequence[Cell], headings: Sequence[Heading], kept: Sequence[int], widths: dict[int, int]) -> Styled:
    line = Styled()
    for place in kept:
        text = safe(row[place].text, widths[place])
        blank = " " * (widths[place] - cell_len(text))
        is_last = place == kept[-1]
        if headings[place].right:
            line.append(blank)
        line.append(text, row[place].style)
        if not headings[place].right and not is_last:
            line.append(blank)
        if not is_last:
            line.append(" " * GAP)
    return line.without_trailing_space()
