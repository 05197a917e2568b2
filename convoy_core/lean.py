"""Connections that cost less per request than redis-py's own.

redis-py looks at each argument in Python, where hiredis packs a hundred IDs at once; and before Python 3.12 it starts a
task for each awaited request, to limit the time of sending, though nearly all fit into the socket's buffer, so that
there is nothing to wait for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import hiredis
import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection


class _Packing:
    """Has hiredis pack everything."""

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


class Connection(_Packing, redis.Connection):
    """Blocking, by TCP."""


class TlsConnection(_Packing, redis.SSLConnection):
    """Blocking, by TLS."""


class UnixConnection(_Packing, redis.UnixDomainSocketConnection):
    """Blocking, by a unix socket."""


class AsyncConnection(_Sending, redis.asyncio.Connection):
    """Awaited, by TCP."""


class AsyncTlsConnection(_Sending, redis.asyncio.SSLConnection):
    """Awaited, by TLS."""


class AsyncUnixConnection(_Sending, redis.asyncio.UnixDomainSocketConnection):
    """Awaited, by a unix socket."""
