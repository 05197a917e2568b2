"""Handlers that tests run in child processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from convoy_core import Discard, Job, Retry


def work(job: Job) -> object:
    """Do what the ID says."""
    print("a print must not spoil the talk")  # noqa: T201 - that is the test
    match job.id.partition("-")[0]:
        case "fail":
            raise LookupError(f"no truck {job.id}")
        case "exit":
            sys.exit(3)
        case "die":
            os._exit(7)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "later":
            return Retry(60)
        case "drop":
            return Discard("no such truck")
        case "stuck":
            # Holds the interpreter lock, as native code may: no thread, no signal handler gets a turn.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            threading.Event().wait()
        case "payload":
            assert job.payload == {"lane": 3}, job.payload
            assert job.token.rpartition(":")[2].isdigit()
            assert "CONVOY_REDIS_URL" not in os.environ
        case _:
            pass
    return None


async def work_async(job: Job) -> object:
    """The same as a coroutine."""
    return work(job)


def slow(job: Job) -> None:
    """Take a moment."""
    time.sleep(0.05)
