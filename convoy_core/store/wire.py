"""The wire format of requests and replies, and the handshake of a new connection. No I/O.

The format is RESP, version 3 or 2 (https://redis.io/docs/latest/develop/reference/protocol-spec/); hiredis writes and
reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import hiredis

from convoy_core.store.address import Login
from convoy_core.store.transport import Command
from convoy_core.store.transport_errors import ProtocolError, error_reply

READ_BYTES: Final = 65536
"""The most that is read from a socket at a time."""


class Session(NamedTuple):
    """Who a connection logs in as, what it is called at the server, and its time limits in seconds."""

    login: Login
    db: int
    protocol: int
    name: str
    connect_s: float
    """For opening it."""
    reply_s: float
    """For each reply, and for the socket to take a request."""
    idle_s: float
    """A connection that was idle for longer is asked first whether it still leads anywhere; 0: never."""

    def handshake(self) -> Iterator[Command]:
        """The first commands of a connection."""
        user, password = self.login.username, self.login.password
        credentials = () if user is None and password is None else (user or "default", password or "")
        if self.protocol == 2:
            if credentials:
                yield ("AUTH", *credentials) if user else ("AUTH", credentials[1])
            yield "CLIENT", "SETNAME", self.name
        else:
            yield "HELLO", self.protocol, *(("AUTH", *credentials) if credentials else ()), "SETNAME", self.name
        if self.db:
            yield "SELECT", self.db


def packed(command: Command) -> bytes:
    """A request."""
    # hiredis crashes when a signal's exception arises while it writes a number; nowhere else does it look for one.
    parts: Any = tuple([str(part) if type(part) is int else part for part in command])
    request: bytes = hiredis.pack_command(parts)
    return request


def packed_together(commands: Iterable[Command]) -> bytes:
    """Several requests."""
    return b"".join([packed(command) for command in commands])


class ReplyReader:
    """Replies from the bytes of one connection."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(protocolError=ProtocolError, replyError=error_reply)

    def feed(self, data: bytes) -> None:
        """Bytes that have arrived."""
        self._reader.feed(data)

    def replies(self) -> Iterator[Any]:
        """The replies that are complete, refusals as values. Raises ProtocolError for what is no Redis."""
        while (reply := self._reader.gets()) is not False:
            if not isinstance(reply, hiredis.PushNotification):  # nobody asked for it
                yield reply
