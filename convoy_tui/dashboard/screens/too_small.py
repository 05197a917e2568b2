"""What a terminal shows that is too small for any page. It goes by itself, and everything behind it goes on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size

from convoy_tui.dashboard.board.spans import Tone, line, wrap
from convoy_tui.dashboard.screens.popup import Popup
from convoy_tui.dashboard.widgets.lines import Lines

LEAST = Size(60, 16)
"""The smallest terminal that pages and dialogs are laid out for."""


def is_too_small(size: Size) -> bool:
    """Whether neither pages nor dialogs can be read there."""
    return size.width < LEAST.width or size.height < LEAST.height


class TooSmallScreen(Popup[None]):
    """Says how small the terminal is, and how large it must be."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.quit", "Quit", id="small.quit")]

    def compose(self) -> ComposeResult:
        """A few lines from the top left."""
        yield Lines(id="small")

    def on_resize(self) -> None:
        """Say it anew, or go."""
        size = self.app.size
        if not is_too_small(size):
            self.dismiss(None)
            return
        told = (
            f"This terminal has {size.width} x {size.height} cells. Convoy needs {LEAST.width} x {LEAST.height}. "
            "Make it larger; everything goes on meanwhile. q quits."
        )
        self.query_one("#small", Lines).show([line((part, Tone.WARNING)) for part in wrap(told, size.width)])

    def on_screen_resume(self) -> None:
        """What covered it may have seen the terminal grow."""
        super().on_screen_resume()
        if not is_too_small(self.app.size):
            self.dismiss(None)
