"""`convoy history`: what the counts and rates of a queue were, though nobody watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from convoy_core import Durations, HistoryRow, InvalidOption
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code, Ended
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Record, Shape, table_lines
from convoy_tui.cli.io.styled import Styled
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.past import Part, bars, has_gap, parse_moment, parts, single_rows
from convoy_tui.text.percentiles import at_length, record, window
from convoy_tui.text.words import clock, number

LINES = 24
"""The most lines of the table."""
CELLS = 48
"""Of a trend."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "history", panel="Look")(history)


Since = Annotated[str, typer.Option("--since", metavar="WHEN", help="From: 3h (ago), 03:12 or 2026-11-29 03:12.")]
Until = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Up to. Default: now.", show_default=False)]


def history(session: Session, queue: p.QueueName, *, since: Since = "1h", until: Until = None) -> Code:
    """Show what the counts and rates of a queue were.

    While any pool or dashboard is there, a row is kept every 10 s for 2 hours, and every minute for 7 days. The table
    shows the last of each line's time; the other formats have every row. Where nobody was there is a gap. Times are
    UTC by the store's clock. Below are how long IDs waited and ran in the last 5 minutes, hour and day, up to 14% off.

    Examples:
      convoy history trucks --since 3h
      convoy history trucks --since 03:05 --until 03:20
      convoy history trucks --since 7d -o jsonl
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    target = session.queue(queue)
    now = target.snapshot().at
    first, last = parse_moment(since, now), now if until is None else parse_moment(until, now)
    if first >= last:
        raise InvalidOption("--since must be before --until.")
    rows = target.history(first, last)
    if not rows:
        kept = "No pool or dashboard was there, or it is longer ago than 7 days."
        raise Ended(Code.NOT_FOUND, f"Nothing is known of {queue} in that time.", kept)
    durations = target.durations()
    if session.out.is_for_people:
        for line in [*_lines(rows, first, last, session.out.stream.width), *_told(durations)]:
            session.out.styled(line)
    else:
        head = {"queue": queue, "since": first, "until": last, "durations": record(durations)}
        session.out.rows(SHAPE, single_rows(rows), head)
    return Code.DONE


def _lines(rows: Sequence[HistoryRow], first: float, last: float, width: int) -> list[Styled]:
    """A trend of each count and rate, then the table."""
    fine = parts(rows, first, last, CELLS)
    lines = [line for name, of in TRENDS.items() if (line := _trend(name, [of(part) for part in fine])) is not None]
    table = table_lines(SHAPE, parts(rows, first, last, LINES), width)
    gap = [Styled.of("Where a line is empty, no pool or dashboard was there.", "dim")] if has_gap(rows) else []
    return [*lines, Styled(), *table, *gap]


def _told(durations: Sequence[Durations]) -> list[Styled]:
    """How long IDs waited and ran, of the times in which some did."""
    known = [(window(each), told) for each in durations if (told := at_length(each))]
    lines = [Styled.of(f"{'last ' + name:<11}", "bold").append(told) for name, told in known]
    return [Styled(), *lines] if lines else []


def _trend(name: str, values: Sequence[float | None]) -> Styled | None:
    known = [value for value in values if value is not None]
    if not any(known):
        return None
    line = Styled.of(f"{name:<11}", "bold").append(bars(values), "cyan")
    return line.append(f"  {_short(min(known))} to {_short(max(known))}, last {_short(known[-1])}")


def _short(value: float) -> str:
    return number(round(value)) if value >= 10 or value == int(value) else f"{value:.2f}"


def _count(of: Callable[[HistoryRow], int]) -> Callable[[Part], float | None]:
    return lambda part: None if part.row is None else of(part.row)


TRENDS: dict[str, Callable[[Part], float | None]] = {
    "queued": _count(lambda row: row.counts.queued),
    "processing": _count(lambda row: row.counts.processing),
    "failed": _count(lambda row: row.counts.failed),
    "delayed": _count(lambda row: row.counts.delayed),
    "committed": _count(lambda row: row.counts.committed),
    "workers": _count(lambda row: row.workers),
    "in/s": lambda part: part.in_s,
    "out/s": lambda part: part.out_s,
    "fail/s": lambda part: part.fail_s,
}


def _number(heading: str, name: str, *, drop: int = 0, hides: bool = False) -> Column[Part]:
    of = TRENDS[name]

    def cell(part: Part) -> Cell:
        value = of(part)
        return Cell("", "dim") if value is None else Cell(_short(value), "" if value else "dim")

    return Column(heading, of, cell, right=True, drop=drop, hides=hides)


def _record(part: Part) -> Record:
    row = part.row
    assert row is not None  # noqa: S101 - single rows have one
    rates = {"in_s": _milli(part.in_s), "out_s": _milli(part.out_s), "fail_s": _milli(part.fail_s)}
    return {"at": row.at, **asdict(row.counts), "workers": row.workers, "rates": rates, "totals": dict(row.totals)}


def _milli(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 3)


SHAPE: Shape[Part] = Shape(
    "convoy.history/1",
    "rows",
    [
        Column("TIME (UTC)", lambda part: clock(part.at)),
        _number("QUEUED", "queued"),
        _number("PROC", "processing"),
        _number("FAILED", "failed"),
        _number("DELAYED", "delayed", drop=4, hides=True),
        _number("COMMITTED", "committed", drop=1),
        _number("WORKERS", "workers", drop=2),
        _number("IN/s", "in/s", drop=5),
        _number("OUT/s", "out/s", drop=6),
        _number("FAIL/s", "fail/s", drop=3, hides=True),
    ],
    _record,
    lambda part: "",
)
