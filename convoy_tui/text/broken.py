"""What broke in a queue: the newest error and the commonest, in a sentence. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from convoy_core import FailureGroups
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number

LOOKED_AT: Final = 5000
"""The commonest error is told from about so many of the failed IDs."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The errors of one queue, as they are stored; empty where there is none."""

    newest: str = ""
    commonest: str = ""
    count: int = 0
    """How many of the failed IDs have the commonest."""
    of: int = 0
    """How many were looked at."""

    @property
    def is_known(self) -> bool:
        """Whether there is any error to show."""
        return bool(self.newest or self.commonest)


def what_broke(newest: str, groups: FailureGroups) -> Broken:
    """The errors of a queue, from the last entry of its log and from some of its failed IDs."""
    if not groups.groups:
        return Broken(newest)
    largest = groups.groups[0]
    return Broken(newest, largest.message or largest.what, largest.count, groups.total)


def error_line(error: str, room: int) -> str:
    """An error in one line: its first, since the others are a traceback or what a command has written."""
    lines = error.strip().splitlines()
    return safe(lines[0] if lines else "", room)


def told(broken: Broken) -> str:
    """Both errors as sentences.

    >>> told(Broken("ValueError: 7", "ValueError: 5", 8, 9))
    'Commonest error, 8 of 9: ValueError: 5. Newest: ValueError: 7.'
    """
    parts = []
    if broken.commonest:
        parts.append(f"Commonest error, {share(broken)}: {error_line(broken.commonest, 200).rstrip('.')}.")
    if broken.newest and broken.newest != broken.commonest:
        parts.append(f"Newest: {error_line(broken.newest, 200).rstrip('.')}.")
    return " ".join(parts)


def share(broken: Broken) -> str:
    """How many of the failed IDs have the commonest error."""
    return f"{number(broken.count)} of {number(broken.of)}"
