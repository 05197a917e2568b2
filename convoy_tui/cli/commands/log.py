"""`convoy log`: show what operators have done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import typer

from convoy_core import AuditEntry, Fleet
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.words import clock, number

EVERY_S = 1.0
"""Between two looks of `--follow`."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "log", panel="Look")(log)


Since = Annotated[
    float | None,
    typer.Option("--since", metavar="TIME", parser=p.seconds, help="Only of the last so long.", show_default=False),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on, and print what comes, until Ctrl-C.")]


def log(session: Session, queues: p.OptionalQueueNames = None, *, since: Since = None, follow: Follow = False) -> Code:
    """Show what operators have done, oldest first.

    That is each requeue, discard, cancel, jam guard, pause, resume, limit and repair that changed something, and each
    start of workers: when, who, by which face, how many IDs, some of them, and the reason that was given with --reason.
    About a thousand acts are kept of each queue. Who acts is your user at this host, or what --operator,
    CONVOY_OPERATOR or the profile says.

    Examples:
      convoy log
      convoy log trucks --since 3h
      convoy log --follow -o jsonl
    """
    session.out.refuse(Format.IDS, because="an act has several IDs, or none.")
    if follow:
        session.out.refuse(Format.JSON, because="it is one document, and --follow never ends; jsonl fits.")
    names = session.named(queues) if queues else None
    if follow:
        for some in _following(session.fleet, names, since):
            session.out.rows(SHAPE, some)
            session.out.flush()
    entries = session.fleet.audit(names, since_s=since)
    session.out.rows(SHAPE, entries, {"queues": names})
    if not entries:
        session.messages.note("Nobody has done anything that is kept.")
    return Code.DONE


def _following(fleet: Fleet, names: list[str] | None, since: float | None) -> Iterator[list[AuditEntry]]:
    """What there is, and then what is done, each act once. It never ends."""
    everything = fleet.audit(names)
    places = {entry.queue: entry.place for entry in everything}
    known = {(entry.queue, entry.place) for entry in everything}
    yield [entry for entry in fleet.audit(names, since_s=since) if (entry.queue, entry.place) in known]
    while True:
        time.sleep(EVERY_S)
        new = fleet.audit(names, after=places)
        places |= {entry.queue: entry.place for entry in new}
        if new:
            yield new


def _done(entry: AuditEntry) -> str:
    return ", ".join(f"{number(n)} {word}" for word, n in entry.outcomes.items())


def _ids(entry: AuditEntry) -> str:
    more = entry.count - len(entry.samples)
    return ", ".join(entry.samples) + (f" and {number(more)} more" if entry.samples and more > 0 else "")


def _record(entry: AuditEntry) -> dict[str, object]:
    return {
        "queue": entry.queue,
        "at": entry.at,
        "until": entry.until,
        "who": entry.who,
        "face": entry.face,
        "verb": entry.verb,
        "count": entry.count,
        "outcomes": dict(entry.outcomes),
        "samples": [*entry.samples],
        "reason": entry.reason,
        "operation": entry.operation,
    }


SHAPE: Shape[AuditEntry] = Shape(
    "convoy.log/1",
    "acts",
    [
        Column("WHEN (UTC)", lambda entry: entry.at, lambda entry: Cell(clock(entry.at))),
        Column("WHO", lambda entry: entry.who, shrinks=True),
        Column("BY", lambda entry: entry.face, drop=1),
        Column("QUEUE", lambda entry: entry.queue, shrinks=True),
        Column("ACT", lambda entry: entry.verb),
        Column("DONE", _done),
        Column("IDS", _ids, shrinks=True, hides=True),
        Column("REASON", lambda entry: entry.reason, shrinks=True, hides=True),
    ],
    _record,
    lambda entry: entry.place,
)
