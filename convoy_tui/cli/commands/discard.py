"""`convoy discard`: remove failed or waiting IDs, named or filtered, for good."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from convoy_core import InvalidInput, State
from convoy_tui.cli import parameters as p
from convoy_tui.cli.bulk_moves import Move
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.selected import Choice, move_selected
from convoy_tui.cli.session import Session
from convoy_tui.text.entry_filter import Filter


class Discarded(StrEnum):
    """The states from which `discard` removes IDs."""

    QUEUED = "queued"
    DELAYED = "delayed"
    FAILED = "failed"


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
    yes: p.Yes = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Remove failed or waiting IDs for good.

    The command first counts the IDs that it would remove, and asks for confirmation.

    Examples:
      convoy discard trucks 42
      convoy discard trucks --all --dry-run
      convoy discard trucks --state queued --match 'test-*'
    """
    source = Source(ids or [], file, nul)
    chosen = Choice(source, Filter(match, error, min_failures), everything=everything, limit=limit, group=group)
    if group is not None and state is not Discarded.FAILED:
        raise InvalidInput(f"--group is a group of failed IDs; it does not go with --state {state}.")
    return move_selected(session, Move("discard", queue, State(state.value)), chosen, yes=yes, dry_run=dry_run)
