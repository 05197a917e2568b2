"""`convoy export`: write the IDs of a queue with all that is worth moving, a line of JSON for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

import typer

from convoy_core import InvalidOption, Queue, Record, State
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.messages import Meter
from convoy_tui.cli.io.output import Shape
from convoy_tui.cli.session import Session
from convoy_tui.text.words import number

SCHEMA: Final = "convoy.export/1"


class Exported(StrEnum):
    """The states that can be exported."""

    QUEUED = "queued"
    DELAYED = "delayed"
    PROCESSING = "processing"
    FAILED = "failed"


DEFAULT: Final = (State.QUEUED, State.DELAYED, State.FAILED)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "export", panel="Look")(export_ids)


OnlyState = Annotated[
    Exported | None,
    typer.Option(
        "--state",
        "-s",
        metavar="STATE",
        help="queued, delayed, failed, or processing; the first three by default.",
        show_default=False,
    ),
]


def export_ids(session: Session, queue: p.QueueName, *, state: OnlyState = None) -> Code:
    """Write IDs with all their data, as lines of JSON.

    That is payload, due time, attempts, failures and last error. `convoy import` reads them, at any store. Running IDs
    are written as queued ones. Nothing is changed. To move a queue, stop its publishers and workers first.

    Examples:
      convoy export trucks > trucks.jsonl
      convoy export trucks --state failed | gzip > failed.jsonl.gz
      convoy export trucks | convoy import trucks --redis redis://new:6379
    """
    if session.flags.json or session.flags.output not in (None, Format.JSONL):
        raise InvalidOption("export writes a line of JSON for each ID (-o jsonl), and nothing else.")
    session.out.format = Format.JSONL
    source = session.queue(queue)
    counts = source.counts()
    states = DEFAULT if state is None else (State(state.value),)
    total = sum(getattr(counts, each.value) for each in states)
    tally: Counter[State] = Counter()
    shape: Shape[Record] = Shape(
        SCHEMA, "records", [], lambda record: {"queue": queue, **record.as_json()}, lambda record: record.id
    )
    with session.messages.progress(f"exporting {queue}", total) as meter:
        for each in states:
            session.out.rows(shape, _counted(source, each, tally, meter))
    session.messages.note(", ".join(f"{number(tally[each])} {each}" for each in states if tally[each]) or "no IDs")
    if state is None and counts.processing:
        session.messages.warn(f"{number(counts.processing)} running left out; --state processing exports them.")
    return Code.DONE


def _counted(queue: Queue, state: State, tally: Counter[State], meter: Meter) -> Iterator[Record]:
    for record in queue.dump(state):
        tally[state] += 1
        if not (done := tally.total()) % 500:
            meter.moved(done, done)
        yield record
