"""The text of the overview while there is no queue. Pure."""

from __future__ import annotations

from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.spans import Line, Span, Tone, line, width
from convoy_tui.text.safe_text import safe


def welcome(board: Board, room: int) -> list[Line]:
    """How to create the first queue."""
    first = (
        line(("This dashboard is read-only; a queue appears here once someone publishes to it.", Tone.DIM))
        if not board.is_writable
        else line(Span("N", Tone.KEY, "N"), Span("   publish the first IDs: that makes the queue", Tone.NORMAL, "N"))
    )
    lines: list[Line] = [
        line(("No queues here yet.", Tone.STRONG)),
        (),
        line((f"Looking in {safe(board.place.store, max(20, room - 20))}", Tone.DIM)),
        (),
        first,
        line(("or from a shell:  ", Tone.DIM), "convoy publish monsterTrucks 1 2 3"),
        line(("and to run them:  ", Tone.DIM), "convoy work monsterTrucks --handler package.module:function"),
    ]
    widest = max(map(width, lines))
    indent = Span(" " * max(1, (room - widest) // 2))
    return [(), (), *((indent, *spans) for spans in lines)]
