"""When a queue would be empty with more workers, by the runs that have ended in the last minute. Pure."""

from __future__ import annotations

from convoy_tui.dashboard.board.board import Row
from convoy_tui.text.history import MINUTE_S
from convoy_tui.text.words import age, count, number


def outlook(row: Row, slots: int) -> str:
    """What so many more slots would come to, in a sentence."""
    waiting, busy = row.snapshot.counts.queued, row.snapshot.counts.processing
    ended = row.trends.done_1m + row.trends.failed_1m
    if not waiting:
        return "Nothing waits: they would wait for new IDs."
    if not ended or not busy:
        return "No run has ended in the last minute, so nothing tells when the queue would be empty."
    arriving = row.trends.rates.in_s or 0.0
    leaving = ended / MINUTE_S * (busy + slots) / busy
    basis = f"as {count(busy, 'run')} at once ended {number(ended)} in the last minute"
    if leaving <= arriving:
        return f"The queue would still grow: {leaving:.1f} of {arriving:.1f} IDs per second, {basis}."
    return f"The queue would be empty in about {age(waiting / (leaving - arriving))}, {basis}."
