"""Connections and clients that cost less per request than redis-py's own.

redis-py looks at each argument in Python, where hiredis packs a hundred IDs at once; and before Python 3.12 it starts a
task for each awaited request, to limit the time of sending, though nearly all fit into the socket's buffer, so that
there is nothing to wait for. Its clients fetch a connection from the pool for every command, time it for telemetry, and
wrap it for repetition, which no client of ours may do; that is as much work as sending and reading themselves.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Final

import hiredis
import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from convoy_core.store.async_connection_pool import AsyncConnectionPool, AsyncPinnedConnection
from convoy_core.store.checkouts import Checkout
from convoy_core.store.connection_pool import ConnectionPool, PinnedConnection


class ConnectionCounter:
    """Counts the connections that some clients have opened, first ones and new ones."""

    def __init__(self) -> None:
        self.number = 0
        self._numbers = count(1)

    def note(self, connection: object) -> None:
        """One more is open; from any thread, so the counting itself is one step."""
        self.number = next(self._numbers)


_AS_IS: Final = frozenset({"EVALSHA", "EVALSHA_RO", "EVAL", "EVAL_RO"})
"""Commands whose replies redis-py converts for nobody: no need to look."""

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
        if isinstance(args[0], str) and " " in args[0]:  # a method of redis-py's client, as `client_id`
            args = (*args[0].split(), *args[1:])
        if args[0] not in _AS_IS:  # scripts have no numbers, see `ConnectionBase`
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


class Client(redis.Redis):
    """Blocking, for any number of threads. redis-py's own pool lends it nothing, and only knows the settings."""

    def __init__(self, connection_pool: redis.ConnectionPool) -> None:
        super().__init__(connection_pool=connection_pool)
        self._lines = ConnectionPool(lambda: _made(connection_pool), connection_pool.max_connections)

    def execute_command(self, *command: Any, keys: object = None, **options: Any) -> Any:
        """Send one command."""
        checkout = Checkout()
        try:
            connection = self._lines.get_connection(checkout)
            connection.send_packed_command(connection.pack_command(*command))
            reply = connection.read_response()
            self._lines.give_back(checkout)
        except ResponseError:
            self._lines.give_back(checkout)  # a reply like any other
            raise
        except BaseException:
            self._lines.drop(checkout)
            raise
        return self.converted(reply, command, **options)

    def converted(self, reply: Any, command: Sequence[Any], **options: Any) -> Any:
        """A reply in the form that redis-py promises for the command."""
        return reply if command[0] in _AS_IS else _converted(reply, command[0], self.response_callbacks, options)

    def pinned(self) -> PinnedConnection:
        """One connection for several commands; it is closed where not all were answered."""
        return PinnedConnection(self._lines)

    def pinned_if_spare(self) -> PinnedConnection:
        """The same, for a holder that may want another meanwhile; None where too few are free."""
        return PinnedConnection(self._lines, is_long=True)

    def send_together(self, *commands: Sequence[Any]) -> list[Any]:
        """Send all at once; the replies, or the store's refusals, in order."""
        line = self.pinned()
        try:
            connection = line.open()
            connection.send_packed_command(connection.pack_commands(commands))
            replies = [reply_of(connection) for _ in commands]
            line.give_back()
        except BaseException:
            line.drop()
            raise
        return replies

    def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        if "_lines" in vars(self):  # redis-py closes what it could not make, too
            self._lines.close()


class AsyncClient(redis.asyncio.Redis):
    """The awaited twin of `Client`, for any number of tasks, of one event loop after the other."""

    def __init__(self, connection_pool: redis.asyncio.ConnectionPool) -> None:
        super().__init__(connection_pool=connection_pool)
        self._lines = AsyncConnectionPool(lambda: _made(connection_pool), connection_pool.max_connections)

    async def execute_command(self, *command: Any, keys: object = None, **options: Any) -> Any:
        """Send one command."""
        checkout = Checkout()
        try:
            connection = await self._lines.get_connection(checkout)
            await connection.send_packed_command(connection.pack_command(*command))
            reply = await connection.read_response()
            self._lines.give_back(checkout)
        except ResponseError:
            self._lines.give_back(checkout)
            raise
        except BaseException:
            self._lines.drop(checkout)
            raise
        return self.converted(reply, command, **options)

    def converted(self, reply: Any, command: Sequence[Any], **options: Any) -> Any:
        """A reply in the form that redis-py promises for the command."""
        return reply if command[0] in _AS_IS else _converted(reply, command[0], self.response_callbacks, options)

    def pinned(self) -> AsyncPinnedConnection:
        """One connection for several commands; it is closed where not all were answered."""
        return AsyncPinnedConnection(self._lines)

    def pinned_if_spare(self) -> AsyncPinnedConnection:
        """The same, for a holder that may want another meanwhile; None where too few are free."""
        return AsyncPinnedConnection(self._lines, is_long=True)

    async def send_together(self, *commands: Sequence[Any]) -> list[Any]:
        """Send all at once; the replies, or the store's refusals, in order."""
        async with self.pinned() as line:
            await line.send_packed_command(line.pack_commands(commands))
            return [await reply_awaited(line) for _ in commands]

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close all connections of this event loop; the next call opens new ones."""
        await self._lines.close()


def _made(settings: redis.ConnectionPool | redis.asyncio.ConnectionPool) -> Any:
    return settings.connection_class(**settings.connection_kwargs)


def _converted(reply: Any, word: str, callbacks: Any, options: dict[str, Any]) -> Any:
    convert = callbacks.get(word)
    return convert(reply, **options) if convert else reply


def reply_of(line: Any) -> Any:
    """The next reply, or the store's refusal."""
    try:
        return line.read_response()
    except ResponseError as error:
        return error


async def reply_awaited(line: Any) -> Any:
    """The awaited twin of `reply_of`."""
    try:
        return await line.read_response()
    except ResponseError as error:
        return error
