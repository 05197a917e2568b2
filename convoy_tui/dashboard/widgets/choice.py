"""A choice of one among a few options, one per line, by arrow keys or a click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone
from convoy_tui.dashboard.widgets.lines import Lines


class Choice(Lines, can_focus=True):
    """A few options, one of which is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "choose(1)", "Next option", id="choice.next", show=False),
        Binding("up,k", "choose(-1)", "Previous option", id="choice.previous", show=False),
        Binding("space", "choose(1)", "Next option", id="choice.cycle", show=False),
    ]

    @dataclass
    class Changed(Message):
        """Another option was chosen."""

        index: int

    def __init__(self, options: Sequence[str], glyphs: Glyphs, *, id: str | None = None, index: int = 0) -> None:
        self._options = options
        self._glyphs = glyphs
        self.index = index
        super().__init__(*self._draw(), id=id)

    def action_choose(self, by: int) -> None:
        """Choose the next or the previous option."""
        self._choose((self.index + by) % len(self._options))

    def on_click(self, event: events.Click) -> None:
        """Choose the option that was clicked."""
        at = event.get_content_offset(self)
        if at is not None and at.y < len(self._options):
            self._choose(at.y)

    def _choose(self, index: int) -> None:
        if index != self.index:
            self.index = index
            self.show(self._draw())
            self.post_message(self.Changed(index))

    def _draw(self) -> list[Line]:
        chosen = self._glyphs.pick("(•)", "(*)")
        return [
            (
                Span(chosen if i == self.index else "( )", Tone.ACCENT if i == self.index else Tone.DIM),
                Span(f" {text}", Tone.NORMAL if i == self.index else Tone.DIM),
            )
            for i, text in enumerate(self._options)
        ]
