"""Waiting at an empty queue: the store hands the next ID to exactly one waiting worker, into a list that survives a
crash.
"""

from __future__ import annotations

import redis.asyncio
from redis.exceptions import RedisError

from convoy_core.calls import command
from convoy_core.connection import AsyncConnection
from convoy_core.errors import StoreError
from convoy_core.faults import explain
from convoy_core.keys import Keys

BLOCK_S = 2
"""How long one wait lasts: below every read timeout, and short enough that a failover or a stop is noticed soon."""


class Fetch:
    """One waiting place, with a connection of its own, since a waiting connection can do nothing else.

    The wait is never cancelled: a cancelled BLMOVE has often happened on the server all the same (RELIABILITY F2).
    """

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, worker: str, shown: str) -> None:
        self._client = client
        self._bound: redis.asyncio.Redis | None = None
        self._connection_id: int | None = None
        self._move = ("BLMOVE", keys.named("queued"), keys.claim_list(worker), "LEFT", "RIGHT", BLOCK_S)
        self._shown = shown

    async def wait(self) -> bool:
        """Wait for up to two seconds; whether an ID was handed over. It is in the claim list then. Raises
        StoreError.
        """
        try:
            if self._bound is None:
                self._bound = self._client.client()
                self._connection_id = await self._bound.client_id()
            return await self._bound.execute_command(*self._move) is not None  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            await self._drop()
            raise explain(error, self._shown) from error

    async def interrupt(self, commands: AsyncConnection) -> None:
        """End a wait at once, over another connection; where that is not allowed it ends by itself."""
        if self._connection_id is None:
            return
        try:
            await commands.run(command("CLIENT", "UNBLOCK", self._connection_id, read=bool))
        except StoreError:
            return

    async def close(self) -> None:
        """Close the connection; nothing may be waiting any more."""
        await self._drop()
        await self._client.aclose()

    async def _drop(self) -> None:
        bound, self._bound, self._connection_id = self._bound, None, None
        if bound is not None:
            await bound.aclose()
