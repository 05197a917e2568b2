"""The standard streams of a process: always open, and unable to stop work by what goes wrong on them.

Python ignores SIGPIPE and SIGXFSZ, so a reader that has gone and a full file are errors of `write`, which are counted
and dropped here. That holds for messages and for what handlers print; an answer is written to the stream itself.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any, Final, TextIO

_CHUNK: Final = 4096
"""PIPE_BUF of Linux: so much fits into a pipe that is writable."""

DROPPED: Final = [0]
"""How many writes went wrong, wholly or in part, in this process."""


def open_missing() -> None:
    """Open the null device in place of each standard stream that was closed at our start.

    Otherwise the next file or connection gets its number, and what is printed or inherited goes there.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - for as long as the process lives
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def prepare_streams() -> None:
    """For the start of a program of ours: every stream open, and talk on stderr unable to raise."""
    open_missing()
    sys.stderr = lossy_streams(sys.stderr)


class LossyStream(io.RawIOBase):
    """Writes to a descriptor as far as that goes, and counts what did not."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.waits = True
        """Whether it waits for a reader that stands still, instead of dropping what he leaves no room for."""

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        """Write what can be written; it is always said to be all."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest:
                if not (self.waits or self._has_room()):
                    raise BlockingIOError
                rest = rest[os.write(self._descriptor, rest[:_CHUNK]) :]
        except OSError:
            DROPPED[0] += 1
        return size

    def _has_room(self) -> bool:
        if sys.platform == "win32":
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))


def lossy_streams(stream: TextIO) -> TextIO:
    """The same stream, unable to raise; as it is where it is no descriptor's, as in a test or a notebook."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return stream
    return io.TextIOWrapper(
        LossyStream(descriptor),  # type: ignore[type-var]  # typeshed wants what a buffered stream has besides
        encoding=stream.encoding,
        errors=stream.errors,
        write_through=True,
    )
