"""`convoy requeue`: queue failed IDs again, named or filtered."""

from __future__ import annotations

import typer

from convoy_core import State
from convoy_tui.cli import parameters as p
from convoy_tui.cli.bulk_moves import Move
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.filters import Filter
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.selected import Choice, move_selected
from convoy_tui.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "requeue", panel="Act", writes=True)(requeue)


def requeue(  # noqa: PLR0913 - typer reads the options from here
    session: Session,
    queue: p.QueueName,
    ids: p.IDs = None,
    *,
    file: p.FromFile = None,
    nul: p.Nul = False,
    everything: p.All = False,
    match: p.Match = None,
    error: p.ErrorText = None,
    min_failures: p.MinFailures = None,
    limit: p.Limit = None,
    yes: p.Yes = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Queue failed IDs again, named or filtered.

    With filters the command first counts the IDs that it would requeue, and asks for confirmation.

    Examples:
      convoy requeue trucks 42
      convoy requeue trucks --all
      convoy requeue trucks --error timeout --limit 100 --yes
      convoy list trucks --state failed --all -o ids | convoy requeue trucks -
    """
    source = Source(ids or [], file, nul)
    chosen = Choice(source, Filter(match, error, min_failures), everything=everything, limit=limit)
    return move_selected(session, Move("requeue", queue, State.FAILED), chosen, yes=yes, dry_run=dry_run)
