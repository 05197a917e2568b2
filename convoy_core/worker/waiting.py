"""Waits at an empty queue: the store hands the next ID to one waiting worker, into a list that survives a crash.

It waits at a limit as well: there the store wakes one waiting worker, when a run may begin.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any, NamedTuple

from convoy_core.errors import OutcomeUnknown, StoreError
from convoy_core.moves.call import Call, command
from convoy_core.moves.keys import Keys
from convoy_core.moves.recovering import LATE_MS
from convoy_core.moves.working import Round
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.clients import Role, Store
from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.error_translation import explain
from convoy_core.store.transport_errors import NoScript, TransportError

_LOST = -1
"""In place of a connection's ID, which is never negative."""

BLOCK_S = 2
"""How long one wait lasts: below every read timeout, and short enough that a failover or a stop is noticed soon."""


class Handover(NamedTuple):
    """What came of one wait."""

    is_handed: bool
    """Whether an ID was handed over; it is in the claim list, if `answer` does not have it."""
    answer: Round | None
    """The answer to the claim that was sent along; None where none was, or the store did not know its script."""


class IdleWait:
    """The wait of one pool, over a connection of its own, since a waiting connection can do nothing else.

    The claim of what is handed over is sent along with the wait: the store runs it as soon as the wait is over, so that
    no further round trip lies between a publish and its run. The wait is never cancelled: a cancelled BLMOVE has often
    happened on the server all the same (F2).
    """

    def __init__(self, store: Store, commands: AsyncConnection, keys: Keys, worker: str) -> None:
        self._opened = ConnectionCounter()
        self._transport = store.async_transport(Role.WAIT, self._opened)
        self._sends_along = not store.is_cluster  # there every command is led to its node by itself
        self._commands = commands
        self._connection_id: int | None = None
        self._queued = keys.named("queued")
        self._move = ("BLMOVE", self._queued, keys.claim_list(worker), "LEFT", "RIGHT", BLOCK_S)
        self._turn = ("BLPOP", keys.wake_list(worker), BLOCK_S)
        self._is_over = False
        self._in_doubt_until = 0.0

    @property
    def opened(self) -> int:
        """How many network connections have been opened for it so far."""
        return self._opened.number

    async def wait(self, claim: Call[Round]) -> Handover:
        """Wait for up to two seconds, then make the claim. Raises StoreError."""
        try:
            if not self._sends_along or self._connection_id in (None, _LOST):
                self._look_at_connection(await self._transport.send(("CLIENT", "ID"), (self._queued,)))
            if self._is_over:
                return Handover(False, None)
            if not self._sends_along:
                id = await self._transport.send(self._move, (self._queued,))
                return Handover(id is not None, None)
            return await self._wait_and_claim(claim)
        except (TransportError, OSError) as error:
            self._connection_id = _LOST
            self._in_doubt_until = time.monotonic() + LATE_MS / 1000
            raise explain(error, self._commands.shown) from error

    async def wait_for_turn(self, is_over: asyncio.Event) -> bool:
        """Wait for up to two seconds to be woken at a limit, or until `is_over`. Returns whether it was woken.

        What the store hands over means nothing, so that nothing is lost with it. Raises StoreError.
        """
        turn = asyncio.ensure_future(self._take_turn())
        over = asyncio.ensure_future(is_over.wait())
        await asyncio.wait((turn, over), return_when=asyncio.FIRST_COMPLETED)
        if not turn.done():
            await self._unblock()
        over.cancel()
        return await turn

    async def _take_turn(self) -> bool:
        try:
            self._look_at_connection(await self._transport.send(("CLIENT", "ID"), (self._queued,)))
            if self._is_over:
                return False
            return await self._transport.send(self._turn, (self._queued,)) is not None
        except (TransportError, OSError) as error:
            self._connection_id = _LOST
            raise explain(error, self._commands.shown) from error

    async def _wait_and_claim(self, claim: Call[Round]) -> Handover:
        number, id, answer = await self._transport.send_together(
            (("CLIENT", "ID"), self._move, self._commands.by_hash(claim))
        )
        self._look_at_connection(number)
        if isinstance(answer, NoScript):
            return Handover(id is not None, None)
        for reply in (id, answer):
            if isinstance(reply, Exception):
                raise reply
        return Handover(id is not None, claim.read(answer))

    def _look_at_connection(self, number: Any) -> None:
        """Raise OutcomeUnknown if the connection is a new one.

        After a failover the store may have forgotten what it had acknowledged, and hold IDs for us that we settled long
        ago (F36).
        """
        if isinstance(number, Exception):
            raise number
        known, self._connection_id = self._connection_id, number
        if known not in (None, number):
            raise OutcomeUnknown(
                f"The connection to {self._commands.shown} is a new one; what the store holds must be looked up."
            )

    @property
    def is_in_doubt(self) -> bool:
        """Whether a wait may still be under way at the store, though its connection is gone."""
        return time.monotonic() < self._in_doubt_until

    async def interrupt(self) -> None:
        """End a wait at once, over another connection, where that is allowed; else it ends by itself. None follows."""
        self._is_over = True
        await self._unblock()

    async def _unblock(self) -> None:
        if self._connection_id in (None, _LOST):
            return
        unblock = command("CLIENT", "UNBLOCK", self._connection_id, read=bool, beside=self._queued)
        with suppress(StoreError):
            await self._commands.run(unblock)

    async def close(self) -> None:
        """Close the connection; nothing may be waiting any more."""
        await self._transport.aclose()
