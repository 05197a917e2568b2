"""Starts the processes of handlers, each in a process group of its own, and ends each group as a whole."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from convoy_core.handlers.run import NotStarted
from convoy_core.handlers.watcher import WATCHER

TERM_GRACE_S = 2.0
"""Seconds between SIGTERM and SIGKILL after a timeout.

Below `runs.CANCEL_GRACE_S`, so that the process ends before its ID is given up.
"""


_WANTS: Final = {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS, -1}
"""What the system says when it lacks something; -1 is uvloop's word when there was no pipe to be told by."""

DESCRIPTORS: Final = 4
"""What a process of ours takes while it runs, at most: its pipes, and one for the system to tell of its end."""


class Groups:
    """The process groups of one handler, which die with this process, whatever kills it.

    The watcher knows of a process when `start` returns; to leave no gap it should wait until then, for a word on stdin.
    """

    def __init__(self) -> None:
        self._noting: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def start(
        self,
        *words: str,
        environment: dict[str, str],
        stdout: int = DEVNULL,
        stderr: int | None = None,
    ) -> Process:
        """Start a process in a session of its own, stdin a pipe.

        Raises NotStarted for want of a descriptor, a process or memory, OSError, and ValueError for a NUL byte.
        """
        try:
            return await self._start(words, environment, stdout=stdout, stderr=stderr)
        except (OSError, RuntimeError, MemoryError) as error:
            # Without a watcher's thread, which waits for the process where the system knows nothing better.
            if isinstance(error, OSError) and error.errno not in _WANTS:
                raise
            raise NotStarted(f"no process can be started: {str(error) or 'out of memory'}") from None

    async def _start(
        self, words: Sequence[str], environment: dict[str, str], *, stdout: int, stderr: int | None
    ) -> Process:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=PIPE,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            start_new_session=True,
        )
        try:
            WATCHER.begin(process.pid)
        except OSError:
            process.kill()
            await process.wait()
            raise
        _keep(self._noting, _note_end(process))
        return process

    def forget(self, process: Process) -> None:
        """It has ended of its own accord. What it may have left running is meant to stay, and is not watched."""
        WATCHER.end(process.pid)

    async def end(self, process: Process) -> None:
        """SIGTERM to the whole group, and SIGKILL a little later to what is left; to the end, even if cancelled."""
        await asyncio.shield(_keep(self._ending, _end(process)))

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


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start it as a task, which would be forgotten in the middle if nobody held it."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


async def _note_end(process: Process) -> None:
    await process.wait()
    WATCHER.end_if_empty(process.pid)


async def _end(process: Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        WATCHER.send(process.pid, number)
        with contextlib.suppress(TimeoutError):  # what has left the group may hold a pipe, and with it this wait
            async with asyncio.timeout(TERM_GRACE_S):
                await process.wait()
    WATCHER.end(process.pid)
    # What has left the group may hold a pipe for as long as it lives. asyncio shows no public way to close our end.
    process._transport.close()  # type: ignore[attr-defined]
    await asyncio.sleep(0)  # has the loop do it
