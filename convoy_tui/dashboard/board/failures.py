"""The groups of failures: the columns of their table, and all that is known of one group. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convoy_core import Failure, FailureGroup
from convoy_tui.dashboard.board.cells import Align, Column
from convoy_tui.dashboard.board.columns import short
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, wrap
from convoy_tui.dashboard.board.spans import width as cells_of
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number

FRESH_S = 60.0
"""A group whose newest failure is no older than this is still growing."""

ORDERS = ("count", "last", "first")


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a queue, as it was at the time `at` of the store."""

    queue: str
    group: FailureGroup
    at: float
    top: int = 0
    """The most failures that any group of the table has had in five minutes: the scale that the trends share."""

    @property
    def key(self) -> str:
        """What names it in a table of the groups of several queues."""
        return self.group.id + self.queue

    @property
    def is_fresh(self) -> bool:
        """Whether it is still growing."""
        return self.group.last is not None and self.at - self.group.last <= FRESH_S


@dataclass(frozen=True, slots=True)
class Sample:
    """An ID of a group, and its last failure."""

    id: str
    failure: Failure | None


def ordered(groups: Sequence[Group], order: str) -> tuple[Group, ...]:
    """The groups in an order: the largest first, or those with the newest failure, or those that began last."""
    top = max((n for each in groups for n in each.group.recent), default=0)

    def rank(each: Group) -> tuple[float, str, str]:
        values = {"count": each.group.count, "last": each.group.last or 0.0, "first": each.group.first or 0.0}
        return -values[order], each.queue, each.group.what

    return tuple(Group(each.queue, each.group, each.at, top) for each in sorted(groups, key=rank))


def trend(group: Group, glyphs: Glyphs) -> str:
    """A cell for each five minutes of the last hour, on the scale that all rows share."""
    blocks = glyphs.blocks
    height = max(1, group.top)
    return "".join(" " if not n else blocks[max(0, min(7, round(n / height * 8) - 1))] for n in group.group.recent)


def _queue(row: Group, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(row.queue, width))


def _what(row: Group, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(row.group.what, width), Tone.NORMAL if row.is_fresh else Tone.DIM)


def _ids(row: Group, glyphs: Glyphs, width: int) -> Span:
    return Span(short(row.group.count), Tone.ALARM if row.is_fresh else Tone.NORMAL)


def _trend(row: Group, glyphs: Glyphs, width: int) -> Span:
    return Span(trend(row, glyphs), Tone.TREND if row.is_fresh else Tone.FAINT)


def _since(row: Group, at: float | None) -> Span:
    return Span("—", Tone.DIM) if at is None else Span(age(max(0.0, row.at - at)))


def _first(row: Group, glyphs: Glyphs, width: int) -> Span:
    return _since(row, row.group.first)


def _last(row: Group, glyphs: Glyphs, width: int) -> Span:
    return _since(row, row.group.last)


def _retries(row: Group, glyphs: Glyphs, width: int) -> Span:
    n = row.group.retries
    return Span(short(n), Tone.NORMAL if n else Tone.DIM)


_COLUMNS: tuple[Column[Group], ...] = (
    Column("IDS", 7, _ids, order="count"),
    Column("LAST HOUR", 12, _trend, Align.LEFT, least=70),
    Column("FIRST", 7, _first, order="first", least=70),
    Column("LAST", 7, _last, order="last"),
    Column("RETRIES", 7, _retries, least=110),
    Column("WHAT BROKE", 0, _what, Align.LEFT, is_name=True),
    Column("GROUP", 8, lambda row, glyphs, width: Span(row.group.id, Tone.DIM), Align.LEFT, least=100),
)


def columns(width: int, *, with_queue: bool) -> tuple[Column[Group], ...]:
    """The columns of a table of this width, of which the last but one takes the rest of it."""
    if not with_queue:
        return _COLUMNS
    queue: Column[Group] = Column("QUEUE", max(10, min(28, width // 5)), _queue, Align.LEFT)
    return (queue, *_COLUMNS)


# -- one group


def sheet(group: Group, sample: Sample | None, width: int, height: int) -> list[Line]:
    """All that is known of a group, as much as fits: what broke, how often and when, the IDs, the newest traceback."""
    room = max(20, width - 2)
    each = group.group
    lines: list[Line] = [line(f" {part}") for part in wrap(safe(each.what, 300), room)[:2]]
    lines = [tuple(span._replace(tone=Tone.STRONG) for span in spans) for spans in lines]
    lines.append(_facts(group, width))
    more = ", …" if each.count > len(each.samples) else ""
    names = "  ".join(safe(id, 40) for id in each.samples)
    lines.append(line((" samples  ", Tone.DIM), safe(names, room - 12) + more))
    newest = sample.id if sample is not None else each.newest
    message = each.message.strip().partition("\n")[0]
    told = f"{safe(newest, 40)}  " if newest else ""
    lines.append(line((" newest   ", Tone.DIM), told, (safe(message, max(10, room - 10 - len(told))), Tone.WARNING)))
    lines += _traceback(sample, width, height - len(lines))
    return [clip(spans, width) for spans in lines[:height]]


def _facts(group: Group, width: int) -> Line:
    """How often and when; what does not fit is left out as a whole."""
    each = group.group
    told = line(" ", (count(each.count, "failed ID"), Tone.ALARM if group.is_fresh else Tone.NORMAL))
    facts: list[tuple[str, str]] = []
    if each.last is not None and each.first is not None:
        first, last = age(max(0.0, group.at - each.first)), age(max(0.0, group.at - each.last))
        facts += [("last", f"{last} ago"), ("first", f"{first} ago")]
    facts += [("in the last hour", number(sum(each.recent)))] if any(each.recent) else []
    facts += [("retries spent", number(each.retries))] if each.retries else []
    for label, value in facts:
        more = line((f"   {label} ", Tone.DIM), value)
        if cells_of(told) + cells_of(more) <= width:
            told = (*told, *more)
    return told


def _traceback(sample: Sample | None, width: int, room: int) -> list[Line]:
    """The end of the newest traceback, where the cause stands."""
    if sample is None or room < 2:
        return []
    failure = sample.failure
    if failure is None or not failure.traceback:
        because = "A command has none." if failure is not None and failure.error.startswith("exit") else "None is kept."
        return [line((f" No traceback: {because}", Tone.DIM))]
    told = failure.traceback.rstrip().split("\n")
    shown = told[-(room - 1) :]
    hidden = len(told) - len(shown)
    head = f" traceback of {safe(sample.id, 40)}" + (f", the last {number(len(shown))} lines" if hidden else "")
    body = [line((f"   {safe(text, width - 4)}", Tone.NORMAL)) for text in shown]
    return [line((head, Tone.DIM)), *body]
