"""The journals of the storm's workers: one line when a run begins and one when it ends, written by its process.

Imported by the children of isolated handlers, so it imports little.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from convoy_core import Job

PATH, WORKER = "STORM_JOURNAL", "STORM_WORKER"
"""Environment variables: a journal, and the number of the worker in the storm."""

UPTIME_STEP_S = 0.01
"""What a command can read of the clock, without a process of its own: hundredths, cut off."""


@dataclass(slots=True)
class Run:
    """One run of one ID, from its journal; `end` is None when its worker died in it."""

    id: str
    token: str
    worker: int
    """Its number in the storm: a pid comes back after some ten thousand processes."""
    start: float
    end: float | None = None


def note(event: str, job: Job) -> None:
    """Write a line. `start` and `end` are the events."""
    worker = int(os.environ[WORKER])
    line = {"event": event, "id": job.id, "token": job.token, "at": time.monotonic(), "worker": worker}
    os.write(_journal(os.environ[PATH]), json.dumps(line).encode() + b"\n")


@cache
def _journal(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def read(directory: Path) -> list[Run]:
    """Every run of every worker. A last line that a kill cut short is none."""
    runs: list[Run] = []
    under_way: dict[str, Run] = {}
    for journal in sorted(directory.glob("journal-*")):
        for line in journal.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue
            event = json.loads(line)
            if event["event"] == "start":
                # After a rollback the very same claim may be run again.
                run = under_way[event["token"]] = Run(event["id"], event["token"], event["worker"], _time_of(event))
                runs.append(run)
            else:
                under_way[event["token"]].end = _time_of(event)
    return runs


def _time_of(event: dict[str, float | str]) -> float:
    """By `time.monotonic`. Where it was cut off a run counts as the shortest that it can have been."""
    if "at" in event:
        return float(event["at"])
    since_boot = time.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return float(event["uptime"]) + since_boot + (UPTIME_STEP_S if event["event"] == "start" else 0)
