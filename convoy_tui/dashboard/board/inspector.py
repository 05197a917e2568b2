"""The inspector: the row under the cursor in words and numbers, with the keys that help. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convoy_tui.dashboard.board.board import Board, Row
from convoy_tui.dashboard.board.columns import SEVERITY_TONES, brief, calmed, clears, per_s, rate, top, trend
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, wrap
from convoy_tui.text.about import acknowledged, said
from convoy_tui.text.broken import error_line, share
from convoy_tui.text.health import Health, word
from convoy_tui.text.reasons import why
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, due_in, duration, number

_LABEL = 12


def rule(queue: str, width: int, glyphs: Glyphs, note: str = "") -> Line:
    """The line above the inspector, with the queue's name in it."""
    dash = glyphs.pick("─", "-")
    name = safe(queue, max(8, width - 12 - len(note)))
    left = line((dash * 2, Tone.DIM), (f" {name} ", Tone.STRONG))
    fill = width - sum(span.cells for span in left) - len(note)
    return (*left, Span(dash * max(0, fill), Tone.DIM), Span(note, Tone.DIM))


def offers(row: Row, board: Board) -> Line:
    """The keys that help with this row, each with its effect; none that would do nothing."""
    if not board.is_writable:
        return ()
    shown: list[Span] = []
    for key in row.health.offers:
        if key == "R" and not row.snapshot.counts.failed:
            continue  # what fails is tried again
        shown += [Span(f"[{key}]", Tone.KEY, key), Span(f" {_offer(key, row)}    ", Tone.NORMAL, key)]
    return tuple(shown)


def _offer(key: str, row: Row) -> str:
    snapshot = row.snapshot
    texts: Mapping[str, str] = {
        "J": f"review the {count(snapshot.jammed, 'stuck job')}" if snapshot.jammed != 1 else "review the stuck job",
        "W": "start workers" if not snapshot.workers else "add workers",
        "R": f"requeue {count(snapshot.counts.failed, 'failure')}",
        "P": "resume" if snapshot.paused else "pause",
        "N": "publish",
    }
    return texts[key]


def inspector(row: Row, board: Board, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The facts about one row that fit: its health and the reason, the keys, then the numbers."""
    health = row.health
    tone = SEVERITY_TONES[row.severity]
    sign = row.sign(ascii_only=glyphs.is_ascii)
    head = f"{sign} {word(health, row.trends)}"
    because = why(health, row.snapshot, row.trends, board.limits)
    room = width - 2
    told = wrap(because, max(20, room - len(head) - 3))
    if height <= 3:
        text = told[0] + (" …" if len(told) > 1 else "")
        middle = _known(row, room)[:1] or _errors(row, room)[:1] or [_in_short(row)]
        short_lines = [line(" ", (head, tone), "  ", text), *middle, line(" ", *offers(row, board))]
        return _aged(short_lines[:height], board, width)
    lines = [line(" ", (head, tone), "   ", told[0])]
    lines += [line(" " * (len(head) + 4), text) for text in told[1:]]
    lines += _known(row, room, len(head) + 4)
    lines += _errors(row, room, len(head) + 4)
    lines += _said(row, room, len(head) + 4)
    keys = offers(row, board)
    per_line = max(2, len(keys) if room >= 90 else 2)
    for start in range(0, len(keys), per_line):
        lines.append(line(" " * (len(head) + 4), *keys[start : start + per_line]))
    lines += [(), *_facts(row, board, room, glyphs)]
    return _aged(lines[:height], board, width)


def _known(row: Row, room: int, indent: int = 2) -> list[Line]:
    """That an operator knows of it: who, until when, and why."""
    told = acknowledged(row.snapshot, is_local=True)
    return [line(" " * indent, (text, Tone.DELIBERATE)) for text in wrap(told, max(20, room - indent))] if told else []


def _said(row: Row, room: int, indent: int) -> list[Line]:
    """Who answers for a queue in trouble, and where it is told what to do."""
    if not row.health.needs_you:
        return []
    left = " " * indent
    return [line(left, (f"{label}  ", Tone.DIM), text) for label, text in said(row.snapshot.about)]


def _errors(row: Row, room: int, indent: int = 2) -> list[Line]:
    """The commonest error of a queue that fails, and the newest."""
    broken = row.broken
    if row.health not in (Health.FAILING, Health.FAILED) or not broken.is_known:
        return []
    told: list[tuple[str, str]] = []
    if broken.commonest:
        told.append((f"{share(broken)}  ", broken.commonest))
    if broken.newest and broken.newest != broken.commonest:
        told.append(("newest  ", broken.newest))
    left = " " * indent
    return [
        line(left, (label, Tone.DIM), error_line(text, max(20, room - indent - len(label)))) for label, text in told
    ]


def _aged(lines: Sequence[Line], board: Board, width: int) -> list[Line]:
    """The lines cut to the width, and dimmed if the numbers are old."""
    if board.is_stale:
        lines = [tuple(span._replace(tone=Tone.DIM) for span in spans) for spans in lines]
    return [clip(spans, width) for spans in lines]


def _in_short(row: Row) -> Line:
    counts, rates = row.snapshot.counts, row.trends.rates
    return line(
        *(" ", ("in ", Tone.DIM), per_s(rates.in_s), ("   out ", Tone.DIM), per_s(rates.out_s)),
        *(("   failing ", Tone.DIM), per_s(rates.fail_s), ("   clears ", Tone.DIM), clears(row)),
        *(("   workers ", Tone.DIM), number(row.snapshot.workers)),
        *((("   delayed ", Tone.DIM), number(counts.delayed)) if counts.delayed else ()),
    )


def _facts(row: Row, board: Board, room: int, glyphs: Glyphs) -> list[Line]:
    """The exact numbers, in two columns if there is room."""
    pairs = [_queued(row, glyphs), _processing(row, board), _failed(row), _committed(row), _delayed(row), _workers(row)]
    facts = [pair for pair in pairs if pair is not None]
    lines: list[Line] = []
    for left, right in facts:
        if room >= 90:
            lines.append((*_pad(left, 58), *right))
        else:
            lines.append(left)
            if right:
                lines.append((Span(" " * (_LABEL + 2)), *right))
    return lines


def _pad(spans: Line, width: int) -> Line:
    return (*spans, Span(" " * max(2, width - sum(len(span.text) for span in spans))))


def _label(text: str, n: int) -> Line:
    return line((f" {text:<{_LABEL}}", Tone.DIM), (f"{number(n):>10}", Tone.STRONG if n else Tone.DIM), "   ")


def _queued(row: Row, glyphs: Glyphs) -> tuple[Line, Line]:
    rates = row.trends.rates
    net = "" if rates.net_s is None else f"  {'+' if rates.net_s > 0 else ''}{rate(rates.net_s)}/s"
    scale = f" of {brief(top(row.trends.cells))}"
    shape = Span(trend(row.trends.cells, glyphs), Tone.TREND)
    flow = line(
        *(("in ", Tone.DIM), per_s(rates.in_s), ("   out ", Tone.DIM), per_s(rates.out_s)),
        *(("   clears ", Tone.DIM), clears(row)),
    )
    return (*_label("queued", row.snapshot.counts.queued), shape, Span(scale, Tone.DIM), Span(net)), flow


def _processing(row: Row, board: Board) -> tuple[Line, Line]:
    snapshot = row.snapshot
    past: Line = ()
    if snapshot.jammed:
        past = line((f"{number(snapshot.jammed)} past the limit", calmed(row, Tone.ALARM)))
    oldest = "—" if snapshot.oldest_processing_s is None else age(snapshot.oldest_processing_s)
    limits = line(("oldest ", Tone.DIM), oldest, ("   limit ", Tone.DIM), duration(board.limits.jam_after_s))
    return (*_label("processing", snapshot.counts.processing), *past), limits


def _failed(row: Row) -> tuple[Line, Line]:
    rates, trends = row.trends.rates, row.trends
    alarm = calmed(row, Tone.ALARM) if row.health is Health.FAILING else Tone.NORMAL
    flow = line((per_s(rates.fail_s), alarm), ("   last minute ", Tone.DIM), number(trends.failed_1m))
    return _label("failed", row.snapshot.counts.failed), flow


def _committed(row: Row) -> tuple[Line, Line]:
    counts, drift = row.snapshot.counts, row.trends.drift
    somewhere = counts.queued + counts.processing + counts.delayed
    if drift:
        what = (
            f"{number(somewhere)} of them are somewhere" if drift > 0 else f"{number(somewhere)} IDs are in the queue"
        )
        return _label("committed", counts.committed), line((what, Tone.WARNING))
    return _label("committed", counts.committed), line(("= queued + processing + delayed", Tone.DIM))


def _delayed(row: Row) -> tuple[Line, Line] | None:
    counts, due = row.snapshot.counts, row.snapshot.next_due_s
    if not counts.delayed:
        return None
    when = () if due is None else line(("first due ", Tone.DIM), due_in(due))
    return _label("delayed", counts.delayed), when


def _workers(row: Row) -> tuple[Line, Line]:
    silent = row.snapshot.silent
    note = line((f"{count(silent, 'pool is', 'pools are')} silent", Tone.WARNING)) if silent else ()
    waits = row.snapshot.oldest_queued_s
    head = () if waits is None else line(("next in line has waited ", Tone.DIM), age(waits))
    return (*_label("workers", row.snapshot.workers), *note), head
