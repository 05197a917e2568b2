"""Whether anybody can see the dashboard: on a terminal, or on a page behind Textual's web driver."""

from __future__ import annotations

import os
import select
import sys
from typing import Final

WEB_DRIVER: Final = "convoy_tui.dashboard.web_terminal:WebTerminal"
"""Ours. Other web servers for Textual have theirs, which is much the same."""


def is_in_browser() -> bool:
    """Whether a web server has started this process: its stdin and stdout are pipes to the page."""
    return os.environ.get("TEXTUAL_DRIVER") in (WEB_DRIVER, "textual.drivers.web_driver:WebDriver")


def is_watched() -> bool:
    """Whether the terminal is still open, or the web server still there."""
    return _is_piped() if is_in_browser() else sys.stdout.isatty()


def _is_piped() -> bool:
    """Whether both pipes still have their other ends: of a server that was killed nothing else tells."""
    if sys.platform == "win32":
        return True
    poll = select.poll()
    for stream in (sys.__stdin__, sys.__stdout__):
        if stream is not None:
            poll.register(stream.fileno(), 0)  # only the end of a pipe is reported when nothing is asked for
    return not poll.poll(0)
