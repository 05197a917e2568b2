"""Waiting at an empty queue: the store hands the next ID to exactly one waiting worker, into a list that survives a
crash.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError

from convoy_core.calls import Argument, command
from convoy_core.connection import AsyncConnection
from convoy_core.errors import StoreError
from convoy_core.faults import explain
from convoy_core.keys import Keys
from convoy_core.worker_calls import LATE_MS

BLOCK_S = 2
"""How long one wait lasts: below every read timeout, and short enough that a failover or a stop is noticed soon."""


class Fetch:
    """One waiting place, with a connection of its own, since a waiting connection can do nothing else.

    The wait is never cancelled: a cancelled BLMOVE has often happened on the server all the same (RELIABILITY F2).
    """

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, worker: str, shown: str) -> None:
        self._client = client
        self._connection_id: int | None = None
        self._queued = keys.named("queued")
        self._move = ("BLMOVE", self._queued, keys.claim_list(worker), "LEFT", "RIGHT", BLOCK_S)
        self._shown = shown
        self._is_over = False
        self._in_doubt_until = 0.0

    async def wait(self) -> bool:
        """Wait for up to two seconds; whether an ID was handed over. It is in the claim list then. Raises
        StoreError.
        """
        try:
            # Asked each time: the one connection may be a new one by now, or lead to another server.
            self._connection_id = await self._send("CLIENT", "ID")
            return not self._is_over and await self._send(*self._move) is not None
        except (RedisError, OSError) as error:
            self._in_doubt_until = time.monotonic() + LATE_MS / 1000
            raise explain(error, self._shown) from error

    @property
    def is_in_doubt(self) -> bool:
        """Whether a wait may still be under way at the store, though its connection is gone."""
        return time.monotonic() < self._in_doubt_until

    async def interrupt(self, commands: AsyncConnection) -> None:
        """End a wait at once, over another connection, where that is allowed; else it ends by itself. None follows."""
        self._is_over = True
        if self._connection_id is None:
            return
        unblock = command("CLIENT", "UNBLOCK", self._connection_id, read=bool, beside=self._queued)
        with suppress(StoreError):
            await commands.run(unblock)

    async def close(self) -> None:
        """Close the connection; nothing may be waiting any more."""
        await self._client.aclose()

    async def _send(self, *parts: Argument) -> Any:
        return await self._client.execute_command(*parts, keys=(self._queued,))  # type: ignore[no-untyped-call]
