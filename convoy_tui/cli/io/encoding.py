"""Text on its way in and out, whatever the locale: arguments are bytes, and what cannot be shown is escaped."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Sequence

from convoy_core import decode_id
from convoy_tui.text.safe_text import SHOWABLE, show_only


def set_up() -> None:
    """Have stdout and stderr show what they cannot encode as something that they can, and tables count on it."""
    show_only(None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SHOWABLE)
            if not codecs.lookup(stream.encoding).name.startswith("utf"):
                show_only(stream.encoding)


def arguments(args: Sequence[str] | None) -> list[str]:
    """The command line's words as UTF-8; an ID published under the C locale is the same as under any other."""
    return [decode_id(os.fsencode(arg)) for arg in sys.argv[1:]] if args is None else list(args)
