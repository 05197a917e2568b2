"""The lines at the top: the store, the state of the connection, and which queues need attention. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rich.cells import cell_len

from convoy_tui.dashboard.board.board import Board, LinkState, Past, Row
from convoy_tui.dashboard.board.columns import SEVERITY_TONES, short
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line, spread, wrap
from convoy_tui.text.broken import error_line
from convoy_tui.text.health import Health, fails_now, failures, stalled_s
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, due_in, duration, number

_NOT_KEPT = "Nobody kept the numbers then: no pool or dashboard was there."


def clock(at: float | None) -> str:
    """A time of day in the local time zone."""
    return "never" if at is None else datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def badge(board: Board) -> Line:
    """The environment's label, on its colour."""
    label = safe((board.place.environment or "").upper(), 12)
    if not label:
        return ()
    if board.place.is_production:
        return (Span(f" {label} ", Tone.PRODUCTION), Span(" "))
    return (Span(f" {label} ", Tone.STAGING if label.startswith("STAG") else Tone.LOCAL), Span(" "))


def title(board: Board, width: int, glyphs: Glyphs, crumbs: Sequence[str] = ()) -> Line:
    """The first line of the screen. On a page behind the overview it says which, with the way to it."""
    is_wide = width >= 100
    parts: list[Line] = [_time(board.past) if board.past is not None else _live(board, glyphs, is_wide=is_wide)]
    if width >= 100 and board.link.state is LinkState.LIVE and not crumbs:
        workers = sum(row.snapshot.workers for row in board.rows)
        parts.append(line(Span(f"{count(len(board.rows), 'queue')} · {count(workers, 'worker')}", Tone.DIM)))
    parts.append((_mode(board, is_wide=width >= 100),))
    right = [span for part in parts for span in (Span("   "), *part)]
    store = Span(safe(board.place.store, min(max(12, width - 56), 48)), Tone.DIM)
    name = Span(" convoy " if width >= 70 or not crumbs else " ", Tone.STRONG)
    left = line(name, *badge(board), *(_trail(board, crumbs, width, glyphs) or (store,)))
    return spread(left, [*right, Span(" ")], width)


def _trail(board: Board, crumbs: Sequence[str], width: int, glyphs: Glyphs) -> Line:
    """The way to a page, cut at its beginning: the store where there is room for it, then each page."""
    if not crumbs:
        return ()
    arrow = glyphs.pick(" ▸ ", " > ")
    others = 56 if width >= 100 else 38 if width >= 70 else 31
    room = max(12, width - others - sum(span.cells for span in badge(board)))
    names = [safe(board.place.store, 32)] if width >= 100 else ["…"]
    names += [safe(crumb, room) for crumb in crumbs]
    while len(names) > 2 and cell_len(arrow.join(names)) > room:
        names[:2] = ["…"]
    if len(names) == 2 and cell_len(arrow.join(names)) > room:
        names = [crumbs[-1]]
    *way, last = names
    return line((arrow.join([*way, ""]), Tone.DIM), (safe(last, room), Tone.STRONG))


def _mode(board: Board, *, is_wide: bool) -> Span:
    if board.past is not None:
        return Span("THE PAST: LOOK ONLY" if is_wide else "PAST", Tone.WARNING)
    if board.place.read_only:
        return Span("READ-ONLY" if is_wide else "RO", Tone.DELIBERATE)
    if board.is_lost:
        return Span("READ-ONLY until it returns" if is_wide else "RO", Tone.WARNING)
    if board.no_writes:
        return Span("NO WRITES" if is_wide else "NW", Tone.WARNING)
    return Span("READ-WRITE" if is_wide else "RW", Tone.DIM)


def _time(past: Past) -> Line:
    reading = "" if past.is_read else ", reading"
    return line((f" {clock(past.at)} · {ago_text(past)}{reading} ", Tone.PAST))


def _live(board: Board, glyphs: Glyphs, *, is_wide: bool) -> Line:
    link = board.link
    if link.state is LinkState.LOST:
        return line(
            (f"{glyphs.pick('✖', 'x')} LOST {clock(link.read_at) if link.read_at else ''}".rstrip(), Tone.ALARM)
        )
    if link.state is LinkState.CONNECTING or link.heard_at is None:
        return line((f"{glyphs.pick('○', '.')} connecting", Tone.DIM))
    pace = f", every {duration(board.interval_s)}"
    heard = max(0.0, board.now - link.heard_at)
    if board.is_frozen:
        return line((f"{glyphs.pick('‖', '=')} frozen · {age(heard)} ago", Tone.DELIBERATE))
    sign = glyphs.pick("●", "o")
    if board.is_stale:
        return line((f"{sign} late · {age(heard)} ago{pace}", Tone.WARNING))
    if not board.is_live:
        return line((sign, Tone.FINE), (f" {age(heard)} ago{pace}", Tone.DIM))
    ms = link.round_trip_s * 1000
    speed = f" {ms:.1f} ms" if ms < 10 else f" {ms:.0f} ms" if ms < 1000 else f" {ms / 1000:.1f} s"
    return line((f"{sign} live" if is_wide else sign, Tone.FINE), (speed + pace, Tone.DIM))


def verdict(board: Board, width: int, lines: int, glyphs: Glyphs) -> list[Line]:
    """The most important facts for an operator, in at most `lines` lines."""
    room = width - 2
    if board.is_lost:
        return [(Span(" "), *part) for part in _lost(board, room, glyphs)[:lines]]
    if board.link.state is LinkState.CONNECTING:
        return [
            line(
                " ",
                (
                    f"Looking for queues at {safe(board.place.store, max(12, room - 24))}{glyphs.pick('…', '...')}",
                    Tone.DIM,
                ),
            )
        ]
    if board.past is not None:
        rest = [line(" ", (_NOT_KEPT if board.past.is_read else "Reading what was kept of it.", Tone.NORMAL))]
        if board.rows:
            rest = verdict(replace(board, past=None), width, lines - 1, glyphs)
        return [_past(board.past, room), *rest]
    hindrance = [line(" ", (part, Tone.ALARM)) for part in wrap(_hindrance(board, glyphs), room) if part][:lines]
    left = lines - len(hindrance)
    return [*hindrance, *(_findings(board, width, left) if left else [])]


def _hindrance(board: Board, glyphs: Glyphs) -> str:
    """Why nothing can be written, or nothing is new, although the store has been read."""
    if board.no_writes and not board.place.read_only:
        return f"{glyphs.pick('✖', 'x')} {safe(_brief(board.no_writes, board.place.store), 300)}"
    if board.is_stale and board.link.heard_at is not None and not board.is_frozen:
        since = age(max(0.0, board.now - board.link.heard_at))
        sign = glyphs.pick("▲", "^")
        return f"{sign} The store is slow: no answer for {since}. Below is from {clock(board.link.read_at)}."
    return ""


def _findings(board: Board, width: int, lines: int) -> list[Line]:
    """Which queues need somebody."""
    if not board.rows:
        return [line(" ", ("No queues here yet.", Tone.NORMAL))]
    needing = board.needing()
    if not needing:
        return [line(" ", (_all_well(board), Tone.FINE))]
    return _troubles(board, needing, width, lines)


def ago_text(past: Past) -> str:
    """How long ago that is."""
    return f"{age(max(0.0, past.now - past.at))} ago"


def _past(past: Past, room: int) -> Line:
    """That this is not now, which time it is, and the keys to other times."""
    form = "This was so on %a %d %b %H:%M %Z." if room >= 90 else "As of %d %b %H:%M."
    keys = [Span("[", Tone.KEY, "["), Span(f" {past.step} back  "), Span("]", Tone.KEY, "]"), Span(" forth  ")]
    keys += [Span("0", Tone.KEY, "0"), Span(" now")]
    told = datetime.fromtimestamp(past.at).astimezone().strftime(form)
    if past.is_read and past.unknown:
        told += f" Of {count(past.unknown, 'queue')} nothing was kept."
    parts = wrap(told, max(12, room - sum(span.cells for span in keys) - 3))
    return clip(line(" ", (parts[0], Tone.WARNING), "  ", *keys), room + 1)


def _all_well(board: Board) -> str:
    if known := sum(row.is_acknowledged for row in board.rows):
        return f"No queue needs you; {number(known)} in trouble {'is' if known == 1 else 'are'} acknowledged."
    paused = sum(row.health is Health.PAUSED for row in board.rows)
    n = len(board.rows)
    fine = "The queue is fine" if n == 1 else f"All {number(n)} queues are fine"
    bad = sum(row.snapshot.counts.failed for row in board.rows)
    failed = f"; {failures(bad)}" if bad else ""
    if not paused:
        return f"{fine}{failed}."
    return f"{fine}; {number(paused)} of them paused{failed}." if n > 1 else f"The queue is paused{failed}."


def _troubles(board: Board, needing: list[Row], width: int, lines: int) -> list[Line]:
    n = len(board.rows)
    opening = f"{number(len(needing))} of {count(n, 'queue')} need{'s' if len(needing) == 1 else ''} you:"
    if width < 100:
        opening = f"{number(len(needing))} of {number(n)} need{'s' if len(needing) == 1 else ''} you:"
    filled: list[list[Span]] = [[Span(" "), Span(opening, Tone.STRONG)]]
    used = 1 + len(opening)
    shown = 0
    for row in needing:
        text = trouble(row, board, is_short=width < 100)
        last = shown == len(needing) - 1
        need = cell_len(text) + (1 if shown == 0 else 3)
        spare = 0 if last else 14  # for "and 12 more"
        if used + need + (spare if len(filled) == lines else 0) > width - 1:
            if len(filled) == lines:
                break
            if shown:
                filled[-1].append(Span(" ·", Tone.DIM))
            filled.append([Span(" ")])
            used, need = 1, cell_len(text)
        elif shown:
            filled[-1].append(Span(" · ", Tone.DIM))
        else:
            filled[-1].append(Span(" "))
        filled[-1].append(Span(text, SEVERITY_TONES[row.severity]))
        used += need
        shown += 1
    if shown < len(needing):
        filled[-1].append(Span(f" · and {number(len(needing) - shown)} more", Tone.DIM))
    return [clip(spans, width) for spans in filled]


def trouble(row: Row, board: Board, *, is_short: bool) -> str:
    """One queue's trouble in half a sentence."""
    name = safe(row.queue, 30 if is_short else 40)
    return f"{name} {_complaint(row, board, is_short=is_short)}"


def _complaint(row: Row, board: Board, *, is_short: bool) -> str:
    snapshot, drift = row.snapshot, row.trends.drift
    past = duration(board.limits.jam_after_s)
    nowhere = "IDs that are committed but nowhere" if drift > 0 else "IDs that are not committed"
    nowhere = nowhere.replace("IDs that are", "ID that is") if abs(drift) == 1 else nowhere
    complaints = {
        Health.DAMAGED: ("cannot be read", "is damaged"),
        Health.JAMMED: (
            f"is jammed ({count(snapshot.jammed, 'job')} past {past})",
            f"jammed ({snapshot.jammed} past {past})",
        ),
        Health.FAILING: _failing(row, board),
        Health.NO_WORKERS: _unserved(row),
        Health.STALLED: (
            f"has {short(snapshot.counts.queued)} waiting and ended none for {age(stalled_s(snapshot, row.trends))}",
            f"stalled for {age(stalled_s(snapshot, row.trends))}",
        ),
        Health.OVERDUE: (f"has a delayed ID {due_in(snapshot.next_due_s or 0)}", "is overdue"),
        Health.DRIFT: (f"has {number(abs(drift))} {nowhere}", "drifts"),
        Health.BEHIND: ("is falling behind", "behind"),
    }
    return complaints[row.health][is_short]


def _failing(row: Row, board: Board) -> tuple[str, str]:
    worst = row.broken.commonest or row.broken.newest
    error = f": {error_line(worst, 40)}" if worst else ""
    if fails_now(row.trends, board.limits):
        n = number(row.trends.failed_1m)
        return f"is failing ({n} in the last minute{error})", f"failing ({n} in a minute)"
    n, runs = number(row.trends.last_runs.failed), number(row.trends.last_runs.runs)
    return f"is failing ({n} of the last {runs} runs{error})", f"failing ({n} of {runs} runs)"


def _unserved(row: Row) -> tuple[str, str]:
    counts = row.snapshot.counts
    if not counts.queued:
        return f"has {short(row.snapshot.held)} held by workers that are gone", "has no workers"
    waits = f"{short(counts.queued)} waiting"
    return f"has {waits} and no workers", f"has no workers ({waits})"


def _brief(reason: str, store: str) -> str:
    """The reason of a failed read, without the address (the title shows it) and without the outcome of the request."""
    return reason.replace(f" at {store}", "").partition(", so the request may")[0]


def _lost(board: Board, room: int, glyphs: Glyphs) -> list[Line]:
    """The problem of the connection, since when, and the next attempt."""
    link = board.link
    since = age(max(0.0, board.now - link.lost_at)) if link.lost_at is not None else "0s"
    wait = max(0.0, (link.retry_at or board.now) - board.now)
    trying = (
        f"Retrying in {age(wait + 0.999)}, try {number(link.tries)}."
        if wait > 0
        else f"Trying now, try {number(link.tries)}."
    )
    sign = glyphs.pick("✖", "x")
    what = "Not read" if link.word else "No answer"  # it has answered, and says why not
    if link.read_at is None:
        first = f"{sign} {what}."
        numbers = ""
    else:
        first = f"{sign} {what} for {since}."
        numbers = f"Everything below is from {clock(link.read_at)}. "
    reason = safe(_brief(link.reason, board.place.store), 300)
    offers = [("r", " retries now"), *([("S", " starts it")] if board.place.can_start and not link.word else [])]
    keys = [
        span for key, text in offers for span in (Span("  "), Span(key, Tone.KEY, key), Span(text, Tone.NORMAL, key))
    ]
    tail = line((f"{numbers}{trying}", Tone.NORMAL), *keys)
    head = wrap(f"{first} {reason}", room)
    return [
        clip(line((head[0], Tone.ALARM), *((" …", Tone.ALARM) if len(head) > 1 else ("", Tone.ALARM),)), room),
        clip(tail, room),
    ]
