"""What a stream's terminal is like: its width, and whether it shows colours."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final, TextIO

_USUAL_WIDTH: Final = 80


def width_of(file: TextIO) -> int:
    """Columns: COLUMNS, else those of the terminal that the stream or stdin is open on, else 80."""
    if (columns := os.environ.get("COLUMNS", "")).isdecimal() and int(columns):
        return int(columns)
    for descriptor in (file.fileno, lambda: 0):
        with suppress(OSError, ValueError):
            return os.get_terminal_size(descriptor()).columns or _USUAL_WIDTH
    return _USUAL_WIDTH


def shows_colors(file: TextIO) -> bool:
    """Whether it is a terminal that knows control sequences, and nobody has asked for none (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown") or not file.isatty():
        return False
    return sys.platform != "win32" or "WT_SESSION" in os.environ  # the old console of Windows knows none
