"""`convoy quiet` and `convoy unquiet`: the workers of a host, or one worker, claim nothing, and claim again."""

from __future__ import annotations

import re
from typing import Annotated, Final

import typer

from convoy_core import InvalidOption
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.session import Session
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "quiet", panel="Act", writes=True, audited=True)(quiet)
    command(app, "unquiet", panel="Act", writes=True, audited=True)(unquiet)


Who = Annotated[
    str,
    typer.Argument(metavar="HOST|WORKER", help="A host's name, or 8 or more of a worker's ID.", show_default=False),
]


def quiet(session: Session, who: Who, queues: p.OptionalQueueNames = None) -> Code:
    """Have the workers of a host, or one worker, claim nothing more; what they run goes on.

    They heed it with their next claim, within a second or two. A host stays quiet in these queues until `convoy
    unquiet`, for workers that start there later as well; a worker until it is gone. Queues that come to be later are
    not meant. `convoy workers` shows who is quiet. Node workers ignore it.

    Examples:
      convoy quiet host-7
      convoy quiet host-7 trucks vans
      convoy quiet 3f9a01c2
    """
    return _set(session, who, queues or [], is_quiet=True)


def unquiet(session: Session, who: Who, queues: p.OptionalQueueNames = None) -> Code:
    """Let the workers of a host, or one worker, claim again.

    They notice within a second.

    Examples:
      convoy unquiet host-7
    """
    return _set(session, who, queues or [], is_quiet=False)


def _set(session: Session, who: str, queues: list[str], *, is_quiet: bool) -> Code:
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    session.must_write()
    target, names, is_seen = _found(session, who, session.names(queues))
    chosen = map(session.fleet.queue, names)
    changed = [queue.name for queue in chosen if (queue.quiet(target) if is_quiet else queue.unquiet(target))]
    if session.out.format in (Format.JSON, Format.JSONL):
        schema = f"convoy.{'quiet' if is_quiet else 'unquiet'}/1"
        session.out.document(schema, {"who": target, "quiet": is_quiet, "queues": changed})
    elif changed:
        word = "quiet" if is_quiet else "not quiet any more"
        session.out.line(f"{safe(target, 60)} is {word} in {count(len(changed), 'queue')}")
    else:
        session.out.line(f"{safe(target, 60)} was {'quiet already' if is_quiet else 'not quiet'}")
    if changed and not is_seen:
        session.messages.note(f"No worker is registered at {safe(target, 60)} now.")
    return Code.DONE


_ID: Final = re.compile(r"[0-9a-f]{8,32}")


def _found(session: Session, who: str, names: list[str]) -> tuple[str, list[str], bool]:
    """The host or worker that is meant, in which queues, and whether a worker is there."""
    pools = [pool for name in names for pool in session.fleet.queue(name).workers()]
    if who in {pool.host for pool in pools}:
        return who, names, True
    found = [pool for pool in pools if _ID.fullmatch(who) and pool.id.startswith(who)]
    if len(found) > 1:
        raise InvalidOption(f"{count(len(found), 'worker')} have an ID that begins with {who}; give more of it.")
    if found:
        return found[0].id, [found[0].queue], True
    if re.fullmatch("[0-9a-f]{32}", who):
        raise Ended(Code.NOT_FOUND, f"No worker {who} is registered.", "`convoy workers` lists those that are.")
    return who, names, False
