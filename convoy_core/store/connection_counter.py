"""Counts the connections that have been opened: a pool compares what it holds with the store after each new one."""

from __future__ import annotations

from itertools import count


class ConnectionCounter:
    """Counts first connections and new ones alike."""

    def __init__(self) -> None:
        self.number = 0
        self._numbers = count(1)

    def note(self) -> None:
        """One more is open; from any thread, so the counting itself is one step."""
        self.number = next(self._numbers)
