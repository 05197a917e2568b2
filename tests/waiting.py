"""How long tests wait: for what nothing announces, such as another process or the store's own state, and at most."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

PATIENCE = float(os.environ.get("CONVOY_TEST_PATIENCE", "1"))
"""How many times longer than on an idle machine of two cores."""


def patient(seconds: float) -> float:
    """A time limit for this machine. Every limit that only a test which fails would reach goes through here."""
    return seconds * PATIENCE


def eventually(condition: Callable[[], object], *, within_s: float = 15.0) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + patient(within_s)
    while not condition():
        assert time.monotonic() < deadline, f"not within {patient(within_s):g} s: {condition.__qualname__}"
        time.sleep(0.005)
