"""`convoy describe`: who answers for a queue, where it is told what to do, and a note."""

from __future__ import annotations

from typing import Annotated

import typer

from convoy_core import InvalidOption, Snapshot
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Output
from convoy_tui.cli.session import Session
from convoy_tui.text.about import said
from convoy_tui.text.safe_text import safe


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "describe", panel="Act", writes=True, audited=True)(describe)


Owner = Annotated[str | None, typer.Option("--owner", metavar="TEXT", help="Who answers for it.", show_default=False)]
Runbook = Annotated[
    str | None, typer.Option("--runbook", metavar="URL", help="Where it is told what to do.", show_default=False)
]
Note = Annotated[
    str | None, typer.Option("--note", metavar="TEXT", help="What else is good to know.", show_default=False)
]
Lowest = Annotated[
    str | None,
    typer.Option("--lowest-version", metavar="VERSION", help="Below this no worker claims.", show_default=False),
]
Clear = Annotated[bool, typer.Option("--clear", help="Take all of it away.")]


def describe(
    session: Session,
    queue: p.QueueName,
    *,
    owner: Owner = None,
    runbook: Runbook = None,
    note: Note = None,
    lowest_version: Lowest = None,
    clear: Clear = False,
) -> Code:
    """Say who answers for a queue and what to do when it is in trouble, or show it.

    `convoy status` and the dashboard show it beside the queue when that is in trouble. What is not named stays; an
    empty text takes it away.

    With --lowest-version, workers of a lower `convoy work --version-label`, or of none, claim nothing. --clear leaves
    that as it is.

    Examples:
      convoy describe trucks --owner freight --runbook https://wiki.example/trucks
      convoy describe trucks --note 'deploys on Mondays'
      convoy describe trucks --note ''
      convoy describe trucks --lowest-version 1.4
      convoy describe trucks
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    is_given = not (owner is None and runbook is None and note is None)
    if clear and (is_given or lowest_version is not None):
        raise InvalidOption("--clear takes all of it away; give it alone.")
    if clear or is_given or lowest_version is not None:
        session.must_write()
    (name,) = session.named([queue])
    target, is_changed = session.fleet.queue(name), False
    if lowest_version is not None:
        is_changed = target.set_lowest_version(lowest_version or None)
    if clear:
        is_changed = target.describe(owner="", runbook="", note="")
    elif is_given:
        is_changed |= target.describe(owner=owner, runbook=runbook, note=note)
    _answer(session.out, target.snapshot(), is_changed)
    return Code.DONE


def _answer(out: Output, snapshot: Snapshot, is_changed: bool) -> None:
    about, lowest, queue = snapshot.about, snapshot.bars.lowest_version, safe(snapshot.queue)
    if out.format in (Format.JSON, Format.JSONL):
        said_of = {"owner": about.owner or None, "runbook": about.runbook or None, "note": about.note or None}
        fields = {"queue": snapshot.queue, "changed": is_changed, **said_of, "lowest_version": lowest or None}
        out.document("convoy.describe/1", fields)
        return
    told = [*said(about), *([("lowest version", safe(lowest, 80))] if lowest else [])]
    for label, text in told:
        out.line(f"{queue} {label}: {text}")
    if not told:
        out.line(f"{queue}: nothing is said about it")
