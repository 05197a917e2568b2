"""Shares the connections to one server among any number of threads.

Rule: a connection that is returned with a reply unread is closed before it is used again, whatever ended its use. A
caller waits for its turn for as long as the store answers; when it does not, all waiting callers get the error.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Final

from convoy_core.store.checkouts import Checkout, ConnectionSlots, again, is_served
from convoy_core.store.transport_errors import NotSent, TransportError

_LOOK_S: Final = 1.0
"""A waiting thread looks this often whether it was forgotten, as when the one that was to wake it was cut short."""


class ConnectionPool:
    """Blocking, for any number of threads; a forked child begins anew, with connections of its own."""

    def __init__(self, make: Callable[[], Any], size: int) -> None:
        self._make = make
        self._size = size
        self._begin()

    def _begin(self) -> None:
        self._places = ConnectionSlots(self._make, self._size)
        # Reentrant: a signal's handler may call this while its thread holds the lock.
        self._lock = threading.RLock()
        self._pid = os.getpid()

    def get_connection(self, checkout: Checkout) -> Any:
        """Check out an open connection, when it is this caller's turn."""
        if self._pid != os.getpid():
            # A socket shared with the parent would hand one process the other's replies (F60).
            self._begin()
        slots = checkout.slots = self._places
        with self._lock:
            is_mine = slots.take(checkout)
        if not is_mine:
            self._wait(checkout, slots)
        return self._opened(checkout, slots)

    def get_long(self, checkout: Checkout) -> Any:
        """Check one out for long, for a caller that may need another meanwhile; None where too few are free."""
        if self._pid != os.getpid():
            self._begin()
        slots = checkout.slots = self._places
        with self._lock:
            is_mine = slots.take_long(checkout)
        return self._opened(checkout, slots) if is_mine else None

    def give_back(self, checkout: Checkout) -> None:
        """Take it back, with every reply read."""
        if (slot := checkout.slot) is not None:
            slot.is_clean = True
        if (slots := checkout.slots) is not None and slots.leave(checkout):
            with self._lock:
                slots.serve()

    def drop(self, checkout: Checkout) -> None:
        """Take it back in whatever state it is; one that may have a reply unread is closed."""
        slot, slots = checkout.slot, checkout.slots
        if slot is not None and not slot.is_clean and is_served(checkout):
            slot.connection.hang_up()
        if slots is not None:
            with self._lock:
                slots.give_up(checkout)

    def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        slots = self._places
        is_ours = self._pid == os.getpid()
        self._begin()
        for connection in slots.connections if is_ours else ():
            connection.hang_up()

    def _wait(self, checkout: Checkout, slots: ConnectionSlots) -> None:
        turn = threading.Lock()
        turn.acquire()
        with self._lock:
            slots.wait(checkout, turn.release)
        while not is_served(checkout):
            turn.acquire(timeout=_LOOK_S)
            with self._lock:
                slots.look_again(checkout)

    def _opened(self, checkout: Checkout, slots: ConnectionSlots) -> Any:
        if checkout.error is not None or (slot := checkout.slot) is None:
            raise again(checkout)
        try:
            if not slot.is_clean:
                slot.connection.hang_up()
            slot.is_clean = False
            slot.connection.open()
        except (TransportError, OSError) as reason:
            error = NotSent(reason)
            with self._lock:
                slots.fail(error)
            raise error from reason
        slot.is_open = True
        return slot.connection
