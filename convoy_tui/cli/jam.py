"""`convoy jam-guard`: free what has been processing for too long, exactly as previewed, once or again and again."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Annotated

import typer

from convoy_core import InvalidOption, Jammed, Outcome, OutcomeUnknown, StoreUnreachable, Then
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exits import Code
from convoy_tui.cli.output import Column, Format, Shape, table_lines
from convoy_tui.cli.session import Session
from convoy_tui.cli.table import Cell
from convoy_tui.health import limit
from convoy_tui.words import age, count, number

SHOWN = 20
"""Rows of a preview; beyond that the number says enough."""


@dataclass(frozen=True, slots=True)
class Row:
    """One jammed entry of one queue, and what became of it."""

    queue: str
    entry: Jammed
    outcome: Outcome | None


def _holder(row: Row) -> Cell:
    if row.entry.worker is None:
        return Cell("Node client", "dim")
    return Cell(f"{row.entry.worker} (alive)", "yellow") if row.entry.is_live else Cell(f"{row.entry.worker} (silent)")


SHAPE: Shape[Row] = Shape(
    "convoy.jam-guard/1",
    "entries",
    [
        Column("QUEUE", lambda row: row.queue, shrinks=True, drop=2),
        Column("ID", lambda row: row.entry.id, shrinks=True),
        Column("RUNNING", lambda row: row.entry.age_s, lambda row: Cell(age(row.entry.age_s)), right=True),
        Column("HOLDER", lambda row: row.entry.worker, _holder),
        Column("OUTCOME", lambda row: row.outcome, drop=1, hides=True),
    ],
    lambda row: {
        "queue": row.queue,
        "id": row.entry.id,
        "start": row.entry.start,
        "age_s": row.entry.age_s,
        "worker": row.entry.worker,
        "is_live": row.entry.is_live,
        "outcome": row.outcome,
    },
    lambda row: row.entry.id,
)


@dataclass(frozen=True, slots=True)
class Guard:
    """How jams are told and what is done with them."""

    queues: list[str]
    idle: float
    then: Then
    skip_live: bool

    @property
    def effect(self) -> str:
        """What becomes of the freed IDs."""
        match self.then:
            case Then.REQUEUE:
                return "puts them back into the queue (or among the failed, at the third crash)"
            case Then.FAIL:
                return "puts them among the failed"
            case Then.DISCARD:
                return "forgets them for good"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "jam-guard", panel="Act", writes=True)(jam_guard)


Idle = Annotated[
    float, typer.Option("--idle", metavar="TIME", parser=p.seconds, help="Processing longer than this is jammed.")
]
What = Annotated[Then, typer.Option("--then", metavar="WHAT", help="requeue, fail or discard (as redis-convoy does).")]
SkipLive = Annotated[bool, typer.Option("--skip-live", help="Leave IDs whose worker is alive.")]
Every = Annotated[
    float | None, typer.Option("--every", metavar="TIME", parser=p.seconds, help="Go on, once every so often.")
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
    if not every > 0 or dry_run:
        raise InvalidOption("--every needs a time greater than 0, and goes without --dry-run.")
    if session.out.format is Format.JSON:
        raise InvalidOption("--every gives one answer after the other; use -o jsonl.")
    what = (
        f"Every {limit(every)} this frees what is processing for longer than {limit(idle)} in {', '.join(guard.queues)}"
    )
    session.talk.confirm(f"{what} and {guard.effect}, at {session.where}", yes=yes)
    while True:
        _round(session, guard, every)
        time.sleep(every)


def _round(session: Session, guard: Guard, every: float) -> None:
    """One of many: silent when nothing was jammed, and an outage is outlived."""
    try:
        meant = _meant(session, guard)
        if meant:
            _answer(session, guard, _free(session, guard, meant), dry_run=False)
            session.out.flush()
    except (StoreUnreachable, OutcomeUnknown) as error:
        session.talk.warn(f"{error} Trying again in {limit(every)}.")


def _once(session: Session, guard: Guard, *, yes: bool, dry_run: bool) -> Code:
    meant = _meant(session, guard)
    if dry_run:
        return _answer(session, guard, meant, dry_run=True)
    if len(meant) > 1 or (meant and guard.then is Then.DISCARD):
        _ask(session, guard, meant, yes=yes)
    return _answer(session, guard, _free(session, guard, meant), dry_run=False)


def _meant(session: Session, guard: Guard) -> list[Row]:
    """What is jammed now, oldest first per queue."""
    rows = [
        Row(name, entry, None) for name in guard.queues for entry in session.fleet.queue(name).jammed(idle_s=guard.idle)
    ]
    return [row for row in rows if not (guard.skip_live and row.entry.is_live)]


def _free(session: Session, guard: Guard, meant: list[Row]) -> list[Row]:
    """Free exactly these, each only if it still runs since the same start; the rows with their outcomes."""
    rows: list[Row] = []
    for name in guard.queues:
        entries = [row.entry for row in meant if row.queue == name]
        outcomes = session.fleet.queue(name).free_jammed(entries, then=guard.then, skip_live=guard.skip_live)
        rows += [Row(name, entry, outcomes.get(entry.id)) for entry in entries]
    return rows


def _ask(session: Session, guard: Guard, rows: list[Row], *, yes: bool) -> None:
    if yes:
        return
    if session.talk.can_ask:
        _preview(session, rows)
    live = sum(row.entry.is_live for row in rows)
    held = f", {number(live)} of them held by a worker that is alive" if live else ""
    ids = f"{count(len(rows), 'ID')} of {', '.join(guard.queues)}"
    session.talk.confirm(f"This frees {ids}{held}, and {guard.effect}, at {session.where}", yes=False)


def _preview(session: Session, rows: list[Row]) -> None:
    for line in table_lines(SHAPE, rows[:SHOWN], session.talk.console.width):
        session.talk.styled(line)
    if len(rows) > SHOWN:
        session.talk.note(f"and {number(len(rows) - SHOWN)} more")


def _answer(session: Session, guard: Guard, rows: list[Row], *, dry_run: bool) -> Code:
    tally = Counter(row.outcome for row in rows)
    freed = (Outcome.QUEUED, Outcome.FAILED, Outcome.DISCARDED)
    words = _words(guard, tally, len(rows), dry_run=dry_run)
    if session.out.is_for_people:
        session.out.rows(SHAPE, rows)
        session.out.line(words)
    elif session.out.format is Format.IDS:
        session.out.ids(row.entry.id for row in rows if dry_run or row.outcome in freed)
        session.talk.note(words)
    else:
        session.out.rows(SHAPE, rows, {"idle_s": guard.idle, "then": guard.then, "dry_run": dry_run})
        session.talk.note(words)
    return Code.PARTLY if tally[Outcome.LOCKED] else Code.DONE


def _words(guard: Guard, tally: Counter[Outcome | None], n: int, *, dry_run: bool) -> str:
    if not n:
        return f"nothing has been processing for longer than {limit(guard.idle)}"
    if dry_run:
        past = {Then.REQUEUE: "requeued", Then.FAIL: "failed", Then.DISCARD: "discarded"}[guard.then]
        return f"{number(n)} would be {past}"
    said = {
        Outcome.QUEUED: "requeued",
        Outcome.FAILED: "failed",
        Outcome.DISCARDED: "discarded",
        Outcome.GONE: "ended meanwhile",
        Outcome.HELD: "left to their living worker",
        Outcome.LOCKED: "left to another guard (try again in 5 s)",
    }
    return ", ".join(f"{number(tally[outcome])} {word}" for outcome, word in said.items() if tally[outcome])
