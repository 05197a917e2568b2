"""IDs from arguments, a file or stdin: exact bytes, streamed, with at most one block in memory."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from convoy_core import MAX_ID_BYTES, InvalidID, InvalidInput, decode_id, encode_id

_BLOCK = 1 << 16


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
        line = 0
        for items in self._split(stream):
            ids = []
            for raw in items:
                line += 1
                if not raw:
                    self.empty += 1
                elif len(raw) > MAX_ID_BYTES:
                    raise InvalidID(
                        f"{name}, line {line:,}: an ID has at most {MAX_ID_BYTES:,} bytes; this one is longer."
                    )
                else:
                    self.returns += raw.endswith(b"\r")
                    ids.append(decode_id(raw))
            if ids:
                yield ids

    def _split(self, stream: BinaryIO) -> Iterator[list[bytes]]:
        """The lines of each block. An incomplete last line is kept for the next block, unless it is too long."""
        separator = b"\0" if self.nul else b"\n"
        rest = b""
        read = getattr(stream, "read1", stream.read)
        while block := read(_BLOCK):
            self.read += len(block)
            *lines, rest = (rest + block).split(separator)
            yield lines
            if len(rest) > MAX_ID_BYTES:
                break
        if rest:
            yield [rest]
