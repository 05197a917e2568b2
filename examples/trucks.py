"""Handlers to try the worker pool with.

seq 1 1000 | convoy publish monsterTrucks -
convoy work monsterTrucks --handler examples.trucks:crush --burst --concurrency 10
"""

from __future__ import annotations

import asyncio
import time

from convoy_core import Job


def crush(job: Job) -> None:
    """Crush one truck. A plain function runs in a thread, so it may block."""
    time.sleep(0.001)  # stands for the work


async def crush_gently(job: Job) -> None:
    """Crush one truck without blocking: an `async def` runs on the pool's event loop."""
    await asyncio.sleep(0.001)


def breakdown(job: Job) -> None:
    """Fail on every truck whose number ends in 7, to see how failures look."""
    if job.id.endswith("7"):
        raise RuntimeError(f"truck {job.id} broke down")
