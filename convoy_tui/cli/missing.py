"""IDs that are committed and in no place: looked at again before that is said, and then with what to do."""

from __future__ import annotations

import shlex
import time

from convoy_core import Details, Queue, State
from convoy_tui.text.safe_text import safe

CONFIRM_S = 0.5
"""A Node client leaves an ID committed but nowhere for a moment, so what looks like that is looked at again."""


def certain(queue: Queue, details: Details) -> Details:
    """The details; read up to twice more while they say that the ID is missing."""
    for _ in range(2):
        if details.is_missing:
            time.sleep(CONFIRM_S)
            details = queue.show(details.id)
    return details


def is_known(details: Details) -> bool:
    """Whether the queue knows the ID at all."""
    return details.state is not State.ABSENT or details.is_committed


def state_word(details: Details) -> str:
    """The state, or the word for what is committed and in none of them."""
    return "missing" if details.is_missing else details.state


def way_out(queue: Queue, details: Details) -> str:
    """What frees a missing ID."""
    key = f"{queue.key_prefix}committed"
    return (
        f"ID {safe(details.id, 60)} is missing: a Node client that died between two commands leaves this behind. Once "
        f"you are sure that none is at it: redis-cli SREM {safe(shlex.quote(key))} {safe(shlex.quote(details.id), 200)}"
    )
