"""Input boxes that never draw a control character, whatever was pasted."""

from __future__ import annotations

from rich.text import Text
from textual.suggester import Suggester
from textual.widgets import Input, TextArea

from convoy_tui.text.safe_text import safe

_PRINTABLE = r"[^\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]*"


class OneLine(Input):
    """One line of text. Characters that cannot be shown are dropped."""

    def __init__(
        self,
        value: str = "",
        *,
        id: str | None = None,
        placeholder: str = "",
        suggester: Suggester | None = None,
        disabled: bool = False,
    ) -> None:
        super().__init__(
            value,
            placeholder,
            restrict=_PRINTABLE,
            suggester=suggester,
            id=id,
            compact=True,
            disabled=disabled,
            select_on_focus=False,
        )


class ManyLines(TextArea):
    """Lines of text. A character that cannot be shown is kept, and drawn as a replacement character."""

    def get_line(self, line_index: int) -> Text:
        """One line as it is drawn. It keeps its number of characters, so that the cursor position is right."""
        line = super().get_line(line_index)
        if safe(line.plain) != line.plain:
            line.plain = "".join(c if c == "\t" or safe(c) == c else "�" for c in line.plain)
        return line
