"""Scratch queues, for demonstrations and measurements: under prefixes where nothing is kept, and erased afterwards."""

from __future__ import annotations

from collections.abc import Iterable

from convoy_core import validation
from convoy_core.moves.erasing import SCRATCH_PREFIXES, erase
from convoy_core.queue import Fleet

__all__ = ["SCRATCH_PREFIXES", "erase_scratch"]


def erase_scratch(fleet: Fleet, names: Iterable[str]) -> int:
    """Remove every key of these queues. Returns how many keys there were.

    Raises InvalidOption where the fleet's prefix is none of `SCRATCH_PREFIXES`, so that no queue of use can be meant.
    """
    validation.one_of("fleet", fleet, Fleet, "a Fleet")
    fleet._connection.check_writable()
    return fleet._connection.drive(erase(fleet._connection.keyspace, names))
