"""What is kept of the traced publishes of an ID, from the store's entry, and for it. No I/O."""

from __future__ import annotations

import re
from typing import Final

from convoy_core.options import TRACEPARENT

_PART: Final = rf"(?:-|{TRACEPARENT.pattern})(?: {TRACEPARENT.pattern}){{0,2}}"

_ENTRY: Final = re.compile(f"{_PART}(?:/{_PART})?".encode())


def contexts(entry: bytes | None) -> tuple[str, ...]:
    """The contexts in an entry (see trace_entry.lua), each once; none if there is no entry, or another client's."""
    if entry is None or _ENTRY.fullmatch(entry) is None:
        return ()
    return tuple(dict.fromkeys(TRACEPARENT.findall(entry.decode())))


def linked(some: tuple[str, ...]) -> tuple[str, ...]:
    """Those that a run is linked to: its publish, and the first and the last of those that it has absorbed."""
    return some[:2] + some[2:][-1:]


def entry_of(some: tuple[str, ...]) -> bytes:
    """The entry for an ID whose run is linked to these; empty for none."""
    return " ".join(linked(some)).encode()
