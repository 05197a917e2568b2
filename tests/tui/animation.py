"""An animated picture of a terminal: frames in, one SVG out, in which a line is drawn once however often it shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import pyte

BACKGROUND = "#0f1318"
FOREGROUND = "#d3dae3"
_WIDTH, _HEIGHT, _SIZE = 8.4, 16.5, 14
"""A cell, and the size of its font, in pixels."""
_MARGIN = 14.0


@dataclass(frozen=True, slots=True)
class Run:
    """Cells of one look in one line."""

    column: int
    text: str
    color: str
    background: str
    is_bold: bool
    is_underlined: bool


Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What was to be seen from a time on."""

    at_s: float
    lines: tuple[Line, ...]


def lines_of(screen: pyte.Screen) -> tuple[Line, ...]:
    """What a terminal shows."""
    return tuple(tuple(_runs(screen, row)) for row in range(screen.lines))


def _runs(screen: pyte.Screen, row: int) -> Iterator[Run]:
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    column = 0
    for look, group in groupby(cells, _look):
        text = "".join(cell.data for cell in group)
        if text.strip() or look[1] != BACKGROUND:
            yield Run(column, text, *look)
        column += len(text)


def _look(cell: pyte.screens.Char) -> tuple[str, str, bool, bool]:
    color = FOREGROUND if cell.fg == "default" else f"#{cell.fg}"
    background = BACKGROUND if cell.bg == "default" else f"#{cell.bg}"
    if cell.reverse:
        color, background = background, color
    if not cell.data.strip():
        color = FOREGROUND  # a blank has none, and joins what stands beside it
    return color, background, cell.bold and bool(cell.data.strip()), cell.underscore


def drawn(frames: Sequence[Frame], end_s: float, columns: int) -> str:
    """The picture, which begins again when it is at its end."""
    numbers: dict[Line, int] = {}
    shown: list[str] = []
    for row in range(len(frames[0].lines)):
        for line, spans in _spans(frames, row, end_s).items():
            if line:
                number = numbers.setdefault(line, len(numbers))
                y = f"{_MARGIN + row * _HEIGHT:g}"
                shown.append(f'<use href="#l{number}" y="{y}">{_display(spans, end_s)}</use>')
    colors = sorted({run.color for line in numbers for run in line})
    styles = "".join(f".c{place}{{fill:{color}}}" for place, color in enumerate(colors))
    width = columns * _WIDTH + 2 * _MARGIN
    height = len(frames[0].lines) * _HEIGHT + 2 * _MARGIN
    look = f'text{{font:{_SIZE}px "DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre}}'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}">',
        f"<style>{look}.b{{font-weight:bold}}.u{{text-decoration:underline}}{styles}</style>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        "<defs>",
        *(f'<g id="l{number}">{_drawn(line, colors)}</g>' for line, number in numbers.items()),
        "</defs>",
        *shown,
        "</svg>\n",
    ]
    return "\n".join(parts)


def _spans(frames: Sequence[Frame], row: int, end_s: float) -> dict[Line, list[tuple[float, float]]]:
    """When each line is to be seen in that row."""
    spans: defaultdict[Line, list[tuple[float, float]]] = defaultdict(list)
    ends = [frame.at_s for frame in frames[1:]] + [end_s]
    for line, group in groupby(zip(frames, ends, strict=True), lambda pair: pair[0].lines[row]):
        pairs = list(group)
        spans[line].append((pairs[0][0].at_s, pairs[-1][1]))
    return spans


def _display(spans: Sequence[tuple[float, float]], end_s: float) -> str:
    """Show it in these spans of time; nothing where that is always."""
    if spans == [(0.0, end_s)]:
        return ""
    steps = {0.0: "none"}
    for begin, end in spans:
        steps |= {begin: "inline", end: "none"}
    steps.pop(end_s, None)
    times = ";".join(f"{time / end_s:.5f}".rstrip("0").rstrip(".") or "0" for time in steps)
    values = ";".join(steps.values())
    return (
        f'<animate attributeName="display" values="{values}" keyTimes="{times}" dur="{end_s:g}s" '
        'calcMode="discrete" repeatCount="indefinite"/>'
    )


def _drawn(line: Line, colors: Sequence[str]) -> str:
    parts = []
    for run in line:
        text, x = run.text.strip(), _MARGIN + run.column * _WIDTH
        if run.background != BACKGROUND:
            size = f'width="{len(run.text) * _WIDTH:g}" height="{_HEIGHT + 0.5:g}"'  # no seam to the next line
            parts.append(f'<rect x="{x:g}" {size} fill="{run.background}"/>')
        if text:
            at = x + (len(run.text) - len(run.text.lstrip())) * _WIDTH
            look = f"c{colors.index(run.color)}{' b' if run.is_bold else ''}{' u' if run.is_underlined else ''}"
            place = f'x="{at:g}" y="{_HEIGHT - 4:g}" textLength="{len(text) * _WIDTH:g}"'
            parts.append(f'<text class="{look}" {place}>{escape(text)}</text>')
    return "".join(parts)
