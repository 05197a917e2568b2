"""How tests wait for changes that nothing announces, as in another process or in the store; and time limits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

PATIENCE = float(os.environ.get("CONVOY_TEST_PATIENCE", "1"))
"""How many times longer than on an idle machine of two cores."""


def patient(seconds: float = 60.0) -> float:
    """A time limit that only a failing test will reach; the usual one is far above what a process needs to start."""
    return seconds * PATIENCE


def eventually(condition: Callable[[], T], *, within_s: float = 60.0, despite: tuple[type[Exception], ...] = ()) -> T:
    """Return what the condition answers as soon as that is true, and it raises nothing of `despite`; fail in time."""
    deadline = time.monotonic() + patient(within_s)
    while True:
        with suppress(*despite):
            if answer := condition():
                return answer
        assert time.monotonic() < deadline, f"not within {patient(within_s):g} s: {condition.__qualname__}"
        time.sleep(0.005)
