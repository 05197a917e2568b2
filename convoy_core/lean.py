"""Connections and clients that cost less per request than redis-py's own.

redis-py looks at each argument in Python, where hiredis packs a hundred IDs at once; and before Python 3.12 it starts a
task for each awaited request, to limit the time of sending, though nearly all fit into the socket's buffer, so that
there is nothing to wait for. Its clients fetch a connection from the pool for every command, time it for telemetry, and
wrap it for repetition, which no client of ours may do; that is as much work as sending and reading themselves.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any, Final

import hiredis
import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError


class Opened:
    """Counts the connections that some clients have opened, first ones and new ones."""

    def __init__(self) -> None:
        self.number = 0
        self._numbers = count(1)

    def note(self, connection: object) -> None:
        """One more is open; from any thread, so the counting itself is one step."""
        self.number = next(self._numbers)


class _Packing:
    """Has hiredis pack everything, and counts each time it is opened."""

    register_connect_callback: Callable[[Callable[[Any], None]], None]

    def __init__(self, *, opened: Opened, **settings: Any) -> None:
        super().__init__(**settings)
        self._opened = opened
        self.register_connect_callback(opened.note)

    def pack_command(self, *args: Any) -> list[bytes]:
        """The request in the wire's form."""
        if isinstance(args[0], str) and " " in args[0]:  # redis-py's own, such as "CLIENT SETINFO"
            args = (*args[0].split(), *args[1:])
        return [hiredis.pack_command(args)]


class _Sending(_Packing, AbstractConnection):
    """Waits for the socket only where it is full."""

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Send it; by redis-py's way, which has a time limit, where the socket does not take it at once."""
        if check_health and self.is_connected:
            await self.check_health()  # type: ignore[no-untyped-call] # redis-py left this one without types
        writer = self._writer
        if writer is None or writer.transport.is_closing() or isinstance(command, bytes | str):
            await super().send_packed_command(command, check_health=False)
            return
        writer.writelines(command)
        if writer.transport.get_write_buffer_size():
            await super().send_packed_command((), check_health=False)


class _Blocking(_Packing, redis.connection.AbstractConnection):
    """Looks first whether there is anything to open."""

    def connect(self) -> None:
        """Open it, unless it is open."""
        if not self.is_connected:
            super().connect()  # type: ignore[no-untyped-call] # redis-py left this one without types


class Connection(_Blocking, redis.Connection):
    """Blocking, by TCP."""


class TlsConnection(_Blocking, redis.SSLConnection):
    """Blocking, by TLS."""


class UnixConnection(_Blocking, redis.UnixDomainSocketConnection):
    """Blocking, by a unix socket."""


class AsyncConnection(_Sending, redis.asyncio.Connection):
    """Awaited, by TCP."""


class AsyncTlsConnection(_Sending, redis.asyncio.SSLConnection):
    """Awaited, by TLS."""


class AsyncUnixConnection(_Sending, redis.asyncio.UnixDomainSocketConnection):
    """Awaited, by a unix socket."""


JUST_NOW_S: Final = 0.001
"""What has answered within this time is not asked whether it is still connected: one publish follows the other so."""


_AS_IS: Final = frozenset({"EVALSHA", "EVALSHA_RO", "EVAL", "EVAL_RO"})
"""Commands whose replies redis-py converts for nobody: no need to look."""


class Client(redis.Redis):
    """Keeps one connection of its pool at hand for one command after the other; who finds it in use takes another."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._kept: Any = None
        self._answered = 0.0
        self._pid = os.getpid()
        self._at_hand: list[Any] = []  # the one kept, or nothing while it is in use

    def execute_command(self, *command: Any, keys: object = None, **options: Any) -> Any:
        """Send one command; redis-py's way where it has an option of redis-py's, as few have."""
        if options or self.connection is not None:
            return super().execute_command(*command, **options)  # type: ignore[no-untyped-call] # redis-py left this one without types
        connection = self.get_connection()
        try:
            connection.send_packed_command(connection.pack_command(*command))
            reply = connection.read_response()
        finally:
            self.release(connection)
        return reply if command[0] in _AS_IS else _converted(reply, command[0], self.response_callbacks)

    @contextmanager
    def line(self) -> Iterator[Any]:
        """A connection for several commands, which must all be answered; it is closed where that was not to be."""
        connection = self.get_connection()
        try:
            yield connection
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self.release(connection)

    def get_connection(self) -> Any:
        """An open connection, to be released."""
        if self._pid != os.getpid():
            # A socket shared with the parent would hand one process the other's replies (RELIABILITY F60).
            self._pid, self._kept, self._at_hand = os.getpid(), None, []
        try:
            connection: Any = self._at_hand.pop()
        except IndexError:
            connection = self.connection_pool.get_connection()
            self._kept = self._kept or connection
            return connection
        try:
            # As the pool does it: what the server has closed meanwhile is opened anew before anything is sent.
            connection.connect()
            if time.monotonic() - self._answered > JUST_NOW_S and not _is_clean(connection):
                connection.disconnect()
                connection.connect()
        except BaseException:
            self.release(connection)
            raise
        return connection

    def release(self, connection: Any) -> None:
        """Lay it down for whoever comes next."""
        if connection is self._kept:
            self._answered = time.monotonic()
            self._at_hand.append(connection)
        else:
            self.connection_pool.release(connection)


def _converted(reply: Any, word: str, callbacks: Any) -> Any:
    convert = callbacks.get(word)
    return convert(reply) if convert else reply


def _is_clean(connection: Any) -> bool:
    try:
        return not connection.can_read()
    except (RedisError, OSError):
        return False


class AsyncClient(redis.asyncio.Redis):
    """The awaited twin of `Client`, for one event loop."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._kept: Any = None
        self._answered = 0.0
        self._at_hand: list[Any] = []

    async def execute_command(self, *command: Any, keys: object = None, **options: Any) -> Any:
        """Send one command; redis-py's way where it has an option of redis-py's, as few have."""
        if options or self.connection is not None:
            return await super().execute_command(*command, **options)  # type: ignore[no-untyped-call] # as above
        connection = await self.get_connection()
        try:
            await connection.send_packed_command(connection.pack_command(*command))
            reply = await connection.read_response()
        finally:
            await self.release(connection)
        return reply if command[0] in _AS_IS else _converted(reply, command[0], self.response_callbacks)

    async def send_together(self, *commands: Sequence[Any]) -> list[Any]:
        """Send all at once; the replies, or the store's refusals, in order."""
        async with self.line() as line:
            await line.send_packed_command(line.pack_commands(commands))
            return [await _reply(line) for _ in commands]

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Any]:
        """A connection for several commands, which must all be answered; it is closed where that was not to be."""
        connection = await self.get_connection()
        try:
            yield connection
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self.release(connection)

    async def get_connection(self) -> Any:
        """An open connection, to be released."""
        if not self._at_hand:
            connection: Any = await self.connection_pool.get_connection()  # type: ignore[no-untyped-call] # as above
            self._kept = self._kept or connection
            return connection
        connection = self._at_hand.pop()
        try:
            await connection.connect()
            if time.monotonic() - self._answered > JUST_NOW_S and not await _is_clean_awaited(connection):
                await connection.disconnect()
                await connection.connect()
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: Any) -> None:
        """Lay it down for whoever comes next."""
        if connection is self._kept:
            self._answered = time.monotonic()
            self._at_hand.append(connection)
        else:
            await self.connection_pool.release(connection)


async def _is_clean_awaited(connection: Any) -> bool:
    try:
        return not await connection.can_read()
    except (RedisError, OSError):
        return False


async def _reply(line: Any) -> Any:
    try:
        return await line.read_response()
    except ResponseError as error:
        return error
