"""A clock that a test sets: what is delayed, retried or jammed need not be waited for."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from convoy_core import validation
from convoy_core.aio import AsyncFleet, AsyncQueue
from convoy_core.errors import InvalidOption
from convoy_core.queue import Fleet, Queue
from convoy_core.validation import Seconds

LATEST: Final = 100_000_000_000.0
"""Scores of a sorted set hold milliseconds exactly up to far beyond that."""


class Clock:
    """The time of all calls of these queues and fleets, from now on and until `release`.

    It stands still until it is set. The queues of a fleet share its clock. Others, worker pools among them, still go by
    the time of the store. Raises InvalidOption.
    """

    def __init__(self, *of: Queue | AsyncQueue | Fleet | AsyncFleet, at: float | datetime = 1_700_000_000.0) -> None:
        if not of:
            raise InvalidOption("A clock needs a queue or a fleet whose time it is.")
        for each in of:
            validation.one_of("A clock's queue", each, Queue | AsyncQueue | Fleet | AsyncFleet, "a queue or a fleet")
        self._connections = [each._connection for each in of]
        self._now = 0.0
        self.set(at)

    @property
    def now(self) -> float:
        """The time, in Unix seconds."""
        return self._now

    def set(self, at: float | datetime) -> None:
        """Set it, in Unix seconds or as a datetime that knows its zone. It may go back. Raises InvalidOption."""
        self._now = _seconds(at)
        for connection in self._connections:
            connection.now_ms = round(self._now * 1000)

    def advance(self, by: Seconds | timedelta) -> None:
        """Let this much time pass. Raises InvalidOption."""
        self.set(self._now + validation.seconds("by", by))

    def release(self) -> None:
        """Go by the time of the store again."""
        for connection in self._connections:
            connection.now_ms = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _seconds(at: object) -> float:
    if isinstance(at, datetime) and at.tzinfo is not None:
        return at.timestamp()
    if isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at < LATEST:
        return float(at)
    raise validation.refusal("at", at, "Unix seconds, or a datetime that knows its time zone")
