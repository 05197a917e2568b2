"""Lays out the help of a command: plain text of the terminal's width, with bold headings on a terminal. No I/O."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

MOST_COLUMNS: Final = 100
"""Longer lines are hard to read."""

_INDENT: Final = "  "
_GAP: Final = 2
_WIDEST_TERM: Final = 28
"""The description of a longer term begins below it."""


class Row(NamedTuple):
    """A term, as the name of a command or an option with its value, and its description."""

    term: str
    text: str


class Section(NamedTuple):
    """Rows under a heading."""

    heading: str
    rows: Sequence[Row]


def lay_out(usage: str, text: str, sections: Iterable[Section], notes: Sequence[str], columns: int) -> str:
    """The page. In `text` and `notes` a paragraph that is indented somewhere is kept as it is."""
    width = min(columns, MOST_COLUMNS)
    blocks = [_wrapped(usage, width, hanging=" " * len("Usage: ")), *_paragraphs(text, width)]
    blocks += [_section(section, width) for section in sections if section.rows]
    blocks += [line for note in notes for line in _paragraphs(note, width)]
    return "\n\n".join(blocks)


def _paragraphs(text: str, width: int) -> list[str]:
    return [
        paragraph if "\n  " in paragraph else _wrapped(" ".join(paragraph.split()), width)
        for paragraph in text.strip().split("\n\n")
        if paragraph
    ]


def _section(section: Section, width: int) -> str:
    terms = [len(row.term) for row in section.rows if len(row.term) <= _WIDEST_TERM]
    column = len(_INDENT) + max(terms, default=_WIDEST_TERM) + _GAP
    lines = [f"{section.heading}:"]
    for term, text in section.rows:
        head = f"{_INDENT}{term}".ljust(column)
        if len(term) > _WIDEST_TERM:
            lines.append(head.rstrip())
            head = " " * column
        lines.append(_wrapped(text, width, first=head, hanging=" " * column).rstrip())
    return "\n".join(lines)


def _wrapped(text: str, width: int, *, first: str = "", hanging: str = "") -> str:
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) or first


def emphasized(page: str) -> str:
    """The page with its headings in bold, for a terminal that shows them so."""
    return "\n".join(
        f"\x1b[1m{line}\x1b[0m" if line.endswith(":") and not line.startswith(" ") else line
        for line in page.split("\n")
    )
