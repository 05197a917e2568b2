"""`convoy watch`: tell of each change of a queue's health, and run a command for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from convoy_core import StoreError
from convoy_tui.cli import parameters as p
from convoy_tui.cli.alarm_command import AlarmCommand
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.status import Look
from convoy_tui.cli.commands.status_rows import STYLES, Row
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.io.styled import Styled
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.health import Health, Limits, Severity, Steady, is_acknowledged
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import clock

EVERY_S: Final = 10.0
AWAY: Final = "STORE AWAY"
BACK: Final = "store back"
ACKNOWLEDGED: Final = "acknowledged"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "watch", panel="Look")(watch)


OnChange = Annotated[
    str | None,
    typer.Option(
        "--on-change", metavar="COMMAND", help="Run this for each change; {} is the queue.", show_default=False
    ),
]
Interval = Annotated[
    float | None,
    typer.Option("--interval", metavar="TIME", parser=p.some_seconds, help="Time between two readings. Default: 10s."),
]
Samples = Annotated[
    int | None,
    typer.Option("--samples", metavar="N", parser=p.positive, help="End after this many readings.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a queue's health; that of the store has no queue."""

    at: float
    queue: str
    before: str
    """Empty for what was so at the beginning."""
    health: str
    severity: Severity
    why: str


def watch(
    session: Session,
    queues: p.OptionalQueueNames = None,
    *,
    on_change: OnChange = None,
    interval: Interval = None,
    samples: Samples = None,
    jam_after: p.JamAfter = None,
) -> Code:
    """Tell of each change of a queue's health, and run a command for it, until Ctrl-C.

    A word counts once two readings agree on it. What needs you at the beginning is told as well; so is a store that
    does not answer, without a queue, and its return. Trouble that is acknowledged (`convoy ack`) is told when that
    is over, or when it becomes another.

    The command is run without a shell, at most a minute. The sentence is on its stdin, and its environment has
    CONVOY_QUEUE, CONVOY_HEALTH, CONVOY_BEFORE and CONVOY_SEVERITY (alarm, warning, fine and others). What it does, or
    fails to do, ends nothing.

    Examples:
      convoy watch
      convoy watch --on-change 'mail -s Convoy ops@example.com'
      convoy watch trucks --interval 1m -o jsonl
    """
    session.out.refuse(Format.JSON, Format.IDS, because="it tells one change after the other; use -o jsonl.")
    alarm = None if on_change is None else AlarmCommand(on_change, session.messages)
    limit_s = session.settings.jam_after_s if jam_after is None else jam_after
    look = Look(session, queues or [], Limits() if limit_s is None else Limits(jam_after_s=limit_s), strict=False)
    session.say_where()
    try:
        for change in _changes(look, EVERY_S if interval is None else interval, samples):
            _tell(session, change)
            if alarm is not None:
                alarm.run(change.queue, change.health, change.before, change.severity, change.why)
    finally:
        if alarm is not None:
            alarm.close()
    return Code.DONE


def _changes(look: Look, interval: float, samples: int | None) -> Iterator[Change]:
    words, away, taken = _Words(), False, 0
    while True:
        try:
            rows = look.rows()
        except StoreError as error:
            look.gap()
            if not away:
                yield Change(time.time(), "", "", AWAY, Severity.ALARM, str(error))
            away = True
        else:
            if away:
                yield Change(time.time(), "", AWAY, BACK, Severity.FINE, "The store answers again.")
            away = False
            yield from words.changes(rows)
        taken += 1
        if taken == samples:
            return
        time.sleep(interval)


class _Words:
    """The words that the queues had when they were last told."""

    def __init__(self) -> None:
        self._steady = Steady()
        self._told: dict[str, Health] = {}
        self._hushed: set[str] = set()
        """Those whose trouble is acknowledged: it is told when that ends, or it becomes another."""

    def changes(self, rows: list[Row]) -> Iterator[Change]:
        """What has changed with this reading."""
        self._steady.keep(row.snapshot.queue for row in rows)
        for row in rows:
            change = self._change(row)
            if change is not None:
                yield change

    def _change(self, row: Row) -> Change | None:
        queue, counts = row.snapshot.queue, row.snapshot.counts
        word = self._steady.settle(
            queue, row.health, Health.FLOWING if counts.queued or counts.processing else Health.IDLE
        )
        if is_acknowledged(row.snapshot, word):
            self._hushed.add(queue)
            return None
        was_hushed = queue in self._hushed and word.needs_you
        self._hushed.discard(queue)
        before = self._told.get(queue)
        self._told[queue] = word
        if (word is before and not was_hushed) or (before is None and not word.needs_you):
            return None
        was = ACKNOWLEDGED if was_hushed else "" if before is None else before.value
        why = row.why if word is row.health else ""
        return Change(row.snapshot.at, queue, was, word.value, word.severity, why)


def _tell(session: Session, change: Change) -> None:
    if session.out.format is not Format.TABLE:
        session.out.rows(SHAPE, [change])
        session.out.flush()
        return
    line = Styled.of(f"{clock(change.at)} ", "dim")
    line.append(f"{safe(change.queue, 40)}: " if change.queue else "", "bold")
    line.append(change.health, STYLES[change.severity])
    line.append(f", was {change.before}" if change.before else "", "dim").append(f". {safe(change.why, 400)}")
    for part in session.out.wrapped(line, indent=2):
        session.out.styled(part)
    session.out.flush()


def _record(change: Change) -> dict[str, object]:
    return {
        "at": change.at,
        "queue": change.queue or None,
        "before": change.before or None,
        "health": change.health,
        "severity": change.severity.value,
        "why": change.why,
    }


SHAPE: Shape[Change] = Shape(
    "convoy.watch/1",
    "changes",
    [
        Column("WHEN (UTC)", lambda change: change.at, lambda change: Cell(clock(change.at))),
        Column("QUEUE", lambda change: change.queue),
        Column("BEFORE", lambda change: change.before),
        Column("HEALTH", lambda change: change.health),
        Column("WHY", lambda change: change.why),
    ],
    _record,
    lambda change: change.queue,
)
