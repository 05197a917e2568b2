"""Python handlers in child processes: killable when out of time, and a crash ends one run only.

Each slot has a child that runs `isolated_child` and handles one job after the other. They exchange lines of JSON over
the child's stdin and a pipe of its own; never pickle. A child reports when it begins a job, so that an ID which it was
sent and never began is given to another. A child ends with its parent, and so does all it has started: its stdin then
ends and, since native code may give it no turn to notice, the watcher kills its group.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE

from convoy_core import validation
from convoy_core.errors import HandlerNotFound
from convoy_core.handlers.functions import check_handler, load_handler
from convoy_core.handlers.group_leader import GroupLeader
from convoy_core.handlers.process_groups import DESCRIPTORS, Groups, ending
from convoy_core.handlers.run import NotStarted, RunFailed
from convoy_core.handlers.watcher import environment
from convoy_core.jobs import Discard, Job, Retry
from convoy_core.system.json_lines import Malformed, Message, MessageReader, encode_message
from convoy_core.system.python_program import own_program

MAX_LINE = 128 * 1024
"""Bytes of an answer; ours are far shorter."""

MOST_STARTS = 3
"""So many children are started for one ID when each dies before it begins."""

END_S = 2.0
"""How long a child that has closed its pipe may take to end."""


class HandlerFailed(RunFailed):
    """A handler raised in its child process."""

    @property
    def kind(self) -> str:
        """The name of the class of what it has raised."""
        return str(self).partition(":")[0]


class ChildDied(RunFailed):
    """The child process ended in the middle of a run."""


class Isolated:
    """The handler that an import path names, to be given to a WorkerPool, run in child processes.

    The path is resolved here as well, so that a wrong one is found at once, unless `elsewhere` is set: then child
    processes alone import it, which search the working directory last, and `find` says whether they can. `output` is a
    descriptor for what they write; else it goes to stderr of this process. Raises HandlerNotFound.
    """

    def __init__(self, path: str, *, elsewhere: bool = False, output: int | None = None) -> None:
        if not validation.flag("elsewhere", elsewhere):
            check_handler(load_handler(path))
        elif not isinstance(path, str):
            raise HandlerNotFound(
                f"path is {validation.shown(path)}; write it as text, like 'package.module:function'."
            )
        if output is not None:
            validation.whole("output", output, 0)
        self.path = path
        self._elsewhere = elsewhere
        self._output = output
        self._idle: list[_Child] = []
        self._groups = Groups()

    descriptors = DESCRIPTORS
    """Of the pool's process, for each run."""

    @property
    def shown(self) -> str:
        """The handler for people."""
        return self.path

    async def find(self) -> bool:
        """Start a child, which the first run will use. Whether the handler is a coroutine function.

        Raises HandlerNotFound, with the reason, and NotStarted.
        """
        child = await self._start()
        self._idle.append(child)
        return child.is_coroutine

    async def __call__(self, job: Job) -> object:
        """Run it for one ID. Raises HandlerFailed, ChildDied or NotStarted; cancelled, it kills the child."""
        starts = 0
        while True:
            child = self._take_idle()
            if child is None:
                starts += 1
                try:
                    child = await self._start()
                except HandlerNotFound as error:
                    raise NotStarted(f"the child process could not load {self.path!r}: {error}") from None
            try:
                return await self._run(child, job)
            except _NeverBegan as death:
                if starts == MOST_STARTS:
                    raise NotStarted(f"{starts} processes of the handler ended before they began: {death}") from None

    async def aclose(self) -> None:
        """End the children that wait for work, and wait, for seconds at most, until all are gone."""
        while self._idle:
            await self._groups.end(self._idle.pop().leader)
        await self._groups.aclose()

    async def _start(self) -> _Child:
        places = list(filter(lambda place: isinstance(place, str), sys.path))
        if self._elsewhere:
            with suppress(OSError):  # it has been removed
                places.append(str(Path.cwd()))
        return await _Child.start(self._groups, self.path, places, self._output)

    def _take_idle(self) -> _Child | None:
        while self._idle:
            child = self._idle.pop()
            if not child.leader.has_ended():
                return child
            self._groups.forget(child.leader)
        return None

    async def _run(self, child: _Child, job: Job) -> object:
        try:
            result = await child.run(job)
        except BaseException:
            await self._groups.end(child.leader)
            raise
        self._idle.append(child)
        if isinstance(result, HandlerFailed):
            raise result
        return result


class _NeverBegan(Exception):
    """The child ended before it began with the job."""


class _Child:
    """One child process; it does one thing at a time."""

    def __init__(self, leader: GroupLeader) -> None:
        self.leader = leader
        self.is_coroutine = False
        self._reader = MessageReader(MAX_LINE)

    @classmethod
    async def start(cls, groups: Groups, path: str, places: Sequence[str], output: int | None) -> _Child:
        """Start one, and let it load the handler. Raises NotStarted and HandlerNotFound."""
        leader = groups.start(
            *own_program("convoy_core.handlers.isolated_child", path, *places),
            environment=environment(),
            stdout=PIPE,
            stderr=output,
        )
        child = cls(leader)
        try:
            await child._load()
        except BaseException:
            await groups.end(leader)
            raise
        return child

    async def _load(self) -> None:
        match await self._read():
            case {"ready": True, "coroutine": bool(is_coroutine)}:
                self.is_coroutine = is_coroutine
            case {"unusable": str(why)}:
                raise HandlerNotFound(why)
            case None:
                raise HandlerNotFound(f"Importing it ended the process: {await self._ending()}.")
            case Malformed(answer) | answer:
                raise HandlerNotFound(f"Importing it sent what is no answer: {answer!r:.200}.")

    async def run(self, job: Job) -> object:
        """What the handler returned there; a HandlerFailed if it raised."""
        record = job.as_record()
        self.leader.send(encode_message(record))
        await self._read_until({"began": record["number"]})
        match await self._read():
            case {"failed": str(text), "traceback": str(trace)}:
                return HandlerFailed(text, trace)
            case {"retry": after_s, **rest}:
                return Retry(after_s, str(rest.get("reason", "")))
            case {"discard": str(reason)}:
                return Discard(reason)
            case {"done": True}:
                return None
            case None:
                raise ChildDied(f"the handler's process ended: {await self._ending()}")
            case Malformed(answer) | answer:
                raise ChildDied(f"the handler's process was ended, since it sent what is no answer: {answer!r:.200}")

    async def _read_until(self, word: Message) -> None:
        """Pass over what an earlier job has left in the pipe. Raises _NeverBegan at its end."""
        while (message := await self._read()) != word:
            if message is None:
                raise _NeverBegan(await self._ending())

    async def _read(self) -> Message | Malformed | None:
        return await self._reader.read(self.leader)

    async def _ending(self) -> str:
        try:
            async with asyncio.timeout(END_S):
                return ending(await self.leader.wait())
        except TimeoutError:
            return "it closed its pipe and went on"
