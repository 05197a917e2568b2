"""The last line: the keys that work here, whole entries only, the most useful first; commands and help always."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from convoy_tui.dashboard.board.spans import Line, Span, Tone, spread, width
from convoy_tui.dashboard.widgets.lines import Lines


@dataclass(frozen=True, slots=True)
class Entry:
    """One key and its action."""

    key: str
    """The key as Textual names it."""
    shown: str
    """The key as the footer shows it."""
    text: str
    is_enabled: bool = True
    is_kept: bool = False
    """Whether others make room for it."""


def fit(entries: Iterable[Entry], always: Iterable[Entry], room: int, note: str = "") -> Line:
    """As many whole entries as fit, in order, then at the right the entries that are always shown."""
    right = _joined(always)
    left: list[Span] = [Span(" ")]
    if note:
        left += [Span(note, Tone.ACCENT), Span("  ")]
    offered = list(entries)
    space = room - 2 - width(left) - width(right)
    chosen = set()
    for entry in sorted(offered, key=lambda entry: not entry.is_kept):
        needed = width(_spans(entry)) + 2
        if needed <= space:
            chosen.add(entry)
            space -= needed
    for entry in offered:
        if entry in chosen:
            left += [*_spans(entry), Span("  ")]
    return spread(left, [*right, Span(" ")], room)


def _joined(entries: Iterable[Entry]) -> list[Span]:
    spans: list[Span] = []
    for entry in entries:
        spans += [*([Span("  ")] if spans else []), *_spans(entry)]
    return spans


def _spans(entry: Entry) -> list[Span]:
    if not entry.is_enabled:
        return [Span(f"{entry.shown} {entry.text}", Tone.DIM, entry.key)]  # it says why
    return [Span(entry.shown, Tone.KEY, entry.key), Span(f" {entry.text}", Tone.NORMAL, entry.key)]


class KeyLine(Lines):
    """The footer."""

    _entries: tuple[tuple[Entry, ...], tuple[Entry, ...], str] = ((), (), "")

    def offer(self, entries: Iterable[Entry], always: Iterable[Entry], note: str = "") -> None:
        """Show these keys."""
        self._entries = (tuple(entries), tuple(always), note)
        self.on_resize()

    def on_resize(self) -> None:
        """Fit them into the new width."""
        entries, always, note = self._entries
        self.show([fit(entries, always, self.size.width, note)])
