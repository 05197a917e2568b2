"""What the app owes to the terminal: it ends by signals as by its key, suspends, and tells an exception in a sentence.

Nobody reads a traceback over a lost screen, and one with local values could show a password.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandInput, CommandPalette
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.widgets import Input, TextArea

from convoy_tui.dashboard.key_order import KeyOrder, Typed
from convoy_tui.dashboard.screens.help import HelpScreen
from convoy_tui.dashboard.screens.too_small import TooSmallScreen, is_too_small
from convoy_tui.dashboard.terminal import HungUp, Signalled, Terminal
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.text.safe_text import safe

_WORDS = 100
"""More characters than this are looked for by nobody, and the search for them would take long."""


class TerminalApp(App[None]):
    """An app on our own driver. Subclasses say what ending means."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority, or they would be dead in dialogs and in the palette. None of them changes anything.
        Binding("ctrl+z", "suspend", "Suspend", id="app.suspend", show=False, priority=True, key_display="Ctrl+Z"),
        Binding(
            "ctrl+c",
            "interrupt",
            "Copy, or say how to quit",
            id="app.interrupt",
            show=False,
            priority=True,
            key_display="Ctrl+C",
        ),
    ]

    filters: Sequence[LineFilter] = ()
    """What every line goes through last."""
    _is_ending = False

    def __init__(self) -> None:
        super().__init__()
        self.key_order = KeyOrder(self, self._give)

    def get_driver_class(self) -> type[Driver]:
        """Our own, unless another was asked for."""
        usual = super().get_driver_class()
        return Terminal if usual is LinuxDriver else usual

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Those of Textual, and our own."""
        return [*super().get_line_filters(), *self.filters]

    async def on_event(self, event: events.Event) -> None:
        """Let what is typed act in its order, but for the keys that work at any time."""
        if isinstance(event, Typed) and not event.is_forwarded and not self._is_urgent(event):
            await self.key_order.take(event)
        else:
            await super().on_event(event)

    async def _give(self, event: Typed) -> None:
        """Give it to where the focus is. No control character gets into a field of Textual's own."""
        if isinstance(event, events.Paste) and type(self.focused) in (Input, CommandInput):
            event.text = safe(event.text.strip(), _WORDS)
        await super().on_event(event)

    def _is_urgent(self, event: Typed) -> bool:
        bindings = self._bindings.key_to_bindings.get(event.key, ()) if isinstance(event, events.Key) else ()
        return any(each.priority for each in bindings)

    def on_resize(self) -> None:
        """Say so where the terminal is too small for any page."""
        self.call_later(self._check_size)

    def _check_size(self) -> None:
        if is_too_small(self.size) and not any(isinstance(each, TooSmallScreen) for each in self.screen_stack):
            self.push_screen(TooSmallScreen())

    def begin_end(self) -> None:
        """End, and let what runs here finish first."""
        self.exit()

    def end_now(self) -> None:
        """End, and cut short what runs here."""
        self.exit()

    def on_signalled(self, event: Signalled) -> None:
        """The first signal ends as the key does, a second one at once."""
        event.stop()
        if self._is_ending:
            self.end_now()
        else:
            self.end_once()

    def on_hung_up(self, event: HungUp) -> None:
        """The terminal is gone. The system may have sent a signal as well, or not."""
        event.stop()
        self.end_once()

    def end_once(self) -> None:
        """End, unless that has begun."""
        if not self._is_ending:
            self._is_ending = True
            self.begin_end()

    def warn(self, text: str) -> None:
        """Say something where it can be read."""

    def on_one_line_refused(self, event: OneLine.Refused) -> None:
        """Say why a field has not taken what was pasted."""
        self.warn(event.why)

    def action_interrupt(self) -> None:
        """Ctrl+C: copy what is selected in a field, or name the key that quits."""
        field = self.focused
        if isinstance(field, Input | TextArea) and field.selected_text:
            field.action_copy()
            return
        if isinstance(self.screen, CommandPalette | HelpScreen):
            self.pop_screen()  # it covers the line that says it
        self.warn("q quits. Esc leaves a dialog or a field.")

    def action_suspend(self) -> None:
        """Give the terminal to the shell until it brings this process back."""
        if self.is_web:
            self.warn("A page in a browser has no shell to go back to. q ends this dashboard.")
        else:
            self.action_suspend_process()

    def _handle_exception(self, error: Exception) -> None:
        """End with a code and one sentence. Textual would print a traceback with the values of all variables.

        Of a screen that opens while the app ends only a part is composed, and it looks for the rest in vain.
        """
        if isinstance(error, NoMatches) and self._exit:
            return
        self._return_code = 1
        if self._exception is None:
            self.panic(Text(_sentence(error)))
            self._exception = error
            self._exception_event.set()


def _sentence(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    said = safe(" ".join(str(error).split()), 300)
    return f"convoy-tui ended on an unexpected {type(error).__name__}{where}: {said}. Please report it."
