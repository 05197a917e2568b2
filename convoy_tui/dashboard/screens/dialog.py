"""The base of every dialog: a title that names the environment, a body, a note, and two answers.

Esc always closes the dialog and changes nothing more. The other answer works only after the dialog has armed it, which
it does when the preview is complete, so a key typed too early does nothing. `y` gives that answer only where there is
nothing to type; a dialog with a field begins in it, and takes Ctrl+S. An action that removes IDs, or is large in
production, also requires a word to be typed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import ClassVar, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input

from convoy_core import ConvoyError
from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.spans import Line, Tone, line, wrap
from convoy_tui.dashboard.screens.popup import Popup
from convoy_tui.dashboard.services import Done, Services
from convoy_tui.dashboard.slice_runner import SliceRunner
from convoy_tui.dashboard.widgets.entry import OneLine
from convoy_tui.dashboard.widgets.lines import Lines
from convoy_tui.text.safe_text import safe

FRAME = 92
"""The largest width of a dialog in cells, the same as in `convoy.tcss`."""
Told: TypeAlias = "Iterable[Line] | Callable[[], Iterable[Line]]"
"""Lines, or what makes them for the room that a dialog has."""
_COMMAND_LINES = 3
_GAPS = 6
"""Cells before the two answers."""
log = logging.getLogger(__name__)


class Dialog(Popup[Done | None]):
    """Closes with what was done, or None if nothing was."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal")]  # noqa: RUF012 - Textual declares it so
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - Textual declares it so
    AUTO_FOCUS = "#leave"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave, change nothing", id="dialog.leave"),
        Binding("y", "say_yes", "Do it", id="dialog.yes"),
        Binding("ctrl+s", "confirm", "Do it", id="dialog.confirm", key_display="Ctrl+S"),
    ]
    heading = ""
    footing = ""
    leave_label = "Cancel"
    confirm_key = ""
    """Another key for the answer than `y` or Ctrl+S."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self._is_ready = False
        self._is_acting = False
        self._wanted = ""
        self._said: dict[str, Told] = {}
        self._shown_answer = ("", False)
        self.runner = SliceRunner(self.disarm)
        self.operation = os.urandom(4).hex()
        """What makes one entry of the audit of all that the dialog does to a queue."""

    def compose(self) -> ComposeResult:
        """The title, the body, the note and the answers."""
        with Vertical(id="frame"):
            yield from self.body()
            yield Lines(id="note")
            with Horizontal(id="typing"):
                yield Lines(id="wanted")
                yield OneLine(id="typed")
            with Horizontal(id="answers"):
                yield Button(Content(""), id="leave", compact=True)
                yield Button(Content(""), id="confirm", compact=True, disabled=True)
            yield Lines(id="command")  # last, for where there is too little room for everything

    def body(self) -> ComposeResult:
        """The widgets between the title and the answers."""
        raise NotImplementedError

    async def act(self) -> Done:
        """Do what was shown. If this raises ConvoyError, nothing was done, and the dialog stays open with the error."""
        raise NotImplementedError

    # -- for the dialogs

    @staticmethod
    def place(board: Board) -> str:
        """The environment, for the title."""
        return f" · {board.place.environment}" if board.place.environment else ""

    def arm(self, label: str, *, danger: bool = False, wanted: str = "") -> None:
        """Enable the other answer and label it. With `wanted`, only after that word has been typed."""
        self._is_ready, self._wanted = True, wanted
        self.query_one("#typing").display = bool(wanted)
        if wanted:
            self.say("#wanted", [line((f"Type {safe(wanted, 40)} to go on: ", Tone.WARNING))])
            if self.focused is self.query_one("#leave"):
                self.query_one("#typed").focus()
        self._show_answer(label, danger=danger)

    def _call_leaving(self, label: str) -> None:
        """Label the answer that closes the dialog."""
        self.leave_label = label
        label, danger = self._shown_answer
        self._show_answer(label, danger=danger)

    def disarm(self, label: str) -> None:
        """Disable the other answer."""
        self._is_ready = False
        self._show_answer(label, danger=False)

    def note(self, text: str, tone: Tone = Tone.WARNING) -> None:
        """Show a note above the answers."""
        self.query_one("#note").display = bool(text)
        self.say_wrapped("#note", text, tone)

    def show_command(self, *commands: str) -> None:
        """Show the command lines that do the same."""

        def lines() -> list[Line]:
            parts = [part for text in commands for part in self.wrapped(f"$ {safe(text)}")]
            return [line((part, Tone.DIM)) for part in parts[:_COMMAND_LINES]]

        self.query_one("#command").display = bool(commands)
        self.say("#command", lines)

    def say(self, selector: str, told: Told) -> None:
        """Show lines in one of the parts of the body; what makes them is asked again when there is other room."""
        self._said[selector] = told
        self.query_one(selector, Lines).show(told() if callable(told) else told)

    def say_wrapped(self, selector: str, text: str, tone: Tone = Tone.NORMAL, *, indent: int = 0) -> None:
        """Show a text in as many lines as it needs."""
        self.say(selector, lambda: [line((part, tone)) for part in self.wrapped(text, indent=indent)] if text else [])

    def on_resize(self) -> None:
        """Fit everything into the room that there is now."""
        frame = self.query_one("#frame")
        frame.border_title = Content(safe(self.heading, max(20, self.app.size.width - 8)))
        frame.border_subtitle = Content(self.footing if len(self.footing) <= self.room else "")
        for selector, told in self._said.items():
            self.say(selector, told)
        self._call_leaving(self.leave_label)

    def wrapped(self, text: str, *, indent: int = 0) -> list[str]:
        """Text in lines that fit into the dialog, behind an indent."""
        return [part for paragraph in text.split("\n") for part in wrap(paragraph, self.room - indent)]

    @property
    def room(self) -> int:
        """The width of the dialog's content in cells."""
        width, height = self.app.size
        return max(20, width - 4) if width < 100 or height < 30 else FRAME - 6

    # -- what keys and answers do

    def action_leave(self) -> None:
        """Close. During an action, stop after the current slice."""
        if self._is_acting:
            self.runner.stop()
        else:
            self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`y` is an answer only where there is nothing to type, and Ctrl+S only where there is something."""
        if action not in ("say_yes", "confirm") or self.confirm_key:
            return action != "say_yes"
        return (action == "confirm") is self._has_field

    def action_say_yes(self) -> None:
        """Act, if the answer is armed."""
        self.action_confirm()

    def action_confirm(self) -> None:
        """Act, if the answer is armed."""
        if self._is_armed and not self._is_acting:
            self._is_acting = True
            self.runner = SliceRunner(self.disarm)
            self.disarm("Working")
            self.run_worker(self._finish(), name="act", exit_on_error=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Enter or a click on an answer."""
        event.stop()
        if event.button.id == "leave":
            self.action_leave()
        elif event.button.id == "confirm":
            self.action_confirm()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Something was typed."""
        if event.input.id == "typed":
            self.query_one("#confirm", Button).disabled = not self._is_armed

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the box for the wanted word."""
        if event.input.id == "typed":
            self.action_confirm()

    @property
    def _has_field(self) -> bool:
        fields = self.query("OneLine, ManyLines").exclude("#typed")
        return bool(fields) or bool(self._wanted)

    @property
    def _is_armed(self) -> bool:
        return self._is_ready and (not self._wanted or self.query_one("#typed", Input).value == self._wanted)

    async def _finish(self) -> None:
        try:
            done = await self.act()
        except ConvoyError as error:
            self.note(f"Not done. {safe(str(error), 400)}", Tone.ALARM)
            self.arm("Try again", wanted=self._wanted)
        except Exception as error:
            log.exception("the dialog %r broke off", self.heading)
            self.note(
                f"Broke off, and may have done part of it. {type(error).__name__}: {safe(str(error), 300)}", Tone.ALARM
            )
        else:
            self.services.hurry()
            self.dismiss(done)
        finally:
            self._is_acting = False

    def _show_answer(self, label: str, *, danger: bool) -> None:
        self._shown_answer = (label, danger)
        leave, button = self.query_one("#leave", Button), self.query_one("#confirm", Button)
        key = self.confirm_key or ("Ctrl+S" if self._has_field else "y")
        texts = [f" Esc  {self.leave_label} ", f" {key}  {label} "]
        if sum(map(len, texts)) + _GAPS > self.room:
            texts[0] = " Esc "
        for each, text in zip((leave, button), texts, strict=True):
            each.label = Content(text)
            each.refresh(layout=True)  # a new label alone does not make it wider
        button.disabled = not self._is_armed
        button.set_class(danger, "-danger")
