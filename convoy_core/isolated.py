"""Python handlers in child processes: killable when out of time, and a crash takes nobody with it.

Each slot has a child that runs `python -m convoy_core.child` and handles one job after the other. They talk in
lines of JSON over
the child's stdin and a pipe of its own; never pickle. A child ends with its parent, since its stdin then ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from typing import Any

from convoy_core.attempt import Discard, Job, Retry, RunFailed
from convoy_core.commands import TERM_GRACE_S
from convoy_core.errors import HandlerNotFound
from convoy_core.handlers import load

MAX_LINE = 4 * 1024 * 1024


class HandlerFailed(RunFailed):
    """A handler raised in its child process."""


class ChildDied(RunFailed):
    """The child process ended in the middle of a run."""


class Isolated:
    """The handler that an import path names, to be given to a WorkerPool, run in child processes.

    The path is resolved here as well, so that a wrong one is found at once. Raises HandlerNotFound.
    """

    def __init__(self, path: str) -> None:
        load(path)
        self.path = path
        self._idle: list[_Child] = []

    @property
    def shown(self) -> str:
        """The handler for people."""
        return self.path

    async def __call__(self, job: Job) -> object:
        """Run it for one ID. Raises HandlerFailed or ChildDied; cancelled, it kills the child."""
        child = self._idle.pop() if self._idle else await _Child.start(self.path)
        try:
            result = await child.run(job)
        except BaseException:
            await child.kill()
            raise
        self._idle.append(child)
        if isinstance(result, HandlerFailed):
            raise result
        return result

    async def aclose(self) -> None:
        """End the children that wait for work."""
        while self._idle:
            await self._idle.pop().kill()


class _Child:
    """One child process; it does one thing at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, path: str) -> _Child:
        environment = {name: value for name, value in os.environ.items() if name != "CONVOY_REDIS_URL"}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "convoy_core.child",
            path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=MAX_LINE,
            start_new_session=True,
        )
        child = cls(process)
        try:
            ready = await child._answer()
        except ChildDied:
            raise HandlerNotFound(f"The child process could not load {path!r}; its error is above.") from None
        assert ready == {"ready": True}  # noqa: S101 - our own child's first line
        return child

    async def run(self, job: Job) -> object:
        """What the handler returned there; a HandlerFailed if it raised."""
        assert self._process.stdin is not None  # noqa: S101 - piped in `start`
        self._process.stdin.write(json.dumps(job.as_record()).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # it has died: the answer tells how
            await self._process.stdin.drain()
        answer = await self._answer()
        match answer:
            case {"failed": str(text), "traceback": str(trace)}:
                return HandlerFailed(text, trace)
            case {"retry": after_s}:
                return Retry(after_s)
            case {"discard": str(reason)}:
                return Discard(reason)
            case _:
                return None

    async def kill(self) -> None:
        """End it and whatever it has started, with a moment to clean up."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TERM_GRACE_S):
                    await self._process.wait()
                    break

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - piped in `start`
        line = await self._process.stdout.readline()
        if not line:
            status = await self._process.wait()
            how = f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
            raise ChildDied(f"the handler's process ended: {how}")
        answer: dict[str, Any] = json.loads(line)
        return answer
