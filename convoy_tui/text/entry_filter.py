"""The conditions on the entries of a queue: what the options of the command line and the filter box of a page mean."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from convoy_core import Entry, InvalidOption
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import duration, parse_duration

_PART = re.compile(r"""(?:(error|worker):|(age|failures)(>=?))?("[^"]*"|\S+)""")
_GLOB = re.compile(r"[*?\[]")

SYNTAX = "ID or glob, error:TEXT, age>5m, failures>3, worker:HOST"
"""What may stand in a filter box."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions on an entry. None stands for no condition."""

    match: str | None = None
    error: str | None = None
    min_failures: int | None = None
    older_than: float | None = None
    worker: str | None = None

    @property
    def needs_id_only(self) -> bool:
        """Whether it looks at nothing but the IDs."""
        return self == Filter(self.match)

    @property
    def is_empty(self) -> bool:
        """Whether every entry matches."""
        return self == Filter()

    def fits(self, entry: Entry, at: float, holder: str = "") -> bool:
        """Whether the entry matches, at the store's time `at`. An unknown value does not match."""
        if self.match is not None and not fnmatchcase(entry.id, self.match):
            return False
        if self.error is not None and self.error.lower() not in (entry.error or "").lower():
            return False
        if self.min_failures is not None and (entry.failures or 0) < self.min_failures:
            return False
        if self.worker is not None and self.worker.lower() not in f"{holder} {entry.worker or ''}".lower():
            return False
        return self.older_than is None or (entry.since is not None and at - entry.since >= self.older_than)


def parse_filter(text: str) -> Filter:
    """The filter that stands in a filter box. An ID without `*`, `?` or `[` is looked for in every ID.

    Raises InvalidOption.

    >>> parse_filter('mail:* error:"timed out" failures>=3 age>5m')
    Filter(match='mail:*', error='timed out', min_failures=3, older_than=300.0, worker=None)
    >>> parse_filter("8841").match
    '*8841*'
    """
    found = Filter()
    for field, bound, sign, value in _PART.findall(text):
        bare = value.strip('"')
        match field or bound:
            case "error":
                found = replace(found, error=bare)
            case "worker":
                found = replace(found, worker=bare)
            case "age":
                found = replace(found, older_than=parse_duration(bare))
            case "failures":
                found = replace(found, min_failures=_whole(bare) + (sign == ">"))
            case _ if found.match is not None:
                raise InvalidOption("A filter has one ID; one with a space stands in quotation marks.")
            case _:
                found = replace(found, match=bare if _GLOB.search(bare) else f"*{bare}*")
    return found


def sought_id(text: str) -> str | None:
    """The ID that a filter box may mean exactly: its whole text, if it is no glob and no other condition.

    >>> sought_id("mail:88412"), sought_id("mail:*"), sought_id("age>5m")
    ('mail:88412', None, None)
    """
    parts = _PART.findall(text)
    is_one = len(parts) == 1 and not parts[0][0] and not parts[0][1] and not _GLOB.search(text)
    return text.strip().strip('"') if is_one else None


def as_options(conditions: Filter) -> str:
    """The conditions as options of `convoy list`.

    >>> as_options(Filter("mail:*", "timed out", 3, 300.0))
    "--match 'mail:*' --error 'timed out' --min-failures 3 --older-than 5m"
    """
    parts = []
    if conditions.match is not None:
        parts.append(f"--match {shlex.quote(conditions.match)}")
    if conditions.error is not None:
        parts.append(f"--error {shlex.quote(conditions.error)}")
    if conditions.min_failures is not None:
        parts.append(f"--min-failures {conditions.min_failures}")
    if conditions.older_than is not None:
        parts.append(f"--older-than {duration(conditions.older_than)}")
    return " ".join(parts)


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InvalidOption(f"failures>{safe(text, 20)} needs a whole number.")
    return int(text)
