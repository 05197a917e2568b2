"""Text in the form that the operating system takes, whatever the locale says."""

from __future__ import annotations

import os


def system_text(text: str) -> str:
    """Text that the system is handed as its UTF-8 bytes, whatever the locale: an argument, a variable, a path."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))
