"""Ctrl-C in a command that works in chunks: while one is with the store it waits, so that the tally is true.

A chunk that the store has answered, and that nobody has counted yet, would be missing from what is printed last.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

from convoy_core import OutcomeUnknown


class Interrupts:
    """While entered, Ctrl-C takes effect at once, but for what is `held`: there it waits, and a second one does not."""

    def __init__(self) -> None:
        self.is_exact = True
        """Whether everything that was sent has been answered."""
        self._is_held = False
        self._is_waiting = False
        self._is_installed = False

    def __enter__(self) -> Self:
        """Take Ctrl-C over, unless it is ignored, as behind `nohup`, or this is not the main thread."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._take)
            self._is_installed = True
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        if self._is_installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """What must not be torn apart: a request, its reply and its count. Raises KeyboardInterrupt at its end."""
        self._is_held = True
        try:
            yield
        except (KeyboardInterrupt, OutcomeUnknown):
            self.is_exact = False
            raise
        finally:
            self._is_held = False
        if self._is_waiting:
            self._is_waiting = False
            raise KeyboardInterrupt

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._is_held and not self._is_waiting:
            self._is_waiting = True
        else:
            signal.default_int_handler(number, frame)
