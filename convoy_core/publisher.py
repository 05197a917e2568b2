"""Publishes single IDs for any number of threads; those that wait for another's reply share the next round trip.

A thread that finds no other under way sends its ID at once. Those that come meanwhile wait, and the first of them sends
all their IDs as one chunk when the reply is there, or as soon as they fill one.

Rule: whoever sends for others must not be cut short. So the main thread, where the handlers of signals run and raise,
publishes by itself; what else may end a thread's call leaves the others with an answer. A weak reference says who
sends: when that call exists no more, the next one sends.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Final

from convoy_core.errors import ConvoyError, StoreError
from convoy_core.models import Published
from convoy_core.moves.keys import Keys
from convoy_core.moves.publishing import Single, again, cut_short, is_full, publish_single, publish_singles
from convoy_core.store.connection import Connection
from convoy_core.store.error_translation import is_out_of_reach

SENDERS: Final = 4
"""The most chunks under way at the same time, where they are full: half of the connections."""

_LOOK_S: Final = 1.0
"""A waiting thread looks this often whether it was forgotten, as when the one that was to wake it was cut short."""


class Publisher:
    """For any number of threads; a forked child begins anew."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys
        self._begin()

    def _begin(self) -> None:
        self._by_replicas: dict[int, _Callers] = {}
        self._thread = _Thread()
        self._main = threading.main_thread().ident
        self._pid = os.getpid()

    def publish(self, single: Single) -> Published:
        """Publish one ID. Raises StoreError, or ReadOnly before anything is sent."""
        self._connection.check_writable()
        if self._pid != os.getpid():
            self._begin()
        thread = self._thread
        if thread.is_in_here or threading.get_ident() == self._main:
            return self._connection.run(publish_single(self._keys, single))
        callers = self._by_replicas.get(single.replicas)
        if callers is None:
            callers = self._by_replicas.setdefault(single.replicas, _Callers(self._connection, self._keys))
        thread.is_in_here = True
        try:
            return callers.publish(single)
        finally:
            thread.is_in_here = False


class _Thread(threading.local):
    """The calling thread."""

    is_in_here = False
    """Whether it publishes: a finalizer may run at any step of that, and must not wait for it if it publishes, too."""


class _Caller:
    """One thread's call."""

    is_over = False
    outcome: Published | ConvoyError | None = None
    sender: weakref.ref[_Caller] | None = None
    """The one that sends its ID."""
    chunk: Sequence[_Caller] = ()
    """The others whose IDs it sends."""
    turn: threading.Lock | None = None
    """Held for as long as it is to wait."""

    def __init__(self, single: Single) -> None:
        self.single = single

    def wake(self) -> None:
        """End its wait."""
        if self.turn is not None and self.turn.locked():
            self.turn.release()

    def fail(self, error: ConvoyError) -> None:
        """End its call, unless it has its answer."""
        if self.outcome is None:
            self.outcome = again(error)
        self.wake()


class _Callers:
    """Those that want the same number of replicas."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys
        self._lock = threading.Lock()
        self._senders: list[weakref.ref[_Caller]] = []
        self._waiting: deque[tuple[weakref.ref[_Caller], int]] = deque()
        """With the bytes of each."""
        self._bytes = 0

    def publish(self, single: Single) -> Published:
        """Publish one ID, alone or with those that others want to publish."""
        caller = _Caller(single)
        try:
            if self._is_first(caller) or self._is_next(caller):
                self._send(caller)
                self._leave(caller)
        except BaseException:
            self._leave(caller)
            raise
        if isinstance(caller.outcome, ConvoyError):
            raise caller.outcome
        assert caller.outcome is not None  # noqa: S101 - whoever sends ends with one
        return caller.outcome

    def _is_first(self, caller: _Caller) -> bool:
        """Whether it may send at once, since no other does; else it is queued."""
        with self._lock:
            if not self._senders and not self._waiting:
                self._senders.append(weakref.ref(caller))
                return True
            caller.turn = threading.Lock()
            caller.turn.acquire()
            self._queue(caller)
            self._serve()
            return False

    def _is_next(self, caller: _Caller) -> bool:
        """Wait until it is to send, or another has sent its ID. Returns whether it is to send."""
        assert caller.turn is not None  # noqa: S101 - it was queued
        while not caller.turn.acquire(timeout=_LOOK_S):
            with self._lock:
                self._look_again(caller)
        return caller.outcome is None

    def _queue(self, caller: _Caller) -> None:
        self._waiting.append((weakref.ref(caller), caller.single.size))
        self._bytes += caller.single.size

    def _serve(self) -> None:
        """Let those that have waited longest send, as far as chunks may be under way."""
        self._senders = [one for one in self._senders if one() is not None]
        while self._waiting and len(self._senders) < self._most():
            caller = self._next()
            if caller is not None:
                self._senders.append(weakref.ref(caller))
                caller.wake()

    def _most(self) -> int:
        return SENDERS if is_full(len(self._waiting), self._bytes) else 1

    def _next(self) -> _Caller | None:
        """Take the one that has waited longest; None for one that waits no more."""
        one, size = self._waiting.popleft()
        self._bytes -= size
        caller = one()
        return caller if caller is not None and caller.outcome is None and caller.sender is None else None

    def _look_again(self, caller: _Caller) -> None:
        """Have it served if it was forgotten, as when the one that was to do it was cut short."""
        if caller.sender is not None:
            if (sender := caller.sender()) is None or sender.is_over:
                caller.fail(cut_short(self._connection.shown))
        elif self._is_sender(caller):
            caller.wake()
        else:
            if not self._is_waiting(caller):
                self._queue(caller)
            self._serve()

    def _is_sender(self, caller: _Caller) -> bool:
        return any(one() is caller for one in self._senders)

    def _is_waiting(self, caller: _Caller) -> bool:
        return any(one() is caller for one, _ in self._waiting)

    def _send(self, caller: _Caller) -> None:
        """Send its ID, and with it those of others that wait."""
        if self._waiting:
            with self._lock:
                self._take(caller)
        if caller.chunk:
            self._send_chunk(caller)
            return
        try:
            caller.outcome = self._connection.run(publish_single(self._keys, caller.single))
        except StoreError as error:
            self._fail_waiting(error)
            raise

    def _send_chunk(self, caller: _Caller) -> None:
        chunk = [caller, *caller.chunk]
        singles = publish_singles(self._keys, [one.single for one in chunk])
        results = self._connection.run_pipelined(singles.calls)
        for place, outcome in singles.outcomes(results):
            chunk[place].outcome = outcome
            chunk[place].wake()
        if isinstance(results[0], ConvoyError):
            self._fail_waiting(results[0])

    def _take(self, caller: _Caller) -> None:
        size = caller.single.size
        chunk: list[_Caller] = []
        caller.chunk = chunk
        while self._waiting and not is_full(len(chunk) + 1, size):
            one = self._next()
            if one is not None:
                chunk.append(one)
                one.sender = weakref.ref(caller)
                size += one.single.size

    def _fail_waiting(self, error: ConvoyError) -> None:
        """Fail all that wait if no connection can be opened, and no other is in use."""
        with self._lock:
            if is_out_of_reach(error) and len(self._senders) == 1:
                while self._waiting:
                    if (one := self._next()) is not None:
                        one.fail(error)

    def _leave(self, caller: _Caller) -> None:
        """Let others send; those whose IDs it has not sent to the end do not know what became of them."""
        caller.is_over = True
        with self._lock:
            for one in caller.chunk:
                one.fail(cut_short(self._connection.shown))
            if (mine := weakref.ref(caller)) in self._senders:
                self._senders.remove(mine)
            if caller.turn is not None and caller.outcome is None:
                self._waiting = deque(one for one in self._waiting if one[0]() not in (caller, None))
                self._bytes = sum(size for _, size in self._waiting)
            if self._waiting:
                self._serve()
