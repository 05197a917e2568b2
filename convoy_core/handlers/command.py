"""Any command as a handler: one process per run, and no shell that would read the ID.

The contract with the command: the ID comes as the argument written `{}` and in CONVOY_ID, with CONVOY_QUEUE,
CONVOY_ATTEMPT, CONVOY_TOKEN and CONVOY_REQUESTS (see `Job`), and with TRACEPARENT where the run is traced; the payload
comes on stdin. Exit status 0 is done, 75 (EX_TEMPFAIL of sysexits.h) is "call me again later", anything else has
failed, with the tail of stderr as the reason. Its stdout is dropped.
A command and all it has started end with its worker, even by `kill -9`; what it leaves running after its own end stays.
"""

from __future__ import annotations

import errno
import shlex
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from subprocess import DEVNULL, PIPE
from typing import Any, Final

from convoy_core import validation
from convoy_core.errors import HandlerNotFound, InvalidOption
from convoy_core.handlers.group_leader import GroupLeader
from convoy_core.handlers.process_groups import DESCRIPTORS, Groups, ending
from convoy_core.handlers.run import RunFailed
from convoy_core.handlers.verdicts import MAX_ERROR
from convoy_core.handlers.watcher import FINDS_MARKS, WITHHELD, environment
from convoy_core.jobs import Job, Retry
from convoy_core.system import system_text

EX_TEMPFAIL = 75

_PLACEHOLDER = "{}"

_GATE: Final = f"""
unset {" ".join(WITHHELD)}
export CONVOY_ID="$1" CONVOY_QUEUE="$2" CONVOY_ATTEMPT="$3" CONVOY_TOKEN="$4" CONVOY_REQUESTS="$5"
shift 5
read -r go && exec "$@"
"""
_GO: Final = b"\n"
"""Where the watcher does not find marks, a gate executes the command at the first line on stdin.

It ends if its worker dies before that, so the watcher knows of every command that runs. Arguments and values pass
unchanged, and none is read as code. The shell drops only environment variables whose names are not valid in a shell.
"""

_IS_GATED = not FINDS_MARKS and sys.platform != "win32"

_TRACED: Final = 'export TRACEPARENT="$1"; shift' + _GATE
"""The same, for a run that is traced: its context comes first."""

_SHELL: Final = ("/bin/sh", "-c")

_READ_BYTES = 64 * 1024


class CommandFailed(RunFailed):
    """A command ended with a status other than 0 and 75, or could not be started for this ID."""


class Command:
    """A command line, to be given to a WorkerPool as its handler.

    `words` is a list of arguments, or text that is split as a shell would, without being one. A word that is exactly
    `{}` is replaced by the ID; without one the command finds it in CONVOY_ID. `output` is a descriptor for what it
    prints; without one that is dropped. Raises InvalidOption and HandlerNotFound.
    """

    def __init__(self, words: str | Sequence[str], *, output: int | None = None) -> None:
        if output is not None:
            validation.whole("output", output, 0)
        self._output = DEVNULL if output is None else output
        self._words = _split(words)
        if not self._words or self._words[0] == _PLACEHOLDER:
            raise InvalidOption("The command must begin with a program, never with the ID.")
        if any(_PLACEHOLDER in word and word != _PLACEHOLDER for word in self._words):
            raise InvalidOption("{} must stand alone as a word; the ID is also in the environment, as CONVOY_ID.")
        if shutil.which(system_text(self._words[0])) is None:
            raise HandlerNotFound(f"There is no program {self._words[0]!r} to run.")
        self._groups = Groups()

    descriptors = DESCRIPTORS
    """Of the pool's process, for each run."""

    @property
    def program(self) -> str:
        """The first word: what is looked for on the PATH."""
        return self._words[0]

    @property
    def shown(self) -> str:
        """The command line for people."""
        return shlex.join(self._words)

    async def __call__(self, job: Job) -> object:
        """Run it for one ID. Raises CommandFailed; cancelled, it ends the command's whole process group."""
        leader = self._start(job)
        try:
            leader.send(_GO + job.content if _IS_GATED else job.content, is_last=True)
            err = b""
            while chunk := await leader.read(_READ_BYTES):
                err = (err + chunk)[-MAX_ERROR:]
            status = await leader.wait()
        except BaseException:
            await self._groups.end(leader)
            raise
        self._groups.forget(leader)
        match status:
            case 0:
                return None
            case 75:
                return Retry(reason=_tail(err))
            case _:
                raise CommandFailed(_reason(status, err))

    async def aclose(self) -> None:
        """Wait, for seconds at most, until the commands are gone whose runs were cancelled."""
        await self._groups.aclose()

    def _start(self, job: Job) -> GroupLeader:
        told = {
            "CONVOY_ID": system_text(job.id),
            "CONVOY_QUEUE": system_text(job.queue),
            "CONVOY_ATTEMPT": str(job.attempt),
            "CONVOY_TOKEN": job.token,
            "CONVOY_REQUESTS": str(job.requests),
        }
        words = [*map(system_text, self._arguments(job.id))]
        try:
            if _IS_GATED:
                traced = [] if job.traceparent is None else [job.traceparent]
                words = [*_SHELL, _TRACED if traced else _GATE, "sh", *traced, *told.values(), *words]
                return self._groups.start(*words, environment=None, stdout=self._output, stderr=PIPE)
            if job.traceparent is not None:
                told["TRACEPARENT"] = job.traceparent
            return self._start_at_once(words, environment() | told, f"CONVOY_TOKEN={job.token}")
        except (OSError, ValueError) as error:  # E2BIG, a NUL byte: nothing the command could be told
            raise CommandFailed(f"the command cannot be started for this ID: {error}") from None

    def _start_at_once(self, words: list[str], environment: dict[str, str], mark: str) -> GroupLeader:
        start = partial(self._groups.start, environment=environment, stdout=self._output, stderr=PIPE, mark=mark)
        try:
            return start(*words)
        except OSError as error:
            file = shutil.which(words[0], path=environment.get("PATH"))
            if error.errno != errno.ENOEXEC or file is None:
                raise
        # A script that does not say what reads it: as `execvp` has it, and every shell, that is a shell.
        return start(_SHELL[0], file, *words[1:])

    def _arguments(self, id: str) -> list[str]:
        if id.startswith("-") and _PLACEHOLDER in self._words:
            before = self._words[: self._words.index(_PLACEHOLDER)]
            if "--" not in before:
                raise CommandFailed("the ID begins with '-' and would be read as an option; write -- before {}")
        return [id if word == _PLACEHOLDER else word for word in self._words]


def _split(words: str | Sequence[str]) -> list[str]:
    try:
        split: list[Any] = shlex.split(words) if isinstance(words, str) else [*validation.many("words", words, "text")]
    except ValueError as error:
        raise InvalidOption(f"The command cannot be split into words: {error}.") from None
    for word in split:
        if not isinstance(word, str) or "\0" in word:
            raise InvalidOption(f"A word of words is {validation.shown(word)}; it must be text without NUL.")
    return split


def _reason(status: int | None, err: bytes) -> str:
    ended = ending(status)
    tail = _tail(err[-(MAX_ERROR - len(ended) - 2) :])
    return f"{ended}: {tail}" if tail else ended


def _tail(err: bytes) -> str:
    return err.decode("utf-8", "replace").strip()
