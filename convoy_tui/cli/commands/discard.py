"""`convoy discard`: remove failed or waiting IDs, named or filtered; what it removes is kept in a file."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import Annotated, Final

import typer

from convoy_core import InvalidInput, State
from convoy_core.kept import KeptFile
from convoy_core.system import system_text
from convoy_tui.cli import parameters as p
from convoy_tui.cli.bulk_moves import Move
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.selected import Choice, move_selected
from convoy_tui.cli.session import Session
from convoy_tui.text.entry_filter import Filter
from convoy_tui.text.safe_text import safe


class Discarded(StrEnum):
    """The states from which `discard` removes IDs."""

    QUEUED = "queued"
    DELAYED = "delayed"
    FAILED = "failed"


NONE: Final = "none"

Keep = Annotated[
    str | None,
    typer.Option("--keep", metavar="FILE", help="A new file for what is removed, or none.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "discard", panel="Act", writes=True, audited=True)(discard)


def discard(  # noqa: PLR0913 - typer reads the options from here
    session: Session,
    queue: p.QueueName,
    ids: p.IDs = None,
    *,
    state: Annotated[
        Discarded, typer.Option("--state", "-s", metavar="STATE", help="failed, queued or delayed.")
    ] = Discarded.FAILED,
    file: p.FromFile = None,
    nul: p.Nul = False,
    everything: p.All = False,
    match: p.Match = None,
    error: p.ErrorText = None,
    min_failures: p.MinFailures = None,
    limit: p.Limit = None,
    group: p.Group = None,
    keep: Keep = None,
    yes: p.Yes = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Remove failed or waiting IDs.

    The command first counts the IDs that it would remove, and asks for confirmation. Each is written to a file before
    it is removed, with payload, due time, attempts and last error, and `convoy restore FILE` brings it back. The file
    is a new one in your directory for state, named at the end, and stays for 30 days at least; --keep names another.
    With --keep none nothing is written, and what is removed is gone.

    Examples:
      convoy discard trucks 42
      convoy discard trucks --all --dry-run
      convoy discard trucks --state queued --match 'test-*'
      convoy discard trucks --all --keep before-the-fix.jsonl
    """
    source = Source(ids or [], file, nul)
    chosen = Choice(source, Filter(match, error, min_failures), everything=everything, limit=limit, group=group)
    if group is not None and state is not Discarded.FAILED:
        raise InvalidInput(f"--group is a group of failed IDs; it does not go with --state {state}.")
    kept = None if keep == NONE else KeptFile(queue, session.store.shown, keep and system_text(keep))
    move = Move("discard", queue, State(state.value), keep=kept)
    try:
        return move_selected(session, move, chosen, yes=yes, dry_run=dry_run)
    finally:
        if kept is not None:
            kept.close()
            if kept.count:
                path = safe(str(kept.path), 300)
                session.messages.note(f"Kept in {path}; to bring them back: convoy restore {shlex.quote(path)}")
