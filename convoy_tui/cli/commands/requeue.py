"""`convoy requeue`: queue failed IDs again, named or filtered."""

from __future__ import annotations

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
from convoy_tui.cli.trial import TrialOptions
from convoy_tui.text.entry_filter import Filter


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "requeue", panel="Act", writes=True, audited=True)(requeue)


Try = Annotated[
    int | None,
    typer.Option("--try", metavar="N", parser=p.tried, help="First try so many, at the head.", show_default=False),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="TIME", parser=p.seconds, help="Wait for them no longer.", show_default=False),
]
Front = Annotated[bool, typer.Option("--front", help="Put them at the head of the queue.")]


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
    group: p.Group = None,
    attempt: Try = None,
    timeout: Timeout = None,
    front: Front = False,
    yes: p.Yes = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Queue failed IDs again, named or filtered.

    With filters the command first counts the IDs that it would requeue, and asks for confirmation. With --try so many
    are queued first, at the head, and waited for. The others follow if all went well. If a run failed they stay failed,
    and the exit code is 5; if the time was up first it is 124.

    Examples:
      convoy requeue trucks 42
      convoy requeue trucks --all
      convoy requeue trucks --group 0a1b2c3d --try 1
      convoy requeue trucks --error timeout --limit 100 --yes
      convoy list trucks --state failed --all -o ids | convoy requeue trucks -
    """
    source = Source(ids or [], file, nul)
    chosen = Choice(source, Filter(match, error, min_failures), everything=everything, limit=limit, group=group)
    if timeout is not None and attempt is None:
        raise InvalidInput("--timeout says how long to wait for a trial run; it needs --try.")
    trial = None if attempt is None else TrialOptions(attempt, timeout)
    move = Move("requeue", queue, State.FAILED, front)
    return move_selected(session, move, chosen, yes=yes, dry_run=dry_run, trial=trial)
