"""`convoy ack`: trouble that an operator knows of is not told for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from convoy_core import InvalidOption, Snapshot
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.status import Look
from convoy_tui.cli.commands.status_rows import Row
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Output, Record
from convoy_tui.cli.session import Session
from convoy_tui.text.about import acknowledged
from convoy_tui.text.health import Health, Limits
from convoy_tui.text.safe_text import safe


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "ack", panel="Act", writes=True, audited=True)(ack)


For = Annotated[
    float | None,
    typer.Option("--for", metavar="TIME", parser=p.some_seconds, help="For how long.", show_default=False),
]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="What is known of it.", show_default=False)]
Any = Annotated[bool, typer.Option("--any", help="Whatever the word is, and becomes.")]
End = Annotated[bool, typer.Option("--end", help="Take it back.")]


def ack(
    session: Session,
    queues: p.QueueNames,
    *,
    for_s: For = None,
    note: Note = "",
    any: Any = False,
    end: End = False,
) -> Code:
    """Acknowledge a queue's trouble: it is not told until the time is over.

    `convoy status` and the dashboard mark the queue, and count it among those that need nobody; `convoy watch` says
    nothing of it, and `convoy status --check` finds nothing wrong. This covers the word that the queue has now: with
    another one it is told again. With --any it covers whatever comes, as for planned work. A queue that is DAMAGED,
    and a store that does not answer, are always told.

    Examples:
      convoy ack trucks --for 2h --note 'the provider is down, they know'
      convoy ack trucks vans --for 30m --any
      convoy ack trucks --end
      convoy ack trucks
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    if end and (for_s is not None or note or any):
        raise InvalidOption("--end takes an acknowledgement back; give it alone.")
    if for_s is None and (note or any):
        raise InvalidOption("An acknowledgement ends by itself; say when with --for.")
    if for_s is not None or end:
        session.must_write()
    names = session.named(queues)
    changed: dict[str, bool] = {}
    if end:
        changed = {name: session.fleet.queue(name).end_acknowledgement() for name in names}
    elif for_s is not None:
        changed = {row.snapshot.queue: _acknowledge(session, row, for_s, note, any) for row in _rows(session, names)}
    _answer(session.out, session.fleet.snapshot(names), changed)
    return Code.DONE if not changed or any or end or True in changed.values() else Code.NOT_FOUND


def _rows(session: Session, names: list[str]) -> list[Row]:
    limit_s = session.settings.jam_after_s
    return Look(session, names, Limits() if limit_s is None else Limits(jam_after_s=limit_s), strict=False).confirmed()


def _acknowledge(session: Session, row: Row, for_s: float, note: str, is_any: bool) -> bool:
    """Acknowledge what troubles this queue. Returns False if nothing does."""
    name, word = row.snapshot.queue, row.health
    if word is Health.DAMAGED or not (is_any or word.needs_you or word is Health.FAILED):
        why = "it cannot hold an answer" if word is Health.DAMAGED else "--any acknowledges whatever comes"
        session.messages.note(f"{safe(name)} is {word.value}, so nothing was acknowledged; {why}.")
        return False
    session.fleet.queue(name).acknowledge(for_s=for_s, note=note, words=() if is_any else (word.value,))
    return True


def _answer(out: Output, snapshots: list[Snapshot], changed: Mapping[str, bool]) -> None:
    """Print what is acknowledged now of each queue."""
    rows = [_record(snapshot, changed.get(snapshot.queue, False)) for snapshot in snapshots]
    if out.format is Format.JSON:
        out.document("convoy.ack/1", {"queues": rows})
    elif out.format is Format.JSONL:
        for row in rows:
            out.document("convoy.ack/1", row)
    else:
        for snapshot in snapshots:
            known, name = snapshot.about.acknowledged, safe(snapshot.queue)
            if known is None:
                out.line(f"{name}: {'told again' if changed.get(snapshot.queue) else 'nothing is acknowledged'}")
            else:
                out.line(f"{name}: {safe(', '.join(known.words) or 'whatever comes', 200)}. {acknowledged(snapshot)}")


def _record(snapshot: Snapshot, is_changed: bool) -> Record:
    known = snapshot.about.acknowledged
    told: Record | None = None
    if known is not None:
        told = {"by": known.by, "at": known.at, "until": known.until, "note": known.note, "words": list(known.words)}
    return {"queue": snapshot.queue, "changed": is_changed, "acknowledged": told}
