"""The lines of the Queue screen around its table: numbers, tabs, what a filter found, and one ID in short. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from convoy_core import Details, Durations, State
from convoy_tui.dashboard.board.board import Board, Row
from convoy_tui.dashboard.board.columns import per_s, rate, trend
from convoy_tui.dashboard.board.entries import Order, Tab, order_words
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.job_lines import JobReading, error_lines, payload_section, stacked, timeline
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, spread, width
from convoy_tui.text.percentiles import LEGEND, three, window
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, due_in, number

TAB_KEYS = {Tab.QUEUED: "f1", Tab.PROCESSING: "f2", Tab.DELAYED: "f3", Tab.FAILED: "f4", Tab.ORPHANS: "f5"}
"""A click on a tab presses its key."""


def numbers(row: Row | None, room: int, glyphs: Glyphs) -> Line:
    """The rates of the queue and its committed IDs, as many whole facts as fit."""
    if row is None:
        return ()
    rates, counts, drift = row.trends.rates, row.snapshot.counts, row.trends.drift
    net = "" if rates.net_s is None else f" {'+' if rates.net_s > 0 else ''}{rate(rates.net_s)}/s"
    facts: list[Line] = [
        line(("waiting ", Tone.DIM), (trend(row.trends.cells, glyphs), Tone.TREND), net),
        line(("in ", Tone.DIM), per_s(rates.in_s), ("  out ", Tone.DIM), per_s(rates.out_s)),
        line(("failing ", Tone.DIM), per_s(rates.fail_s)),
        line(
            ("committed ", Tone.DIM),
            number(counts.committed),
            (f", {number(abs(drift))} {'nowhere' if drift > 0 else 'too few'}", Tone.WARNING)
            if drift
            else (" consistent", Tone.DIM),
        ),
        line((count(row.snapshot.workers, "pool"), Tone.NORMAL)),
    ]
    shown: list[Span] = [Span(" ")]
    for fact in facts:
        if width(shown) + width(fact) + 4 <= room:
            shown += [*fact, Span("    ")]
    return tuple(shown)


def durations_line(durations: Sequence[Durations], room: int) -> Line:
    """How long IDs waited and ran, of as many times as fit; nothing where nothing is known."""
    shown: list[Span] = [Span(" ")]
    legend = Span(f"({LEGEND})", Tone.DIM)
    for each in durations:
        if not each.waits.count + each.runs.count:
            continue
        fact = line((f"{window(each)}: waited ", Tone.DIM), three(each.waits), (", ran ", Tone.DIM), three(each.runs))
        if width(shown) + width(fact) + 4 + width([legend]) <= room:
            shown += [*fact, Span("    ")]
    return (*shown, legend) if len(shown) > 1 else ()


def tabs(row: Row | None, chosen: Tab, room: int) -> Line:
    """The tabs with their counts, the chosen one in brackets; without what does not fit."""
    counts = {} if row is None else {tab: getattr(row.snapshot.counts, tab.value, None) for tab in Tab}
    parts: list[Span] = []
    for tab in Tab:
        n = max(0, row.snapshot.counts.drift) if row is not None and tab is Tab.ORPHANS else counts.get(tab)
        name = "Proc" if tab is Tab.PROCESSING and room < 66 else tab.capitalize()
        text = name if n is None else f"{name} {number(n)}"
        tone = Tone.STRONG if tab is chosen else Tone.NORMAL if n else Tone.DIM
        shown = f"[{text}]" if tab is chosen else f" {text} "
        parts += [Span(shown, tone, TAB_KEYS[tab]), Span("" if room < 66 else " " if room < 90 else "  ")]
    return clip([Span(" "), *parts], room)


def position(view: range, total: int, tab: Tab, order: Order, room: int) -> Line:
    """Which rows are in view, of how many, and their order."""
    rows = f"rows {number(view.start + 1)}-{number(view.stop)} of {number(total)}" if view else ""
    words = order_words(tab, order)
    return line((f"{rows}   {words} " if room > 40 else f"{words} ", Tone.DIM))


def tab_line(row: Row | None, tab: Tab, order: Order, view: range, total: int, room: int) -> Line:
    """The tabs, and at the right the position where there is room for it."""
    left, right = tabs(row, tab, room), position(view, total, tab, order, room)
    return spread(left, right, room) if width(left) + width(right) + 2 <= room else left


def found_line(
    found: int, scanned: int, total: int, *, is_done: bool, is_stopped: bool, kept: int, elsewhere: str, room: int
) -> Line:
    """What a filter has found so far, or in all."""
    parts: list[tuple[str, Tone] | str] = [" "]
    if elsewhere:
        parts.append((f"{elsewhere} · ", Tone.ACCENT))
    parts.append((f"{number(found)} found", Tone.STRONG if found else Tone.WARNING if is_done else Tone.NORMAL))
    if is_done:
        parts.append((f" of {number(total)}", Tone.DIM))
    else:
        parts.append((f" · {number(scanned)} of {number(total)} looked at", Tone.DIM))
        parts.append((" · stopped" if is_stopped else " · Esc stops", Tone.DIM))
    if found > kept:
        parts.append((f" · the first {number(kept)} are shown", Tone.DIM))
    return clip(line(*parts), room)


def in_short(details: Details | None, cursor: str | None, board: Board, room: int) -> Sequence[Line]:
    """The ID under the cursor: where it is, who holds it, how often it failed, and what publishing it would do."""
    if details is None or details.id != cursor:
        return [()]
    lines = [
        _line("state", _state(details, board), room),
        _line("uniqueness", _uniqueness(details), room),
        _line("history", _history(details), room),
    ]
    return [each for each in lines if each]


def at_length(details: Details | None, cursor: str | None, board: Board, room: int, glyphs: Glyphs) -> Sequence[Line]:
    """The same, with its timeline, its last error and its payload below."""
    lines = in_short(details, cursor, board, room)
    if details is None or details.id != cursor:
        return lines
    job = JobReading(details)
    inside = room - 2
    error = error_lines(job, inside, is_folded=True, key="Enter")
    return stacked([*lines], timeline(job, inside, glyphs), error, payload_section(job, inside))


def _line(label: str, text: str, room: int) -> Line:
    return clip(line((f"  {label:<12}", Tone.DIM), safe(text)), room) if text else ()


def _state(details: Details, board: Board) -> str:
    match details.state:
        case State.QUEUED:
            place = "on its way to a worker" if details.position is None else f"{number(details.position + 1)} in line"
            since = f", for {age(max(0.0, details.at - details.published))}" if details.published is not None else ""
            return f"queued{since}, {place}"
        case State.PROCESSING:
            started = details.started if details.started is not None else details.at
            running = max(0.0, details.at - started)
            over = running - board.limits.jam_after_s
            late = f", past the limit by {age(over)}" if over > 0 else ""
            asked = ", asked to end" if details.cancelling else ""
            return f"processing for {age(running)}{late}{asked}"
        case State.DELAYED:
            return f"delayed, due {due_in(details.due - details.at)}" if details.due is not None else "delayed"
        case State.FAILED:
            at = details.failure.at if details.failure else None
            return "failed" if at is None else f"failed {age(max(0.0, details.at - at))} ago"
        case State.ABSENT:
            return "committed, but in no place" if details.is_committed else "not here any more"


def _uniqueness(details: Details) -> str:
    if details.is_committed:
        more = f"; stands for {number(details.requests)} publishes" if details.requests > 1 else ""
        return f"committed: publishing it now would be refused{more}"
    return "not committed: it can be published now"


def _history(details: Details) -> str:
    parts = [f"attempt {number(details.attempt)}"] if details.attempt > 1 else []
    parts += [f"failed {count(details.failures, 'time')}"] if details.failures else []
    parts += [f"lost by {count(details.crashes, 'crash', 'crashes')}"] if details.crashes else []
    if details.failure:
        parts.append(f"last: {details.failure.error.partition(chr(10))[0][:500]}")
    return ", ".join(parts)
