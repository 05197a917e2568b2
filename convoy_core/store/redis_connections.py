"""redis-py's connections, made to cost less per request.

redis-py looks at each argument in Python, where hiredis packs a hundred IDs at once; and before Python 3.12 it starts a
task for each awaited request, to limit the time of sending, though nearly all fit into the socket's buffer, so that
there is nothing to wait for.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from typing import Any, Final

import hiredis
import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError


class ConnectionCounter:
    """Counts the connections that some clients have opened, first ones and new ones."""

    def __init__(self) -> None:
        self.number = 0
        self._numbers = count(1)

    def note(self, connection: object) -> None:
        """One more is open; from any thread, so the counting itself is one step."""
        self.number = next(self._numbers)


_SCRIPTS: Final = frozenset({"EVALSHA", "EVALSHA_RO", "EVAL", "EVAL_RO"})

_HANDSHAKE_S: Final = 2.0
"""A server without TLS takes the handshake for the beginning of a command, and waits for the rest."""

_NO_HANDSHAKE: Final = f"what listens there did not answer the handshake within {_HANDSHAKE_S:g} s"


class _Packing:
    """Has hiredis pack everything, and counts each time it is opened."""

    register_connect_callback: Callable[[Callable[[Any], None]], None]

    def __init__(self, *, opened: ConnectionCounter, **settings: Any) -> None:
        super().__init__(**settings)
        self._opened = opened
        self.register_connect_callback(opened.note)

    def pack_command(self, *args: Any) -> list[bytes]:
        """The request in the wire's form."""
        if args[0] not in _SCRIPTS:  # they have no numbers, see `ConnectionBase`
            args = tuple([str(one) if isinstance(one, int | float) else one for one in args])
        return [hiredis.pack_command(args)]

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> list[bytes]:
        """Several requests, in one piece."""
        return [b"".join(piece for command in commands for piece in self.pack_command(*command))]


class _Sending(_Packing, AbstractConnection):
    """Waits for the socket only where it is full, and looks first whether there is anything to open."""

    async def connect(self) -> None:
        """Open it, unless it is open."""
        if not self.is_connected:
            await super().connect()  # type: ignore[no-untyped-call] # redis-py left this one without types

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Send it; by redis-py's way, which has a time limit, where the socket does not take it at once."""
        if check_health and self.is_connected:
            await self.check_health()  # type: ignore[no-untyped-call] # as above
        writer = self._writer
        try:
            if writer is None or writer.transport.is_closing() or isinstance(command, bytes | str):
                await super().send_packed_command(command, check_health=False)
                return
            writer.writelines(command)
            if writer.transport.get_write_buffer_size():
                await super().send_packed_command((), check_health=False)
        except RuntimeError as error:  # all that uvloop says where asyncio names a connection that was lost
            self.hang_up()
            raise redis.ConnectionError(f"Error while writing to socket. {error}") from error

    async def _send_ping(self) -> None:
        with suppress(ResponseError):  # as below
            await super()._send_ping()  # type: ignore[no-untyped-call] # as above

    def hang_up(self) -> None:
        """Close it at once, with nothing awaited."""
        writer, self._writer, self._reader = self._writer, None, None
        self._parser.on_disconnect()  # type: ignore[no-untyped-call] # as above
        if writer is not None:
            with suppress(RuntimeError):  # its event loop is closed
                writer.transport.abort()


class _Blocking(_Packing, redis.connection.AbstractConnection):
    """Looks first whether there is anything to open."""

    def connect(self) -> None:
        """Open it, unless it is open."""
        if not self.is_connected:
            super().connect()  # type: ignore[no-untyped-call] # redis-py left this one without types

    def _send_ping(self) -> None:
        with suppress(ResponseError):  # an answer all the same: a server whose disk is full refuses even this
            super()._send_ping()  # type: ignore[no-untyped-call] # as above


class Connection(_Blocking, redis.Connection):
    """Blocking, by TCP."""


class TlsConnection(_Blocking, redis.SSLConnection):
    """Blocking, by TLS."""

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> Any:
        usual = sock.gettimeout()
        sock.settimeout(_HANDSHAKE_S)
        try:
            wrapped = super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call] # as above
        except TimeoutError as error:
            raise ssl.SSLError(0, _NO_HANDSHAKE) from error
        wrapped.settimeout(usual)
        return wrapped


class UnixConnection(_Blocking, redis.UnixDomainSocketConnection):
    """Blocking, by a unix socket."""


class AsyncConnection(_Sending, redis.asyncio.Connection):
    """Awaited, by TCP."""


class AsyncTlsConnection(_Sending, redis.asyncio.SSLConnection):
    """Awaited, by TLS."""

    def _connection_arguments(self) -> dict[str, Any]:
        return {**super()._connection_arguments(), "ssl_handshake_timeout": _HANDSHAKE_S}

    async def _connect(self) -> None:
        try:
            await super()._connect()  # type: ignore[no-untyped-call] # as above
        except ConnectionAbortedError as error:  # asyncio's word for a handshake out of time
            raise ssl.SSLError(0, _NO_HANDSHAKE) from error


class AsyncUnixConnection(_Sending, redis.asyncio.UnixDomainSocketConnection):
    """Awaited, by a unix socket."""
