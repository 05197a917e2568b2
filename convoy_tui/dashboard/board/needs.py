"""What stands below the rows where there is room: why each queue needs someone, and what all queues come to. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from convoy_tui.dashboard.board.board import Board, Row
from convoy_tui.dashboard.board.columns import SEVERITY_TONES, per_s
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.spans import Line, Span, Tone, clip, line
from convoy_tui.text.broken import error_line, share
from convoy_tui.text.health import Health
from convoy_tui.text.reasons import why
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number

LEAST = 4
"""Fewer lines than this are left empty."""


def needs(board: Board, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """A ruler, the reasons of as many queues as fit, the worst first, and the sums."""
    if height < LEAST or not board.rows:
        return []
    rows = board.needing()
    dash = glyphs.pick("─", "-")
    head = " Why these need you " if rows else " All queues "
    lines: list[Line] = [
        line((dash * 2, Tone.DIM), (head, Tone.STRONG), (dash * max(0, width - len(head) - 2), Tone.DIM))
    ]
    left = height - 2
    for place, row in enumerate(rows):
        told = _reason(row, board, width, glyphs)
        rest = len(rows) - place - 1
        if len(told) + (rest > 0) > left:
            lines.append(line((f"   and {number(rest + 1)} more", Tone.DIM)))
            break
        lines += told
        left -= len(told)
    lines.append(_sums(board.rows))
    if board.is_stale:
        lines = [tuple(span._replace(tone=Tone.DIM) for span in spans) for spans in lines]
    return [clip(spans, width) for spans in lines]


def _reason(row: Row, board: Board, width: int, glyphs: Glyphs) -> list[Line]:
    sign = row.sign(ascii_only=glyphs.is_ascii)
    because = why(row.health, row.snapshot, row.trends, board.limits)
    head = f"{sign} {safe(row.queue, max(12, width // 3))}"
    if cell_len(head) + cell_len(because) + 4 > width:
        because = because.partition(". ")[0].removesuffix(".") + "."
    lines = [line(" ", (head, SEVERITY_TONES[row.severity]), f"  {because}")]
    if row.health is Health.FAILING and row.broken.commonest:
        label = f"   {share(row.broken)}  "
        lines.append(line((label, Tone.DIM), error_line(row.broken.commonest, max(20, width - len(label) - 1))))
    return lines


def _sums(rows: Iterable[Row]) -> Line:
    rows = list(rows)
    counts = [row.snapshot.counts for row in rows]
    sums = [
        (sum(each.queued for each in counts), "waiting"),
        (sum(each.processing for each in counts), "running"),
        (sum(each.delayed for each in counts), "delayed"),
        (sum(each.failed for each in counts), "failed"),
    ]
    told = ", ".join(f"{number(n)} {what}" for n, what in sums)
    rates = [("in", [row.trends.rates.in_s for row in rows]), ("out", [row.trends.rates.out_s for row in rows])]
    flows = [Span(f"   {name} {per_s(sum(rate or 0.0 for rate in each))}", Tone.DIM) for name, each in rates]
    return line((f" All {number(len(rows))}: {told}", Tone.DIM), *flows)
