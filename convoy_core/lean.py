"""Awaited connections that cost less per request than redis-py's own.

Before Python 3.12 redis-py starts a task for each request, to limit the time of sending; and it packs each argument by
itself, in Python. Nearly every request fits into the socket's buffer, so that there is nothing to wait for, and hiredis
packs a hundred IDs at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import hiredis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection


class _Lean(AbstractConnection):
    """Sends without waiting where nothing has to be waited for."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """The request in the wire's form."""
        if isinstance(args[0], str) and " " in args[0]:  # redis-py's own, such as "CLIENT SETINFO"
            args = (*args[0].split(), *args[1:])
        return [hiredis.pack_command(args)]

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


class LeanConnection(_Lean, redis.asyncio.Connection):
    """By TCP."""


class LeanTlsConnection(_Lean, redis.asyncio.SSLConnection):
    """By TLS."""


class LeanUnixConnection(_Lean, redis.asyncio.UnixDomainSocketConnection):
    """By a unix socket."""
