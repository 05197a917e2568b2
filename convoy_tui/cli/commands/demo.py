"""`convoy demo`: sample queues and sample workers, to see everything alive."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.scratch import erased_afterwards, scratch_fleet
from convoy_tui.cli.session import Session
from convoy_tui.text.words import duration, number

if TYPE_CHECKING:
    from convoy_core import Fleet
    from convoy_tui.cli.work.sample_queues import Samples

PREFIX: Final = "cv-demo:"
TURN_S: Final = 0.1
"""The time between two looks at what is to be published."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "demo", panel="Run", writes=True)(demo)


Lasting = Annotated[
    float | None,
    typer.Option("--for", metavar="TIME", parser=p.some_seconds, help="End after this time.", show_default=False),
]


def demo(session: Session, *, lasting: Lasting = None) -> Code:
    """Show sample queues and workers at work, to see everything alive.

    Some of the jobs are slow, some fail, some are retried, some wait until they are due. The queues have a prefix of
    their own, so that they touch no others, and are erased at the end: after Ctrl-C, after --for, or when the process
    is told to end.

    Examples:
      convoy demo
      convoy-tui --prefix cv-demo:
      convoy status --watch --prefix cv-demo:
      convoy demo --for 1m
    """
    from convoy_tui.cli.work.sample_queues import SAMPLES, Samples  # noqa: PLC0415 - loads the pool

    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    with scratch_fleet(session, PREFIX) as fleet:
        _refuse_second(session, fleet)
        session.say_where()
        samples, started = Samples(fleet), time.monotonic()
        for sample in SAMPLES:
            session.messages.note(f"{sample.name:<8} {sample.what}")
        session.messages.note(f"To see them: convoy-tui --prefix {PREFIX}   or: convoy status -w --prefix {PREFIX}")
        session.messages.note("Ctrl-C ends this and erases them." if lasting is None else _until(lasting))
        logging.getLogger("convoy_core").addHandler(logging.NullHandler())  # that samples fail is no news
        code = Code.DONE
        try:
            with erased_afterwards(fleet, lambda: [sample.name for sample in SAMPLES]), samples.at_work():
                _go_on(samples, lasting)
        except KeyboardInterrupt:
            code = Code.DONE if lasting is None else Code.INTERRUPTED
        _answer(session, samples, time.monotonic() - started)
    return code


def _refuse_second(session: Session, fleet: Fleet) -> None:
    for name in fleet.queues():
        for worker in fleet.queue(name).workers():
            if worker.is_live:
                raise Ended(
                    Code.REFUSED,
                    f"A demo is running at {session.where} already, or was killed less than {duration(6)} ago.",
                    f"To see it: convoy-tui --prefix {PREFIX}",
                )


def _until(lasting: float) -> str:
    return f"After {duration(lasting)}, or Ctrl-C, this ends and erases them."


def _go_on(samples: Samples, lasting: float | None) -> None:
    end = None if lasting is None else time.monotonic() + lasting
    while end is None or time.monotonic() < end:
        samples.publish()
        time.sleep(TURN_S)


def _answer(session: Session, samples: Samples, seconds: float) -> None:
    statuses = [pool.status() for pool in samples.pools]
    done, failed = sum(each.done for each in statuses), sum(each.failed for each in statuses)
    retried = sum(each.retried for each in statuses)
    if session.out.format in (Format.JSON, Format.JSONL):
        fields = {"store": session.store.shown, "seconds": round(seconds, 3), "published": samples.accepted}
        rest = {"refused": samples.refused, "done": done, "failed": failed, "retried": retried}
        session.out.document("convoy.demo/1", {**fields, **rest})
        return
    published = f"{number(samples.accepted)} published and {number(samples.refused)} refused as known"
    session.out.line(f"{published}; {number(done)} done, {number(failed)} failed, {number(retried)} retried")
    session.messages.note("All of it is erased.")
