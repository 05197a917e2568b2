"""Draws a chart as lines of text, by plotext as textual-plotext wraps it, in the tones of its curves.

A drawing takes 20 to 60 ms, and the first one loads plotext: call it in a thread, and only where something is new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, spread
from convoy_tui.dashboard.board.timeline import COUNTED, Chart, time_ticks, value_text

_AXIS = 6
"""Cells of the labels of the vertical axis, whatever they are, so that charts under each other have the same zero."""
_STYLE = re.compile(r"\x1b\[([0-9;]*)m")
_COLOURS = (1, 2, 3)
"""A colour for each curve, from which its tone is told again."""
_TALL = 12
"""From this height on, the vertical axis has room for marks at its quarters."""
_MARKERS = "*ox"
"""What curves are drawn with where they cannot differ by colour."""
_PLAIN = str.maketrans("─│┤├┼┬┴└┘┌┐", "-|+++++++++")


def plotted(chart: Chart, width: int, height: int, glyphs: Glyphs, *, has_colour: bool) -> list[Line]:
    """The chart in so many cells: what each curve is, and its last value; then the curves, on axes from 0 up."""
    is_alike = not has_colour and len(chart.curves) > 1
    marked = glyphs.is_ascii or is_alike
    head = _legend(chart, width, marked=marked)
    if height < 4 or width < 24:
        return [head]
    if not any(curve.pieces for curve in chart.curves):
        return [head, (), line(("       nothing was kept of this time", Tone.DIM))]
    return [head, *_drawing(chart, width, height - 1, glyphs, marked=marked)]


def _legend(chart: Chart, width: int, *, marked: bool) -> Line:
    spans: list[Span] = [Span(" ")]
    for curve, marker in zip(chart.curves, _MARKERS, strict=False):
        last = "-" if curve.last is None else value_text(curve.last)
        spans += [Span(f"{marker} {curve.name}" if marked else curve.name, curve.tone), Span(f" {last}   ")]
    unit = Span(f"{chart.unit} ", Tone.DIM)
    return spread(clip(spans, width - unit.cells - 1), (unit,), width)


def _drawing(chart: Chart, width: int, height: int, glyphs: Glyphs, *, marked: bool) -> list[Line]:
    from textual_plotext import Plot  # noqa: PLC0415 - no other screen needs it, and the first frame would wait

    parts = _parts(chart, height)
    height -= (height - 3) % (4 if height >= _TALL else 2)  # so that marks are equally far apart, and the zeros level
    plot = Plot()
    plot.plotsize(width - 1, height)
    plot._set_size(width - 1, height)  # as the widget of textual-plotext does: plotsize() alone keeps the old size
    plot.theme("clear")
    plot.xaxes(True, False)
    plot.yaxes(True, False)
    plot.xlim(chart.begin, chart.end)
    plot.ylim(0, chart.top)
    marks = [chart.top * part / parts for part in range(parts + 1)]
    plot.yticks(marks, [f"{value_text(mark):>{_AXIS}}" for mark in marks])
    times = time_ticks(chart.begin, chart.end, max(1, (width - _AXIS) // 11))
    plot.xticks([at for at, _ in times], [label for _, label in times])
    for curve, colour, marker in zip(chart.curves, _COLOURS, _MARKERS, strict=False):
        for piece in curve.pieces:
            plot.plot(
                [at for at, _ in piece],
                [value for _, value in piece],
                marker=marker if marked else "hd",
                color=colour,
            )
    tones = {str(colour): curve.tone for colour, curve in zip(_COLOURS, chart.curves, strict=False)}
    text = plot.build()
    if glyphs.is_ascii:
        text = text.translate(_PLAIN)
    return [tuple(_spans(each, tones)) for each in text.splitlines()]


def _parts(chart: Chart, height: int) -> int:
    """Into how many parts marks divide the vertical axis. There is no half ID."""
    return 4 if height >= _TALL and (chart.unit != COUNTED or chart.top % 4 == 0) else 2


def _spans(text: str, tones: dict[str, Tone]) -> Iterator[Span]:
    """A line of plotext in spans: what has the colour of a curve gets its tone, and all else is an axis."""
    tone = Tone.DIM
    for part in re.split(f"({_STYLE.pattern.replace('(', '(?:')})", text):
        if (style := _STYLE.fullmatch(part)) is not None:
            tone = tones.get(style[1].removeprefix("38;5;"), Tone.DIM)
        elif part:
            yield Span(part, tone)
