"""Python handlers in child processes: killable when out of time, and a crash takes nobody with it.

Each slot has a child that runs `python -m convoy_core.child` and handles one job after the other. They talk in
lines of JSON over
the child's stdin and a pipe of its own; never pickle. A child ends with its parent, and so does all it has started: its
stdin then ends and, since native code may give it no turn to notice, the watcher kills its group.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

from convoy_core.attempt import Discard, Job, Retry, RunFailed
from convoy_core.errors import HandlerNotFound
from convoy_core.groups import Groups
from convoy_core.handlers import load
from convoy_core.watcher import environment

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
        self._groups = Groups()

    @property
    def shown(self) -> str:
        """The handler for people."""
        return self.path

    async def __call__(self, job: Job) -> object:
        """Run it for one ID. Raises HandlerFailed or ChildDied; cancelled, it kills the child."""
        child = self._idle.pop() if self._idle else await _Child.start(self._groups, self.path)
        try:
            result = await child.run(job)
        except BaseException:
            await self._groups.end(child.process)
            raise
        self._idle.append(child)
        if isinstance(result, HandlerFailed):
            raise result
        return result

    async def aclose(self) -> None:
        """End the children that wait for work, and wait, for seconds at most, until all are gone."""
        while self._idle:
            await self._groups.end(self._idle.pop().process)
        await self._groups.aclose()


class _Child:
    """One child process; it does one thing at a time."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, groups: Groups, path: str) -> _Child:
        process = await groups.start(
            sys.executable,
            "-m",
            "convoy_core.child",
            path,
            environment=environment() | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=PIPE,
            limit=MAX_LINE,
        )
        child = cls(process)
        try:
            ready = await child._answer()
        except BaseException as error:
            await groups.end(process)
            if isinstance(error, ChildDied):
                raise HandlerNotFound(f"The child process could not load {path!r}; its error is above.") from None
            raise
        assert ready == {"ready": True}  # noqa: S101 - our own child's first line
        return child

    async def run(self, job: Job) -> object:
        """What the handler returned there; a HandlerFailed if it raised."""
        assert self.process.stdin is not None  # noqa: S101 - piped in `start`
        self.process.stdin.write(json.dumps(job.as_record()).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # it has died: the answer tells how
            await self.process.stdin.drain()
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

    async def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None  # noqa: S101 - piped in `start`
        line = await self.process.stdout.readline()
        if not line:
            status = await self.process.wait()
            how = f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
            raise ChildDied(f"the handler's process ended: {how}")
        answer: dict[str, Any] = json.loads(line)
        return answer
