"""`convoy pause` and `convoy resume`: stop and start claiming."""

from __future__ import annotations

import typer

from convoy_core import Queue
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exits import Code
from convoy_tui.cli.output import Format
from convoy_tui.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "pause", panel="Act", writes=True)(pause)
    command(app, "resume", panel="Act", writes=True)(resume)


def pause(session: Session, queues: p.QueueNames, *, dry_run: p.DryRun = False) -> Code:
    """Stop workers from claiming; what runs goes on.

    Publishing goes on as well. Node clients do not look at the pause. A queue that nobody has
    written to yet, or only Node clients, is paused all the same.

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
    word = "paused" if paused else "resumed"
    changed = {}
    for name in session.named(names):
        queue = session.fleet.queue(name)
        changed[name] = (
            _would_change(queue, paused=paused) if dry_run else (queue.pause() if paused else queue.resume())
        )
    if session.out.format in (Format.JSON, Format.JSONL):
        rows = [{"queue": name, "paused": paused, "changed": was} for name, was in changed.items()]
        session.out.document(f"convoy.{'pause' if paused else 'resume'}/1", {"dry_run": dry_run, "queues": rows})
        return Code.DONE
    for name, was_changed in changed.items():
        done = f"{name} would be {word}" if dry_run else f"{name} {word}"
        already = f"{name} was paused already" if paused else f"{name} was not paused"
        session.out.line(done if was_changed else already)
    return Code.DONE


def _would_change(queue: Queue, *, paused: bool) -> bool:
    return queue.snapshot().paused is not paused
