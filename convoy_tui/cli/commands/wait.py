"""`convoy wait`: wait until some IDs have ended."""

from __future__ import annotations

from typing import Annotated

import typer

from convoy_core import WaitResult
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.session import Session
from convoy_tui.text.words import duration, number

NAMED = 20
"""The most IDs that are named to people."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "wait", panel="Look")(wait)


Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="TIME", parser=p.seconds, help="Wait no longer than this.", show_default=False),
]


def wait(
    session: Session,
    queue: p.QueueName,
    ids: p.IDs = None,
    *,
    file: p.FromFile = None,
    nul: p.Nul = False,
    timeout: Timeout = None,
) -> Code:
    """Wait until none of these IDs waits or runs any more.

    The exit code is 0 if none of them failed, 5 if some did, 3 if there is no such queue, and 124 if the time was up
    first. An ID that the queue does not know has ended. With -o ids those that failed are printed, or those left.

    Examples:
      convoy wait trucks 42
      convoy wait trucks --from ids.txt --timeout 10m && echo all done
    """
    source = Source(ids or [], file, nul)
    source.require()
    waited_at = session.queue(queue)
    given = list(dict.fromkeys(source.ids()))
    with session.messages.progress(f"waiting for {queue}", len(given)) as meter:
        result = waited_at.wait(given, timeout_s=timeout, progress=lambda done, _: meter.moved(done, done))
    _answer(session, queue, result)
    if result.left:
        waits = f"{number(len(result.left))} still waited or ran after {duration(timeout or 0)}"
        session.messages.warn(f"{waits}: {_named(result.left)}")
        return Code.TIMED_OUT
    return Code.PARTLY if result.failed else Code.DONE


def _answer(session: Session, queue: str, result: WaitResult) -> None:
    words = f"{number(result.done)} done"
    if result.failed:
        words += f", {number(len(result.failed))} failed: {_named(result.failed)}"
    if session.out.format in (Format.JSON, Format.JSONL):
        fields = {"queue": queue, "done": result.done, "failed": [*result.failed], "left": [*result.left]}
        session.out.document("convoy.wait/1", fields)
    elif session.out.format is Format.IDS:
        session.out.ids(result.left or result.failed)
        session.messages.note(words)
    else:
        session.out.line(words)


def _named(ids: tuple[str, ...]) -> str:
    more = f" and {number(len(ids) - NAMED)} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more
