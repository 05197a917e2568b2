"""The command line that does the same as a dialog, as a shell takes it. Pure."""

from __future__ import annotations

import re
import shlex

from convoy_tui.dashboard.board.board import Place
from convoy_tui.text.safe_text import safe


def command(place: Place, *words: str, remark: str = "") -> str:
    """A command of `convoy` on this store, and behind it what it does otherwise.

    >>> command(Place("embedded:", flags=("--profile", "prod")), "pause", "big trucks")
    "convoy --profile prod pause 'big trucks'"
    """
    said = " ".join(map(quoted, ("convoy", *place.flags, *words)))
    return f"{said}   # {remark}" if remark else said


def quoted(word: str) -> str:
    r"""A word as a shell takes it: plainly where that is safe, and else with escapes that bash and zsh know.

    >>> quoted("a\x1bb'")
    "$'a\\x1bb\\''"
    """
    if safe(word) == word:
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word.encode("utf-8", "surrogateescape"))) + "'"


def _escaped(byte: int) -> str:
    character = chr(byte)
    if re.match(r"[!-&(-\[\]-~ ]", character):
        return character
    return f"\\{character}" if character in "'\\" else f"\\x{byte:02x}"
