"""`convoy record` and `convoy trace`: keep every move of a queue for a time, and tell the story of one ID."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from convoy_core import InvalidOption, Queue, RecordedMove, Recording
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Record, Shape
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.words import clock, count, due_in


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "record", panel="Look", writes=True)(record)
    command(app, "trace", panel="Look")(trace)


For = Annotated[
    float | None,
    typer.Option("--for", metavar="TIME", parser=p.some_seconds, help="Record for this long.", show_default=False),
]
Megabytes = Annotated[
    int, typer.Option("--keep", metavar="MB", parser=p.megabytes, help="Megabytes to keep; the oldest moves leave.")
]
Stop = Annotated[bool, typer.Option("--stop", help="Stop recording; what was recorded is kept.")]
Export = Annotated[bool, typer.Option("--export", help="Write every recorded move as a line of JSON.")]


def record(
    session: Session,
    queue: p.QueueName,
    *,
    for_s: For = None,
    keep: Megabytes = 64,
    stop: Stop = False,
    export: Export = False,
) -> Code:
    """Keep every move of a queue for a while, or say whether that is going on.

    `convoy trace` tells the story of one ID from it. What was recorded is kept for a day after the end. What Node
    clients do is not recorded. Recording slows the queue down a little; see docs/performance.md.

    Examples:
      convoy record trucks --for 10m
      convoy record trucks
      convoy record trucks --stop
      convoy record trucks --export > moves.jsonl
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    if (for_s is not None) + stop + export > 1:
        raise InvalidOption("--for, --stop and --export exclude each other.")
    if export:
        return _export(session, session.queue(queue))
    if for_s is not None or stop:
        session.must_write()
    (name,) = session.named([queue])
    target = session.fleet.queue(name)
    if for_s is not None:
        target.record(for_s=for_s, keep_bytes=keep * 2**20)
    elif stop and not target.stop_recording():
        session.messages.note(f"{queue} was not being recorded.")
    _say(session, target)
    return Code.DONE


def _export(session: Session, queue: Queue) -> Code:
    if session.out.format is not Format.JSON:
        session.out.format = Format.JSONL
    shape = _moves(queue.name)
    session.out.rows(shape, queue.trace(), {"queue": queue.name})
    return Code.DONE


def _moves(queue: str) -> Shape[RecordedMove]:
    def record(move: RecordedMove) -> Record:
        ids = {"ids": list(move.ids)}
        return {"queue": queue, "at": move.at, "move": move.move, "result": move.result, "worker": move.worker, **ids}

    return Shape("convoy.move/1", "moves", [], record, lambda move: "")


def _say(session: Session, queue: Queue) -> None:
    found = queue.recording()
    if session.out.format in (Format.JSON, Format.JSONL):
        session.out.document("convoy.record/1", {"queue": queue.name, **_fields(found)})
    elif session.out.format is Format.PLAIN:
        session.out.plain([queue.name, found.since, found.until, found.entries])
    else:
        kept = f"{count(found.entries, 'entry', 'entries')} kept"
        if found.until is None:
            session.out.line(f"{queue.name} is not being recorded; {kept}")
        else:
            session.out.line(f"{queue.name} is being recorded; it ends {due_in(found.until - time.time())}; {kept}")


def _fields(found: Recording) -> Record:
    is_on = found.until is not None
    return {"is_on": is_on, "since": found.since, "until": found.until, "entries": found.entries, "limit": found.limit}


def trace(session: Session, queue: p.QueueName, id: p.ID) -> Code:
    """Tell what a recorder has seen of one ID, oldest first.

    Start one with `convoy record QUEUE --for 10m`. The exit code is 3 if it has seen nothing.

    Examples:
      convoy trace trucks 42
      convoy trace trucks 42 -o jsonl
    """
    session.out.refuse(Format.IDS, because="the answer is about one ID.")
    target = session.queue(queue)
    moves = list(target.trace(id))
    if not any(move.ids for move in moves):
        found = target.recording()
        if found.until is None and not found.entries:
            advice = f"Nothing is recorded in {queue}; `convoy record {queue} --for 10m` begins."
        else:
            advice = f"{count(found.entries, 'entry is', 'entries are')} recorded in {queue}, not about this ID."
        raise Ended(Code.NOT_FOUND, f"No move of {id} is recorded.", advice)
    session.out.rows(SHAPE, moves, {"queue": queue, "id": id})
    return Code.DONE


def _clock(at: float) -> str:
    return f"{clock(at)}.{at % 1 * 1000:03.0f}"


SHAPE: Shape[RecordedMove] = Shape(
    "convoy.trace/1",
    "moves",
    [
        Column("TIME (UTC)", lambda move: _clock(move.at)),
        Column("MOVE", lambda move: move.move, lambda move: Cell(move.move.replace("_", " "))),
        Column("RESULT", lambda move: move.result, lambda move: Cell(move.result.replace("_", " "))),
        Column("WORKER", lambda move: move.worker or "", shrinks=True),
    ],
    lambda move: {"at": move.at, "move": move.move, "result": move.result, "worker": move.worker},
    lambda move: "",
)
