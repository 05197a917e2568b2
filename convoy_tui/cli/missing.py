"""Missing IDs (committed, but in no state): read again before they are reported, with advice."""

from __future__ import annotations

import shlex
import time

from convoy_core import Details, Queue, State
from convoy_tui.text.safe_text import safe

CONFIRM_S = 0.5
"""Seconds between two reads of an ID that looks missing: a Node client leaves every ID so for a moment."""


def certain(queue: Queue, details: Details) -> Details:
    """The details, read up to twice more while the ID looks missing."""
    for _ in range(2):
        if details.is_missing:
            time.sleep(CONFIRM_S)
            details = queue.show(details.id)
    return details


def is_known(details: Details) -> bool:
    """Whether the queue knows the ID at all."""
    return details.state is not State.ABSENT or details.is_committed


def state_word(details: Details) -> str:
    """The state, or `missing`."""
    return "missing" if details.is_missing else details.state


def way_out(queue: Queue, details: Details) -> str:
    """How to free a missing ID."""
    return (
        f"ID {safe(details.id, 60)} is missing: a Node client that died between two commands leaves this behind. "
        f"To have it queued: convoy doctor {safe(shlex.quote(queue.name), 200)} --fix"
    )
