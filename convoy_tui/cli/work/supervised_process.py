"""One worker process on the side of its supervisor: started with a control socket, and read until it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import IO

from convoy_core import PoolMeasures, PoolOptions, PoolState
from convoy_core.system import MessageReader
from convoy_tui.cli.io.messages import LogLine
from convoy_tui.cli.work.control_socket import Final, Measures, Report, decode
from convoy_tui.cli.work.progress import Progress

MAX_LINE = 1024 * 1024
"""The most bytes of a report: an ID may have 16 KiB, and each byte may need six in JSON."""

SILENT_S = 30.0
"""A process reports several times a second. One that has been silent for so long is stuck or stopped."""


NOT_MEASURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a record raises that a handler has written."""


@dataclass(frozen=True, slots=True)
class Launch:
    """The command to start, and the number of processes."""

    command: Callable[[int, bool], list[str]]
    """The command line for a control socket (its descriptor) and whether the process replaces one that died."""
    environment: Mapping[str, str]
    processes: int
    is_burst: bool
    prints_to_stderr: bool
    """Whether handlers' output goes to stderr, since stdout holds only the answer."""
    pipes_output: bool
    """Whether the supervisor prints the output of handlers, so that it does not break the progress line."""


class Process:
    """One worker process, from its start to its end."""

    def __init__(self, place: int, process: asyncio.subprocess.Process, streams: _Streams) -> None:
        self.place = place
        self.worker = ""
        self.heard_at = time.monotonic()
        self._progress = Progress(str(PoolState.STARTING))
        self.measures: PoolMeasures | None = None
        """As it last told them."""
        self.final: Final | None = None
        self._process = process
        self._streams = streams

    @classmethod
    async def start(cls, launch: Launch, place: int, *, is_successor: bool) -> Process:
        """Start a process with a control socket."""
        ours, theirs = socket.socketpair()
        printed, written = _pipe() if launch.pipes_output else (None, None)
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.command(theirs.fileno(), is_successor),
                env=launch.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=_stdout_of(launch, written),
                stderr=written,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        except OSError:
            _close(ours, printed)
            raise
        finally:
            _close(theirs, written)
        return cls(place, process, await _Streams.of(ours, printed))

    @property
    def progress(self) -> Progress:
        """As it last reported it. A process that reports nothing is not live, whatever it said before."""
        is_silent = time.monotonic() - self.heard_at > SILENT_S
        return replace(self._progress, is_live=False, is_ready=False) if is_silent else self._progress

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    @property
    def death(self) -> str:
        """How the process ended, and what happens to its IDs, as a sentence without its full stop."""
        who = f"Process {self.place} (pid {self.pid})"
        if self.final is not None:
            why = (self.final.error or "").removesuffix(".")
            return f"{who} could not go on: {why}" if why else f"{who} was stopped by others"
        options = PoolOptions()
        within = options.lease_s + options.beat_s
        fate = f"any IDs it held will be recovered by another worker, within about {within:.0f} s"
        return f"{who} {_how(self.status)}; {fate}"

    @property
    def status(self) -> int:
        """Its exit status; negative for the signal that killed it."""
        return self._process.returncode or 0

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def live(
        self, hear: Callable[[Report | LogLine], None], show: Callable[[bytes], None], stopping: asyncio.Event
    ) -> None:
        """Read from the process until it has ended."""
        if stopping.is_set():  # since the start began
            self.send(signal.SIGTERM)
        reading = asyncio.gather(self._listen(hear), self._read_output(show))
        await self._process.wait()
        with contextlib.suppress(TimeoutError):  # a child of a handler may hold the other end for ever
            async with asyncio.timeout(1):
                await reading
        self._streams.close()

    async def _read_output(self, show: Callable[[bytes], None]) -> None:
        reader = self._streams.output
        while reader is not None and not reader.at_eof():
            with contextlib.suppress(ValueError):  # a line without an end
                if line := await reader.readline():
                    show(line)

    async def _listen(self, hear: Callable[[Report | LogLine], None]) -> None:
        reader = MessageReader(MAX_LINE)
        with contextlib.suppress(ConnectionError):
            while (line := await reader.read(self._streams.reports)) is not None:
                match decode(line):
                    case Final() as final:
                        self.final = final
                        return
                    case Report() as report:
                        self.worker, self.heard_at = report.worker, time.monotonic()
                        self._progress = report.progress
                        hear(report)
                    case Measures(record):
                        with contextlib.suppress(*NOT_MEASURES):
                            self.measures = PoolMeasures.from_record(record)
                    case LogLine() as said:
                        hear(said)
                    case None:
                        pass


@dataclass(slots=True)
class _Streams:
    """The streams from a process: its reports and, if piped, its output."""

    reports: asyncio.StreamReader
    output: asyncio.StreamReader | None
    control_socket: asyncio.StreamWriter
    """Never written to. It must stay open, or the worker would stop."""
    pipe: asyncio.ReadTransport | None

    @classmethod
    async def of(cls, control_socket: socket.socket, printed: IO[bytes] | None) -> _Streams:
        """The streams over the supervisor's ends."""
        reports, writer = await asyncio.open_connection(sock=control_socket)
        if printed is None:
            return cls(reports, None, writer, None)
        output = asyncio.StreamReader(limit=MAX_LINE)
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(output), printed)
        return cls(reports, output, writer, pipe)

    def close(self) -> None:
        """Close the streams."""
        self.control_socket.close()
        if self.pipe is not None:
            self.pipe.close()


def _stdout_of(launch: Launch, written: IO[bytes] | None) -> IO[bytes] | int | None:
    if launch.prints_to_stderr:
        return written or 2
    return written if sys.stdout.isatty() else None


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    read_end, write_end = os.pipe()
    return os.fdopen(read_end, "rb", buffering=0), os.fdopen(write_end, "wb", buffering=0)


def _close(*ends: socket.socket | IO[bytes] | None) -> None:
    for end in ends:
        if end is not None:
            end.close()


def _how(status: int) -> str:
    if status >= 0:
        return f"ended unexpectedly with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
