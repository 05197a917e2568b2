"""A traceback as lines: own frames, and those of libraries folded. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from convoy_tui.dashboard.board.spans import Line, Span, Tone, line
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import count

_FRAME = re.compile(r'^\s*File "(?P<path>.*)", line (?P<line>\d+)(?:, in (?P<name>.*))?$')
_LIBRARY = re.compile(r"(^<frozen |site-packages[/\\]|dist-packages[/\\]|[/\\]lib[/\\]python3|[/\\]convoy_core[/\\])")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: the line that names it, and the source lines below it."""

    path: str
    at: int
    name: str
    source: tuple[str, ...]

    @property
    def is_library(self) -> bool:
        """Whether its file belongs to a library, to Python or to Convoy, and not to the program."""
        return bool(_LIBRARY.search(self.path))

    @property
    def place(self) -> str:
        """The end of its path, and the line."""
        parts = re.split(r"[/\\]", self.path)
        return f"{'/'.join(parts[-2:])}:{self.at}"


@dataclass(frozen=True, slots=True)
class Traceback:
    """A traceback in parts. What is no frame (headings, the error itself) stands in `others`."""

    frames: tuple[Frame, ...]
    error: tuple[str, ...]


def parse_traceback(text: str) -> Traceback:
    """The parts of a traceback as Python writes it. Of several that are chained, the last.

    >>> text = 'Traceback (most recent call last):\\n  File "a/b.py", line 3, in f\\n    x()\\nValueError: no'
    >>> [(frame.place, frame.name, frame.source) for frame in parse_traceback(text).frames]
    [('a/b.py:3', 'f', ('x()',))]
    """
    last = text.rfind("Traceback (most recent call last)")
    frames: list[Frame] = []
    source: list[str] = []
    error: list[str] = []
    for row in text[max(last, 0) :].splitlines():
        if found := _FRAME.match(row):
            source = []
            frames.append(Frame(found["path"], int(found["line"]), found["name"] or "", ()))
        elif frames and row.startswith("    ") and not error:
            source.append(row.strip())
            frames[-1] = Frame(frames[-1].path, frames[-1].at, frames[-1].name, tuple(source))
        elif frames and row.strip():
            error.append(row)
    return Traceback(tuple(frames), tuple(error))


def traceback_lines(text: str, *, is_folded: bool, key: str = "x") -> list[Line]:
    """The own frames, in the order of the calls, then how many others there were; or all of the text.

    `key` is the one that shows all.
    """
    parts = parse_traceback(text)
    own = [frame for frame in parts.frames if not frame.is_library]
    if not is_folded or not parts.frames:
        return [line((safe(row), Tone.NORMAL)) for row in text.rstrip().split("\n")]
    shown = own or [parts.frames[-1]]
    lines = [part for frame in shown for part in _frame_lines(frame)]
    if hidden := len(parts.frames) - len(shown):
        raised = "" if parts.frames[-1] in shown else f", the last {parts.frames[-1].place} in {parts.frames[-1].name}"
        words = count(hidden, "frame of libraries", "frames of libraries")
        lines.append(
            line(
                (f"… {safe(words + raised)}", Tone.DIM),
                Span(f"   {key}", Tone.KEY, key.lower()),
                (" shows all", Tone.DIM),
            )
        )
    return lines


def _frame_lines(frame: Frame) -> Sequence[Line]:
    head = line((safe(frame.place), Tone.ACCENT), (f"  in {safe(frame.name)}", Tone.DIM))
    source = [row for row in frame.source if row.strip("~^ ")]
    return [head, *(line((f"    {safe(row)}", Tone.NORMAL)) for row in source[:2])]
