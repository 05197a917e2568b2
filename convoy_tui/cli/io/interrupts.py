"""Ctrl-C in a command that works in chunks: it waits for the reply to a sent chunk, so that the tally is exact.

Otherwise a chunk that the store has applied, but that is not counted yet, would be missing from the printed tally.
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
    """While entered, Ctrl-C takes effect at once, but waits for a `held` block. A second Ctrl-C does not wait."""

    def __init__(self) -> None:
        self.is_exact = True
        """Whether the store has answered everything that was sent."""
        self._is_held = False
        self._is_waiting = False
        self._is_installed = False

    def __enter__(self) -> Self:
        """Handle Ctrl-C, unless it is ignored, as under `nohup`, or this is not the main thread."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._take)
            self._is_installed = True
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the previous handler."""
        if self._is_installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @property
    def is_waiting(self) -> bool:
        """Whether Ctrl-C waits for the end of a `held` block."""
        return self._is_waiting

    @contextmanager
    def held(self, *, is_second: bool = False) -> Iterator[None]:
        """Hold Ctrl-C back during a request, its reply and its count. It raises KeyboardInterrupt after the block.

        With `is_second` there was one already, and another does not wait.
        """
        self._is_held = True
        self._is_waiting = is_second
        try:
            yield
        except (KeyboardInterrupt, OutcomeUnknown):
            self.is_exact = False
            raise
        finally:
            self._is_held = False
            is_waiting, self._is_waiting = self._is_waiting and not is_second, False
        if is_waiting:
            raise KeyboardInterrupt

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._is_held and not self._is_waiting:
            self._is_waiting = True
        else:
            signal.default_int_handler(number, frame)
