"""`convoy restore`: bring back what `convoy discard` has removed, from the file that it has written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from convoy_core import Record
from convoy_core.kept import KeptRecords
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.import_ids import Import
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.session import Session
from convoy_tui.text.safe_text import safe

AT_ONCE: Final = 5000
BYTES_AT_ONCE: Final = 4 * 1024 * 1024
"""As many records, or bytes of their payloads, are read before they are sent: a moment's work, for Ctrl-C."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "restore", panel="Act", writes=True)(restore)


File = Annotated[Path, typer.Argument(metavar="FILE", parser=p.path, help="What `convoy discard` has written.")]
ToQueue = Annotated[
    str | None,
    typer.Option("--queue", metavar="QUEUE", help="Another queue, or the one at another store.", show_default=False),
]


def restore(session: Session, file: File, *, queue: ToQueue = None, dry_run: p.DryRun = False) -> Code:
    """Bring back what `discard` has removed, unless it is there again.

    Each ID gets the state and the data that it had, in the queue that it was in. Those that wait keep their order,
    behind what waits already. Repeating the command changes nothing.

    Examples:
      convoy restore trucks-20261130-120000-0a1b2c.jsonl
      convoy restore trucks-20261130-120000-0a1b2c.jsonl --dry-run -o jsonl
      convoy restore before-the-fix.jsonl --queue trucks2
    """
    records = KeptRecords(file)
    if queue is None and records.store != session.store.shown:
        raise Ended(
            Code.REFUSED,
            f"These IDs were discarded at {safe(records.store, 200)}, and this is {session.where}.",
            f"Name that store, or where they are to go: --queue {safe(records.queue, 200)}.",
        )
    if not dry_run:
        session.must_write()
    target = session.new_queue(queue or records.queue)
    size = file.stat().st_size
    code = Import(session, target, size, dry_run=dry_run, is_long=size > BYTES_AT_ONCE, past="restored").run(
        _batches(records)
    )
    if records.is_cut:
        session.messages.warn("The discard was cut short: of its last IDs, some may not have been discarded by it.")
    return code


def _batches(records: KeptRecords) -> Iterator[tuple[list[Record], int]]:
    """The records, and how many bytes have been read."""
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.raw_payload or b"")
        if len(batch) == AT_ONCE or size > BYTES_AT_ONCE:
            yield batch, records.read
            batch, size = [], 0
    yield batch, records.read
