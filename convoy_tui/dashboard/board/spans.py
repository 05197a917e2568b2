"""Lines of text with a tone for each part, as the board passes them to the widgets.

Rule: a `Span` may reach a terminal unchanged, so text from the store passes through `safe` before it becomes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

_WIDEST = 2
"""Cells of the widest character: less room than that cannot be filled."""


class Tone(StrEnum):
    """The meaning of a piece of text. The theme decides how it looks."""

    NORMAL = "normal"
    STRONG = "strong"
    DIM = "dim"
    ALARM = "alarm"
    WARNING = "warning"
    FINE = "fine"
    DELIBERATE = "deliberate"
    HEADING = "heading"
    KEY = "key"
    ACCENT = "accent"
    TREND = "trend"
    FAINT = "faint"
    CURVE_1 = "curve-1"
    CURVE_2 = "curve-2"
    CURVE_3 = "curve-3"
    PRODUCTION = "production"
    STAGING = "staging"
    LOCAL = "local"
    PAST = "past"


class Span(NamedTuple):
    """A piece of a line. A click on a span with a `key` counts as a press of that key."""

    text: str
    tone: Tone = Tone.NORMAL
    key: str = ""

    @property
    def cells(self) -> int:
        """Its width in cells."""
        return cell_len(self.text)


Line: TypeAlias = "tuple[Span, ...]"


def line(*parts: Span | str | tuple[str, Tone]) -> Line:
    """A line from its parts."""
    return tuple(
        part if isinstance(part, Span) else Span(part) if isinstance(part, str) else Span(*part) for part in parts
    )


def width(spans: Iterable[Span]) -> int:
    """The width of a line in cells."""
    return sum(cell_len(span.text) for span in spans)


def plain(spans: Iterable[Span]) -> str:
    """The text without tones."""
    return "".join(span.text for span in spans)


def changed(before: Sequence[Span], after: Sequence[Span]) -> tuple[int, int] | None:
    """The first cell that differs between two lines, and the one behind the last; None if none does.

    A terminal over a slow line is sent no more than these.
    """
    if before == after:
        return None
    old = [(letter, span.tone) for span in before for letter in span.text]
    new = [(letter, span.tone) for span in after for letter in span.text]
    if old == new:
        return None
    if len(old) != len(new) or len(new) != width(after) or len(old) != width(before):
        return 0, max(width(before), width(after))  # a letter is not always a cell
    differing = [place for place, (was, now) in enumerate(zip(old, new, strict=True)) if was != now]
    return differing[0], differing[-1] + 1


def clip(spans: Sequence[Span], room: int, *, ellipsis: str = "…") -> Line:
    """The line, cut at its end to `room` cells."""
    if width(spans) <= room:
        return tuple(spans)
    kept: list[Span] = []
    room -= cell_len(ellipsis)
    for span in spans:
        cells = cell_len(span.text)
        if cells >= room:
            kept.append(span._replace(text=set_cell_size(span.text, max(0, room)) + ellipsis))
            break
        kept.append(span)
        room -= cells
    return tuple(kept)


def cut(text: str, room: int) -> str:
    """Text whose beginning says most, cut at its end."""
    return plain(clip((Span(text),), room))


def spread(left: Sequence[Span], right: Sequence[Span], room: int) -> Line:
    """Both ends of a line with space between them. If they do not fit, the left end is cut."""
    gap = room - width(left) - width(right)
    if gap < 1:
        left = clip(left, max(0, room - width(right) - 1))
        gap = max(1, room - width(left) - width(right))
    return (*left, Span(" " * gap), *right)


def fold(spans: Iterable[Span], room: int, indent: int = 0) -> list[Line]:
    """A line in lines of up to `room` cells, broken between words if one ends near; the others are indented."""
    room = max(room, indent + _WIDEST)
    lines: list[Line] = []
    current: list[Span] = []
    left = room
    for span in spans:
        text = span.text
        while cell_len(text) > left:
            head = set_cell_size(text, left).rstrip() if left else ""
            if text[len(head) : len(head) + 1] not in ("", " ") and " " in head.strip()[len(head) // 2 :]:
                head = head[: head.rindex(" ")]
            current.append(span._replace(text=text[: len(head)]))
            text = text[len(head) :].lstrip() if head else text
            lines.append(tuple(current))
            current, left = [Span(" " * indent)], room - indent
        current.append(span._replace(text=text))
        left -= cell_len(text)
    return [*lines, tuple(current)]


def wrap(text: str, room: int) -> list[str]:
    """Text in lines of up to `room` cells, broken between words, or inside a word that is longer than a line."""
    room = max(room, _WIDEST)
    lines: list[str] = []
    current = ""
    for part in text.split(" "):
        word = part
        while cell_len(word) > room:
            head = set_cell_size(word, room)
            if current:
                lines.append(current)
                current = ""
            lines.append(head)
            word = word[len(head.rstrip()) or 1 :]
        if current and cell_len(current) + 1 + cell_len(word) > room:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    return [*lines, current] if current or not lines else lines
