"""The supervisor of several worker processes: starts them, replaces those that die, stops all, adds up their tallies.

The supervisor uses neither the store nor a job, so that little in it can fail. Each process has its own process group:
only the supervisor receives Ctrl-C and passes it on, or each process would receive it twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading

from convoy_core import Backoff, PoolMeasures
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.messages import LogLine, Messages
from convoy_tui.cli.io.styled import Styled
from convoy_tui.cli.work.control_socket import Report
from convoy_tui.cli.work.progress import Progress, WorkTally, together
from convoy_tui.cli.work.supervised_process import Launch, Process
from convoy_tui.text.safe_text import safe

RESTARTS = Backoff(first_s=0.5, longest_s=30.0)
"""Pauses before a process that died is replaced."""

HEALTHY_S = 30.0
"""A process that has lived for this many seconds did not fail at its start."""

_STOPPED_EARLY = (-signal.SIGTERM, -signal.SIGINT, int(Code.INTERRUPTED))
"""The exit statuses of a process that is stopped before its pool handles signals; it held no IDs."""


class Supervisor:
    """Keeps `launch.processes` worker processes running until a stop or, in a burst, until they have ended.

    Every SIGTERM and SIGINT is passed on to them. After the first one no process is started.
    """

    def __init__(self, launch: Launch, messages: Messages, queue: str) -> None:
        self.tally = WorkTally()
        """The tally of the processes that have ended."""
        self.workers: list[str] = []
        """The IDs of all pools so far."""
        self.restarts = 0
        self.has_left_something = False
        """Whether a process died during the stop, so that its IDs are left for other pools to recover."""
        self._launch = launch
        self._messages = messages
        self._measures = PoolMeasures(queue)
        """What the processes that have ended had measured."""
        self._lock = threading.Lock()
        """Held while a process comes or ends: one that is counted twice, or not at all, would seem to start anew."""
        self._processes: dict[int, Process] = {}
        self._stopping = asyncio.Event()
        self._has_begun = False
        self._error: Ended | None = None

    def run(self) -> None:
        """Run until all processes have ended. Raises Ended if none could start."""
        asyncio.run(self._run())
        if self._error is not None:
            raise self._error

    def progress(self) -> Progress:
        """The progress of all processes. May be called from any thread."""
        parts = [process.progress for process in list(self._processes.values())]
        return together(parts, self.tally)

    def measures(self) -> PoolMeasures:
        """What all processes have measured. May be called from any thread."""
        with self._lock:
            parts = [process.measures for process in self._processes.values()]
            ended = self._measures
        return sum((part for part in parts if part is not None), ended)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._pass_on, number)
        async with asyncio.TaskGroup() as places:
            for place in range(1, self._launch.processes + 1):
                places.create_task(self._keep(place), name=f"convoy process {place}")

    def _pass_on(self, number: signal.Signals) -> None:
        self._stopping.set()
        for process in self._processes.values():
            process.send(number)

    async def _keep(self, place: int) -> None:
        """Keep a process running in this place."""
        tries, is_successor = 0, False
        now = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            began = now()
            if await self._fill(place, RESTARTS.pause_s(tries), is_successor=is_successor):
                return
            if now() - began >= HEALTHY_S:
                tries = 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESTARTS.pause_s(tries)):
                    await self._stopping.wait()
                    return
            tries, is_successor = tries + 1, True
            self.restarts += 1

    async def _fill(self, place: int, pause: float, *, is_successor: bool) -> bool:
        """Start a process and wait until it has ended. Returns whether the place stays empty."""
        try:
            process = await Process.start(self._launch, place, is_successor=is_successor)
        except OSError as error:
            self._tell(f"Process {place} could not be started: {error.strerror}", pause)
            return False
        with self._lock:
            self._processes[place] = process
        await process.live(self._hear, self._print, self._stopping)
        with self._lock:
            del self._processes[place]
            if process.measures is not None:
                self._measures += process.measures.ended
        self.tally += process.progress.tally
        if process.worker:
            self.workers.append(process.worker)
        if self._is_over(process):
            return True
        self._tell(process.death, pause)
        self.has_left_something = self.has_left_something or self._stopping.is_set()
        return False

    def _is_over(self, process: Process) -> bool:
        """Whether its place stays empty, without a message."""
        final = process.final
        if self._stopping.is_set():
            is_well = process.status in _STOPPED_EARLY if final is None else final.error is None
            return is_well or self._error is not None
        if final is None or (final.error is None and not self._launch.is_burst):
            return False
        if final.error is not None and not self._has_begun:
            # What keeps the first from starting keeps them all: report it once and end, as a single pool would.
            self._error = Ended(Code(final.code), final.error, final.advice)
            self._pass_on(signal.SIGTERM)
        return final.error is None or self._error is not None

    def _hear(self, message: Report | LogLine) -> None:
        if isinstance(message, Report):
            self._has_begun = self._has_begun or message.progress.is_at_work
        else:
            self._messages.log(message)

    def _print(self, line: bytes) -> None:
        """Print a line of a handler's output above the progress line."""
        from rich.text import Text  # noqa: PLC0415 - only the progress line draws with it

        self._messages.stream.console.print(Text.from_ansi(line.decode("utf-8", "replace").rstrip()))

    def _tell(self, death: str, pause: float) -> None:
        """Print that a process has ended and why, even with `--quiet`."""
        following = "." if self._stopping.is_set() else f". Starting another in {pause:g} s."
        self._messages.styled(Styled.of(safe(death + following), "yellow"))
