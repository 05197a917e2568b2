"""The columns of the overview: which fit, and the content of each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.cells import MARGIN, Align, Column
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Span, Tone
from convoy_tui.text.health import Health, Severity, word
from convoy_tui.text.history import Rates
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, number

_MAX_EXACT = 99_999
_MAX_NAME = 44

SEVERITY_TONES = {
    Severity.ALARM: Tone.ALARM,
    Severity.WARNING: Tone.WARNING,
    Severity.DELIBERATE: Tone.DELIBERATE,
    Severity.PLAIN: Tone.NORMAL,
    Severity.FINE: Tone.FINE,
    Severity.NOTHING: Tone.DIM,
}


def columns(width: int) -> tuple[Column[Row], ...]:
    """The columns that fit into `width` cells. The name gets the cells that the others leave."""
    if width < 76:
        chosen = [_STATE, _QUEUE, _QUEUED, _FAILED]
    elif width < 100:
        chosen = [_STATE, _QUEUE, _QUEUED, _PROC, _FAILED, _OLDEST]
    elif width < 114:
        chosen = [_STATE, _QUEUE, _QUEUED, _PROC, _FAILED, _OLDEST, _IN, _OUT, _CLEARS, _WORKERS]
    elif width < 136:
        chosen = [_STATE, _QUEUE, _QUEUED, _TREND, _PROC, _FAILED, _OLDEST, _IN, _OUT, _CLEARS, _WORKERS]
    else:
        chosen = [
            *(_STATE, _QUEUE, _QUEUED, _TREND, _COMMITTED, _PROC, _DELAYED, _FAILED, _OLDEST),
            *(_IN, _OUT, _FAIL, _CLEARS, _WORKERS),
        ]
    taken = sum(column.width for column in chosen) + len(chosen) - 1 + MARGIN + 1
    name = max(12, min(_MAX_NAME, width - taken))
    return tuple(replace(column, width=name) if column is _QUEUE else column for column in chosen)


def trend(values: Sequence[int | None], glyphs: Glyphs) -> str:
    """A minute as bars from 0 up; a blank where nothing was read. A constant value is drawn at half height."""
    known = [value for value in values if value is not None]
    top = max(known, default=0) * (1 if len(set(known)) > 1 else 2)
    blocks = glyphs.blocks[:-1]  # the tallest bar would touch the row above

    def block(value: int | None) -> str:
        if value is None:
            return " "
        return blocks[0] if not value else blocks[max(1, round(value / top * (len(blocks) - 1)))]

    return "".join(map(block, values))


def short(n: int) -> str:
    """A number in at most seven cells: exact up to 99,999, then with three digits."""
    if n <= _MAX_EXACT:
        return number(n)
    for size, unit in ((10**3, "k"), (10**6, "M"), (10**9, "G")):
        if n < 999.5 * size:
            value = n / size
            return (
                f"{value:.0f}{unit}" if value >= 100 else f"{value:.1f}{unit}" if value >= 10 else f"{value:.2f}{unit}"
            )
    return f"{n:.0e}"


def rate(per_second: float | None) -> str:
    """A rate in at most six cells; a dash if it is unknown."""
    if per_second is None:
        return "—"
    magnitude = abs(per_second)
    if magnitude == 0 or magnitude >= 10:
        return short(round(per_second))
    return f"{per_second:.1f}" if magnitude >= 0.1 else "<0.1" if per_second > 0 else ">-0.1"


def per_s(per_second: float | None) -> str:
    """A rate with its unit; a dash if it is unknown."""
    return "—" if per_second is None else f"{rate(per_second)}/s"


def clears(row: Row) -> str:
    """The time until the queue is empty, as a word or a duration."""
    trends, counts = row.trends, row.snapshot.counts
    if row.snapshot.paused:
        return "paused" if counts.queued else "—"
    if not counts.queued:
        return "—" if row.health is Health.IDLE else "now"
    if trends.clears_s is not None:
        return age(trends.clears_s) if trends.clears_s < 86400 * 9 else ">9d"
    if trends.rates.net_s is None:
        return "—"
    return "steady" if trends.is_steady else "never"


def _state(row: Row, glyphs: Glyphs, width: int) -> Span:
    sign = row.health.sign(ascii_only=glyphs.is_ascii)
    return Span(safe(f"{sign} {word(row.health, row.trends)}", width), SEVERITY_TONES[row.health.severity])


def _queue(row: Row, glyphs: Glyphs, width: int) -> Span:
    idle = row.health.severity is Severity.NOTHING
    return Span(safe(row.queue, width), Tone.DIM if idle else Tone.NORMAL)


def _number(n: int) -> Span:
    return Span(short(n), Tone.NORMAL if n else Tone.DIM)


def _queued(row: Row, glyphs: Glyphs, width: int) -> Span:
    return _number(row.snapshot.counts.queued)


def _trend(row: Row, glyphs: Glyphs, width: int) -> Span:
    return Span(trend(row.trends.cells, glyphs), Tone.TREND if row.health.needs_you else Tone.FAINT)


def _processing(row: Row, glyphs: Glyphs, width: int) -> Span:
    return _number(row.snapshot.counts.processing)


def _failed(row: Row, glyphs: Glyphs, width: int) -> Span:
    span = _number(row.snapshot.counts.failed)
    return span._replace(tone=Tone.ALARM) if row.health is Health.FAILING else span


def _committed(row: Row, glyphs: Glyphs, width: int) -> Span:
    return _number(row.snapshot.counts.committed)


def _delayed(row: Row, glyphs: Glyphs, width: int) -> Span:
    return _number(row.snapshot.counts.delayed)


def _oldest(row: Row, glyphs: Glyphs, width: int) -> Span:
    seconds = row.snapshot.oldest_processing_s
    if seconds is None:
        return Span("—", Tone.DIM)
    return Span(age(seconds), Tone.ALARM if row.health is Health.JAMMED else Tone.NORMAL)


def _rate_of(pick: Callable[[Rates], float | None], alarm: Health | None = None) -> Callable[[Row, Glyphs, int], Span]:
    def cell(row: Row, glyphs: Glyphs, width: int) -> Span:
        value = pick(row.trends.rates)
        if not value:
            return Span(rate(value), Tone.DIM)
        return Span(rate(value), Tone.ALARM if row.health is alarm else Tone.NORMAL)

    return cell


def _clears(row: Row, glyphs: Glyphs, width: int) -> Span:
    text = clears(row)
    unusual = text == "never" and row.health.needs_you
    return Span(text, Tone.WARNING if unusual else Tone.DIM if text in ("—", "paused", "now") else Tone.NORMAL)


def _workers(row: Row, glyphs: Glyphs, width: int) -> Span:
    n = row.snapshot.workers
    if not n and row.health is Health.NO_WORKERS:
        return Span("0", Tone.WARNING)
    return _number(n)


_STATE = Column("STATE", 12, _state, Align.LEFT)
_QUEUE = Column("QUEUE", 0, _queue, Align.LEFT, is_name=True)
_QUEUED = Column("QUEUED", 8, _queued)
_TREND = Column("1 MIN", 12, _trend, Align.LEFT)
_COMMITTED = Column("COMMITTED", 9, _committed)
_PROC = Column("PROC", 6, _processing)
_DELAYED = Column("DELAYED", 7, _delayed)
_FAILED = Column("FAILED", 7, _failed)
_OLDEST = Column("OLDEST", 8, _oldest)
_IN = Column("IN/s", 6, _rate_of(lambda rates: rates.in_s))
_OUT = Column("OUT/s", 6, _rate_of(lambda rates: rates.out_s))
_FAIL = Column("FAIL/s", 6, _rate_of(lambda rates: rates.fail_s, Health.FAILING))
_CLEARS = Column("CLEARS", 8, _clears)
_WORKERS = Column("WORKERS", 7, _workers)
