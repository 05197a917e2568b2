"""The driver of a dashboard in a browser: Textual's, with packets that stay whole on the pipe."""

from __future__ import annotations

import os
import threading
from typing import Any

from textual.app import App
from textual.drivers.web_driver import WebDriver


class WebTerminal(WebDriver):
    """Writes one packet at a time.

    The screen is drawn by one thread, and files are delivered by another. A pipe mixes what two write at once, and
    whoever reads it would take the one for the other.
    """

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._lock = threading.Lock()
        self._write = self._write_whole  # type: ignore[assignment]  # all of Textual's packets go through this

    def _write_whole(self, packet: bytes) -> int:
        with self._lock:
            rest = memoryview(packet)
            while rest:
                rest = rest[os.write(self.fileno, rest) :]
        return len(packet)
