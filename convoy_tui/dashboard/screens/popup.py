"""A screen on top of another. It is closed once, and closes no other: Textual's own closes whatever is on top."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

ResultT = TypeVar("ResultT")


class Popup(ModalScreen[ResultT]):
    """The base of dialogs and of the help."""

    _result: tuple[ResultT | None] | None = None
    """With what it is to close, while another screen covers it."""

    def dismiss(self, result: ResultT | None = None) -> AwaitComplete:
        """Close with a result: at once, or when it is on top again. A second Esc meanwhile closes nothing."""
        if self.app.screen is self:
            return super().dismiss(result)
        if self in self.app.screen_stack:
            self._result = (result,)
        return AwaitComplete()

    def on_screen_resume(self) -> None:
        """Close now, if that was to be."""
        if self._result is not None:
            self.dismiss(*self._result)
