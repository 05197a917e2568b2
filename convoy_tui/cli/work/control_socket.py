"""What ties a worker process to its supervisor: a socket by which it reports, and whose end stops it.

Lines of JSON go up: how the pool is getting on, what it has to say, how it ended. Nothing comes down; end-of-file
there means that the supervisor has gone, even by `kill -9`, and the pool then stops gracefully.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from typing import TypeAlias

from convoy_core import PoolStatus
from convoy_tui.cli.work.progress import Progress

REPORT_EVERY_S = 0.2
"""As often as the live line is drawn."""


@dataclass(frozen=True, slots=True)
class Report:
    """How the pool is getting on."""

    worker: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Said:
    """A line for people."""

    text: str
    is_warning: bool


@dataclass(frozen=True, slots=True)
class Final:
    """The process ends of its own accord: in this code, and why if it was an error."""

    code: int
    error: str | None = None
    advice: str | None = None


Message: TypeAlias = "Report | Said | Final"


def encode(message: Message) -> bytes:
    """One line."""
    return json.dumps({type(message).__name__: asdict(message)}).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line."""
    ((kind, record),) = json.loads(line).items()
    if kind == "Report":
        return Report(record["worker"], Progress.from_record(record["progress"]))
    return Said(**record) if kind == "Said" else Final(**record)


class ControlSocket:
    """The worker process's end of it. Two threads serve it, so that a supervisor that stands still holds up no job."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)  # what a handler starts must not hold it
        self._messages: SimpleQueue[Message | None] = SimpleQueue()

    def say(self, text: str, *, is_warning: bool) -> None:
        """Have the supervisor say it."""
        self._messages.put(Said(text, is_warning))

    @contextmanager
    def held(self, status: Callable[[], PoolStatus], stop: Callable[[], None]) -> Iterator[None]:
        """Report the pool's status, its last one included, until the block ends; `stop` it if the supervisor goes."""
        threading.Thread(target=self._wait_for_end, args=(stop,), name="convoy-control-end", daemon=True).start()
        writer = threading.Thread(target=self._write, args=(status,), name="convoy-control", daemon=True)
        writer.start()
        try:
            yield
        finally:
            self._messages.put(None)
            writer.join()

    def end(self, final: Final) -> None:
        """Tell how the process ends. The last word."""
        self._send(final)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for the end
        self._socket.close()

    def _write(self, status: Callable[[], PoolStatus]) -> None:
        reported = 0.0
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

    def _send(self, message: Message) -> None:
        try:
            self._socket.sendall(encode(message))
        except OSError:  # the supervisor has gone; the other thread stops the pool
            return

    def _wait_for_end(self, stop: Callable[[], None]) -> None:
        with suppress(OSError):  # a reset, where it was killed with reports unread
            self._socket.recv(1)
        stop()
