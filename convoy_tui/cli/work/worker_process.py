"""One worker process: runs a pool by its options, in the foreground or under a supervisor."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from convoy_core import (
    Command,
    ConvoyError,
    Handler,
    InvalidOption,
    Isolated,
    PoolOptions,
    PoolState,
    PoolStatus,
    Queue,
    WorkerPool,
    load_handler,
)
from convoy_core.json_logs import JOB_LOGGER, JSONFormatter
from convoy_core.system import own_program, system_text
from convoy_tui.cli.exit_codes import Code, ending
from convoy_tui.cli.io.messages import LogLine
from convoy_tui.cli.otel_spans import OtelSpans
from convoy_tui.cli.session import Session
from convoy_tui.cli.work.control_socket import ControlSocket, Final
from convoy_tui.cli.work.handler_output import printing
from convoy_tui.cli.work.health import SYSTEMD

LOOK_EVERY_S = 0.5
UNLIMITED_S = 10.0**8


@dataclass(frozen=True, slots=True)
class Workers:
    """The options of `convoy work`."""

    queue: str
    handler: str | None
    exec: str | None
    isolate: bool
    concurrency: int
    job_timeout: float | None
    retries: int
    grace: float | None
    burst: bool
    hooks: tuple[str, ...] = ()
    otel: OtelSpans | None = None
    version_label: str = ""

    @property
    def shown(self) -> str:
        """The handler for people."""
        return self.handler or self.exec or ""

    def pool(self, session: Session, *, burst: bool | None = None) -> WorkerPool:
        """The pool. The handler is loaded first, so that a mistyped path does not connect. Raises ConvoyError."""
        call = self._call()
        hooks: Any = [load_handler(path, here=True) for path in self.hooks]  # the same kind of path
        if session.tracing is not None:
            hooks.insert(0, session.tracing.run)  # outermost: the spans of other hooks are in that of the run
        session.must_write()
        grace = PoolOptions().grace_s if self.grace is None else self.grace
        options = PoolOptions(
            grace_s=grace, burst=self.burst if burst is None else burst, version_label=self.version_label
        )
        return WorkerPool(
            session.new_queue(self.queue),
            call,
            concurrency=self.concurrency,
            job_timeout=300.0 if self.job_timeout is None else self.job_timeout,
            retries=self.retries,
            hooks=hooks,
            options=options,
        )

    def _call(self) -> Handler:
        if (self.handler is None) == (self.exec is None):
            raise InvalidOption("Give either --handler or --exec, to say what is to be done with an ID.")
        if self.handler is not None:
            handler = load_handler(self.handler, here=True)
            return Isolated(self.handler) if self.isolate else handler
        if self.isolate:
            raise InvalidOption("--isolate goes with --handler; a command of --exec is a process of its own anyway.")
        return Command(self.exec or "")

    def arguments(self) -> list[str]:
        """The options as command-line arguments."""
        values = {
            "handler": self.handler,
            "exec": self.exec,
            "concurrency": self.concurrency,
            "job-timeout": self.job_timeout,
            "retries": self.retries,
            "grace": self.grace,
            "otel": self.otel,
            "version-label": self.version_label or None,
        }
        options = [f"--{name}={value}" for name, value in values.items() if value is not None]
        options += [f"--hook={path}" for path in self.hooks]
        switches = {"--isolate": self.isolate, "--burst": self.burst}
        return [*options, *(name for name, is_on in switches.items() if is_on)]


def child_command(
    session: Session, workers: Workers, *, unbuffered: bool, measures: bool = False
) -> Callable[[int, bool], list[str]]:
    """The command line of a supervised process, by its control socket and whether it replaces one that died."""
    flags = session.flags
    program = own_program("convoy_tui.cli", "work", unbuffered=unbuffered)
    settings = [f"--prefix={flags.prefix}"] if flags.prefix else []
    if flags.profile and not flags.redis:
        settings.append(f"--profile={flags.profile}")

    def words(control_socket: int, is_successor: bool) -> list[str]:
        hidden = [f"--control-socket={control_socket}", *(["--successor"] if is_successor else [])]
        hidden += ["--measures"] if measures else []
        reason = "it replaces a process that has died" if is_successor else session.reason
        hidden += [f"--reason={reason}"] if reason else []
        return [*program, *map(system_text, [*settings, *workers.arguments(), *hidden, "--", workers.queue])]

    return words


def child_environment(session: Session) -> dict[str, str]:
    """The environment of a supervised process. It holds the URL, since everyone can read command lines."""
    flags = session.flags
    environment = {name: value for name, value in os.environ.items() if name not in SYSTEMD}
    if flags.redis:
        environment["CONVOY_REDIS_URL"] = flags.redis
        if flags.profile:  # as a flag its URL would take precedence
            environment["CONVOY_PROFILE"] = flags.profile
    if flags.operator:
        environment["CONVOY_OPERATOR"] = flags.operator
    return environment


def serve_supervised(session: Session, workers: Workers, fd: int, *, is_successor: bool, measures: bool) -> Code:
    """Run a pool as one process of a supervisor, and report to that."""
    control_socket = ControlSocket(fd)
    try:
        final = _serve(session, workers, control_socket, is_successor=is_successor, measures=measures)
    except ConvoyError as error:
        ended = ending(error)
        control_socket.end(Final(ended.code, str(ended), ended.advice))
        return ended.code
    code = Code.PARTLY if final.failed else Code.DONE
    control_socket.end(Final(code))
    return code


def _serve(
    session: Session, workers: Workers, control_socket: ControlSocket, *, is_successor: bool, measures: bool
) -> PoolStatus:
    lingers = workers.burst and is_successor
    pool = workers.pool(session, burst=False if lingers else None)
    for number in (signal.SIGTERM, signal.SIGINT):  # before and after the pool has its own handlers
        signal.signal(number, lambda *_: pool.request_stop())
    with (
        printing(to_stderr=False),
        control_socket.held(pool.status, pool.request_stop, pool.measures if measures else None),
        log_to(control_socket.say),
    ):
        if lingers:
            watch = (pool, session.new_queue(workers.queue))
            threading.Thread(target=_end_when_recovered, args=watch, name="convoy-linger", daemon=True).start()
        return pool.run()


def _end_when_recovered(pool: WorkerPool, queue: Queue) -> None:
    """Stop a burst that replaces a dead process, after the IDs of the dead pool are recovered and done.

    This takes one lease in which no pool may be declared dead, one more that the dead pool may have renewed at its
    end, and a heartbeat.
    """
    options = PoolOptions()
    recovered_at = time.monotonic() + 2 * (options.lease_s + options.beat_s)
    while (status := pool.status()).state is not PoolState.STOPPED:
        time.sleep(LOOK_EVERY_S)
        with suppress(ConvoyError):  # the pool itself reports an unreachable store
            counts = queue.counts()
            has_none = counts.queued == 0 or status.state.is_barred
            if has_none and (counts.processing == 0 or time.monotonic() >= recovered_at):
                pool.request_stop(UNLIMITED_S)
                return


@contextmanager
def log_to(say: Callable[[LogLine], None]) -> Iterator[None]:
    """Print warnings, every run that failed, and what handlers log for their runs, as one line each."""
    handler = _Lines(say)
    logger = logging.getLogger("convoy_core")
    about_runs = [logging.getLogger(name) for name in ("convoy_core.worker.runs", JOB_LOGGER)]
    before, propagated = [each.level for each in about_runs], logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    for each in about_runs:
        each.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated
        for each, level in zip(about_runs, before, strict=True):
            each.setLevel(level)


class _Lines(logging.Handler):
    """Prints one line per event: a newline in an ID must not look like another event."""

    def __init__(self, say: Callable[[LogLine], None]) -> None:
        super().__init__()
        self._say = say
        self._json = JSONFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the line on, and whether it is a warning."""
        text = in_brief(record.getMessage())
        if record.name == JOB_LOGGER:
            text = f"{getattr(record, 'job_id', '')!r}: {text}"
        self._say(LogLine(text, record.levelno >= logging.WARNING, self._json.members(record)))


def in_brief(text: str) -> str:
    """The first line and, if there are several, the last, where a traceback names the error."""
    first, *rest = text.strip().splitlines() or [""]
    return f"{first} ... {rest[-1].strip()}" if rest else first
