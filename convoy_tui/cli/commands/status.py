"""`convoy status`: every queue with its counts and health, once, as a check for monitoring, or repeatedly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import typer

from convoy_core import Durations, InvalidOption, OutcomeUnknown, Snapshot, StoreUnreachable
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.commands.status_rows import SHAPE, Row, explained, reasons, rows_of, verdict
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import table_lines
from convoy_tui.cli.io.styled import Styled
from convoy_tui.cli.missing import CONFIRM_S
from convoy_tui.cli.session import Session
from convoy_tui.text.broken import LOOKED_AT, what_broke
from convoy_tui.text.health import Health, Limits, Severity, failures, knows_failures
from convoy_tui.text.history import History
from convoy_tui.text.recalled import LONG_S, RECENT_S, Seen, at_stake, recalled
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import duration, number

DURATIONS_S = 10.0
"""How often `--watch` reads how long IDs waited and ran: pools tell it every few seconds."""

NAMES_S = 10.0
"""How often `--watch` looks for new queues, by a scan of the store."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "status", panel="Look")(status)


Watch = Annotated[bool, typer.Option("--watch", "-w", help="Repeat, with rates, until Ctrl-C.")]
Interval = Annotated[
    float | None,
    typer.Option("--interval", metavar="TIME", parser=p.some_seconds, help="Time between two readings. Default: 2s."),
]
Samples = Annotated[
    int | None,
    typer.Option(
        "--samples", metavar="N", parser=p.positive, help="End --watch after this many readings.", show_default=False
    ),
]
Check = Annotated[bool, typer.Option("--check", help="End with 10 for a warning, 11 for an alarm.")]
MaxFailed = Annotated[
    int | None,
    typer.Option(
        "--max-failed",
        metavar="N",
        parser=p.natural,
        help="With --check: more failed IDs in a queue are a warning.",
        show_default=False,
    ),
]


def status(
    session: Session,
    queues: p.OptionalQueueNames = None,
    *,
    watch: Watch = False,
    interval: Interval = None,
    samples: Samples = None,
    check: Check = False,
    max_failed: MaxFailed = None,
    jam_after: p.JamAfter = None,
) -> Code:
    """Show every queue with its counts, its health, and why.

    Rates and health go by what pools and dashboards have kept in the store as well. Trouble that `convoy ack` has
    acknowledged is marked, and is none for --check. In the last hour, 95% of the IDs waited no longer than
    WAIT95 and ran no longer than RUN95; with --json there are more of these.

    Examples:
      convoy status
      convoy status trucks --json
      convoy status --check -q || alert
      convoy status trucks --check --max-failed 0
      convoy status --watch --interval 5s -o jsonl
    """
    if max_failed is not None and not check:
        raise InvalidOption("--max-failed is about what --check answers; give both.")
    limit_s = session.settings.jam_after_s if jam_after is None else jam_after
    limits = Limits() if limit_s is None else Limits(jam_after_s=limit_s)
    look = Look(session, queues or [], limits, strict=check)
    if watch or samples or interval is not None:
        rows = _watch(session, look, interval=2.0 if interval is None else interval, samples=samples)
    else:
        rows = look.confirmed()
        session.say_where()
        if not (check and session.messages.quiet):  # like `grep -q`: only the exit code
            _answer(session, look, rows)
    return _code(session, rows, max_failed) if check else Code.DONE


class Look:
    """Reads the chosen queues repeatedly, and keeps their history of the last minute."""

    def __init__(self, session: Session, asked: list[str], limits: Limits, *, strict: bool) -> None:
        self._session = session
        self._asked = asked
        self._limits = limits
        self._history = History()
        self._seen = Seen()
        # In a check, a mistyped name must not count as a healthy queue.
        self._names = session.named(asked) if asked and not strict else session.names(asked)
        self._named_at = time.monotonic()
        self._durations: dict[str, list[Durations]] = {}
        self._measured_at: float | None = None
        self.at = 0.0

    @property
    def is_of_few(self) -> bool:
        """Whether the queues were named, so that the reason is shown for each."""
        return bool(self._asked)

    def rows(self) -> list[Row]:
        """The queues now, those that need attention first."""
        if not self._asked and time.monotonic() - self._named_at > NAMES_S:
            self._names = self._session.fleet.queues()
            self._named_at = time.monotonic()
        snapshots = self._session.fleet.snapshot(self._names, jam_after_s=self._limits.jam_after_s)
        self._recall(snapshots)
        self._history.add(snapshots)
        self.at = max((snapshot.at for snapshot in snapshots), default=0.0)
        self._measure()
        rows = rows_of(snapshots, self._history, self._limits)
        return [self._explained(replace(row, durations=self._durations.get(row.snapshot.queue, ()))) for row in rows]

    def _measure(self) -> None:
        """Read how long IDs waited and ran, unless that was just now."""
        now = time.monotonic()
        if self._measured_at is None or now - self._measured_at >= DURATIONS_S:
            self._durations = self._session.fleet.durations(self._names)
            self._measured_at = now

    def _explained(self, row: Row) -> Row:
        """With what broke, where the queue fails, or was named and has failures."""
        if row.health is not Health.FAILING and not (row.health is Health.FAILED and self.is_of_few):
            return row
        queue = self._session.fleet.queue(row.snapshot.queue)
        newest = queue.errors(limit=1).errors
        return explained(row, what_broke(newest[0].text if newest else "", queue.failure_groups(limit=LOOKED_AT)))

    def _recall(self, snapshots: list[Snapshot]) -> None:
        """Take what the store has kept of the queues, as far as nobody has looked at them here."""
        missed = self._seen.missed(snapshots)
        if missed:
            fleet = self._session.fleet
            recent = fleet.histories([one.queue for one in missed], last_s=RECENT_S)
            long = fleet.histories([one.queue for one in at_stake(missed)], last_s=LONG_S)
            past = recalled(missed, recent, long)
            for one in missed:
                self._history.recall(one, past[one.queue])
        self._seen.note(snapshots)

    def confirmed(self) -> list[Row]:
        """The queues now. If one seems to drift, it is read twice more before that is reported."""
        rows = self.rows()
        for _ in range(2):
            if any(row.snapshot.counts.drift for row in rows):
                time.sleep(CONFIRM_S)
                rows = self.rows()
        return rows

    def gap(self) -> None:
        """Add a gap to the history, since the store was unreachable."""
        self._history.gap()


def _watch(session: Session, look: Look, *, interval: float, samples: int | None) -> list[Row]:
    session.out.refuse(
        Format.PLAIN, Format.JSON, Format.IDS, because="--watch gives one answer after the other; use -o jsonl."
    )
    session.say_where()
    rows: list[Row] = []
    if session.out.is_for_people and session.out.stream.is_terminal:
        from rich.console import Group  # noqa: PLC0415 - other readings are made without it
        from rich.live import Live  # noqa: PLC0415

        with Live(console=session.out.stream.console, auto_refresh=False, vertical_overflow="crop") as live:
            for rows in _readings(session, look, interval, samples):
                live.update(Group(*(line.rich() for line in _lines(session, look, rows))), refresh=True)
    else:
        for rows in _readings(session, look, interval, samples):
            _answer(session, look, rows)
    return rows


def _readings(session: Session, look: Look, interval: float, samples: int | None) -> Iterator[list[Row]]:
    """Readings at an interval. An unreachable store is reported, and does not end the command."""
    taken = 0
    is_away = False
    while True:
        try:
            rows = look.rows()
        except (StoreUnreachable, OutcomeUnknown) as error:
            if not taken:
                raise
            if not is_away:
                session.messages.warn(f"{error} Trying again every {duration(interval)}.")
            is_away = True
            look.gap()
        else:
            is_away = False
            taken += 1
            yield rows
        if taken == samples:
            return
        time.sleep(interval)


def _answer(session: Session, look: Look, rows: list[Row]) -> None:
    if session.out.is_for_people:
        for line in _lines(session, look, rows):
            session.out.styled(line)
    else:
        head = {"at": look.at or None, "store": session.store.shown, "environment": session.settings.environment}
        session.out.rows(SHAPE, rows, head)
    if not rows:
        session.messages.note("No queues yet; `convoy publish trucks 42` makes the first.")


def _lines(session: Session, look: Look, rows: list[Row]) -> list[Styled]:
    """The verdict, the table, and the reasons."""
    if not rows:
        return []
    width = session.out.stream.width
    why = [session.out.wrapped(reason, indent=2) for reason in reasons(rows, every=look.is_of_few)]
    return [verdict(rows), *table_lines(SHAPE, rows, width), *(line for lines in why for line in lines)]


def _code(session: Session, rows: list[Row], max_failed: int | None) -> Code:
    severities = {row.severity for row in rows}
    for row in rows:
        n = row.snapshot.counts.failed
        if max_failed is not None and n > max_failed and not knows_failures(row.snapshot):
            session.messages.warn(f"{safe(row.snapshot.queue)}: {failures(n)}, more than {number(max_failed)}.")
            severities.add(Severity.WARNING)
    if Severity.ALARM in severities:
        return Code.ALARM
    return Code.WARNING if Severity.WARNING in severities else Code.DONE
