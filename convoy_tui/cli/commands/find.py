"""`convoy find`: find one ID in every queue."""

from __future__ import annotations

import typer

from convoy_core import Details, State
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.list_ids import ago
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.holders import Holders
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.missing import certain, is_known, state_word, way_out
from convoy_tui.cli.session import Session
from convoy_tui.text.words import count


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "find", panel="Look")(find)


def since_of(details: Details) -> float | None:
    """When the ID entered its state, if that is known."""
    match details.state:
        case State.QUEUED | State.DELAYED:
            return details.published
        case State.PROCESSING:
            return details.started
        case State.FAILED:
            return details.failure.at if details.failure else None
        case State.ABSENT:
            return None


def _shape(holders: Holders) -> Shape[Details]:
    def holder(details: Details) -> Cell:
        if details.worker is None:
            return Cell("")
        return Cell(holders.name(details.queue, details.worker))

    return Shape(
        "convoy.find/1",
        "queues",
        [
            Column("QUEUE", lambda d: d.queue, shrinks=True),
            Column("STATE", state_word),
            Column("SINCE", since_of, lambda d: Cell(ago(since_of(d), d.at)), right=True),
            Column("FAILURES", lambda d: d.failures, right=True),
            Column("WORKER", lambda d: d.worker, holder, drop=1),
        ],
        lambda d: {
            "queue": d.queue,
            "id": d.id,
            "state": state_word(d),
            "since": since_of(d),
            "at": d.at,
            "worker": d.worker,
        },
        lambda d: d.queue,
    )


def find(session: Session, id: p.ID) -> Code:
    """Say in which queues an ID is, and in which state.

    An ID that is committed but in no state is "missing". The exit code is 3 if no queue holds the ID.

    Examples:
      convoy find 42
      convoy find 42 --json
    """
    names = session.fleet.queues()
    found = session.fleet.find(id, names)
    found = [certain(session.fleet.queue(row.queue), row) for row in found]
    found = [row for row in found if is_known(row)]
    if not found and session.out.format is not Format.JSON:
        raise Ended(Code.NOT_FOUND, f"ID {id} is in none of the {count(len(names), 'queue')} at {session.where}.")
    session.out.rows(_shape(session.holders), found, {"id": id})
    for row in found:
        if row.is_missing:
            session.messages.warn(way_out(session.fleet.queue(row.queue), row))
    return Code.DONE if found else Code.NOT_FOUND
