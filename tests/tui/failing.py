"""Puts failed IDs into a queue, as a pool would have left them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from convoy_core import Queue, Record, State
from convoy_core.failure_groups import what_broke

TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/.venv/lib/python3.12/site-packages/convoy_core/handlers/functions.py", line 88, in _work
    return self._function(job)
  File "/srv/app/jobs/trucks.py", line 14, in crush
    wheel = load(id)
ValueError: no wheel
"""


def fail(
    queue: Queue,
    ids: Iterable[str],
    error: str,
    traceback: str = TRACEBACK,
    *,
    at: float | None = None,
    attempt: int = 1,
) -> None:
    """Let these IDs be failed, now or at that time."""
    record = {
        "at": round(time.time() if at is None else at, 3),
        "group": what_broke(error, traceback),
        "attempt": attempt,
        "error": error,
        "traceback": traceback,
        "worker": "90aa17e2c5d1",
        "seconds": 1.5,
    }
    raw = json.dumps(record, separators=(",", ":")).encode()
    queue.restore(Record(id, State.FAILED, failures=attempt, raw_failure=raw) for id in ids)
