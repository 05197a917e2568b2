"""The only writer to stdout: one answer in five formats.

Rule: text from the store passes through `safe` in the formats for people. JSON escapes it. `ids` writes the exact
bytes, except to a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from convoy_core import InvalidOption
from convoy_tui.cli.io.formats import Color, Format
from convoy_tui.cli.io.styled import Styled, StyledStream
from convoy_tui.cli.io.table import Cell, Heading, lay_out
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import number

if TYPE_CHECKING:
    from convoy_tui.cli.io.messages import Messages

_INDENTED = json.JSONEncoder(indent=2, allow_nan=False)
_ON_A_LINE = json.JSONEncoder(allow_nan=False)

T = TypeVar("T")
Value = str | int | float | bool | None
Record = Mapping[str, object]


class Column(NamedTuple, Generic[T]):
    """One column: `value` is the value in `plain`, `cell` what people see, by default the same."""

    heading: str
    value: Callable[[T], Value]
    cell: Callable[[T], Cell] | None = None
    right: bool = False
    shrinks: bool = False
    drop: int = 0
    hides: bool = False
    """Whether the table leaves it out if it is empty in every row."""


class Shape(NamedTuple, Generic[T]):
    """The columns and names of one kind of rows, for every format."""

    schema: str
    key: str
    """The member of the JSON document that holds the rows."""
    columns: Sequence[Column[T]]
    record: Callable[[T], Record]
    id: Callable[[T], str]


class Output:
    """The answer of a command, on stdout."""

    def __init__(
        self, format: Format | None, *, color: Color = Color.AUTO, nul: bool = False, given: str | None = None
    ) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.format = format or (Format.TABLE if self.is_terminal else Format.PLAIN)
        self.nul = nul
        self.broken = 0
        """IDs that contain a line end, and so were written as several lines."""
        self._given = given or (f"-o {format}" if format else None)
        self.stream = StyledStream(sys.stdout, color)

    @property
    def is_for_people(self) -> bool:
        """Whether the answer is a table, which may have sentences beside it."""
        return self.format is Format.TABLE

    def line(self, text: str, style: str = "") -> None:
        """Print one line for people."""
        self.stream.print(Styled.of(safe(text), style))

    def styled(self, line: Styled) -> None:
        """Print one line of parts that are safe already."""
        self.stream.print(line)

    def wrapped(self, line: Styled, *, indent: int) -> list[Styled]:
        """A line as several that fit the terminal, broken between words; elsewhere as it is."""
        return line.wrapped(self.stream.width, hanging=indent) if self.stream.is_terminal else [line]

    def document(self, schema: str, fields: Record) -> None:
        """One JSON document; on a single line as `jsonl`."""
        self._write_document(_INDENTED if self.format is Format.JSON else _ON_A_LINE, schema, fields)
        sys.stdout.flush()

    def _write_document(self, encoder: json.JSONEncoder, schema: str, fields: Record) -> None:
        text = encoder.encode({"schema": schema, **fields}).replace("\x7f", r"\u007f")  # DEL: json leaves it
        sys.stdout.write(text + "\n")

    def ids(self, ids: Iterable[str]) -> None:
        """Write IDs that end in newlines or NUL bytes: exact bytes, but safe text on a terminal."""
        if self.is_terminal:
            for id in ids:
                self.line(id)
            return
        sys.stdout.flush()
        end = "\0" if self.nul else "\n"
        lines = [*ids, ""]
        text = end.join(lines)
        if not self.nul and text.count(end) >= len(lines):
            self.broken += sum("\n" in id for id in lines)
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()

    def rows(self, shape: Shape[T], rows: Iterable[T], head: Record | None = None) -> None:
        """Write rows of one kind in the chosen format. `plain`, `jsonl` and `ids` are streamed."""
        match self.format:
            case Format.TABLE:
                self._table(shape, list(rows))
            case Format.PLAIN:
                values = [column.value for column in shape.columns]
                for row in rows:
                    self.plain([value(row) for value in values])
            case Format.JSON:
                self.document(shape.schema, {**(head or {}), shape.key: [dict(shape.record(row)) for row in rows]})
            case Format.JSONL:
                for row in rows:
                    self._write_document(_ON_A_LINE, shape.schema, shape.record(row))
                sys.stdout.flush()
            case Format.IDS:
                self.ids(shape.id(row) for row in rows)

    def plain(self, values: Iterable[Value]) -> None:
        """Write one tab-separated line. A value that is unknown or does not apply is empty."""
        sys.stdout.write("\t".join([_plain(value) for value in values]) + "\n")

    def refuse(self, *formats: Format, because: str) -> None:
        """Raise InvalidOption if one of these formats was chosen."""
        if self.format in formats:
            chosen = self._given or "The answer is tab-separated where stdout is no terminal (-o plain); that"
            raise InvalidOption(f"{chosen} does not fit here: {because}")

    def flush(self) -> None:
        """Flush stdout, so that a reader that has closed the pipe is noticed here."""
        sys.stdout.flush()

    def _table(self, shape: Shape[T], rows: Sequence[T]) -> None:
        for line in table_lines(shape, rows, self.stream.width):
            self.stream.print(line)


SHOWN: Final = 20
"""The most rows of a preview; beyond that only the number is shown."""


def preview(messages: Messages, shape: Shape[T], rows: Sequence[T]) -> None:
    """Show what a question is about."""
    for line in table_lines(shape, rows[:SHOWN], messages.stream.width):
        messages.styled(line)
    if len(rows) > SHOWN:
        messages.note(f"and {number(len(rows) - SHOWN)} more")


def table_lines(shape: Shape[T], rows: Sequence[T], width: int) -> list[Styled]:
    """The rows as a table for people, headings first. No rows make no lines."""
    if not rows:
        return []
    columns = [c for c in shape.columns if not c.hides or any(c.value(row) for row in rows)]
    headings = [Heading(c.heading, right=c.right, shrinks=c.shrinks, drop=c.drop) for c in columns]
    cells = [[c.cell(row) if c.cell else Cell(_plain(c.value(row))) for c in columns] for row in rows]
    return lay_out(headings, cells, width)


def _plain(value: Value) -> str:
    match value:
        case None:
            return ""
        case str():
            return safe(value)
        case float():
            return f"{value:.3f}".rstrip("0").rstrip(".")
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
