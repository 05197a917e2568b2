"""`convoy jam-guard`: free IDs that have been processing for too long, exactly as previewed, once or repeatedly."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

from convoy_core import (
    SMALL_BATCH,
    ConvoyError,
    InvalidOption,
    Jammed,
    Outcome,
    OutcomeUnknown,
    StoreUnreachable,
    Then,
    chunked,
)
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code, Ended, ending
from convoy_tui.cli.holders import Holders
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.interrupts import Interrupts
from convoy_tui.cli.io.output import Column, Shape, preview
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.words import age, count, duration, number

Tally: TypeAlias = "Counter[Outcome | None]"

LOCK_PAUSE_S = 0.25
LOCK_TURNS = 24
"""The lock of a guard that has found nothing to free stays for up to 5 s."""

FREED = (Outcome.QUEUED, Outcome.FAILED, Outcome.DISCARDED)


@dataclass(frozen=True, slots=True)
class Row:
    """One jammed entry of one queue, and its outcome, which is None in a dry run."""

    queue: str
    entry: Jammed
    answer: Outcome | None


def _shape(holders: Holders) -> Shape[Row]:
    def holder(row: Row) -> Cell:
        if row.entry.worker is None:
            return Cell("Node client", "dim")
        name = holders.name(row.queue, row.entry.worker)
        return Cell(f"{name} (alive)", "yellow") if row.entry.is_live else Cell(f"{name} (silent)")

    return Shape(
        "convoy.jam-guard/1",
        "entries",
        [
            Column("QUEUE", lambda row: row.queue, shrinks=True, drop=2),
            Column("ID", lambda row: row.entry.id, shrinks=True),
            Column("RUNNING", lambda row: row.entry.age_s, lambda row: Cell(age(row.entry.age_s)), right=True),
            Column("HOLDER", lambda row: row.entry.worker, holder),
            Column("ANSWER", lambda row: row.answer, drop=1, hides=True),
        ],
        lambda row: {
            "queue": row.queue,
            "id": row.entry.id,
            "start": row.entry.start,
            "age_s": row.entry.age_s,
            "worker": row.entry.worker,
            "is_live": row.entry.is_live,
            "dry_run": row.answer is None,
            "answer": row.answer,
        },
        lambda row: row.entry.id,
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """The limit for jammed IDs and what is done with them."""

    queues: list[str]
    idle: float
    then: Then
    skip_live: bool

    @property
    def effect(self) -> str:
        """The effect on the freed IDs."""
        match self.then:
            case Then.REQUEUE:
                return "puts them back into the queue (or among the failed, at the third crash)"
            case Then.FAIL:
                return "puts them among the failed"
            case Then.DISCARD:
                return "forgets them for good"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "jam-guard", panel="Act", writes=True, audited=True)(jam_guard)


Idle = Annotated[
    float, typer.Option("--idle", metavar="TIME", parser=p.seconds, help="Processing longer than this is jammed.")
]
What = Annotated[Then, typer.Option("--then", metavar="WHAT", help="requeue, fail or discard (as redis-convoy does).")]
SkipLive = Annotated[bool, typer.Option("--skip-live", help="Skip IDs whose worker is alive.")]
Every = Annotated[
    float | None, typer.Option("--every", metavar="TIME", parser=p.some_seconds, help="Repeat at this interval.")
]


def jam_guard(
    session: Session,
    queues: p.QueueNames,
    *,
    idle: Idle,
    then: What = Then.REQUEUE,
    skip_live: SkipLive = False,
    every: Every = None,
    yes: p.Yes = False,
    dry_run: p.DryRun = False,
) -> Code:
    """Free IDs that have been processing for too long.

    Freeing an ID whose worker is alive can run its job twice at once; the preview marks those.

    Examples:
      convoy jam-guard trucks --idle 5m --dry-run
      convoy jam-guard trucks --idle 5m
      convoy jam-guard trucks vans --idle 1h --then fail --yes
      convoy jam-guard trucks --idle 5m --skip-live --every 30s --yes
    """
    if not dry_run:
        session.must_write()
    guard = Guard(session.names(queues), idle, then, skip_live)
    if every is None:
        return _once(session, guard, yes=yes, dry_run=dry_run)
    if dry_run:
        raise InvalidOption("--every goes without --dry-run.")
    if session.out.format is Format.JSON:
        raise InvalidOption("--every gives one answer after the other; use -o jsonl.")
    jammed = f"what is processing for longer than {duration(idle)}"
    what = f"Every {duration(every)} this frees {jammed} in {', '.join(guard.queues)}"
    session.messages.confirm(f"{what} and {guard.effect}, at {session.where}", yes=yes)
    while True:
        _round(session, guard, every)
        time.sleep(every)


def _round(session: Session, guard: Guard, every: float) -> None:
    """One of many rounds: silent if nothing was jammed. An unreachable store does not end the command."""
    try:
        meant = _meant(session, guard)
        if meant:
            _, error = _free(session, guard, meant)
            session.out.flush()
            if error is not None:
                raise error
    except (StoreUnreachable, OutcomeUnknown) as error:
        session.messages.warn(f"{error} Trying again in {duration(every)}.")


def _once(session: Session, guard: Guard, *, yes: bool, dry_run: bool) -> Code:
    meant = _meant(session, guard)
    if (dry_run and meant) or (not meant and session.out.format is Format.JSON):
        _answer(session, guard, meant, dry_run=dry_run)
    if not meant:
        besides = " without a living worker" if guard.skip_live else ""
        raise Ended(Code.NOT_FOUND, f"Nothing has been processing{besides} for longer than {duration(guard.idle)}.")
    if dry_run:
        return Code.DONE
    if len(meant) > 1 or guard.then is Then.DISCARD:
        _ask(session, guard, meant, yes=yes)
    tally, error = _free(session, guard, meant)
    if error is not None:
        ended = ending(error)
        raise Ended(Code.PARTLY, str(ended), ended.advice) if tally else ended
    return Code.PARTLY if tally[Outcome.LOCKED] else Code.DONE


def _meant(session: Session, guard: Guard) -> list[Row]:
    """The entries that are jammed now, oldest first per queue."""
    rows = [
        Row(name, entry, None) for name in guard.queues for entry in session.fleet.queue(name).jammed(idle_s=guard.idle)
    ]
    return [row for row in rows if not (guard.skip_live and row.entry.is_live)]


def _free(session: Session, guard: Guard, meant: list[Row]) -> tuple[Tally, ConvoyError | None]:
    """Free exactly these entries, each only if the run that was listed is still going on, and print the answer.

    Returns the tally and the error that interrupted it, if any.
    """
    rows: list[Row] = []
    stopped: ConvoyError | None = None
    with Interrupts() as interrupts:
        try:
            for name in guard.queues:
                queue = session.fleet.queue(name)
                for entries in chunked((row.entry for row in meant if row.queue == name), SMALL_BATCH):
                    with interrupts.held():
                        answers = queue.free_jammed(entries, then=guard.then, skip_live=guard.skip_live)
                        rows += [Row(name, entry, answers.get(entry.id)) for entry in entries]
            _free_locked(session, guard, rows, interrupts)
        except ConvoyError as error:
            stopped = error
        finally:
            with interrupts.held():
                _answer(session, guard, rows, dry_run=False, is_exact=interrupts.is_exact)
    return Counter(row.answer for row in rows), stopped


def _free_locked(session: Session, guard: Guard, rows: list[Row], interrupts: Interrupts) -> None:
    """Free what another guard has locked, as soon as it is not any more; those answers are put into `rows`."""
    for turn in range(LOCK_TURNS):
        left = [at for at, row in enumerate(rows) if row.answer is Outcome.LOCKED]
        if not left:
            return
        if not turn:
            session.messages.note("The jam guard of a Node client holds the lock; waiting for it.")
        time.sleep(LOCK_PAUSE_S)
        for some in chunked(left, SMALL_BATCH):
            for name in dict.fromkeys(rows[at].queue for at in some):
                entries = {at: rows[at].entry for at in some if rows[at].queue == name}
                with interrupts.held():
                    answers = session.fleet.queue(name).free_jammed(
                        entries.values(), then=guard.then, skip_live=guard.skip_live
                    )
                    for at, entry in entries.items():
                        rows[at] = Row(name, entry, answers.get(entry.id))


def _ask(session: Session, guard: Guard, rows: list[Row], *, yes: bool) -> None:
    if yes:
        return
    if session.messages.can_ask:
        preview(session.messages, _shape(session.holders), rows)
    live = sum(row.entry.is_live for row in rows)
    held = f", {number(live)} of them held by a worker that is alive" if live else ""
    ids = f"{count(len(rows), 'ID')} of {', '.join(guard.queues)}"
    session.messages.confirm(f"This frees {ids}{held}, and {guard.effect}, at {session.where}", yes=False)


def _answer(session: Session, guard: Guard, rows: list[Row], *, dry_run: bool, is_exact: bool = True) -> None:
    words = _words(guard, Counter(row.answer for row in rows), dry_run=dry_run, is_exact=is_exact)
    if session.out.is_for_people:
        session.out.rows(_shape(session.holders), rows)
        session.out.line(words)
    elif session.out.format is Format.IDS:
        session.out.ids(row.entry.id for row in rows if dry_run or row.answer in FREED)
        session.messages.note(words)
    else:
        head = {"idle_s": guard.idle, "then": guard.then, "dry_run": dry_run, "exact": is_exact}
        session.out.rows(_shape(session.holders), rows, head)
        session.messages.note(words)


def _words(guard: Guard, tally: Tally, *, dry_run: bool, is_exact: bool) -> str:
    past = {Then.REQUEUE: "requeued", Then.FAIL: "failed", Then.DISCARD: "discarded"}[guard.then]
    if dry_run:
        return f"{number(tally.total())} would be {past}"
    said = {
        Outcome.QUEUED: "requeued",
        Outcome.FAILED: "failed",
        Outcome.DISCARDED: "discarded",
        Outcome.GONE: "ended meanwhile",
        Outcome.HELD: "left to their living worker",
        Outcome.LOCKED: "left to another guard (try again in 5 s)",
    }
    words = ", ".join(f"{number(tally[answer])} {word}" for answer, word in said.items() if tally[answer])
    return f"{'' if is_exact else 'at least '}{words or f'0 {past}'}"
