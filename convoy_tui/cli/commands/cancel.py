"""`convoy cancel`: remove named IDs that wait, and ask those that run to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain

import typer

from convoy_core import Cancelled, Queue, chunked
from convoy_tui.cli import parameters as p
from convoy_tui.cli.bulk_moves import Outcomes, Tally, Work
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.ids_input import Source
from convoy_tui.cli.selected import SEARCHED_AT_ONCE, SOUGHT_AT_ONCE, must_be_askable
from convoy_tui.cli.session import Session
from convoy_tui.text.words import count, number

_WORDS = {
    Cancelled.NODE: "left to the Node worker that runs it",
    Cancelled.FAILED: "failed already",
    Cancelled.ABSENT: "absent",
    Cancelled.MISSING: "missing",
}


@dataclass(frozen=True, slots=True)
class Cancel:
    """The bulk move, with its words."""

    queue: str
    name: str = "cancel"
    schema: str = "convoy.cancel/1"
    effective: tuple[StrEnum, ...] = (Cancelled.CANCELLED, Cancelled.CANCELLING)

    @property
    def head(self) -> dict[str, object]:
        """What each JSON document begins with."""
        return {"queue": self.queue}

    def missed(self, tally: Tally) -> int:
        """How many IDs neither waited nor ran in a worker of ours."""
        return sum(tally[answer] for answer in _WORDS)

    def numbers(self, tally: Tally) -> dict[str, int]:
        """The tally as members of a JSON document."""
        return {answer.value: tally[answer] for answer in Cancelled}

    def words(self, tally: Tally, *, dry_run: bool, is_exact: bool) -> str:
        """The tally as a sentence."""
        would = "would be " if dry_run else ""
        parts = [f"{'' if is_exact else 'at least '}{number(tally[Cancelled.CANCELLED])} {would}cancelled"]
        if n := tally[Cancelled.CANCELLING]:
            parts.append(f"{number(n)} running {would}asked to end")
        return ", ".join(
            parts + [f"{number(tally[answer])} {word}" for answer, word in _WORDS.items() if tally[answer]]
        )

    def effect(self, tally: Tally, where: str) -> str:
        """The effect as a sentence without its full stop."""
        parts = [f"forgets {count(tally[Cancelled.CANCELLED], 'waiting ID')}"] if tally[Cancelled.CANCELLED] else []
        if n := tally[Cancelled.CANCELLING]:
            parts.append(f"ends {count(n, 'run')}")
        return f"This {' and '.join(parts)} of {self.queue}, at {where}"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "cancel", panel="Act", writes=True, audited=True)(cancel)


def cancel(
    session: Session,
    queue: p.QueueName,
    ids: p.IDs = None,
    *,
    file: p.FromFile = None,
    nul: p.Nul = False,
    yes: p.Yes = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Cancel IDs: forget those that wait, and ask those that run to end.

    A command is terminated with its process group, and so is an isolated handler;
    a coroutine is cancelled. A function in a thread is told, and runs on until it
    returns: `convoy wait` tells when. A run of a Node worker cannot be cancelled.
    If a rerun was asked for, the ID is queued once more.

    Examples:
      convoy cancel trucks 42
      convoy cancel trucks --from ids.txt --dry-run
      convoy cancel trucks 42 --yes && convoy wait trucks 42
    """
    source = Source(ids or [], file, nul)
    source.require()
    if not dry_run:
        session.must_write()
    target, move = session.queue(queue), Cancel(queue)
    if not (yes or dry_run):
        _ask(session, target, move, source)
    size = SOUGHT_AT_ONCE if dry_run else SEARCHED_AT_ONCE
    steps = _steps(target, source, size, dry_run=dry_run)
    work = Work(session, move, dry_run=dry_run)
    return work.do(steps, source.size, is_long=source.is_long, reached=lambda: source.read)


def _steps(queue: Queue, source: Source, size: int, *, dry_run: bool) -> Iterator[Callable[[], Outcomes]]:
    ids = chain.from_iterable(source.blocks())
    return (partial(queue.cancel, some, dry_run=dry_run) for some in chunked(ids, size))


def _ask(session: Session, queue: Queue, move: Cancel, source: Source) -> None:
    """State the exact effect, from a dry run, and ask for confirmation."""
    must_be_askable(source)
    tally: Tally = Counter()
    for step in _steps(queue, source, SOUGHT_AT_ONCE, dry_run=True):
        tally.update(step().values())
    if any(tally[answer] for answer in move.effective):
        session.messages.confirm(move.effect(tally, session.where), yes=False)
