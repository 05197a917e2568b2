"""IDs from arguments, a file or stdin: exact bytes, streamed, with at most one block in memory."""

from __future__ import annotations

import codecs
import os
import select
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from convoy_core import MAX_ID_BYTES, InvalidID, InvalidInput, decode_id, encode_id

_BLOCK = 1 << 20


@dataclass(slots=True)
class Source:
    """The source of the IDs of a command, and what was found while reading them."""

    arguments: list[str]
    file: Path | None = None
    nul: bool = False
    empty: int = field(default=0, init=False)
    """Empty lines, which are skipped."""
    returns: int = field(default=0, init=False)
    """IDs that end in a carriage return, which is kept."""
    has_mark: bool = field(default=False, init=False)
    """Whether the first ID begins with a byte order mark, as some editors write it; it is kept."""
    read: int = field(default=0, init=False)
    """Bytes read so far."""

    def __post_init__(self) -> None:
        """Refuse options that contradict each other. Raises InvalidInput."""
        if "-" in self.arguments and len(self.arguments) > 1:
            raise InvalidInput("- reads the IDs from stdin, so it stands alone.")
        if self.arguments and self.file:
            raise InvalidInput("Give the IDs as arguments or with --from, not both.")

    @property
    def is_given(self) -> bool:
        """Whether IDs were given at all."""
        return bool(self.arguments or self.file)

    @property
    def is_stdin(self) -> bool:
        """Whether the IDs come from stdin, which can be read only once and cannot answer questions."""
        return self.arguments == ["-"] or (self.file is not None and str(self.file) == "-")

    @property
    def is_long(self) -> bool:
        """Whether it is worth a progress bar."""
        return self.is_stdin or self.file is not None or len(self.arguments) > 500

    @property
    def size(self) -> int | None:
        """The number of bytes to read, if known."""
        try:
            status = os.stat(sys.stdin.fileno()) if self.is_stdin else os.stat(self.file or "")  # noqa: PTH116
        except (OSError, ValueError):
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def require(self) -> None:
        """Require IDs. Raises InvalidInput if there are none."""
        if not self.is_given:
            raise InvalidInput("No IDs given; name them, or use --from FILE, or - to read them from stdin.")

    def blocks(self) -> Iterator[list[str]]:
        """The IDs in lists as they arrive, each checked. Raises InvalidInput, which names the line."""
        self.empty = self.returns = self.read = 0
        self.has_mark = False
        if self.is_stdin:
            yield from self._blocks(sys.stdin.buffer, "stdin")
        elif self.file:
            try:
                with self.file.open("rb") as stream:
                    yield from self._blocks(stream, str(self.file))
            except OSError as error:
                raise InvalidInput(f"{self.file} cannot be read: {error.strerror}.") from None
        elif self.arguments:
            for id in self.arguments:
                encode_id(id)
            yield [*self.arguments]

    def ids(self) -> Iterator[str]:
        """The IDs one by one."""
        for block in self.blocks():
            yield from block

    def _blocks(self, stream: BinaryIO, name: str) -> Iterator[list[str]]:
        """Those before a line that is no ID are given before the error."""
        before = 0
        separator = b"\0" if self.nul else b"\n"
        for lines in self._split(stream, separator):
            self.has_mark = self.has_mark or (before == 0 and lines.startswith(codecs.BOM_UTF8))
            ids = _plain_ids(lines, separator.decode())
            wrong = None
            if ids is None:
                ids, wrong = self._looked_at(lines.split(separator))
            if ids:
                yield ids
            if wrong is not None:
                line = before + wrong
                raise InvalidID(f"{name}, line {line:,}: an ID has at most {MAX_ID_BYTES:,} bytes; this one is longer.")
            before += lines.count(separator) + 1

    def _looked_at(self, lines: list[bytes]) -> tuple[list[str], int | None]:
        """The IDs among these lines, up to one that is too long, and the number of that."""
        ids: list[str] = []
        for number, raw in enumerate(lines, 1):
            if len(raw) > MAX_ID_BYTES:
                return ids, number
            if raw:
                self.returns += raw.endswith(b"\r")
                ids.append(decode_id(raw))
            else:
                self.empty += 1
        return ids, None

    def _split(self, stream: BinaryIO, separator: bytes) -> Iterator[bytes]:
        """The whole lines of each block. An incomplete last line is kept for the next block, unless it is too long."""
        rest = b""
        for block in _arriving(stream):
            self.read += len(block)
            lines, found, last = block.rpartition(separator)
            if found:
                yield rest + lines
                rest = last
            else:
                rest += last
            if len(rest) > MAX_ID_BYTES:
                break
        if rest:
            yield rest


def _arriving(stream: BinaryIO) -> Iterator[bytes]:
    """What is there, in blocks: nothing waits for what has not come yet."""
    read = getattr(stream, "read1", stream.read)
    while part := read(_BLOCK):
        parts, size = [part], len(part)
        while size < _BLOCK and _has_more(stream) and (part := read(_BLOCK - size)):
            parts.append(part)
            size += len(part)
        yield b"".join(parts)


def _has_more(stream: BinaryIO) -> bool:
    """Whether it can be read without waiting. Only a pipe gives less than was asked for."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError):  # what can be asked differs between systems
        return False


def _plain_ids(lines: bytes, separator: str) -> list[str] | None:
    """The lines as IDs, several times as fast as one by one; None where one may need a closer look."""
    text = lines.decode("utf-8", "surrogateescape")
    ids = text.split(separator)
    if "\r" in text or "" in ids or max(map(len, ids)) > MAX_ID_BYTES // 4:  # as many bytes as a character may have
        return None
    return ids
