"""The socket between a worker process and its supervisor: it carries reports, and its end stops the worker.

The worker sends lines of JSON: the status of its pool, messages, what it has measured if that is asked for, and how it
ended. The supervisor sends nothing. To the worker, end-of-file means that the supervisor is gone, even by `kill -9`.
Its pool then shuts down gracefully.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

from convoy_core import PoolMeasures, PoolStatus
from convoy_core.system import Malformed, encode_message
from convoy_tui.cli.io.messages import LogLine
from convoy_tui.cli.work.progress import Progress

REPORT_EVERY_S = 0.2
"""Seconds between two reports, as between two updates of the progress line."""


MEASURE_EVERY_S = 1.0
"""Seconds between two messages of what the pool has measured."""


@dataclass(frozen=True, slots=True)
class Report:
    """The status of the pool."""

    worker: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Measures:
    """What the pool has measured so far, as its record says it."""

    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Final:
    """The process ends by itself, with this exit code and, after an error, its message."""

    code: int
    error: str | None = None
    advice: str | None = None


Message: TypeAlias = "Report | LogLine | Measures | Final"


def encode(message: Message) -> bytes:
    """The message as one line."""
    return encode_message({type(message).__name__: asdict(message)})


def decode(line: dict[str, Any] | Malformed) -> Message | None:
    """The message in a line; None if it holds none, since a handler may have written it."""
    match line:
        case {"Report": {"worker": str(worker), "progress": dict(progress)}}:
            with suppress(LookupError, TypeError):
                return Report(worker, Progress.from_record(progress))
        case {"LogLine": {"text": str(text), "is_warning": bool(is_warning), "members": dict(members)}}:
            return LogLine(text, is_warning, members)
        case {"Measures": {"record": dict(record)}}:
            return Measures(record)
        case {"Final": {"code": int(code), "error": str() | None as error, "advice": str() | None as advice}}:
            return Final(code, error, advice)
        case _:
            pass
    return None


class ControlSocket:
    """The worker's end of the socket. Two threads serve it, so that a blocked supervisor delays no job."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)  # processes that a handler starts must not hold it
        self._messages: SimpleQueue[Message | None] = SimpleQueue()

    def say(self, line: LogLine) -> None:
        """Have the supervisor print it."""
        self._messages.put(line)

    @contextmanager
    def held(
        self,
        status: Callable[[], PoolStatus],
        stop: Callable[[], None],
        measures: Callable[[], PoolMeasures] | None = None,
    ) -> Iterator[None]:
        """Report the status of the pool until the block ends, and once more then; `stop` if the supervisor dies.

        If `measures` is given, what these are is told as well.
        """
        threading.Thread(target=self._wait_for_end, args=(stop,), name="convoy-control-end", daemon=True).start()
        writer = threading.Thread(target=self._write, args=(status, measures), name="convoy-control", daemon=True)
        writer.start()
        try:
            yield
        finally:
            self._messages.put(None)
            writer.join()

    def end(self, final: Final) -> None:
        """Report how the process ends. This is the last message."""
        self._send(final)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for end-of-file
        self._socket.close()

    def _write(self, status: Callable[[], PoolStatus], measures: Callable[[], PoolMeasures] | None) -> None:
        reported = measured = 0.0
        is_over = False
        while not is_over:
            try:
                message = self._messages.get(timeout=REPORT_EVERY_S)
            except Empty:
                pass
            else:
                is_over = message is None
                if message is not None:
                    self._send(message)
            if is_over or time.monotonic() - reported >= REPORT_EVERY_S:
                reported = time.monotonic()
                now = status()
                self._send(Report(now.worker, Progress.of(now)))
            if measures is not None and (is_over or time.monotonic() - measured >= MEASURE_EVERY_S):
                measured = time.monotonic()
                self._send(Measures(measures().as_record()))

    def _send(self, message: Message) -> None:
        try:
            self._socket.sendall(encode(message))
        except OSError:  # the supervisor is gone; the other thread stops the pool
            return

    def _wait_for_end(self, stop: Callable[[], None]) -> None:
        with suppress(OSError):  # a reset, if it was killed with unread reports
            self._socket.recv(1)
        stop()
