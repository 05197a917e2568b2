"""Sends commands to one server, awaited: the twin of `server_transport`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from convoy_core.store.async_connection_pool import AsyncConnectionPool
from convoy_core.store.checkouts import Checkout, LongCheckout
from convoy_core.store.transport import Command
from convoy_core.store.transport_errors import ErrorReply
from convoy_core.store.wire import packed, packed_together


class AsyncServerTransport:
    """The awaited twin of `ServerTransport`, for any number of tasks, of one event loop or of several."""

    def __init__(self, connect: Callable[[], Any], size: int) -> None:
        self._pool = AsyncConnectionPool(connect, size)

    async def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """Send one command; its reply."""
        checkout = Checkout()
        try:
            connection = await self._pool.get_connection(checkout)
            await connection.send(packed(command))
            reply = await connection.receive()
            self._pool.give_back(checkout)
        except ErrorReply:
            self._pool.give_back(checkout)
            raise
        except BaseException:
            self._pool.drop(checkout)
            raise
        return reply

    async def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Send several at once over one connection; their replies, or the store's refusals as values, in order."""
        checkout = Checkout()
        try:
            connection = await self._pool.get_connection(checkout)
            await connection.send(packed_together(commands))
            replies = [await _received_awaited(connection) for _ in commands]
            self._pool.give_back(checkout)
        except BaseException:
            self._pool.drop(checkout)
            raise
        return replies

    def line(self) -> AsyncServerLine:
        """To send ahead over."""
        return AsyncServerLine(self._pool)

    async def aclose(self) -> None:
        """Close all connections of this event loop; the next command opens new ones."""
        await self._pool.close()


class AsyncServerLine:
    """The awaited twin of `ServerLine`."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._checkout = LongCheckout()
        self._connection: Any = None

    async def open(self) -> bool:
        """Get a connection; False where too few are free."""
        self._connection = await self._pool.get_long(self._checkout)
        return self._connection is not None

    async def send(self, command: Command) -> None:
        """Send one command."""
        await self._connection.send(packed(command))

    async def receive(self) -> Any:
        """The next reply, or the store's refusal as a value."""
        return await _received_awaited(self._connection)

    def give_back(self) -> None:
        """Every reply was read."""
        self._pool.give_back(self._checkout)

    def drop(self) -> None:
        """Not every reply was read, so the connection is closed; or it was given back already."""
        self._pool.drop(self._checkout)


async def _received_awaited(connection: Any) -> Any:
    try:
        return await connection.receive()
    except ErrorReply as error:
        return error
