"""`convoy list`: list the IDs of a queue in one state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum
from typing import Annotated

import typer

from convoy_core import Entry, State
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.filters import Window
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.entry_filter import Filter
from convoy_tui.text.words import age, due_in, number


class Listed(StrEnum):
    """The states that `list` can show, and the committed set."""

    QUEUED = "queued"
    DELAYED = "delayed"
    PROCESSING = "processing"
    FAILED = "failed"
    COMMITTED = "committed"


STATES = "queued, delayed, processing, failed or committed."


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "list", panel="Look")(list_ids)


InState = Annotated[Listed, typer.Option("--state", "-s", metavar="STATE", help=STATES)]


OlderThan = Annotated[
    float | None,
    typer.Option("--older-than", metavar="TIME", parser=p.seconds, help="Only IDs in this state that long."),
]


PageLimit = Annotated[int, typer.Option("--limit", metavar="N", parser=p.positive, help="At most this many.")]


Start = Annotated[int, typer.Option("--start", metavar="N", parser=p.natural, help="Where to begin.")]


Everything = Annotated[bool, typer.Option("--all", help="No limit.")]


def list_ids(  # noqa: PLR0913 - typer reads the options from here
    session: Session,
    queue: p.QueueName,
    *,
    state: InState = Listed.QUEUED,
    match: p.Match = None,
    error: p.ErrorText = None,
    min_failures: p.MinFailures = None,
    older_than: OlderThan = None,
    limit: PageLimit = 50,
    start: Start = 0,
    everything: Everything = False,
    nul: p.Nul = False,
) -> Code:
    """List the IDs of a queue in one state.

    Queued IDs are listed by position, delayed ones by due time, running ones by age (oldest first), and failed ones by
    failures (fewest first). Committed IDs have no order.

    Examples:
      convoy list trucks
      convoy list trucks --state failed --error timeout
      convoy list trucks --state processing --older-than 5m
      convoy list trucks --state failed --all -o ids > failed.txt
    """
    wanted = None if state is Listed.COMMITTED else State(state.value)
    window = Window(session.queue(queue), wanted, Filter(match, error, min_failures, older_than), start)
    columns = _columns(wanted, lambda: window.at, lambda worker: session.holders.name(queue, worker))
    shape = Shape("convoy.list/1", "entries", columns, lambda entry: _record(queue, entry), lambda entry: entry.id)
    if everything and session.out.format is Format.IDS:
        for ids in window.ids():
            session.out.ids(ids)
    elif everything and session.out.format not in (Format.TABLE, Format.JSON):
        session.out.rows(shape, window.entries(None))
    else:
        rows = list(window.entries(None if everything else limit))
        head = {"queue": queue, "state": state, "at": window.at, "total": window.total, "next": window.next}
        session.out.rows(shape, rows, head)
    _say_how_much(session, window, state)
    return Code.DONE


_FIELDS = [field.name for field in fields(Entry)]


def _record(queue: str, entry: Entry) -> dict[str, object]:
    return {"queue": queue, **{name: getattr(entry, name) for name in _FIELDS}}


def _say_how_much(session: Session, window: Window, state: Listed) -> None:
    """Say what the list leaves out. Raises Ended with NOT_FOUND if nothing matches the filters."""
    if not window.found and not window.filter.is_empty:
        none = f"None of {number(window.total)} {state} in {window.queue.name} matches."
        raise Ended(Code.NOT_FOUND, none if window.total else _nothing(window, state))
    if not window.total:
        session.messages.note(_nothing(window, state))
    elif window.next is not None:
        session.messages.note(
            f"{number(window.found)} of {number(window.total)} {state}; more: --start {window.next}, or --all"
        )


def _nothing(window: Window, state: Listed) -> str:
    return f"Nothing in {window.queue.name} is {state}."


def _columns(state: State | None, at: Callable[[], float], name: Callable[[str], str]) -> list[Column[Entry]]:
    def holder(entry: Entry) -> Cell:
        return Cell(name(entry.worker)) if entry.worker else Cell("Node client", "dim")

    def since(heading: str) -> Column[Entry]:
        return Column(heading, lambda e: e.since, lambda e: Cell(ago(e.since, at())), right=True)

    columns: list[Column[Entry]] = [Column("ID", lambda e: e.id, shrinks=True)]
    if state is State.QUEUED:
        columns += [since("WAITING")]
    elif state is State.DELAYED:
        columns += [Column("DUE", lambda e: e.due, lambda e: Cell(_due(e.due, at())), right=True)]
        columns += [Column("FAILURES", lambda e: e.failures or 0, lambda e: Cell(number(e.failures or 0)), right=True)]
    elif state is State.PROCESSING:
        columns += [since("RUNNING"), Column("WORKER", lambda e: e.worker, holder, drop=1)]
    elif state is State.FAILED:
        columns += [since("FAILED"), Column("TIMES", lambda e: e.failures, right=True)]
        columns += [Column("ERROR", lambda e: e.error, shrinks=True)]
    return columns


def ago(since: float | None, at: float) -> str:
    return "—" if since is None else age(max(0.0, at - since))


def _due(due: float | None, at: float) -> str:
    return "—" if due is None else due_in(due - at)
