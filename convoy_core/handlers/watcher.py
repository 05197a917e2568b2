"""Kills every process group that a handler started when this process ends, even by `kill -9`.

One small process per worker process, started with the first group, holds the read end of a pipe whose write end is ours
alone. It is told which groups begin and end; when the pipe ends, it kills those that have not. Of each it is told
before the start as well, by what it can be found by, so that none goes on whose worker died in that moment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final, TypeVar

from convoy_core.handlers import watcher_process
from convoy_core.handlers.run import NotStarted

T = TypeVar("T", int, str)

FINDS_MARKS: Final = sys.platform == "linux" and os.path.isdir("/proc/self/fd")  # noqa: PTH112 - as above
"""Whether the watcher finds a process that it was told of before its start alone."""

_PROGRAM: Final = os.path.abspath(watcher_process.__file__)  # noqa: PTH100 - text is what is wanted


class Watcher:
    """The groups that are watched. May be called from any thread.

    A watcher that is killed is replaced at once; its successor, when a group begins or ends, lest one that cannot live
    be started again and again. What is left: between the wait for a group's leader and our word of it, some
    microseconds, the number is free to be another's; and nobody watches while a watcher starts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._expected: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None
        if sys.platform != "win32":
            # A fork would hold the pipe open, so that our end were not its end.
            os.register_at_fork(
                before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._begin_anew
            )

    def expect(self, marks: str) -> None:
        """A process is about to start, a group of its own, with these marks; see watcher_process.

        Raises NotStarted when there is no watcher and none can be started.
        """
        with self._lock:
            self._keep(self._expected, marks, f"?{marks}")

    def begin(self, group: int, marks: str) -> None:
        """It has started. Raises NotStarted, too."""
        with self._lock:
            self._expected.discard(marks)
            self._keep(self._groups, group, f"+{group} {marks}")

    def expect_no_more(self, marks: str) -> None:
        """It could not start."""
        with self._lock:
            self._forget(self._expected, marks, f"!{marks}")

    def end(self, group: int) -> None:
        """Forget a group: its leader has ended, and what it may have left behind is meant to stay."""
        with self._lock:
            self._forget_group(group)

    def end_if_empty(self, group: int) -> None:
        """Forget a group that nobody is in: from now on its number may be another's."""
        with self._lock:
            if group in self._groups and not _signal(group, 0):
                self._forget_group(group)

    def send(self, group: int, number: signal.Signals) -> None:
        """Signal a group, if it is still watched; else its number may be another's."""
        with self._lock:
            if group in self._groups:
                _signal(group, number)

    def rest(self) -> None:
        """End the watcher's process if it has nothing to watch; the next group starts another."""
        with self._lock:
            if not (self._groups or self._expected):
                self._stop()

    # -- with the lock held

    def _keep(self, kept: set[T], what: T, line: str) -> None:
        kept.add(what)
        try:
            self._tell(line)
        except OSError as error:
            kept.remove(what)
            raise NotStarted(f"nobody can watch over a process: {error}") from None

    def _forget_group(self, group: int) -> None:
        self._forget(self._groups, group, f"-{group}")

    def _forget(self, kept: set[T], what: T, line: str) -> None:
        if what in kept:
            kept.remove(what)
            with suppress(OSError):  # no watcher knows of it then
                self._tell(line)

    def _tell(self, line: str) -> None:
        if sys.platform == "win32":  # which has no process groups of this kind
            return
        try:
            if self._process is None:
                raise BrokenPipeError
            os.write(_pipe_of(self._process), f"{line}\n".encode())  # atomic, as it is short
        except OSError:  # not there yet; or killed; or stopped, and the pipe is full
            self._stop()
            self._start()
            assert self._process is not None  # noqa: S101 - just started
            with suppress(RuntimeError):  # too many threads
                threading.Thread(
                    target=self._replace, args=(self._process,), name="convoy-watcher", daemon=True
                ).start()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            # -I and -S leave out what would take longer than all the rest of the start.
            [sys.executable, "-I", "-S", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env=environment(),
            start_new_session=True,  # so that Ctrl-C in our terminal does not reach it
        )
        pipe = _pipe_of(self._process)
        for line in (*(f"+{group}" for group in self._groups), *(f"?{marks}" for marks in self._expected)):
            os.write(pipe, f"{line}\n".encode())
        os.set_blocking(pipe, False)  # a watcher that hangs must not block us

    def _replace(self, process: subprocess.Popen[bytes]) -> None:
        """In a thread of its own, without the lock: start another watcher when this one has been killed."""
        process.wait()
        with self._lock, suppress(OSError):  # then the next word tries again
            if self._process is process:
                self._stop()
                if self._groups or self._expected:
                    self._start()

    def _stop(self) -> None:
        """Kill the watcher, so that it ends none of the groups it knows of."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with process:  # closes the pipe, and waits
                pass

    def _begin_anew(self) -> None:
        """In a forked child: the watcher and all groups are the parent's."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            process.returncode = 0  # not ours to wait for
        self._groups.clear()
        self._expected.clear()
        self._lock.release()


WATCHER: Final = Watcher()
"""This process's own."""


WITHHELD: Final = ("CONVOY_REDIS_URL", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What children do not get: our credentials, and our way to speak to systemd."""


def environment() -> dict[str, str]:
    """Our environment for children."""
    return {name: value for name, value in os.environ.items() if name not in WITHHELD}


def _pipe_of(process: subprocess.Popen[bytes]) -> int:
    assert process.stdin is not None  # noqa: S101 - piped in `_start`
    return process.stdin.fileno()


def _signal(group: int, number: int) -> bool:
    """Signal a group; whether there is one."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # they have become another user's; macOS says so, too, when nobody has waited for them yet
        pass
    return True
