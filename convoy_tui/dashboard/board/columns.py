"""The columns of the overview: which fit, and the content of each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convoy_tui.dashboard.board.board import Row
from convoy_tui.dashboard.board.cells import Align, Column, fitted
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Span, Tone
from convoy_tui.text.health import Health, Severity, overdue_s, word
from convoy_tui.text.history import Rates
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, number

_MAX_EXACT = 99_999
_NAME = 44
_WIDE = 130

SEVERITY_TONES = {
    Severity.ALARM: Tone.ALARM,
    Severity.WARNING: Tone.WARNING,
    Severity.DELIBERATE: Tone.DELIBERATE,
    Severity.PLAIN: Tone.NORMAL,
    Severity.FINE: Tone.FINE,
    Severity.NOTHING: Tone.DIM,
}


def columns(width: int, longest: int = _NAME) -> tuple[Column[Row], ...]:
    """The columns that fit into `width` cells. The name gets the cells that the others leave.

    Where names are longer than that, and the table wide, the least important columns make room for them.
    """
    chosen = list(_COLUMNS)
    while True:
        fitting = fitted(chosen, width, most=max(_NAME, longest))
        name = next(column.width for column in fitting if column.is_name)
        spare = [column for column in _SPARE if column in fitting]
        if width < _WIDE or name >= longest or not spare:
            return fitting
        chosen.remove(spare[0])


def trend(values: Sequence[int | None], glyphs: Glyphs) -> str:
    """A minute as bars from 0 up to its largest number; a blank where nothing was read."""
    highest = top(values)
    blocks = glyphs.blocks[:-1]  # the tallest bar would touch the row above

    def block(value: int | None) -> str:
        if value is None:
            return " "
        return blocks[0] if not value else blocks[max(1, round(value / highest * (len(blocks) - 1)))]

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


def brief(n: int) -> str:
    """A number in at most five cells: exact up to 9,999, then with three digits."""
    return f"{n / 1000:.1f}k" if 9_999 < n < 99_950 else short(max(n, _MAX_EXACT + 1) if n > 9_999 else n)


def rate(per_second: float | None) -> str:
    """A rate in at most five cells, and one more where it is negative; a dash if it is unknown."""
    if per_second is None:
        return "—"
    magnitude = abs(per_second)
    if magnitude == 0 or magnitude >= 10:
        return f"{'-' if per_second < 0 else ''}{brief(round(magnitude))}"
    return f"{per_second:.1f}" if magnitude >= 0.1 else "<0.1" if per_second > 0 else ">-0.1"


def per_s(per_second: float | None) -> str:
    """A rate with its unit; a dash if it is unknown."""
    return "—" if per_second is None else f"{rate(per_second)}/s"


def calmed(row: Row, tone: Tone) -> Tone:
    """The tone of something bad; none where an operator knows of it."""
    return Tone.NORMAL if row.is_acknowledged else tone


def clears(row: Row) -> str:
    """The time until the queue is empty, as a word or a duration."""
    trends, counts = row.trends, row.snapshot.counts
    if row.snapshot.paused:
        return "paused" if counts.queued else "—"
    if not counts.queued:
        return "—"
    if trends.clears_s is not None:
        return age(trends.clears_s) if trends.clears_s < 86400 * 9 else ">9d"
    if trends.rates.net_s is None:
        return "—"
    return "steady" if trends.is_steady else "never"


def _state(row: Row, glyphs: Glyphs, width: int) -> Span:
    sign = row.sign(ascii_only=glyphs.is_ascii)
    return Span(safe(f"{sign} {word(row.health, row.trends)}", width), SEVERITY_TONES[row.severity])


def _queue(row: Row, glyphs: Glyphs, width: int) -> Span:
    idle = row.severity is Severity.NOTHING
    return Span(safe(row.queue, width), Tone.DIM if idle else Tone.NORMAL)


def _number(n: int) -> Span:
    return Span(short(n), Tone.NORMAL if n else Tone.DIM)


def _queued(row: Row, glyphs: Glyphs, width: int) -> Span:
    return _number(row.snapshot.counts.queued)


def _trend(row: Row, glyphs: Glyphs, width: int) -> Span:
    """The bars, and what the tallest stands for: each row has its own scale."""
    cells = row.trends.cells
    bars = trend(_pairs(cells), glyphs)
    return Span(f"{bars}{brief(top(cells)):>6}", Tone.TREND if row.needs_you else Tone.FAINT)


def top(cells: Sequence[int | None]) -> int:
    """The largest number of a trend."""
    return max((n for n in cells if n is not None), default=0)


def _pairs(cells: Sequence[int | None]) -> list[int | None]:
    """Half as many cells, each with the last that is known of two."""
    return [last if last is not None else first for first, last in zip(cells[::2], cells[1::2], strict=True)]


def _processing(row: Row, glyphs: Glyphs, width: int) -> Span:
    """How many run; of a jammed queue how many of them are past the limit."""
    n = row.snapshot.counts.processing
    if row.health is not Health.JAMMED:
        return _brief(n)
    both = f"{brief(row.snapshot.jammed)}/{brief(n)}"
    return Span(both if len(both) <= width else brief(row.snapshot.jammed), calmed(row, Tone.ALARM))


def _brief(n: int) -> Span:
    return Span(brief(n), Tone.NORMAL if n else Tone.DIM)


def _failed_1m(row: Row, glyphs: Glyphs, width: int) -> Span:
    span = _number(row.trends.failed_1m)
    is_alarm = row.health is Health.FAILING and row.trends.failed_1m
    return span._replace(tone=calmed(row, Tone.ALARM)) if is_alarm else span


def _failed(row: Row, glyphs: Glyphs, width: int) -> Span:
    span = _number(row.snapshot.counts.failed)
    return span._replace(tone=calmed(row, Tone.ALARM)) if row.health is Health.FAILING else span


def _committed(row: Row, glyphs: Glyphs, width: int) -> Span:
    return _number(row.snapshot.counts.committed)


def _delayed(row: Row, glyphs: Glyphs, width: int) -> Span:
    return _number(row.snapshot.counts.delayed)


def oldest_s(row: Row) -> float | None:
    """The age of the oldest ID that waits, runs or is overdue; of a jammed queue that of the oldest run."""
    snapshot = row.snapshot
    if row.health is Health.JAMMED:
        return snapshot.oldest_processing_s
    ages = [snapshot.oldest_queued_s, snapshot.oldest_processing_s, overdue_s(snapshot) or None]
    return max((seconds for seconds in ages if seconds is not None), default=None)


_EXACT_S, _STEP_S = 10.0, 5.0
_AGED = {
    Health.JAMMED: Tone.ALARM,
    Health.NO_WORKERS: Tone.WARNING,
    Health.STALLED: Tone.WARNING,
    Health.OVERDUE: Tone.WARNING,
}


def _oldest(row: Row, glyphs: Glyphs, width: int) -> Span:
    seconds = oldest_s(row)
    if seconds is None:
        return Span("—", Tone.DIM)
    if seconds > _EXACT_S and row.health not in (Health.JAMMED, Health.STALLED):
        seconds -= seconds % _STEP_S  # else every row would change with every look
    return Span(age(seconds), calmed(row, _AGED.get(row.health, Tone.NORMAL)))


def _rate_of(pick: Callable[[Rates], float | None]) -> Callable[[Row, Glyphs, int], Span]:
    def cell(row: Row, glyphs: Glyphs, width: int) -> Span:
        value = pick(row.trends.rates)
        return Span(rate(value), Tone.NORMAL if value else Tone.DIM)

    return cell


def _clears(row: Row, glyphs: Glyphs, width: int) -> Span:
    text = clears(row)
    unusual = text == "never" and row.needs_you
    return Span(text, Tone.WARNING if unusual else Tone.DIM if text in ("—", "paused") else Tone.NORMAL)


def _workers(row: Row, glyphs: Glyphs, width: int) -> Span:
    n = row.snapshot.workers
    if not n and row.health is Health.NO_WORKERS:
        return Span("0", calmed(row, Tone.WARNING))
    return _number(n)


_STATE = Column("STATE", 12, _state, Align.LEFT, order="worst")
_QUEUE = Column("QUEUE", 0, _queue, Align.LEFT, is_name=True, order="name")
_QUEUED = Column("QUEUED", 6, _queued, order="queued")
_TREND = Column("1 MIN    TOP", 12, _trend, Align.LEFT, least=114)
_COMMITTED = Column("COMMITTED", 9, _committed, least=138)
_PROC = Column("PROC", 5, _processing, least=68)
_DELAYED = Column("DELAYED", 7, _delayed, least=56)
_FAILED = Column("FAILED", 6, _failed, order="failed")
_FAILED_1M = Column("FAIL/m", 6, _failed_1m, least=78)
_OLDEST = Column("OLDEST", 6, _oldest, least=72, order="oldest")
_IN = Column("IN/s", 5, _rate_of(lambda rates: rates.in_s), least=98)
_OUT = Column("OUT/s", 5, _rate_of(lambda rates: rates.out_s), least=98)
_CLEARS = Column("CLEARS", 6, _clears, least=98)
_WORKERS = Column("WORKERS", 7, _workers, least=106)

_COLUMNS = (
    *(_STATE, _QUEUE, _QUEUED, _TREND, _COMMITTED, _PROC, _DELAYED, _FAILED, _FAILED_1M, _OLDEST),
    *(_IN, _OUT, _CLEARS, _WORKERS),
)
_SPARE = (_COMMITTED, _TREND, _WORKERS)
"""The columns that make room for long names, the first to go first."""
