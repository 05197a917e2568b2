"""`convoy where`: say in which state each of many IDs is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple

import typer

from convoy_core import Queue, State
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.session import Session
from convoy_tui.text.words import number


class Row(NamedTuple):
    """One ID and its state."""

    id: str
    state: State


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "where", panel="Look")(where)


OnlyIn = Annotated[
    State | None,
    typer.Option("--state", "-s", metavar="STATE", help="Only those in this state.", show_default=False),
]


def where(
    session: Session,
    queue: p.QueueName,
    ids: p.IDs = None,
    *,
    file: p.FromFile = None,
    nul: p.Nul = False,
    state: OnlyIn = None,
) -> Code:
    """Say in which state each of many IDs is.

    The states are queued, delayed, processing, failed and absent. The exit code is 3 if --state finds none.

    Examples:
      convoy where trucks 42 43
      convoy where trucks --from ids.txt -o jsonl
      convoy where trucks --from ids.txt --state absent -o ids > again.txt
    """
    source = Source(ids or [], file, nul)
    source.require()
    looked_at = session.queue(queue)
    tally: Counter[State] = Counter()
    shape: Shape[Row] = Shape(
        "convoy.where/1",
        "ids",
        [Column("ID", lambda row: row.id, shrinks=True), Column("STATE", lambda row: row.state)],
        lambda row: {"queue": queue, "id": row.id, "state": row.state},
        lambda row: row.id,
    )
    rows = _chosen(_rows(looked_at, source), state, tally)
    if session.out.format in (Format.TABLE, Format.JSON):
        chosen = list(rows)
        session.out.rows(shape, chosen, {"queue": queue, "tally": {each: tally[each] for each in State}})
    else:
        session.out.rows(shape, rows)
    session.messages.note(", ".join(f"{number(tally[each])} {each}" for each in State if tally[each]) or "no IDs")
    if state is not None and not tally[state]:
        raise Ended(Code.NOT_FOUND, f"None of these IDs is {state} in {queue}.")
    return Code.DONE


def _rows(queue: Queue, source: Source) -> Iterator[Row]:
    for block in source.blocks():
        for id, state in queue.states(block):
            yield Row(id, state)


def _chosen(rows: Iterable[Row], state: State | None, tally: Counter[State]) -> Iterator[Row]:
    """Those in `state`, or all; each is counted."""
    for row in rows:
        tally[row.state] += 1
        if state is None or row.state is state:
            yield row
