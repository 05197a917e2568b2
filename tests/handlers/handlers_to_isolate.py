"""Handlers that tests run in child processes."""

from __future__ import annotations

import datetime
import fcntl
import math
import os
import signal
import stat
import sys
import threading
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from opentelemetry import trace

from convoy_core import Discard, Job, Retry

_NAMES = {
    "Decimal": Decimal,
    "Discard": Discard,
    "Fraction": Fraction,
    "Retry": Retry,
    "datetime": datetime,
    "inf": math.inf,
    "nan": math.nan,
}
"""What an answer's expression may speak of."""


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
        case "torn":
            os.write(_pipe(), b'{"done": tr')
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


def leave(job: Job) -> None:
    """Leave a process behind that is in no group of ours, and holds every pipe of this one; its number is told."""
    source, sink = os.pipe()
    if (pid := os.fork()) == 0:
        os.setsid()
        os.write(sink, b".")
        time.sleep(600)
        os._exit(0)
    os.read(source, 1)  # or the end of this run might reach it while it is still in our group
    os.close(source)
    os.close(sink)
    Path(str(job.payload)).write_text(str(pid))


def answer(job: Job) -> object:
    """What the payload says: a Python expression to return, or bytes for the pipe that answers go through."""
    if isinstance(job.payload, bytes):
        os.write(_pipe(), job.payload)
        return None
    return eval(str(job.payload), _NAMES)


def _pipe() -> int:
    """The child's own way to its parent: the one pipe among what it has open besides the three."""
    return next(
        fd for fd in range(3, 64) if _is_pipe(fd) and fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_WRONLY | os.O_RDWR)
    )


def _is_pipe(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def leave_alone(job: Job) -> None:
    """Do nothing."""


def current_trace(job: Job) -> None:
    """Write down which span is the current one, as another that began here would find it."""
    if job.id.startswith("fail"):
        raise LookupError(job.id)
    context = trace.get_current_span().get_span_context()
    Path(os.environ["TOLD"]).write_text(f"{context.trace_id:032x} {context.span_id:016x}")
