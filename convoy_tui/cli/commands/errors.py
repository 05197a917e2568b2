"""`convoy errors`: show the error log of a queue, which Convoy and Node workers write."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from convoy_core import LoggedError
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.list_ids import PageLimit, Start
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.session import Session
from convoy_tui.text.words import number


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "errors", panel="Look")(errors)


def errors(session: Session, queue: p.QueueName, *, limit: PageLimit = 50, start: Start = 0) -> Code:
    """Show the error log of a queue, newest first.

    Convoy and Node workers write the text of each failure there, and it is kept for a day. It names no ID. This is all
    that a Node worker records about a failure; `convoy list --state failed` shows what Convoy's workers record for
    each ID.

    Examples:
      convoy errors trucks
      convoy errors trucks --limit 10 --json
    """
    session.out.refuse(Format.IDS, because="the log names no IDs.")
    found: list[LoggedError] = []
    log = session.queue(queue)
    page = log.errors(start=start, limit=min(limit, 500))
    found += page.errors
    while page.next is not None and len(found) < limit:
        page = log.errors(start=page.next, limit=min(limit - len(found), 500))
        found += page.errors
    session.out.rows(_shape(queue), found, {"queue": queue, "total": page.total, "next": page.next})
    if not page.total:
        session.messages.note(f"No errors are logged for {queue}; the log is kept for a day.")
    elif page.next is not None:
        session.messages.note(f"{number(len(found))} of {number(page.total)} errors; more: --start {page.next}")
    return Code.DONE


def _day(error: LoggedError) -> str:
    return datetime.fromtimestamp(error.day, UTC).strftime("%Y-%m-%d")


def _shape(queue: str) -> Shape[LoggedError]:
    return Shape(
        "convoy.errors/1",
        "errors",
        [Column("DAY (UTC)", _day), Column("ERROR", lambda error: error.text, shrinks=True)],
        lambda error: {"queue": queue, "day": _day(error), "text": error.text},
        lambda error: error.text,
    )
