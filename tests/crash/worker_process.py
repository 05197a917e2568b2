"""A worker pool in its own process, which tests kill, freeze and stop.

    python -m tests.crash.worker_process URL QUEUE HANDLER

Every handler pushes its ID to the list `runs`. Then `hold` never ends, `wedge` blocks the event loop for ever, `late`
waits for the list `go`, and `burn` keeps the interpreter busy for BURN_S seconds.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import redis

from convoy_core import Job, PoolOptions, Queue, WorkerPool

OPTIONS = PoolOptions(lease_s=1.2, beat_s=0.3, grace_s=10, watchdog_s=float(os.environ.get("WATCHDOG_S", "60")))


def start(url: str, handler: str, **environment: str) -> subprocess.Popen[bytes]:
    """Start such a process on the queue `q`."""
    command = [sys.executable, "-m", "tests.crash.worker_process", url, "q", handler]
    return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE)


def _handlers(url: str) -> dict[str, Callable[[Job], object]]:
    client = redis.Redis(unix_socket_path=url.removeprefix("unix://"))

    async def burn(job: Job) -> None:
        end = time.monotonic() + float(os.environ["BURN_S"])
        client.rpush("runs", job.id)
        while time.monotonic() < end:
            sum(range(1000))

    def hold(job: Job) -> None:
        client.rpush("runs", job.id)
        threading.Event().wait()

    def late(job: Job) -> None:
        client.rpush("runs", job.id)
        client.blpop("go", 0)

    async def wedge(job: Job) -> None:
        client.rpush("runs", job.id)
        threading.Event().wait()

    return {"wedge": wedge, "burn": burn, "hold": hold, "late": late}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    url, name, handler = sys.argv[1:]
    queue = Queue(name, redis=url)
    WorkerPool(queue, _handlers(url)[handler], concurrency=2, options=OPTIONS).run()
