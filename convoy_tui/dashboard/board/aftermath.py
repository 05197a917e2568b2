"""What has become of a requeue, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convoy_tui.dashboard.board.spans import Line, Span, Tone
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What has become of the IDs of a requeue."""

    known: int
    """How many of them are still known."""
    waiting: int = 0
    running: int = 0
    done: int = 0
    """Absent: done, or discarded since."""
    failed: int = 0
    put_back: int = 0
    """Failed without having run: the requeue was undone for them."""
    how: tuple[tuple[str, int], ...] = ()
    """What broke again, the commonest first, with how many of those that were looked at."""


def counted(after: Aftermath) -> Line:
    """How many went which way."""
    if not after.known:
        return (Span("not known any more: which IDs these were is kept for a week", Tone.DIM),)
    parts: Sequence[tuple[int, str, Tone]] = (
        (after.done, "done", Tone.FINE),
        (after.running, "running", Tone.NORMAL),
        (after.waiting, "waiting", Tone.NORMAL),
        (after.put_back, "put back", Tone.DIM),
        (after.failed, "failed again", Tone.ALARM),
    )
    spans: list[Span] = []
    for n, word, tone in parts:
        if n:
            spans += [Span(", "), Span(f"{number(n)} {word}", tone)] if spans else [Span(f"{number(n)} {word}", tone)]
    return tuple(spans)


def how(after: Aftermath, room: int) -> str:
    """What broke again, as much of it as fits."""
    return safe("; ".join(f"{number(n)} {safe(what, 60)}" for what, n in after.how[:3]), room) if after.how else ""
