"""The rows of `convoy status`: the health word first, queues that need attention on top, zeros dimmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from convoy_core import Durations, Percentiles, Snapshot
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.io.styled import Styled
from convoy_tui.cli.io.table import Cell
from convoy_tui.text.about import acknowledged, said
from convoy_tui.text.broken import Broken, told
from convoy_tui.text.health import Limits, Severity, assess, failures, order, word
from convoy_tui.text.history import History, Trends
from convoy_tui.text.judged import Judged
from convoy_tui.text.percentiles import briefly, last_hour, record
from convoy_tui.text.reasons import why
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number

STYLES = {
    Severity.ALARM: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.DELIBERATE: "magenta",
    Severity.PLAIN: "",
    Severity.FINE: "green",
    Severity.NOTHING: "dim",
}


@dataclass(frozen=True, slots=True)
class Row(Judged):
    """One queue, and why it has its word."""

    why: str
    durations: Sequence[Durations] = ()
    """How long its IDs waited and ran."""

    @property
    def sort_key(self) -> tuple[int, int, str]:
        """Worst first, then the heaviest."""
        return order(self.health, self.snapshot, self.trends)


def rows_of(snapshots: Iterable[Snapshot], history: History, limits: Limits) -> list[Row]:
    """The rows of one reading, which is in `history` already."""
    rows = []
    for snapshot in snapshots:
        trends = history.trends(snapshot.queue)
        health = assess(snapshot, trends, limits)
        rows.append(Row(snapshot, trends, health, why(health, snapshot, trends, limits)))
    return sorted(rows, key=lambda row: row.sort_key)


def explained(row: Row, broken: Broken) -> Row:
    """The row with what broke among its reasons."""
    return replace(row, why=f"{row.why} {told(broken)}".rstrip())


def verdict(rows: list[Row]) -> Styled:
    """The health of all queues in one line."""
    needing = [row for row in rows if row.needs_you]
    known = sum(row.is_acknowledged for row in rows)
    if not needing and known:
        more = f" {count(known, 'queue')} in trouble {'is' if known == 1 else 'are'} acknowledged."
        return Styled.of(f"No queue needs you.{more}", STYLES[Severity.DELIBERATE])
    if not needing:
        bad = sum(row.snapshot.counts.failed for row in rows)
        fine = "The queue is fine" if len(rows) == 1 else f"All {count(len(rows), 'queue is', 'queues are')} fine"
        return Styled.of(f"{fine}; {failures(bad)}." if bad else f"{fine}.", "green")
    if len(rows) == 1:
        return Styled.of("The queue needs you.", STYLES[needing[0].severity])
    verb = "needs" if len(needing) == 1 else "need"
    more = f" {number(known)} more {'is' if known == 1 else 'are'} acknowledged." if known else ""
    return Styled.of(
        f"{number(len(needing))} of {count(len(rows), 'queue')} {verb} you.{more}", STYLES[needing[0].severity]
    )


def reasons(rows: list[Row], *, every: bool) -> list[Styled]:
    """The reasons of the health words, for queues in trouble or, with `every`, for all; and what was said of them."""
    lines = []
    for row in rows:
        if every or row.health.needs_you:
            line = Styled.of(f"{row.sign()} ", STYLES[row.severity])
            line.append(f"{safe(row.snapshot.queue, 40)}: ", "bold").append(row.why)
            if row.is_acknowledged or every:
                line.append(f" {acknowledged(row.snapshot)}".rstrip())
            lines.append(line)
            lines += [Styled.of(f"  {label}: ", "dim").append(text) for label, text in said(row.snapshot.about)]
    return [Styled(), *lines] if lines else []


def _word(row: Row) -> Cell:
    return Cell(f"{row.sign()} {word(row.health, row.trends)}", STYLES[row.severity])


def _counted(
    heading: str, of: Callable[[Snapshot], int], *, drop: int = 0, alarm: str = "", hides: bool = False
) -> Column[Row]:
    def cell(row: Row) -> Cell:
        n = of(row.snapshot)
        return Cell(number(n), alarm if n else "dim")

    return Column(heading, lambda row: of(row.snapshot), cell, right=True, drop=drop, hides=hides)


def _aged(heading: str, of: Callable[[Snapshot], float | None], *, drop: int) -> Column[Row]:
    def cell(row: Row) -> Cell:
        seconds = of(row.snapshot)
        return Cell("—", "dim") if seconds is None else Cell(age(seconds))

    return Column(heading, lambda row: of(row.snapshot), cell, right=True, drop=drop, hides=True)


def _rate(heading: str, of: Callable[[Trends], float | None], *, drop: int) -> Column[Row]:
    def cell(row: Row) -> Cell:
        rate = of(row.trends)
        if not rate:
            return Cell("—" if rate is None else "0", "dim")
        return Cell(number(round(rate)) if rate >= 10 else f"{rate:.1f}")

    return Column(heading, lambda row: of(row.trends), cell, right=True, drop=drop, hides=True)


def _p95(heading: str, of: Callable[[Durations], Percentiles], *, drop: int) -> Column[Row]:
    def value(row: Row) -> float | None:
        return of(last_hour(row.durations)).p95_s

    def cell(row: Row) -> Cell:
        return Cell(briefly(value(row)), "" if value(row) else "dim")

    return Column(heading, lambda row: _milli(value(row)), cell, right=True, drop=drop, hides=True)


def _share(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


def _milli(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _record(row: Row) -> dict[str, object]:
    snapshot, trends, due = row.snapshot, row.trends, row.snapshot.next_due_s
    return {
        "queue": snapshot.queue,
        "at": snapshot.at,
        "health": row.health,
        "severity": row.severity,
        "why": row.why,
        "paused": snapshot.paused,
        "limits": asdict(snapshot.limits) if snapshot.limits.is_set else None,
        "held_back": snapshot.is_held_back,
        **asdict(snapshot.counts),
        "drift": trends.drift,
        "jammed": snapshot.jammed,
        "workers": snapshot.workers,
        "silent": snapshot.silent,
        "oldest_queued_s": _milli(snapshot.oldest_queued_s),
        "oldest_processing_s": _milli(snapshot.oldest_processing_s),
        "next_due_s": None if due is None else _milli(max(0.0, due)),
        "overdue_s": None if due is None else _milli(max(0.0, -due)),
        "rates": {name: _milli(rate) for name, rate in asdict(trends.rates).items()},
        "clears_s": _milli(trends.clears_s) if trends.rates.net_s is not None else None,
        "saved": _milli(snapshot.saved),
        "durations": record(row.durations),
        "totals": dict(snapshot.totals),
        "damage": snapshot.damage,
        "acknowledged": _acknowledged(row),
        "owner": snapshot.about.owner or None,
        "runbook": snapshot.about.runbook or None,
        "note": snapshot.about.note or None,
    }


def _acknowledged(row: Row) -> dict[str, object] | None:
    known = row.snapshot.about.acknowledged
    if known is None:
        return None
    return {
        "by": known.by,
        "at": known.at,
        "until": known.until,
        "note": known.note,
        "words": list(known.words),
        "covers": known.covers(row.health.value),
    }


SHAPE: Shape[Row] = Shape(
    "convoy.status/1",
    "queues",
    [
        Column("STATE", lambda row: row.health.value, _word),
        Column("QUEUE", lambda row: row.snapshot.queue, shrinks=True),
        _counted("QUEUED", lambda snapshot: snapshot.counts.queued),
        _counted("PROC", lambda snapshot: snapshot.counts.processing),
        _counted("FAILED", lambda snapshot: snapshot.counts.failed, alarm="red"),
        _counted("DELAYED", lambda snapshot: snapshot.counts.delayed, drop=5, hides=True),
        _counted("COMMITTED", lambda snapshot: snapshot.counts.committed, drop=1),
        _aged("OLDEST", lambda snapshot: snapshot.oldest_queued_s, drop=2),
        _aged("LONGEST", lambda snapshot: snapshot.oldest_processing_s, drop=6),
        _rate("IN/s", lambda trends: trends.rates.in_s, drop=4),
        _rate("OUT/s", lambda trends: trends.rates.out_s, drop=3),
        _counted("WORKERS", lambda snapshot: snapshot.workers, drop=7),
        Column(
            "SAVED",
            lambda row: _milli(row.snapshot.saved),
            lambda row: Cell(_share(row.snapshot.saved), "" if row.snapshot.saved else "dim"),
            right=True,
            drop=8,
            hides=True,
        ),
        _p95("WAIT95", lambda durations: durations.waits, drop=9),
        _p95("RUN95", lambda durations: durations.runs, drop=10),
    ],
    _record,
    lambda row: row.snapshot.queue,
)
