"""Lines of text with a tone for each part: what the pure half hands to the widgets.

Rule: a `Span` may reach a terminal as it is, so text from the store goes through `safe` before it becomes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size


class Tone(StrEnum):
    """What a piece of text means; the theme decides how that looks."""

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
    PRODUCTION = "production"
    STAGING = "staging"
    LOCAL = "local"


class Span(NamedTuple):
    """A piece of a line. A press on one with a `key` is a press of that key."""

    text: str
    tone: Tone = Tone.NORMAL
    key: str = ""

    @property
    def cells(self) -> int:
        """How many cells it takes."""
        return cell_len(self.text)


Line: TypeAlias = "tuple[Span, ...]"


def line(*parts: Span | str | tuple[str, Tone]) -> Line:
    """A line from its parts."""
    return tuple(
        part if isinstance(part, Span) else Span(part) if isinstance(part, str) else Span(*part) for part in parts
    )


def width(spans: Iterable[Span]) -> int:
    """How many cells a line takes."""
    return sum(cell_len(span.text) for span in spans)


def plain(spans: Iterable[Span]) -> str:
    """The text alone."""
    return "".join(span.text for span in spans)


def clip(spans: Sequence[Span], room: int, *, ellipsis: str = "…") -> Line:
    """The line cut at its end to `room` cells."""
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


def spread(left: Sequence[Span], right: Sequence[Span], room: int) -> Line:
    """Both ends of a line, with what is left over between them; the left end gives way."""
    gap = room - width(left) - width(right)
    if gap < 1:
        left = clip(left, max(0, room - width(right) - 1))
        gap = max(1, room - width(left) - width(right))
    return (*left, Span(" " * gap), *right)


def wrap(text: str, room: int) -> list[str]:
    """Text in lines of up to `room` cells, broken between words, or inside one that is longer than a line."""
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
