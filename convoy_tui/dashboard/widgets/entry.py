"""Input boxes that never draw a control character, whatever was pasted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.document._document_navigator import DocumentNavigator
from textual.document._wrapped_document import WrappedDocument
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, TextArea

from convoy_tui.dashboard.widgets.exact_lines import ExactLines
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number

_SHOWABLE = r"[^\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]*"


class OneLine(Input):
    """One line of text. A paste that cannot be taken whole is refused, with the reason."""

    @dataclass
    class Refused(Message):
        """Nothing of what was pasted has been taken."""

        why: str

    def __init__(
        self,
        value: str = "",
        *,
        id: str | None = None,
        placeholder: str = "",
        suggester: Suggester | None = None,
        disabled: bool = False,
        passes: str = "",
    ) -> None:
        """`passes`: characters that it does not take, and leaves to the keys of the screen."""

        super().__init__(
            value,
            placeholder,
            restrict=_SHOWABLE,
            suggester=suggester,
            id=id,
            compact=True,
            disabled=disabled,
            select_on_focus=False,
        )
        self._passes = passes

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether it takes a key for itself."""
        return (character or "\0") not in self._passes and super().check_consume_key(key, character)

    def on_key(self, event: events.Key) -> None:
        """Pass on what it does not take."""
        if event.character is not None and event.character in self._passes:
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Take one line, or nothing."""
        text = event.text.strip("\r\n")
        if why := _no_line(text):
            self.post_message(self.Refused(why))
        else:
            self.replace(text, *self.selection)
        event.prevent_default()
        event.stop()


def _no_line(text: str) -> str:
    """Why a field of one line does not take it, or an empty text."""
    if lines := len(re.findall("\r\n|\r|\n", text)):
        return f"Nothing was pasted: this field takes one line, and these are {number(lines + 1)}."
    if hidden := re.sub(_SHOWABLE, "", text):
        return f"Nothing was pasted: this field takes no {safe(hidden[0])}."
    return ""


class ManyLines(TextArea):
    """Lines of text. A character that cannot be shown is kept, and drawn as a replacement character."""

    def _set_document(self, text: str, language: str | None) -> None:
        super()._set_document("", language)
        self.document = ExactLines(text)
        self.wrapped_document = WrappedDocument(self.document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._rewrap_and_refresh_virtual_size()

    def get_line(self, line_index: int) -> Text:
        """One line as it is drawn. It keeps its number of characters, so that the cursor position is right."""
        line = super().get_line(line_index)
        if safe(line.plain) != line.plain:
            line.plain = "".join(c if c == "\t" or safe(c) == c else "�" for c in line.plain)
        return line
