"""A payload as lines: JSON indented and coloured, text and bytes as they are. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from rich.highlighter import JSONHighlighter
from rich.text import Text

from convoy_core import Payload
from convoy_tui.dashboard.board.spans import Line, Span, Tone, line
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count

SHOWN = 20_000
"""The most characters that are shown."""


def payload_heading(payload: Payload, size: int | None) -> str:
    """What kind of payload it is, and how large."""
    if size is None:
        return "none"
    kind = "bytes" if isinstance(payload, bytes) else "text" if isinstance(payload, str) else "JSON"
    return f"{count(size, 'byte')}, {kind}"


def payload_lines(payload: Payload, size: int | None) -> list[Line]:
    """The payload, cut where it is long."""
    if size is None:
        return []
    if isinstance(payload, bytes):
        lines = [line(safe(row)) for row in payload[:SHOWN].decode("utf-8", "surrogateescape").split("\n")]
        is_cut = len(payload) > SHOWN
    elif isinstance(payload, str):
        lines, is_cut = [line(safe(row)) for row in payload[:SHOWN].split("\n")], len(payload) > SHOWN
    else:
        text = json.dumps(payload, indent=2, ensure_ascii=False)
        lines, is_cut = list(_coloured(text[:SHOWN])), len(text) > SHOWN
    return [*lines, line(("… cut; `convoy show --json` has all of it", Tone.DIM))] if is_cut else lines


_TONES = {
    "json.key": Tone.ACCENT,
    "json.str": Tone.FINE,
    "json.number": Tone.WARNING,
    "json.bool_true": Tone.DELIBERATE,
    "json.bool_false": Tone.DELIBERATE,
    "json.null": Tone.DELIBERATE,
    "json.brace": Tone.DIM,
}


def _coloured(text: str) -> Iterable[Line]:
    highlighted = Text(text)
    JSONHighlighter().highlight(highlighted)
    tones = [Tone.NORMAL] * len(text)
    for span in highlighted.spans:
        tones[span.start : span.end] = [_TONES.get(str(span.style), Tone.NORMAL)] * (span.end - span.start)
    start = 0
    for row in text.split("\n"):
        pieces = groupby(zip(row, tones[start : start + len(row)], strict=True), key=itemgetter(1))
        yield tuple(Span(safe("".join(character for character, _ in piece)), tone) for tone, piece in pieces)
        start += len(row) + 1
