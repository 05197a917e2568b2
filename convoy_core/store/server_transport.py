"""Sends commands to one server, over the connections of a pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from convoy_core.store.checkouts import Checkout, LongCheckout
from convoy_core.store.connection_pool import ConnectionPool
from convoy_core.store.transport import Command
from convoy_core.store.transport_errors import ErrorReply
from convoy_core.store.wire import packed, packed_together


class ServerTransport:
    """A `Transport` to one server. `connect` makes a connection, which is opened when it is first used."""

    def __init__(self, connect: Callable[[], Any], size: int) -> None:
        self._pool = ConnectionPool(connect, size)

    def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """Send one command; its reply."""
        checkout = Checkout()
        try:
            connection = self._pool.get_connection(checkout)
            connection.send(packed(command))
            reply = connection.receive()
            self._pool.give_back(checkout)
        except ErrorReply:
            self._pool.give_back(checkout)  # a reply like any other
            raise
        except BaseException:
            self._pool.drop(checkout)
            raise
        return reply

    def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Send several at once over one connection; their replies, or the store's refusals as values, in order."""
        checkout = Checkout()
        try:
            connection = self._pool.get_connection(checkout)
            connection.send(packed_together(commands))
            replies = [_received(connection) for _ in commands]
            self._pool.give_back(checkout)
        except BaseException:
            self._pool.drop(checkout)
            raise
        return replies

    def line(self) -> ServerLine:
        """To send ahead over."""
        return ServerLine(self._pool)

    def close(self) -> None:
        """Close all connections; the next command opens new ones."""
        self._pool.close()


class ServerLine:
    """A connection that is checked out for long."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._checkout = LongCheckout()
        self._connection: Any = None

    def open(self) -> bool:
        """Get a connection; False where too few are free."""
        self._connection = self._pool.get_long(self._checkout)
        return self._connection is not None

    def send(self, command: Command) -> None:
        """Send one command."""
        self._connection.send(packed(command))

    def receive(self) -> Any:
        """The next reply, or the store's refusal as a value."""
        return _received(self._connection)

    def give_back(self) -> None:
        """Every reply was read."""
        self._pool.give_back(self._checkout)

    def drop(self) -> None:
        """Not every reply was read, so the connection is closed; or it was given back already."""
        self._pool.drop(self._checkout)


def _received(connection: Any) -> Any:
    try:
        return connection.receive()
    except ErrorReply as error:
        return error
