"""A document that ends lines where a terminal does, and nowhere else: an ID may hold any other character.

Textual's own also ends them at form feeds, at U+2028 and at some more, so that one ID would become two.
"""

from __future__ import annotations

import re

from textual.document._document import Document, EditResult, Location

_ENDS = re.compile("\r\n|\r|\n")


class ExactLines(Document):
    """Lines of exactly the text that was put in."""

    def __init__(self, text: str) -> None:
        super().__init__("")
        self._lines = _ENDS.split(text)

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """Put text in the place of a part."""
        (top, left), (bottom, right) = sorted((start, end))
        replaced = self.get_text_range((top, left), (bottom, right))
        new = _ENDS.split(text)
        new[0] = self._part(top)[:left] + new[0]
        cursor = (top + len(new) - 1, len(new[-1]))
        new[-1] += self._part(bottom)[right:]
        self._lines[top : bottom + 1] = new
        return EditResult(cursor, replaced)

    def _part(self, row: int) -> str:
        return self._lines[row] if row < len(self._lines) else ""
