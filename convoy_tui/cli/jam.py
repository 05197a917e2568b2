"""`convoy jam-guard`: free what has been processing for too long, exactly as previewed, once or again and again."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Annotated

import typer

from convoy_core import InvalidOption, Jammed, Outcome, Then
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


def jam_guard(
    session: Session,
    queues: p.QueueNames,
    *,
    idle: Annotated[
        float, typer.Option("--idle", metavar="TIME", parser=p.seconds, help="Processing longer than this is jammed.")
    ],
    then: Annotated[
        Then, typer.Option("--then", metavar="WHAT", help="requeue, fail or discard (as redis-convoy does).")
    ] = Then.REQUEUE,
    skip_live: Annotated[bool, typer.Option("--skip-live", help="Leave IDs whose worker is alive.")] = False,
    every: Annotated[
        float | None, typer.Option("--every", metavar="TIME", parser=p.seconds, help="Go on, once every so often.")
    ] = None,
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
        _once(session, guard, yes=True, dry_run=False)
        session.out.flush()
        time.sleep(every)


def _once(session: Session, guard: Guard, *, yes: bool, dry_run: bool) -> Code:
    jammed = {name: session.fleet.queue(name).jammed(idle_s=guard.idle) for name in guard.queues}
    meant = [
        (name, entry) for name, rows in jammed.items() for entry in rows if not (guard.skip_live and entry.is_live)
    ]
    if dry_run:
        return _answer(session, guard, [Row(name, entry, None) for name, entry in meant], dry_run=True)
    if len(meant) > 1 or (meant and guard.then is Then.DISCARD):
        _ask(session, guard, [Row(name, entry, None) for name, entry in meant], yes=yes)
    rows: list[Row] = []
    for name in guard.queues:
        entries = [entry for queue, entry in meant if queue == name]
        outcomes = session.fleet.queue(name).free_jammed(entries, then=guard.then, skip_live=guard.skip_live)
        rows += [Row(name, entry, outcomes.get(entry.id)) for entry in entries]
    return _answer(session, guard, rows, dry_run=False)


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
