"""The heartbeat of a pool: renews its lease from a thread of its own, and learns which claims were lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from convoy_core.errors import ConvoyError, OutcomeUnknown, StoreRefused
from convoy_core.moves import working
from convoy_core.moves.call import bounded, chunked
from convoy_core.moves.keys import Keys
from convoy_core.moves.working import Pulse, Renewal
from convoy_core.options import PoolOptions
from convoy_core.store.connection import Connection
from convoy_core.system.logs import Log

log = Log(__name__)


class Heartbeat:
    """Renews a pool's lease, in its own thread and over its own connection.

    So a handler that blocks the event loop does not cost the pool its IDs (F15). `pulse` returns the claims and
    counters of the pool. `report` receives each answer, on the heartbeat's thread. `take_back` is called when the store
    has not got what a pulse says was counted. After a lost reply it may have; then that is lost rather than told twice.
    """

    def __init__(
        self,
        connection: Connection,
        keys: Keys,
        worker: str,
        options: PoolOptions,
        pulse: Callable[[], Pulse],
        report: Callable[[Renewal, str | None], None],
        take_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._worker = worker
        self._options = options
        self._pulse = pulse
        self._report = report
        self._take_back = take_back
        self._stopping = threading.Event()
        self.turned_at = self.answered_at = time.monotonic()
        """When its thread last turned, and the store last answered it. It begins after a registration."""
        self._thread = threading.Thread(target=self._beat, name=f"convoy-heartbeat-{worker[:8]}", daemon=True)

    def start(self) -> None:
        """Begin; the first beat is one interval away."""
        self._thread.start()

    def stop(self) -> None:
        """End after the beat under way; waits no longer than a beat may take."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._connection.close()

    def run_once(self) -> None:
        """Renew once. Raises StoreError."""
        pulse = self._pulse()
        lease_ms = round(self._options.lease_s * 1000)
        chunks = [part for chunk in chunked(pulse.held) for part in bounded(chunk, [len(raw) for raw, _ in chunk])]
        for claims in chunks or [[]]:
            try:
                renewal = self._connection.run(working.renew(self._keys, self._worker, lease_ms, pulse, claims))
            except ConvoyError as error:
                if pulse.counted and not isinstance(error, OutcomeUnknown):
                    self._take_back()
                raise
            if pulse.counted and renewal.epoch is None:
                self._take_back()
            pulse = replace(pulse, counted="")
            self.answered_at = time.monotonic()
            self._report(renewal, self._run_id())

    def _run_id(self) -> str | None:
        with suppress(StoreRefused):  # a worker's permissions need not include looking
            return self._connection.run(working.run_id(self._keys))
        return None

    def _beat(self) -> None:
        # A lost beat is tried again sooner, so that there are several tries within one lease.
        pause = self._options.beat_s
        while not self._stopping.wait(pause):
            self.turned_at = time.monotonic()
            try:
                self.run_once()
                pause = self._options.beat_s
            except ConvoyError as error:
                log.warning("queue %s: heartbeat failed: %s", self._keys.queue, error)
                pause = self._options.beat_s / 4
