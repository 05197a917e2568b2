"""How a tone looks: resolved once for the app, and not once for each widget that draws text.

Textual resolves a component class for every widget that has it, each time that the widget's own styles are resolved.
With some twenty tones and some dozen widgets on a page, that was most of the time in which a page opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

from rich.style import Style
from textual.app import App
from textual.widget import Widget

from convoy_tui.dashboard.board.spans import Tone


class TonedApp(App[None]):
    """An app whose style sheet says how each tone looks, by the classes `tone--…`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tone--{tone}" for tone in Tone}

    _looks: Mapping[Tone, Style] | None = None

    @property
    def looks(self) -> Mapping[Tone, Style]:
        """The colours and attributes of each tone, without those of what it is drawn on."""
        if self._looks is None:
            self._looks = {tone: self.get_component_styles(f"tone--{tone}").partial_rich_style for tone in Tone}
        return self._looks

    def notify_style_update(self) -> None:
        """Look again: another theme has been chosen."""
        super().notify_style_update()
        self._looks = None


def looks(widget: Widget) -> Mapping[Tone, Style]:
    """How each tone looks in the widget's app."""
    return cast("TonedApp", widget.app).looks
