"""The text of the overview while there is no queue to show. Pure."""

from __future__ import annotations

from convoy_tui.dashboard.board.board import Board
from convoy_tui.dashboard.board.spans import Line, Span, Tone, line, width
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count


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
    return _centred(lines, room)


def no_match(board: Board, wanted: str, room: int) -> list[Line]:
    """That the filter hides every queue, and how to see them again."""
    hidden = count(len(board.rows), "queue is", "queues are")
    said = line(("No queue has ", Tone.NORMAL), (safe(wanted, max(8, room - 40)), Tone.STRONG), " in its name.")
    back = line(Span("Esc", Tone.KEY, "escape"), Span(f" clears the filter: {hidden} hidden by it", Tone.DIM, "escape"))
    return _centred([said, (), back], room)


def no_target(board: Board) -> str:
    """Why there is no queue for a verb to act on."""
    if not board.rows:
        return "There is no queue yet. N publishes the first IDs, and that makes one."
    return "No queue is shown that it could act on. Esc clears the filter."


def _centred(lines: list[Line], room: int) -> list[Line]:
    indent = Span(" " * max(1, (room - max(map(width, lines))) // 2))
    return [(), (), *((indent, *spans) for spans in lines)]
