"""Messages between our processes: each is one JSON object on one line. Any other line is read as `Malformed`."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

Message: TypeAlias = "dict[str, Any]"

READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no message."""

    line: bytes


TOO_LONG: Final = Malformed(b"a line without an end")


def encode_message(message: Message) -> bytes:
    """The message as one line."""
    return json.dumps(message).encode() + b"\n"


def decode_message(line: bytes) -> Message | Malformed:
    """The message in a line. `map(decode_message, file)` is a blocking reader."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return Malformed(line)
    return message if isinstance(message, dict) else Malformed(line)


class Readable(Protocol):
    """Where messages come from: a stream of asyncio, or a process of ours."""

    async def read(self, size: int, /) -> bytes:
        """Some bytes; none at the end."""


class MessageReader:
    """Reads messages of at most `max_line` bytes from chunks of bytes that may begin and end anywhere."""

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._rest = b""
        self._is_skipping = False
        self._messages: deque[Message | Malformed] = deque()

    def feed(self, data: bytes) -> list[Message | Malformed]:
        """The messages that `data` completes. A line that is too long is TOO_LONG at once; its rest is skipped."""
        *lines, rest = (self._rest + data).split(b"\n")
        if lines and self._is_skipping:
            del lines[0]
            self._is_skipping = False
        found = [TOO_LONG if len(line) > self._max_line else decode_message(line + b"\n") for line in lines]
        if len(rest) > self._max_line and not self._is_skipping:
            found.append(TOO_LONG)
            self._is_skipping = True
        self._rest = b"" if self._is_skipping else rest
        return found

    async def read(self, stream: Readable) -> Message | Malformed | None:
        """The next message from `stream`; None at its end. An incomplete last line is dropped."""
        while not self._messages:
            if not (data := await stream.read(READ_BYTES)):
                return None
            self._messages += self.feed(data)
        return self._messages.popleft()
