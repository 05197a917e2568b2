"""What the handlers of local pools write: the end of it, in memory, line by line. Each pool has a pipe of its own.

Their output must reach neither the terminal, whose screen it would spoil, nor a file that grows as long as they run.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

_LINES = 2000
_WIDEST = 1000
"""Bytes of a line that are kept."""
_CHUNK = 64 * 1024
_AT_ONCE = 200
"""Lines of one chunk that are kept: of a flood nobody reads more."""
_PAUSE_S = 0.05
"""After a full chunk: a flood waits in the pipe, and does not keep this process busy."""


class Written(NamedTuple):
    """One line of the output of a pool."""

    at: float
    pool: str
    text: str
    """As it was written: it has to be made safe before it is shown."""


class OutputLog:
    """The last lines of all pools."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lines: deque[Written] = deque(maxlen=_LINES)
        self.count = 0
        """How many lines have come so far: it tells whether there are new ones."""

    def open(self, pool: str) -> int:
        """A descriptor that this pool may write to. When all its copies are closed, the log has read everything."""
        source, sink = os.pipe()
        threading.Thread(target=self._follow, args=(source, pool), name=f"convoy-log-{pool}", daemon=True).start()
        return sink

    def lines(self, pool: str | None = None) -> list[Written]:
        """The lines that are kept, oldest first: those of one pool, or all."""
        return [line for line in self._lines.copy() if pool is None or line.pool == pool]

    def _follow(self, source: int, pool: str) -> None:
        with os.fdopen(source, "rb", buffering=0) as stream:
            for lines in _chunks_of_lines(stream.read):
                at = self._clock()
                for line in lines:
                    self._lines.append(Written(at, pool, line[:_WIDEST].decode("utf-8", "surrogateescape")))
                self.count += len(lines)


def _chunks_of_lines(read: Callable[[int], bytes | None]) -> Iterator[list[bytes]]:
    """The lines that each read completes. A line that is too long counts as complete."""
    rest = b""
    while data := read(_CHUNK):
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > _WIDEST:
            lines.append(rest)
            rest = b""
        yield lines[-_AT_ONCE:]
        if len(data) == _CHUNK:
            time.sleep(_PAUSE_S)
    if rest:
        yield [rest]
