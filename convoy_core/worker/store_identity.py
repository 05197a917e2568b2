"""Notices that a pool may be talking to another store than before, or to the same one with older contents. No I/O.

A store that was killed and restarted, or a replica that was promoted, may have forgotten what it had acknowledged
(F36, F63). A new connection or another `run_id` is the only sign; no call need fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Mark(NamedTuple):
    """What was known of the store at one moment."""

    opened: int
    run_id: str | None


class StoreIdentity:
    """`opened` tells how many connections the pool has opened so far."""

    def __init__(self, opened: Callable[[], int]) -> None:
        self._opened = opened
        self._run_id: str | None = None
        self._compared = Mark(0, None)

    def mark(self) -> Mark:
        """To be taken before comparing, since the store may be replaced meanwhile."""
        return Mark(self._opened(), self._run_id)

    def saw(self, run_id: str | None) -> None:
        """The server's `run_id`, as a heartbeat was told; None where the pool may not ask."""
        self._run_id = run_id or self._run_id
        if self._compared.run_id is None:
            self._compared = self._compared._replace(run_id=self._run_id)

    def accept(self, mark: Mark) -> None:
        """What the pool holds was compared with a store that was asked after `mark` was taken."""
        self._compared = mark

    def has_changed(self) -> bool:
        """Whether the pool may meet another store than the one it has compared itself with."""
        return self._opened() != self._compared.opened or self._run_id != self._compared.run_id
