"""`convoy work`: run workers in the foreground, with a progress line and a tally at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

import typer

from convoy_core import ConvoyError, InvalidOption
from convoy_core.system import lost_lines
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.messages import Messages
from convoy_tui.cli.session import Session
from convoy_tui.cli.work.handler_output import never_wait, printing
from convoy_tui.cli.work.health import HEALTH_PORT, told
from convoy_tui.cli.work.init_process import learn_how_children_end, step_down
from convoy_tui.cli.work.metrics import METRICS_PORT, need_prometheus, served
from convoy_tui.cli.work.progress import Progress, WorkTally
from convoy_tui.cli.work.supervised_process import Launch
from convoy_tui.cli.work.supervisor import Supervisor
from convoy_tui.cli.work.worker_process import Workers, child_command, child_environment, log_to, serve_supervised
from convoy_tui.text.address import Address, read_address
from convoy_tui.text.words import count, number

SCHEMA = "convoy.work/1"

MAX_PROCESSES = 256


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "work", panel="Run", writes=True, audited=True)(work)


HandlerPath = Annotated[
    str | None,
    typer.Option("--handler", metavar="PATH", help="The function to call, as pkg.mod:fn.", show_default=False),
]
CommandLine = Annotated[
    str | None,
    typer.Option("--exec", metavar="COMMAND", help="The command to run; {} is the ID.", show_default=False),
]
Isolate = Annotated[bool, typer.Option("--isolate", help="Call the handler in child processes.")]
Processes = Annotated[
    int | None,
    typer.Option("--processes", metavar="N", parser=p.positive, help="Worker processes.", show_default=False),
]
Concurrency = Annotated[
    int, typer.Option("--concurrency", "-c", metavar="N", parser=p.concurrency, help="Jobs at once, per process.")
]
JobTimeout = Annotated[
    float | None,
    typer.Option("--job-timeout", metavar="TIME", parser=p.some_seconds, help="The time limit of a run. Default: 5m."),
]
Retries = Annotated[
    int, typer.Option("--retries", metavar="N", parser=p.natural, help="How often to retry a failed run.")
]
Grace = Annotated[
    float | None,
    typer.Option(
        "--grace", metavar="TIME", parser=p.some_seconds, help="Time for running jobs at a stop. Default: 25s."
    ),
]


class LogFormat(StrEnum):
    """How log lines and messages are written."""

    TEXT = "text"
    JSON = "json"


Hooks = Annotated[
    list[str] | None,
    typer.Option("--hook", metavar="PATH", help="A hook around each run, as pkg.mod:fn.", show_default=False),
]
Health = Annotated[
    str | None,
    typer.Option(
        "--health", metavar="HOST:PORT", help="Answer /live and /ready there, as for Kubernetes.", show_default=False
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option("--metrics", metavar="HOST:PORT", help="Serve metrics there, for Prometheus.", show_default=False),
]
Logs = Annotated[
    LogFormat,
    typer.Option("--log-format", metavar="FORMAT", help="Write messages and log lines as text, or as lines of json."),
]
VersionLabel = Annotated[
    str,
    typer.Option("--version-label", metavar="TEXT", help="The version of what runs here.", show_default=False),
]
Burst = Annotated[bool, typer.Option("--burst", help="End when the queue is empty.")]
ControlSocketOption = Annotated[int | None, typer.Option("--control-socket", hidden=True)]
Successor = Annotated[bool, typer.Option("--successor", hidden=True)]
Measures = Annotated[bool, typer.Option("--measures", hidden=True)]


class Listening(NamedTuple):
    """Where others may ask about the workers, if anywhere."""

    health: Address | None
    metrics: Address | None

    @classmethod
    def at(cls, health: str | None, metrics: str | None) -> Self:
        """As the options say. Raises InvalidOption."""
        if metrics is not None:
            need_prometheus()
        return cls(
            None if health is None else read_address(health, "--health", HEALTH_PORT),
            None if metrics is None else read_address(metrics, "--metrics", METRICS_PORT),
        )


def work(  # noqa: PLR0913 - typer reads the options from here
    session: Session,
    queue: p.QueueName,
    *,
    handler: HandlerPath = None,
    exec: CommandLine = None,
    isolate: Isolate = False,
    concurrency: Concurrency = 1,
    processes: Processes = None,
    job_timeout: JobTimeout = None,
    retries: Retries = 0,
    grace: Grace = None,
    burst: Burst = False,
    hook: Hooks = None,
    otel: p.Otel = None,
    health: Health = None,
    metrics: Metrics = None,
    log_format: Logs = LogFormat.TEXT,
    version_label: VersionLabel = "",
    control_socket: ControlSocketOption = None,
    successor: Successor = False,
    measures: Measures = False,
) -> Code:
    """Run workers on a queue until stopped.

    Ctrl-C once: claim no more, let running jobs finish, give the rest back to the queue. Twice: give all back at once.

    A command is run without a shell. It gets the ID as {} and in CONVOY_ID, and the payload on stdin. Exit status 0
    means done, 75 means later, and any other means failed, with the end of stderr as the reason. Its stdout is
    dropped. What a function prints goes to stdout, or with --json to stderr.

    A hook is called with each job, and answers with a context manager around its run. With --log-format json every
    line on stderr that is ours is an object with at, level, logger and message, and about a run with queue, job_id,
    attempt and token.

    With --otel each run is a span of OpenTelemetry, linked to the publishes that it stands for. Which spans are
    exported, and where, is set up by the handler's module, or by `opentelemetry-instrument convoy work ...`.

    With --health, GET /live answers 200 while the loop and the heartbeat turn, whatever the store and the jobs do, and
    GET /ready while the workers are registered, the store answers, and no stop has begun. Under systemd (Type=notify)
    readiness, status and watchdog are reported as well. With --metrics, GET /metrics answers how long IDs waited and
    ran, added up over all processes (needs the extra `metrics`).

    With --version-label, `convoy workers` shows the version, and a queue may be given a lowest one that may claim.

    Examples:
      convoy work trucks --handler examples.trucks:crush
      convoy work trucks --handler shop.jobs:sync -c 10 --retries 5
      convoy work trucks --exec './crush -- {}' --job-timeout 30s
      convoy work trucks --handler shop.jobs:parse --isolate
      convoy work trucks --handler shop.jobs:sync --processes 4 -c 10
      convoy work trucks --handler examples.trucks:crush --burst
      convoy work trucks --exec './crush -- {}' --metrics 127.0.0.1:9466
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    session.messages.is_json = log_format is LogFormat.JSON
    step_down()
    learn_how_children_end()
    never_wait()
    session.trace(otel)
    hooks = tuple(hook or ())
    workers = Workers(
        queue, handler, exec, isolate, concurrency, job_timeout, retries, grace, burst, hooks, otel, version_label
    )
    if control_socket is not None:
        return serve_supervised(session, workers, control_socket, is_successor=successor, measures=measures)
    if processes is not None and processes > MAX_PROCESSES:
        raise InvalidOption(f"--processes is {number(processes)}; at most {MAX_PROCESSES} are started.")
    listening = Listening.at(health, metrics)
    pool = workers.pool(session)
    session.say_where()
    each = f"{number(concurrency)} at a time"
    if processes is not None:
        each = f"{count(processes, 'process', 'processes')}, {each} each,"
    session.messages.note(f"{each} from {queue} to {workers.shown}; Ctrl-C stops gracefully.")
    if processes is not None:
        session.close()  # from here on only the worker processes use the store
        return _supervise(session, workers, processes, listening)
    with printing(to_stderr=_is_document(session)):
        with (
            told(lambda: Progress.of(pool.status()), listening.health, session.messages),
            served(pool, listening.metrics, session.messages),
            log_to(session.messages.log),
            _live(session.messages, lambda: Progress.of(pool.status())),
        ):
            final = pool.run()
        _say_rest(session, workers)
    return _answer(session, queue, WorkTally.of(final), {"worker": final.worker})


def _supervise(session: Session, workers: Workers, processes: int, listening: Listening) -> Code:
    if os.name == "nt":
        raise InvalidOption("--processes is not to be had on Windows; start `convoy work` several times.")
    pipes = _is_shown(session.messages)
    start = child_command(session, workers, unbuffered=pipes, measures=listening.metrics is not None)
    launch = Launch(
        start,
        child_environment(session),
        processes,
        is_burst=workers.burst,
        pipes_output=pipes,
        prints_to_stderr=_is_document(session),
    )
    supervisor = Supervisor(launch, session.messages, workers.queue)
    with (
        told(supervisor.progress, listening.health, session.messages),
        served(supervisor, listening.metrics, session.messages),
        printing(to_stderr=False),
        _live(session.messages, supervisor.progress),
    ):
        supervisor.run()
    _say_rest(session, workers)
    fields = {"processes": processes, "workers": supervisor.workers, "restarts": supervisor.restarts}
    code = _answer(session, workers.queue, supervisor.tally, fields)
    return Code.PARTLY if supervisor.has_left_something else code


def _say_rest(session: Session, workers: Workers) -> None:
    """Report dropped output and, after a burst, delayed IDs: a burst ends when the queue is empty."""
    if lost := lost_lines():
        session.messages.note(f"{count(lost, 'line')} could not be written, and were dropped.")
    if not workers.burst:
        return
    with suppress(ConvoyError):  # the work is done, even if the store no longer answers
        delayed = session.new_queue(workers.queue).counts().delayed
        if delayed:
            session.messages.note(f"{count(delayed, 'delayed ID waits', 'delayed IDs wait')} for the next worker.")


def _is_document(session: Session) -> bool:
    """Whether stdout must hold only the answer."""
    return session.out.format in (Format.JSON, Format.JSONL)


def _answer(session: Session, queue: str, tally: WorkTally, fields: Mapping[str, object]) -> Code:
    if _is_document(session):
        session.out.document(SCHEMA, {"queue": queue, **fields, **tally.record()})
    else:
        session.out.line(tally.words)
    return Code.PARTLY if tally.failed else Code.DONE


@contextmanager
def _live(messages: Messages, progress: Callable[[], Progress]) -> Iterator[None]:
    """Show what the workers do in one line, on a terminal."""
    if not _is_shown(messages):
        yield
        return

    from rich.live import Live  # noqa: PLC0415 - a pool without a terminal needs none
    from rich.text import Text  # noqa: PLC0415

    def line() -> Text:
        shown = progress().line(messages.stream.width).rich()
        shown.no_wrap, shown.overflow = True, "ellipsis"
        return shown

    # The output of handlers goes above the line, unless it is redirected.
    mine = sys.stdout.isatty()
    with Live(
        get_renderable=line, console=messages.stream.console, refresh_per_second=5, transient=True, redirect_stdout=mine
    ):
        yield


def _is_shown(messages: Messages) -> bool:
    return messages.stream.is_terminal and not messages.quiet and not messages.is_json
