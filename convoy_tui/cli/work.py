"""`convoy work`: run a worker pool in the foreground, with its progress in one line and a tally at the end."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from convoy_core import PoolOptions, PoolStatus, Queue, WorkerPool
from convoy_core.handlers import load
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exits import Code
from convoy_tui.cli.output import Format
from convoy_tui.cli.session import Session
from convoy_tui.cli.talk import Talk
from convoy_tui.safe_text import safe
from convoy_tui.words import age, number

SCHEMA = "convoy.work/1"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "work", panel="Run", writes=True)(work)


HandlerPath = Annotated[str, typer.Option("--handler", metavar="PATH", help="The function to call, as pkg.mod:fn.")]
Concurrency = Annotated[int, typer.Option("--concurrency", "-c", metavar="N", help="Jobs at once.")]
JobTimeout = Annotated[
    float | None,
    typer.Option("--job-timeout", metavar="TIME", parser=p.seconds, help="A longer run has failed. Default: 5m."),
]
Retries = Annotated[int, typer.Option("--retries", metavar="N", help="Try a failure again so often.")]
Grace = Annotated[
    float | None,
    typer.Option("--grace", metavar="TIME", parser=p.seconds, help="Let jobs finish on a stop. Default: 25s."),
]
Burst = Annotated[bool, typer.Option("--burst", help="End when nothing is queued any more.")]


def work(
    session: Session,
    queue: p.QueueName,
    *,
    handler: HandlerPath,
    concurrency: Concurrency = 1,
    job_timeout: JobTimeout = None,
    retries: Retries = 0,
    grace: Grace = None,
    burst: Burst = False,
) -> Code:
    """Run workers on a queue until stopped.

    Ctrl-C once: claim no more, let running jobs finish, give the rest back to the queue. Twice: give all back at once.

    Examples:
      convoy work trucks --handler examples.trucks:crush
      convoy work trucks --handler shop.jobs:sync -c 10 --retries 5
      convoy work trucks --handler examples.trucks:crush --burst
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    sys.path.insert(0, "")  # the current directory, as for `python -m`
    function = load(handler)  # before the store is touched: a typing error must not register a worker
    session.must_write()
    options = PoolOptions(grace_s=PoolOptions().grace_s if grace is None else grace, burst=burst)
    limit = 300.0 if job_timeout is None else job_timeout
    target = session.new_queue(queue)
    pool = WorkerPool(target, function, concurrency=concurrency, job_timeout=limit, retries=retries, options=options)
    return _run(session, pool, target, handler, concurrency)


def _run(session: Session, pool: WorkerPool, queue: Queue, handler: str, concurrency: int) -> Code:
    session.say_where()
    session.talk.note(f"{number(concurrency)} at a time from {queue.name} to {handler}; Ctrl-C stops gracefully.")
    with _log_to(session.talk), _progress(session.talk, pool):
        final = pool.run()
    _answer(session, queue.name, final)
    return Code.PARTLY if final.failed else Code.DONE


def _answer(session: Session, queue: str, status: PoolStatus) -> None:
    if session.out.format in (Format.JSON, Format.JSONL):
        fields = {"queue": queue, "worker": status.worker, "done": status.done, "failed": status.failed}
        fields |= {"retried": status.retried, "released": status.released, "stale": status.stale}
        session.out.document(SCHEMA, fields)
    else:
        session.out.line(tally_words(status))


def tally_words(status: PoolStatus) -> str:
    """What the pool did; `done` always, the rest where there is any."""
    others = (
        (status.failed, "failed"),
        (status.retried, "retried"),
        (status.released, "released"),
        (status.stale, "too late (somebody else had the ID)"),
    )
    parts = [f"{number(status.done)} done"] + [f"{number(n)} {word}" for n, word in others if n]
    return ", ".join(parts)


@contextmanager
def _progress(talk: Talk, pool: WorkerPool) -> Iterator[None]:
    """One line that says what the pool does, on a terminal."""
    if talk.quiet or not talk.console.is_terminal:
        yield
        return

    def line() -> Text:
        return progress_line(pool.status(), talk.console.width)

    with Live(get_renderable=line, console=talk.console, refresh_per_second=5, transient=True):
        yield


def progress_line(status: PoolStatus, width: int) -> Text:
    """State, tally and the job that runs longest, in one line."""
    running = status.running
    parts = [str(status.state), tally_words(status), f"{number(len(running))} running"]
    line = Text(" · ".join(parts), no_wrap=True, overflow="ellipsis")
    if running:
        id, seconds = max(running, key=lambda run: run[1])
        rest = f" · longest {age(seconds)}: "
        line.append(rest + safe(id, max(0, width - len(line) - len(rest) - 1)), "dim")
    if status.error:
        line.append(f" · {safe(status.error, 60)}", "yellow")
    return line


@contextmanager
def _log_to(talk: Talk) -> Iterator[None]:
    """Let warnings and every failed run come out as one line each, without disturbing the progress line."""
    handler = _Lines(talk)
    logger, runs = logging.getLogger("convoy_core"), logging.getLogger("convoy_core.runs")
    before = runs.level, logger.propagate
    logger.addHandler(handler)
    runs.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        runs.setLevel(before[0])
        logger.propagate = before[1]


class _Lines(logging.Handler):
    """One event, one line: a newline in an ID must not forge another event."""

    def __init__(self, talk: Talk) -> None:
        super().__init__()
        self._talk = talk

    def emit(self, record: logging.LogRecord) -> None:
        """Write it as a note, or as a warning."""
        say = self._talk.warn if record.levelno >= logging.WARNING else self._talk.note
        say(record.getMessage())
