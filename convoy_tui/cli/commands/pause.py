"""`convoy pause` and `convoy resume`: stop and start claiming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.interrupts import Interrupts
from convoy_tui.cli.io.output import Output
from convoy_tui.cli.session import Session

if TYPE_CHECKING:
    from convoy_core import Queue


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "pause", panel="Act", writes=True, audited=True)(pause)
    command(app, "resume", panel="Act", writes=True, audited=True)(resume)


def pause(session: Session, queues: p.QueueNames, *, dry_run: p.DryRun = False) -> Code:
    """Stop workers from claiming; running jobs go on.

    Publishing goes on as well. Node workers ignore a pause. A queue that does not exist yet, or that only Node clients
    use, can be paused too.

    Examples:
      convoy pause trucks
      convoy pause trucks vans
    """
    return _set(session, queues, paused=True, dry_run=dry_run)


def resume(session: Session, queues: p.QueueNames, *, dry_run: p.DryRun = False) -> Code:
    """Let workers claim again.

    They notice within a second.

    Examples:
      convoy resume trucks
    """
    return _set(session, queues, paused=False, dry_run=dry_run)


def _set(session: Session, names: list[str], *, paused: bool, dry_run: bool) -> Code:
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    if not dry_run:
        session.must_write()
    changed: dict[str, bool] = {}
    with Interrupts() as interrupts:
        try:
            for queue in map(session.fleet.queue, session.named(names)):
                with interrupts.held():
                    changed[queue.name] = _change(queue, paused=paused, dry_run=dry_run)
        finally:
            if changed:
                with interrupts.held():
                    _answer(session.out, changed, paused=paused, dry_run=dry_run)
    return Code.DONE


def _answer(out: Output, changed: dict[str, bool], *, paused: bool, dry_run: bool) -> None:
    """Print the result for each queue."""
    schema = f"convoy.{'pause' if paused else 'resume'}/1"
    rows = [{"queue": name, "paused": paused, "changed": was} for name, was in changed.items()]
    if out.format is Format.JSON:
        out.document(schema, {"dry_run": dry_run, "queues": rows})
    elif out.format is Format.JSONL:
        for row in rows:
            out.document(schema, {"dry_run": dry_run, **row})
    else:
        word = "paused" if paused else "resumed"
        for name, was_changed in changed.items():
            done = f"{name} would be {word}" if dry_run else f"{name} {word}"
            already = f"{name} was paused already" if paused else f"{name} was not paused"
            out.line(done if was_changed else already)


def _change(queue: Queue, *, paused: bool, dry_run: bool) -> bool:
    """Pause or resume, or with `dry_run` only read. Returns whether that changes anything."""
    if dry_run:
        return queue.snapshot().paused is not paused
    return queue.pause() if paused else queue.resume()
