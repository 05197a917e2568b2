"""The poller: reads the store at an interval, which is longer out of focus and grows while the store is unreachable.

It knows no widget. It keeps the state of the connection, and calls `changed` when that or the numbers are new.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from convoy_core import Backoff, ConvoyError
from convoy_tui.dashboard.board.board import Link, LinkState
from convoy_tui.dashboard.source import Reading

log = logging.getLogger(__name__)

RETRIES = Backoff(first_s=1.0, longest_s=15.0)
"""Pauses between attempts to reach the store again."""
INTERVALS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_UNSEEN_S = 5.0
"""The shortest interval while the terminal is not in front."""


class Poller:
    """Reads the store at an interval."""

    def __init__(
        self,
        look: Callable[[], Awaitable[Reading]],
        changed: Callable[[Reading | None, str], None],
        *,
        interval_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._look = look
        self._changed = changed
        self._clock = clock
        self._jitter = jitter
        self._wake = asyncio.Event()
        self.link = Link()
        self.interval_s = interval_s
        self.is_frozen = False
        self.is_unseen = False
        self._is_asked = False

    async def run(self) -> None:
        """Poll until cancelled. No error ends it."""
        while True:
            wait_s = await self.look_once()
            self._is_asked = False
            await self._pause(None if self.is_frozen else wait_s)
            while self.is_frozen and not self._is_asked:
                await self._pause(None)

    async def look_once(self) -> float:
        """Read once. Returns how long to wait until the next time."""
        try:
            reading = await self._look()
        except ConvoyError as error:
            return self._lose(str(error), getattr(error, "word", ""))
        except Exception as error:
            log.exception("a look at the store ended unexpectedly")
            return self._lose(f"Unexpected {type(error).__name__}: {error}")
        return self._hear(reading)

    @property
    def pace_s(self) -> float:
        """How often it reads now."""
        return max(self.interval_s, _UNSEEN_S) if self.is_unseen else self.interval_s

    def hurry(self) -> None:
        """Read now, even if frozen."""
        self._is_asked = True
        self._wake.set()

    def freeze(self, *, is_frozen: bool) -> None:
        """Stop reading, or go on."""
        self.is_frozen = is_frozen
        self._wake.set()

    def step(self, by: int) -> float:
        """Read more or less often. Returns the new interval."""
        nearest = min(range(len(INTERVALS_S)), key=lambda i: abs(INTERVALS_S[i] - self.interval_s))
        self.interval_s = INTERVALS_S[max(0, min(len(INTERVALS_S) - 1, nearest + by))]
        self._wake.set()
        return self.interval_s

    def _hear(self, reading: Reading) -> float:
        now = self._clock()
        away_s = now - self.link.lost_at if self.link.lost_at is not None else None
        self.link = Link(LinkState.LIVE, reading.round_trip_s, reading.at, heard_at=now)
        back = "" if away_s is None else f"back after {max(0.0, away_s):.0f} s"
        self._tell(reading, back)
        return self.pace_s

    def _lose(self, reason: str, word: str = "") -> float:
        now = self._clock()
        step = RETRIES.pause_s(self.link.tries)
        wait_s = step * (0.75 + self._jitter() / 2)
        self.link = replace(
            self.link,
            state=LinkState.LOST,
            lost_at=now if self.link.lost_at is None else self.link.lost_at,
            reason=reason,
            word=word,
            tries=self.link.tries + 1,
            retry_at=now + wait_s,
        )
        self._tell(None, "")
        return wait_s

    def _tell(self, reading: Reading | None, back: str) -> None:
        try:
            self._changed(reading, back)
        except Exception:
            log.exception("what was read could not be shown")

    async def _pause(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._wake.clear()
