"""Text encoding in any locale: arguments are bytes, and characters that cannot be shown are escaped."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Sequence

from convoy_tui.text.safe_text import SHOWABLE, show_only


def set_up() -> None:
    """Have stdout and stderr replace characters that they cannot encode, and tables count their width."""
    show_only(None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SHOWABLE)
            if not codecs.lookup(stream.encoding).name.startswith("utf"):
                show_only(stream.encoding)


def arguments(args: Sequence[str] | None) -> list[str]:
    """The command-line arguments as UTF-8, so that an ID is the same in the C locale as in any other."""
    if args is not None:
        return list(args)
    return [os.fsencode(arg).decode("utf-8", "surrogateescape") for arg in sys.argv[1:]]
