"""Which workers may claim nothing: quiet ones, those of quiet hosts, and those of too low a version; and what is lower.

The scripts compare versions as well (`bars.lua`); a test holds both to the same table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

_VERSION: Final = re.compile(r"v?([0-9][0-9.]*)(.*)", re.DOTALL)
_AFTER: Final = re.compile(r"\+|[-_.]?post")


@dataclass(frozen=True, slots=True)
class Bars:
    """Which workers of a queue may claim nothing. What they run goes on."""

    quiet_hosts: tuple[str, ...] = ()
    quiet_workers: tuple[str, ...] = ()
    lowest_version: str = ""
    """Pools of a lower version claim nothing. Empty: every pool may."""

    @property
    def are_set(self) -> bool:
        """Whether any worker could be barred."""
        return self != NO_BARS


NO_BARS: Final = Bars()


def read_bars(fields: Mapping[bytes, bytes]) -> Bars:
    """What the store holds of that."""
    names = [name.decode("utf-8", "replace") for name in fields]
    hosts, workers = (
        tuple(sorted(name.removeprefix(kind) for name in names if name.startswith(kind)))
        for kind in ("host:", "worker:")
    )
    return Bars(hosts, workers, fields.get(b"lowest", b"").decode("utf-8", "replace"))


def is_lower(version: str, lowest: str) -> bool:
    """Whether this version is lower than the lowest that may claim. What is no version, or none, is lower than any.

    Versions are numbers with dots between them, perhaps after a v; missing ones are 0. A suffix (rc1, -beta) comes
    before the version without it, unless it begins with + or post.

    >>> [is_lower(version, "1.10") for version in ("1.9.5", "v1.10", "1.10.0", "1.10rc1", "1.10+build5", "2", "main")]
    [True, False, False, True, False, False, True]
    """
    numbers, is_before = _parsed(version)
    if not numbers:
        return True
    for one, other in zip_longest(numbers, _parsed(lowest)[0], fillvalue=0):
        if one != other:
            return one < other
    return is_before


def _parsed(version: str) -> tuple[list[float], bool]:
    found = _VERSION.match(version)
    if found is None:
        return [], False
    numbers = [float(number) for number in found[1].split(".") if number]
    return numbers, bool(found[2]) and _AFTER.match(found[2]) is None
