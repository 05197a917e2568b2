"""Draws in ASCII alone: the last step before the terminal, for what any widget draws, those of Textual as well."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_TEXT = {"·": "-", "—": "-", "–": "-", "…": "~", "‘": "'", "’": "'", "“": '"', "”": '"', "×": "x", "≥": ">", "≤": "<"}  # noqa: RUF001 - these are what is replaced
_BLOCKS = dict(zip("▁▂▃▄▅▆▇█", "_.:-=+*#", strict=True))
_LINES = {
    **dict.fromkeys("─━╌┄┈═▔▂", "-"),
    **dict.fromkeys("│┃╎┆┊║▏▎▍▌▋▊▉▐▕", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬", "+"),
    **dict.fromkeys("▀▖▗▘▙▚▛▜▝▞▟░▒▓", "#"),
    **dict.fromkeys("↑▲△", "^"),
    **dict.fromkeys("↓▼▽", "v"),
    **dict.fromkeys("→▶▸", ">"),
    **dict.fromkeys("←◀◂", "<"),
    **dict.fromkeys("●•■◆✓✔", "*"),
    **dict.fromkeys("○◌◇", "o"),
    "✖": "x",
    "🔎": "> ",
}
_PLAIN = str.maketrans({**_LINES, **_BLOCKS, **_TEXT})


def in_ascii(text: str) -> str:
    """The text with as many cells in ASCII: a question mark for each cell of what has no likeness there.

    >>> in_ascii("── büro … ▁▃█ 日本")
    '-- b?ro ~ _:# ????'
    """
    if text.isascii():
        return text
    text = text.translate(_PLAIN)
    return text if text.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in text)


class PlainFilter(LineFilter):
    """Replaces what is no ASCII in every line."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, in ASCII."""
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]
