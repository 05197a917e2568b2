"""The watcher itself: waits until its worker is gone, and then kills every process group that it is still told of.

Lines come on stdin: `+42` when group 42 begins, `-42` when it has ended. They stop when nobody holds the other end of
the pipe any more, which is the worker's alone. Started by its path and importing next to nothing, it is there in 20 ms.
"""

from __future__ import annotations

import os
import select
import signal

GATHER_MS = 100
"""So long lines wait in the pipe for others, since to be woken for each would cost more than to read it.

The pipe holds thousands, and its end is noticed at once.
"""


def main() -> None:
    """Listen until the end, then kill."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a service manager sends them to all: our time comes after the worker's
    for group in _left():
        try:  # noqa: SIM105 - contextlib would double the time that the start takes
            os.killpg(group, signal.SIGKILL)
        except OSError:  # it has ended by itself, or has become another user's
            pass


def _left() -> set[int]:
    """The groups that have begun and not ended when the pipe ends."""
    groups: set[int] = set()
    pipe, rest = select.poll(), b""
    while True:
        pipe.register(0, select.POLLIN)
        pipe.poll()
        pipe.register(0, 0)  # nothing but the end
        pipe.poll(GATHER_MS)
        data = os.read(0, 65536)
        if not data:
            return groups
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            group = int(line[1:])
            groups.add(group) if line.startswith(b"+") else groups.discard(group)


if __name__ == "__main__":
    main()
