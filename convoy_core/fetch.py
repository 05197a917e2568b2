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
from convoy_core.errors import OutcomeUnknown, StoreError
from convoy_core.faults import explain
from convoy_core.keys import Keys
from convoy_core.worker_calls import LATE_MS

_LOST = -1
"""In place of a connection's ID, which is never negative."""

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
            await self._look_at_connection()
            return not self._is_over and await self._send(*self._move) is not None
        except (RedisError, OSError) as error:
            self._connection_id = _LOST
            self._in_doubt_until = time.monotonic() + LATE_MS / 1000
            raise explain(error, self._shown) from error

    async def _look_at_connection(self) -> None:
        """Raise OutcomeUnknown when the one connection is not the one we had: after a failover the store may have
        forgotten what it had acknowledged, and hold IDs for us that we have settled long ago (RELIABILITY F36).
        """
        known, self._connection_id = self._connection_id, await self._send("CLIENT", "ID")
        if known not in (None, self._connection_id):
            raise OutcomeUnknown(
                f"The connection to {self._shown} is a new one; what the store holds must be looked up."
            )

    @property
    def is_in_doubt(self) -> bool:
        """Whether a wait may still be under way at the store, though its connection is gone."""
        return time.monotonic() < self._in_doubt_until

    async def interrupt(self, commands: AsyncConnection) -> None:
        """End a wait at once, over another connection, where that is allowed; else it ends by itself. None follows."""
        self._is_over = True
        if self._connection_id in (None, _LOST):
            return
        unblock = command("CLIENT", "UNBLOCK", self._connection_id, read=bool, beside=self._queued)
        with suppress(StoreError):
            await commands.run(unblock)

    async def close(self) -> None:
        """Close the connection; nothing may be waiting any more."""
        await self._client.aclose()

    async def _send(self, *parts: Argument) -> Any:
        return await self._client.execute_command(*parts, keys=(self._queued,))  # type: ignore[no-untyped-call]
