"""Assigns a fixed number of connections to callers, first come, first served.

Rule: the exception of a signal handler may end a caller's call at any step, also inside this module. So one
assignment to `ConnectionSlot.holder` records who holds a slot. It is a weak reference: a slot whose holder no longer
exists is free. Nothing here waits or locks; the pools do.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from convoy_core.store.transport_errors import NotSent


class Checkout:
    """One caller's claim to a slot. It exists before a slot is requested, so that it can be given up at any step."""

    is_long = False
    """Whether its holder may ask for a further connection meanwhile."""
    is_over = False
    slots: ConnectionSlots | None = None
    slot: ConnectionSlot | None = None
    error: NotSent | None = None
    """Why no connection can be opened."""
    wake: Callable[[], None] | None = None


class LongCheckout(Checkout):
    """The claim of a caller that will hold its slot for some time."""

    is_long = True


class ConnectionSlot:
    """One connection, and what is known of it."""

    __slots__ = ("connection", "holder", "is_clean", "is_open")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.holder: weakref.ref[Checkout] | None = None
        self.is_clean = True
        """Whether every reply on it has been read."""
        self.is_open = False
        """Whether its holder has got so far as to send."""

    @property
    def is_free(self) -> bool:
        """Whether it has no holder, or one that no longer exists."""
        return self.holder is None or self.holder() is None


class ConnectionSlots:
    """All slots of one process and, where they are awaited, of one event loop."""

    def __init__(self, make: Callable[[], Any], size: int) -> None:
        self._make = make
        self._size = size
        self._all: list[ConnectionSlot] = []
        self._waiting: deque[weakref.ref[Checkout]] = deque()

    @property
    def connections(self) -> list[Any]:
        """Those that were made so far."""
        return [slot.connection for slot in self._all]

    def take(self, checkout: Checkout) -> bool:
        """Give it a slot at once; False where it must wait behind others, or for a slot."""
        if self._waiting:
            return False
        # Always the first that is free, so that no more are opened than are in use at the same time.
        for slot in self._all:
            if slot.holder is None:
                checkout.slot = slot
                slot.holder = weakref.ref(checkout)
                return True
        if (free := self._free()) is None:
            return False
        _assign(free, checkout)
        return True

    def take_long(self, checkout: Checkout) -> bool:
        """The same, but never the last slot: if all holders came to need a second one, all would wait for ever."""
        held = [slot.holder() for slot in self._all if slot.holder is not None]
        return sum(one is not None and one.is_long for one in held) < self._size - 1 and self.take(checkout)

    def wait(self, checkout: Checkout, wake: Callable[[], None]) -> None:
        """Queue it; `wake` is called when it has a slot, or when no connection can be opened."""
        checkout.wake = wake
        self._waiting.append(weakref.ref(checkout))
        self.serve()

    def look_again(self, checkout: Checkout) -> None:
        """Queue a waiting checkout again if it was dropped, as by a call that was cut short before it served it."""
        if not is_served(checkout) and weakref.ref(checkout) not in self._waiting:
            self._waiting.appendleft(weakref.ref(checkout))
        self.serve()

    def give_up(self, checkout: Checkout) -> None:
        """Take back its slot, or its place in the queue; the longest waiting checkout is served."""
        checkout.is_over = True
        if self.leave(checkout):
            self.serve()

    def leave(self, checkout: Checkout) -> bool:
        """Take back its slot; True if a checkout waits to be served. Threads need no lock for this: a checkout that
        begins to wait meanwhile looks for a free slot after that.
        """
        if (slot := checkout.slot) is not None and (holder := slot.holder) is not None and holder() is checkout:
            slot.is_open = False
            slot.holder = None
        return bool(self._waiting)

    def fail(self, error: NotSent) -> None:
        """A connection could not be opened. Unless another is in use, all waiting checkouts get this error."""
        if any(slot.is_open and not slot.is_free for slot in self._all):
            return
        waiting, self._waiting = self._waiting, deque()
        for checkout in filter(None, (one() for one in waiting)):
            checkout.error = error
            _wake(checkout)

    def serve(self) -> None:
        """Assign free slots to the checkouts that have waited longest."""
        while self._waiting and (slot := self._free()) is not None:
            checkout = self._waiting.popleft()()
            if checkout is not None and not checkout.is_over and not is_served(checkout):
                _assign(slot, checkout)
                _wake(checkout)

    def _free(self) -> ConnectionSlot | None:
        for slot in self._all:
            if slot.is_free:
                return slot
        if len(self._all) == self._size:
            return None
        self._all.append(ConnectionSlot(self._make()))
        return self._all[-1]


def is_served(checkout: Checkout) -> bool:
    """Whether its wait is over."""
    if checkout.error is not None:
        return True
    return checkout.slot is not None and (holder := checkout.slot.holder) is not None and holder() is checkout


def again(checkout: Checkout) -> NotSent:
    """A copy of its error, since an exception carries the traceback of the caller that raised it."""
    assert checkout.error is not None  # noqa: S101 - else it has a slot
    return NotSent(checkout.error.reason)


def _assign(slot: ConnectionSlot, checkout: Checkout) -> None:
    checkout.slot = slot
    slot.holder = weakref.ref(checkout)


def _wake(checkout: Checkout) -> None:
    if checkout.wake is not None:
        checkout.wake()
