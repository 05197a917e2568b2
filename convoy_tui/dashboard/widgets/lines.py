"""A widget that draws lines of spans. A click on a span with a key presses that key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from convoy_tui.dashboard.board.spans import Line, Tone, changed, plain
from convoy_tui.dashboard.widgets.tones import looks

_MANY = 100
"""Where more lines change than a screen shows, to tell what of each takes longer than to draw those in view."""
_SHAPES = (Tone.TREND, Tone.FAINT)


def paint(
    widget: Widget, line: Sequence[tuple[str, Tone, str]], width: int, base: Style, *, dim: bool = False
) -> Strip:
    """A line as a strip of exactly `width` cells on the base style."""
    known, segments = looks(widget), []
    for text, tone, _ in line:
        drawn = tone if not dim else Tone.FAINT if tone in _SHAPES else Tone.DIM
        segments.append(Segment(text, base + known[drawn]))
    return Strip(segments).adjust_cell_length(width, base)


def key_at(line: Line, x: int) -> str:
    """The key of the span at a cell, or an empty text."""
    for span in line:
        x -= cell_len(span.text)
        if x < 0:
            return span.key
    return ""


class Lines(Widget):
    """Lines of text. Only lines that changed are drawn again."""

    ALLOW_SELECT = False

    def __init__(self, *lines: Line, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = list(lines)

    @property
    def text(self) -> str:
        """What it says, without tones."""
        return "\n".join(map(plain, self._lines))

    def show(self, lines: Iterable[Line]) -> None:
        """Replace the lines."""
        old, self._lines = self._lines, list(lines)
        if len(old) != len(self._lines):
            self.refresh(layout=self.styles.is_auto_height)
            return
        pairs = zip(old, self._lines, strict=True)
        others = [(y, before, after) for y, (before, after) in enumerate(pairs) if before != after]
        if len(others) > _MANY:
            self.refresh()
            return
        for y, before, after in others:
            if (cells := changed(before, after)) is not None:
                self.refresh(Region(cells[0], y, cells[1] - cells[0], 1))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as the longest line."""
        return max((sum(cell_len(span.text) for span in line) for line in self._lines), default=0)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row per line."""
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        line = self._lines[y] if y < len(self._lines) else ()
        return paint(self, line, self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Press the key of what was clicked."""
        at = event.get_content_offset(self)
        if at is not None and at.y < len(self._lines) and (key := key_at(self._lines[at.y], at.x)):
            event.stop()
            self.app.simulate_key(key)
