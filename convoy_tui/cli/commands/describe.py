"""`convoy describe`: who answers for a queue, where it is told what to do, and a note."""

from __future__ import annotations

from typing import Annotated

import typer

from convoy_core import About, InvalidOption
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
Clear = Annotated[bool, typer.Option("--clear", help="Take all of it away.")]


def describe(
    session: Session,
    queue: p.QueueName,
    *,
    owner: Owner = None,
    runbook: Runbook = None,
    note: Note = None,
    clear: Clear = False,
) -> Code:
    """Say who answers for a queue and what to do when it is in trouble, or show it.

    `convoy status` and the dashboard show it beside the queue when that is in trouble. What is not named stays; an
    empty text takes it away.

    Examples:
      convoy describe trucks --owner freight --runbook https://wiki.example/trucks
      convoy describe trucks --note 'deploys on Mondays'
      convoy describe trucks --note ''
      convoy describe trucks
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    is_given = not (owner is None and runbook is None and note is None)
    if clear and is_given:
        raise InvalidOption("--clear takes all of it away; give it alone.")
    if clear or is_given:
        session.must_write()
    (name,) = session.named([queue])
    target, is_changed = session.fleet.queue(name), False
    if clear:
        is_changed = target.describe(owner="", runbook="", note="")
    elif is_given:
        is_changed = target.describe(owner=owner, runbook=runbook, note=note)
    _answer(session.out, name, target.snapshot().about, is_changed)
    return Code.DONE


def _answer(out: Output, queue: str, about: About, is_changed: bool) -> None:
    fields = {"owner": about.owner or None, "runbook": about.runbook or None, "note": about.note or None}
    if out.format in (Format.JSON, Format.JSONL):
        out.document("convoy.describe/1", {"queue": queue, "changed": is_changed, **fields})
        return
    told = said(about)
    for label, text in told:
        out.line(f"{safe(queue)} {label}: {text}")
    if not told:
        out.line(f"{safe(queue)}: nothing is said about it")
