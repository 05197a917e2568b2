"""Starts the processes of handlers, each in a process group of its own, and ends each group as a whole."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
from subprocess import DEVNULL
from typing import Final

from convoy_core.handlers.group_leader import GroupLeader
from convoy_core.handlers.run import NotStarted
from convoy_core.handlers.watcher import WATCHER

TERM_GRACE_S = 2.0
"""Seconds between SIGTERM and SIGKILL after a timeout.

Below `runs.CANCEL_GRACE_S`, so that the process ends before its ID is given up.
"""


_WANTS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS})
"""What the system says when it lacks something."""

DESCRIPTORS: Final = 4
"""What a process of ours takes while it runs, at most: its pipes, and one for the system to tell of its end."""


class Groups:
    """The process groups of one handler, which die with this process, whatever kills it."""

    def __init__(self) -> None:
        self._ending: set[asyncio.Task[None]] = set()

    def start(
        self,
        *words: str,
        environment: dict[str, str] | None,
        stdout: int = DEVNULL,
        stderr: int | None = None,
        mark: str | None = None,
    ) -> GroupLeader:
        """Start a process in a session of its own; without an environment it has ours. `mark`: see `GroupLeader`.

        Raises NotStarted for want of a descriptor, a process, memory or a watcher, OSError, and ValueError for a NUL
        byte.
        """
        try:
            return GroupLeader(words, environment, stdout=stdout, stderr=stderr, mark=mark)
        except (OSError, MemoryError) as error:
            if isinstance(error, OSError) and error.errno not in _WANTS:
                raise
            raise NotStarted(f"no process can be started: {str(error) or 'out of memory'}") from None

    def forget(self, leader: GroupLeader) -> None:
        """It has ended of its own accord. What it may have left running is meant to stay, and is not watched."""
        WATCHER.end(leader.pid)
        leader.close()

    async def end(self, leader: GroupLeader) -> None:
        """SIGTERM to the whole group, and SIGKILL a little later to what is left; to the end, even if cancelled."""
        ending = asyncio.get_running_loop().create_task(_end(leader))
        self._ending.add(ending)  # a task that nobody holds would be forgotten in the middle
        ending.add_done_callback(self._ending.discard)
        await asyncio.shield(ending)

    async def aclose(self) -> None:
        """Wait until those are gone that are being ended: at most twice TERM_GRACE_S."""
        here = asyncio.get_running_loop()  # two pools may share a handler, each with a loop of its own
        await asyncio.gather(*(task for task in list(self._ending) if task.get_loop() is here))
        WATCHER.rest()


def ending(status: int | None) -> str:
    """How a process ended, by its exit status, in words."""
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


async def _end(leader: GroupLeader) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        WATCHER.send(leader.pid, number)
        with contextlib.suppress(TimeoutError):  # the system may hold it
            async with asyncio.timeout(TERM_GRACE_S):
                await leader.wait()
    WATCHER.end(leader.pid)
    leader.close()
