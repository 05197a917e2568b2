"""A process that leads a group of its own; its stdin and one of its outputs are pipes of ours.

`subprocess` starts it, by vfork on Linux: an event loop's own way copies the tables of this process's memory for each
start, and a thread or a signal tells it of each end. Here the loop waits on the pipes, and the exit status is asked for
once the output has ended, which is nearly always when the process has.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Final

from convoy_core.handlers.run import NotStarted
from convoy_core.handlers.watcher import WATCHER

UNKNOWN_STATUS: Final = 255
"""As asyncio has it, when another part of this program has waited for our process, or ignores SIGCHLD."""

_LONGEST_PAUSE_S: Final = 0.05
"""Between two looks at whether a process has ended, where no descriptor can tell."""


class GroupLeader:
    """One such process. Its methods belong to the event loop that runs when it is made."""

    def __init__(
        self,
        words: Sequence[str],
        environment: dict[str, str] | None,
        *,
        stdout: int,
        stderr: int | None,
        mark: str | None = None,
    ) -> None:
        """Start it, watched over; `mark` is an entry of its environment that no other process has, but those it starts.

        Raises OSError, MemoryError, ValueError for a NUL byte, and NotStarted where nobody can watch over it.
        """
        theirs, ours = os.pipe()
        self._input: Final = open(ours, "wb", buffering=0)  # noqa: PTH123, SIM115 - closed by `close`
        marks = " ".join(filter(None, (f"pipe:[{os.fstat(theirs).st_ino}]", mark)))
        try:
            self._process = _start(marks, words, environment, theirs, stdout, stderr)
        except BaseException:
            self._input.close()
            raise
        finally:
            os.close(theirs)
        self.pid: Final = self._process.pid
        self.status: int | None = None
        """Its exit status, or the negative number of the signal that ended it; None while nobody has seen its end."""
        self._loop = asyncio.get_running_loop()
        if sys.platform != "win32":
            os.set_blocking(ours, False)
        self._output = _piped(self._process.stdout or self._process.stderr)
        self._unsent = bytearray()
        self._closes_input = False
        try:
            WATCHER.begin(self.pid, marks)
        except NotStarted:
            self._end_at_once()
            raise

    def send(self, data: bytes, *, is_last: bool = False) -> None:
        """Write it to stdin, and what has no room when there is some. After the last, stdin ends."""
        self._unsent += data
        self._closes_input = is_last
        self._send_on()

    async def read(self, size: int) -> bytes:
        """Some of its output; nothing at its end."""
        descriptor = self._output.fileno()
        if sys.platform == "win32":  # where pipes cannot be waited for
            return await asyncio.to_thread(os.read, descriptor, size)
        await self._until_readable(descriptor)
        return os.read(descriptor, size)

    def has_ended(self) -> bool:
        """Whether it has. Who ends keeps the number until somebody asks; then it is watched only if it left anybody."""
        if self.status is None:
            self.status = self._process.poll() if sys.platform == "win32" else _status_of(self.pid)
            if self.status is None:
                return False
            self._process.returncode = self.status
            WATCHER.end_if_empty(self.pid)
        return True

    async def wait(self) -> int:
        """Its status, when it has ended."""
        if not self.has_ended():
            try:
                descriptor = os.pidfd_open(self.pid)
            except (AttributeError, OSError):  # another system, an old one, or no descriptor left
                await self._look_until_ended()
            else:
                try:
                    await self._until_readable(descriptor)
                finally:
                    os.close(descriptor)
                await self._look_until_ended()
        assert self.status is not None  # noqa: S101 - it has ended
        return self.status

    def close(self) -> None:
        """Close our ends of its pipes, whoever may hold the others."""
        self._close_input()
        self._output.close()

    def _end_at_once(self) -> None:
        self._process.kill()
        self._process.wait()
        self.close()

    async def _look_until_ended(self) -> None:
        pause = 0.0
        while not self.has_ended():
            await asyncio.sleep(pause)
            pause = min(2 * pause + 0.0005, _LONGEST_PAUSE_S)

    async def _until_readable(self, descriptor: int) -> None:
        readable = self._loop.create_future()
        self._loop.add_reader(descriptor, _resolve, readable)
        try:
            await readable
        finally:
            self._loop.remove_reader(descriptor)

    def _send_on(self) -> None:
        try:
            del self._unsent[: os.write(self._input.fileno(), self._unsent)]
        except BlockingIOError:
            pass
        except OSError:  # it reads no more
            self._unsent.clear()
        if self._unsent:
            self._loop.add_writer(self._input.fileno(), self._send_on)
        elif self._closes_input:
            self._close_input()
        else:
            self._loop.remove_writer(self._input.fileno())

    def _close_input(self) -> None:
        if not self._input.closed:
            if sys.platform != "win32":
                self._loop.remove_writer(self._input.fileno())
            self._input.close()


def _start(
    marks: str, words: Sequence[str], environment: dict[str, str] | None, stdin: int, stdout: int, stderr: int | None
) -> subprocess.Popen[bytes]:
    WATCHER.expect(marks)
    try:
        return subprocess.Popen(  # noqa: S603 - what to run is the user's decision
            words,
            bufsize=0,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            start_new_session=True,
        )
    except BaseException:
        WATCHER.expect_no_more(marks)
        raise


def _piped(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - asked for at the start
    if sys.platform != "win32":
        os.set_blocking(stream.fileno(), False)
    return stream


def _status_of(pid: int) -> int | None:
    """How a child of ours has ended; None while it has not."""
    try:
        seen, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return UNKNOWN_STATUS
    return os.waitstatus_to_exitcode(status) if seen else None


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
