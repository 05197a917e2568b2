"""Draws a chart as lines of text, by plotext as textual-plotext wraps it, in the tones of its curves.

A drawing takes 20 to 60 ms, and the first one loads plotext: call it in a thread, and only where something is new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, spread
from convoy_tui.dashboard.board.timeline import Chart, time_ticks, value_text

_AXIS = 6
"""Cells of the labels of the vertical axis, whatever they are, so that charts under each other have the same zero."""
_STYLE = re.compile(r"\x1b\[([0-9;]*)m")
_COLOURS = (1, 2, 3)
"""A colour for each curve, from which its tone is told again."""
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

    parts = 4 if height >= 11 else 2
    height -= (height - 3) % parts  # so that the marks of the vertical axis are equally far apart
    plot = Plot()
    plot.plotsize(width - 1, height)
    plot._set_size(width - 1, height)  # as the widget of textual-plotext does: plotsize() alone keeps the old size
    plot.theme("clear")
    plot.xaxes(True, False)
    plot.yaxes(True, False)
    plot.xlim(chart.begin, chart.end)
    plot.ylim(0, chart.top)
    heights = (0.0, 0.5, 1.0) if height < 12 else (0.0, 0.25, 0.5, 0.75, 1.0)
    plot.yticks(
        [chart.top * part for part in heights], [f"{value_text(chart.top * part):>{_AXIS}}" for part in heights]
    )
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


def _spans(text: str, tones: dict[str, Tone]) -> Iterator[Span]:
    """A line of plotext in spans: what has the colour of a curve gets its tone, and all else is an axis."""
    tone = Tone.DIM
    for part in re.split(f"({_STYLE.pattern.replace('(', '(?:')})", text):
        if (style := _STYLE.fullmatch(part)) is not None:
            tone = tones.get(style[1].removeprefix("38;5;"), Tone.DIM)
        elif part:
            yield Span(part, tone)
