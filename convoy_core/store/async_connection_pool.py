"""The awaited twin of `connection_pool`: for any number of tasks, of one event loop or of several.

A task can be cancelled only where it awaits, so returning a connection awaits nothing.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any

from convoy_core.store.checkouts import Checkout, ConnectionSlots, again, is_served
from convoy_core.store.transport_errors import NotSent, TransportError


class AsyncConnectionPool:
    """Each event loop has connections of its own, which are closed when the loop shuts down."""

    def __init__(self, make: Callable[[], Any], size: int) -> None:
        self._make = make
        self._size = size
        self._begin()

    def _begin(self) -> None:
        self._by_loop: dict[asyncio.AbstractEventLoop, tuple[ConnectionSlots, AsyncGenerator[None, None]]] = {}
        self._last: tuple[asyncio.AbstractEventLoop | None, ConnectionSlots] = (
            None,
            ConnectionSlots(self._make, self._size),
        )
        """The loop that was used last, and its slots."""
        self._lock = threading.Lock()
        self._pid = os.getpid()

    async def get_connection(self, checkout: Checkout) -> Any:
        """Check out an open connection, when it is this caller's turn."""
        loop, slots = self._last
        if loop is not asyncio.get_running_loop() or self._pid != os.getpid():
            slots = await self._change_loop()
        checkout.slots = slots
        if not slots.take(checkout):
            await _wait(checkout, slots)
        return await _opened(checkout, slots)

    async def get_long(self, checkout: Checkout) -> Any:
        """Check one out for long, for a caller that may need another meanwhile; None where too few are free."""
        loop, slots = self._last
        if loop is not asyncio.get_running_loop() or self._pid != os.getpid():
            slots = await self._change_loop()
        checkout.slots = slots
        return await _opened(checkout, slots) if slots.take_long(checkout) else None

    def give_back(self, checkout: Checkout) -> None:
        """Take it back, with every reply read."""
        if (slot := checkout.slot) is not None:
            slot.is_clean = True
        if (slots := checkout.slots) is not None and slots.leave(checkout):
            slots.serve()

    def drop(self, checkout: Checkout) -> None:
        """Take it back in whatever state it is; one that may have a reply unread is closed. Nothing is awaited, since
        the task may be at its end.
        """
        slot, slots = checkout.slot, checkout.slots
        if slot is not None and not slot.is_clean and is_served(checkout):
            slot.connection.hang_up()
        if slots is not None:
            slots.give_up(checkout)

    async def close(self) -> None:
        """Close all connections of this loop; the next call opens new ones."""
        with self._lock:
            mine = self._by_loop.pop(asyncio.get_running_loop(), None)
            self._last = None, self._last[1]
        if mine is not None and self._pid == os.getpid():
            await mine[1].aclose()

    async def _change_loop(self) -> ConnectionSlots:
        if self._pid != os.getpid():
            self._begin()
        loop = asyncio.get_running_loop()
        with self._lock:
            self._by_loop = {one: its for one, its in self._by_loop.items() if not one.is_closed()}
            if (known := self._by_loop.get(loop)) is not None:
                self._last = loop, known[0]
                return known[0]
            slots = ConnectionSlots(self._make, self._size)
            closing = _closing(slots)
            self._by_loop[loop] = slots, closing
            self._last = loop, slots
        # A loop that shuts down closes all generators that were begun on it, and so our connections.
        await anext(closing)
        return slots


async def _closing(slots: ConnectionSlots) -> AsyncGenerator[None, None]:
    """Wait to be closed, and close the connections then."""
    try:
        yield
    finally:
        for connection in slots.connections:
            connection.hang_up()
        await asyncio.sleep(0)  # has the loop close their sockets


async def _wait(checkout: Checkout, slots: ConnectionSlots) -> None:
    turn = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not turn.done():
            turn.set_result(None)

    slots.wait(checkout, wake)
    if not is_served(checkout):
        await turn


async def _opened(checkout: Checkout, slots: ConnectionSlots) -> Any:
    if checkout.error is not None or (slot := checkout.slot) is None:
        raise again(checkout)
    try:
        if not slot.is_clean:
            slot.connection.hang_up()
        slot.is_clean = False
        await slot.connection.open()
    except (TransportError, OSError) as reason:
        error = NotSent(reason)
        slots.fail(error)
        raise error from reason
    slot.is_open = True
    return slot.connection
