"""Lines of styled text, and the stream that prints them: in colour on a terminal. It loads no rich.

Most commands print a few lines and end. Loading rich for them takes twice as long as the command.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self, TextIO

from rich.cells import cell_len

from convoy_tui.cli.io.formats import Color
from convoy_tui.cli.io.terminal import shows_colors, width_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_CODES: Final = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "magenta": 35}
"""The parameters of the control sequence Select Graphic Rendition (ECMA-48), by the words of a style."""


@dataclass(slots=True)
class Styled:
    """One line, in parts that each have a style: words like `bold red`, or nothing. The text must be safe already."""

    parts: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, style: str = "") -> Self:
        """One part."""
        return cls([(text, style)])

    def append(self, text: str, style: str = "") -> Self:
        """Add a part."""
        self.parts.append((text, style))
        return self

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(text for text, _ in self.parts)

    @property
    def cells(self) -> int:
        """How wide it is on a terminal."""
        return cell_len(self.plain)

    def painted(self) -> str:
        """The text with control sequences for its styles."""
        return "".join(_painted(text, style) for text, style in self.parts if text)

    def without_trailing_space(self) -> Styled:
        """The same up to the last character that is not a space."""
        return self._part(0, len(self.plain.rstrip(" ")))

    def wrapped(self, width: int, *, hanging: int = 0) -> list[Styled]:
        """Lines of at most `width` cells, broken between words; all but the first are indented by `hanging`."""
        plain, lines, start = self.plain, list[Styled](), 0
        while start < len(plain) or not lines:
            room = width - (hanging if lines else 0)
            end, following = _break(plain, start, max(room, 1))
            line = self._part(start, end)
            lines.append(Styled([(" " * hanging, ""), *line.parts]) if lines else line)
            start = following
        return lines

    def rich(self) -> Text:
        """The same for what rich draws."""
        from rich.text import Text  # noqa: PLC0415 - see above

        return Text.assemble(*self.parts)

    def _part(self, start: int, end: int) -> Styled:
        parts, at = list[tuple[str, str]](), 0
        for text, style in self.parts:
            if kept := text[max(start - at, 0) : max(end - at, 0)]:
                parts.append((kept, style))
            at += len(text)
        return Styled(parts)


def _painted(text: str, style: str) -> str:
    codes = [str(_CODES[word]) for word in style.split()]
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text


def _break(text: str, start: int, room: int) -> tuple[int, int]:
    """Where the line from `start` ends, and where the next one begins: after the last space that fits, if any."""
    end, cells = start, 0
    while end < len(text) and (cells := cells + cell_len(text[end])) <= room:
        end += 1
    if end == len(text):
        return end, end
    space = text.rfind(" ", start, end + 1)
    if space > start:
        return start + len(text[start:space].rstrip(" ")), space + 1
    return max(end, start + 1), max(end, start + 1)


class StyledStream:
    """Prints lines to one stream."""

    def __init__(self, file: TextIO, color: Color) -> None:
        self._file = file
        self._choice = color
        self.is_terminal = color is Color.ALWAYS or file.isatty()
        self._is_colored = shows_colors(file) if color is Color.AUTO else color is Color.ALWAYS

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return width_of(self._file)

    def print(self, line: Styled, *, wraps: bool = False) -> None:
        """Print a line; on a terminal broken between words, if it `wraps`."""
        lines = line.wrapped(self.width) if wraps and self.is_terminal else [line]
        if "console" in self.__dict__:  # it may be drawing, and puts these above
            for part in lines:
                self.console.print(part.rich())
            return
        for part in lines:
            self._file.write(f"{part.painted() if self._is_colored else part.plain}\n")
        self._file.flush()

    def write(self, text: str) -> None:
        """Print text as it stands, without a line end."""
        self._file.write(text)
        self._file.flush()

    @cached_property
    def console(self) -> Console:
        """A rich console for the same stream, without markup and highlighting: for what is drawn again and again."""
        from rich.console import Console  # noqa: PLC0415 - see above

        always = self._choice is Color.ALWAYS
        return Console(
            file=self._file,
            markup=False,
            highlight=False,
            emoji=False,
            soft_wrap=True,
            force_terminal=True if always else None,
            no_color=None if self._choice is Color.AUTO else not always,
            color_system="standard" if always and not self._file.isatty() else "auto",
        )
