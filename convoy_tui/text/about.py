"""What operators have said about a queue, in words: what they know of, who answers for it, what to do. Pure.

All of it is text of others, so it is shown by `safe` alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from convoy_core import About, Acknowledgement, Snapshot
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import clock

_DAY_S: Final = 86_400.0
_NOTE: Final = 300
_NAME: Final = 80
_ADDRESS: Final = 1000
"""Cells."""


def acknowledged(snapshot: Snapshot, *, is_local: bool = False) -> str:
    """By whom the trouble was acknowledged, until when, and why; empty where nobody has.

    The time is in UTC, or that of this machine.
    """
    known = snapshot.about.acknowledged
    if known is None:
        return ""
    note = f": {safe(known.note, _NOTE)}" if known.note else ""
    return f"Acknowledged by {safe(known.by or 'somebody', _NAME)} until {_until(known, snapshot.at, is_local)}{note}"


def _until(known: Acknowledgement, at: float, is_local: bool) -> str:
    form = "%H:%M" if known.until - at < _DAY_S else "%Y-%m-%d %H:%M"
    if is_local:
        return datetime.fromtimestamp(known.until).astimezone().strftime(form)
    return f"{clock(known.until, form)} UTC"


def said(about: About) -> list[tuple[str, str]]:
    """Label and text of what was said about a queue, without what was not."""
    told = [
        ("owner", safe(about.owner, _NAME)),
        ("runbook", safe(about.runbook, _ADDRESS)),
        ("note", safe(about.note, _NOTE)),
    ]
    return [(label, text) for label, text in told if text]
