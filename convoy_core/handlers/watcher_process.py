"""The watcher itself: waits until its worker is gone, and then kills every process group that it is still told of.

Lines come on stdin: `?MARKS` when a process with these marks is about to start, `+42 MARKS` when it has, as group 42,
or `!MARKS` when it could not; `-42` when group 42 has ended. They stop when nobody holds the other end of the pipe any
more, which is the worker's alone. Started by its path and importing next to nothing, it is there in 20 ms.

Where the worker died between a start and its word of it, the process is found by its marks, words of which it bears at
least one: what `/proc` says of its stdin, or an entry of its environment. A process that starts holds the other end
until it has that stdin, so when the pipe ends all are there to be found.
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
    groups, expected = _left()
    _kill(groups)
    if expected:
        _kill(_bearers({mark for marks in expected for mark in marks.split()}))


def _kill(groups: set[int]) -> None:
    for group in groups:
        try:  # noqa: SIM105 - contextlib would double the time that the start takes
            os.killpg(group, signal.SIGKILL)
        except OSError:  # it has ended by itself, or has become another user's
            pass


def _bearers(marks: set[bytes]) -> set[int]:
    """The groups of the processes that bear one of these marks, as `/proc` tells."""
    groups: set[int] = set()
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib takes long to import
        if name.isdigit():
            try:
                if not marks.isdisjoint(_marks(name)):
                    groups.add(os.getpgid(int(name)))
            except OSError:  # it has ended, or is another user's
                pass
    return groups


def _marks(pid: str) -> list[bytes]:
    with open(f"/proc/{pid}/environ", "rb") as environment:  # noqa: PTH123
        marks = environment.read().split(b"\0")
    try:  # noqa: SIM105 - as above
        marks.append(os.readlink(b"/proc/%s/fd/0" % pid.encode()))  # noqa: PTH115
    except OSError:  # it has closed it
        pass
    return marks


def _left() -> tuple[set[int], set[bytes]]:
    """The groups that have begun and not ended when the pipe ends, and the marks of those that were about to begin."""
    groups: set[int] = set()
    expected: set[bytes] = set()
    pipe, rest = select.poll(), b""
    while True:
        pipe.register(0, select.POLLIN)
        pipe.poll()
        pipe.register(0, 0)  # nothing but the end
        pipe.poll(GATHER_MS)
        data = os.read(0, 65536)
        if not data:
            return groups, expected
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            what, marks = line[1:].partition(b" ")[::2]
            match line[:1]:
                case b"?":
                    expected.add(line[1:])
                case b"!":
                    expected.discard(line[1:])
                case b"+":
                    groups.add(int(what))
                    expected.discard(marks)
                case _:
                    groups.discard(int(what))


if __name__ == "__main__":
    main()
