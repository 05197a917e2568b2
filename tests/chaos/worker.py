"""A worker process of the storm: an ordinary pool whose runs leave a journal, and that may die at a named point.

A fail point is `before exchange 3` or `after BLMOVE 1`: the process kills itself with SIGKILL just before it sends its
third exchange, or just after the answer to its first BLMOVE has arrived, before anything is made of it.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convoy_core import Job, PoolOptions, Queue, WorkerPool
from convoy_core.calls import Argument, Call
from convoy_core.connection import AsyncConnection, Connection
from convoy_core.fetch import Fetch

OPTIONS = PoolOptions(lease_s=1.5, beat_s=0.4, grace_s=2, max_crashes=1_000_000)
CONCURRENCY = 5

POINTS = [
    (side, name, n)
    for side in ("before", "after")
    for name, times in {"hello": [1], "exchange": [1, 2, 7], "BLMOVE": [1, 3], "renew": [1], "promote": [1]}.items()
    for n in times
] + [(side, name, 1) for side in ("before", "after") for name in ("silent", "recover", "sweep", "bye")]
"""Before and after every kind of request a pool makes."""


@dataclass(frozen=True, slots=True)
class FailPoint:
    """Where to die."""

    side: str
    name: str
    n: int

    def __str__(self) -> str:
        return f"{self.side} {self.name} {self.n}"


def run(url: str, journal: Path, number: int, seed: int, fail_point: FailPoint | None) -> None:
    """Work until killed or told to stop. In a forked child: returns only by ending the process."""
    if fail_point is not None:
        _die_at(fail_point)
    logging.disable()
    dice = random.Random(seed)
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(event: str, job: Job) -> None:
        line = {"event": event, "id": job.id, "token": job.token, "at": time.monotonic(), "worker": number}
        os.write(file, json.dumps(line).encode() + b"\n")

    def work(job: Job) -> None:
        note("start", job)
        if (
            roll := dice.random()
        ) < 0.3:  # stands for the work: kills must meet it, and a second holder overlap with it
            time.sleep(dice.random() * (0.3 if roll < 0.03 else 0.01))
        note("end", job)

    try:
        WorkerPool(Queue("storm", redis=url), work, concurrency=CONCURRENCY, options=OPTIONS).run()
    finally:
        os._exit(0)


def _die_at(point: FailPoint) -> None:
    """Wrap the three ways a pool talks to its store. Only this process is changed."""
    seen: Counter[str] = Counter()

    def strike(side: str, name: str) -> None:
        if name == point.name and side == point.side and seen[name] == point.n:
            os.kill(os.getpid(), signal.SIGKILL)

    awaited, blocking, send = AsyncConnection.run, Connection.run, Fetch._send

    def name_of(call: Call[object]) -> str:
        return call.script.name if call.script is not None else str(call.arguments[0])

    async def run_awaited(self: AsyncConnection, call: Call[object]) -> object:
        name = name_of(call)
        seen[name] += 1
        strike("before", name)
        result = await awaited(self, call)
        strike("after", name)
        return result

    def run_blocking(self: Connection, call: Call[object]) -> object:
        name = name_of(call)
        seen[name] += 1
        strike("before", name)
        result = blocking(self, call)
        strike("after", name)
        return result

    async def send_watched(self: Fetch, *requests: tuple[Argument, ...]) -> list[Any]:
        name = "BLMOVE" if len(requests) > 1 else " ".join(map(str, requests[0][:2]))
        seen[name] += 1
        strike("before", name)
        result = await send(self, *requests)
        strike("after", name)
        return result

    AsyncConnection.run = run_awaited  # type: ignore[method-assign, assignment]
    Connection.run = run_blocking  # type: ignore[method-assign, assignment]
    Fetch._send = send_watched  # type: ignore[method-assign]
