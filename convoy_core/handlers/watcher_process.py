"""The watcher itself: waits until its worker is gone, and then kills every process group that it is still told of.

Lines come on stdin: `+42` when group 42 begins, `-42` when it has ended. They stop when nobody holds the other end of
the pipe any more, which is the worker's alone. Started by its path and importing next to nothing, it is there in 20 ms.
"""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Listen until the end, then kill."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a service manager sends them to all: our time comes after the worker's
    groups: set[int] = set()
    with open(0, "rb") as lines:
        for line in lines:
            group = int(line[1:])
            groups.add(group) if line.startswith(b"+") else groups.discard(group)
    for group in groups:
        try:  # noqa: SIM105 - contextlib would double the time that the start takes
            os.killpg(group, signal.SIGKILL)
        except OSError:  # it has ended by itself, or has become another user's
            pass


if __name__ == "__main__":
    main()
