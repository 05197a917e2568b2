"""The work of the storm's workers, done by each of the four kinds of handler.

Imported by the children of isolated handlers, so it imports little.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from convoy_core import Command, Isolated, Job
from convoy_core.handlers.functions import Handler
from tests.chaos import journal

Kind: TypeAlias = Literal["async", "thread", "isolated", "command"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WEIGHTS = {"async": 3, "thread": 3, "isolated": 2, "command": 2 if Path("/proc/uptime").exists() else 0}
"""How often each kind is chosen. Commands read their clock from that file."""

CONCURRENCY = {"async": 5, "thread": 5, "isolated": 3, "command": 3}
"""Child processes cost two busy cores more than anything else here."""

LENGTHS = "STORM_LENGTHS"
"""Environment variable: seconds that runs take, in turn by the number of the claim."""

_SCRIPT = """
note() {
  read -r up rest </proc/uptime
  printf '{"event":"%s","id":"%s","token":"%s","uptime":%s,"worker":%s}\\n' \
    "$1" "$CONVOY_ID" "$CONVOY_TOKEN" "$up" "$STORM_WORKER" >>"$STORM_JOURNAL"
}
note start
set -- $STORM_LENGTHS
shift $((${CONVOY_TOKEN##*:} % $#))
[ "$1" = 0 ] || sleep "$1"
note end
"""
"""The same as `in_thread`, without a process besides the shell but for those that sleep."""


def draw_lengths(dice: random.Random, *, is_long: bool) -> str:
    """Lengths of runs: kills must meet some, and a second holder overlap with them. Long runs keep all slots full."""

    def draw() -> float:
        roll = dice.random()
        if is_long:
            return dice.uniform(0.5, 4.5) if roll < 0.5 else 0
        return dice.random() * (0.3 if roll < 0.03 else 0.01) if roll < 0.3 else 0

    return " ".join(f"{length:.3f}" if length else "0" for length in (draw() for _ in range(20)))


def handler_of(kind: Kind) -> Handler:
    """The handler of that kind."""
    match kind:
        case "async":
            return on_loop
        case "thread":
            return in_thread
        case "isolated":
            return Isolated(f"{__name__}:in_thread")
        case "command":
            return Command(["sh", "-c", _SCRIPT])


def in_thread(job: Job) -> None:
    """Also what the child of an isolated handler does."""
    journal.note("start", job)
    time.sleep(_length_of(job))
    journal.note("end", job)


async def on_loop(job: Job) -> None:
    """On the pool's event loop."""
    journal.note("start", job)
    await asyncio.sleep(_length_of(job))
    journal.note("end", job)


def _length_of(job: Job) -> float:
    lengths = os.environ[LENGTHS].split()
    return float(lengths[int(job.token.rpartition(":")[2]) % len(lengths)])
