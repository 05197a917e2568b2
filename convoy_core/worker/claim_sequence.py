"""How many IDs a pool claims at once, and under which numbers. No I/O."""

from __future__ import annotations

from convoy_core.options import BATCH

OVERLAP_FROM = 50
"""The least concurrency at which half of the slots are filled at a time.

The store then works on one half while the handlers work on the other. Below, smaller batches cost more than that gains.
"""


class ClaimSequence:
    """The size of one pool's claims, and their numbers: with the worker's ID a number is the fencing token."""

    def __init__(self, concurrency: int) -> None:
        self.resize(concurrency)
        self._number = 1
        self._fenced = 1

    def resize(self, concurrency: int) -> None:
        """The pool has more slots now, or fewer."""
        self._at_once = concurrency if concurrency < OVERLAP_FROM else -(-concurrency // 2)

    def share(self, free: int) -> int:
        """How many IDs to claim now for so many free slots."""
        return max(0, min(BATCH, free, self._at_once))

    def spend(self, n: int) -> int:
        """The first of `n` numbers for claims: spent even when the reply is lost, so that no token is used twice."""
        first, self._number = self._number, self._number + n
        return first

    def fence(self) -> int:
        """The store is being asked about all claims so far; the number of the next one."""
        self._fenced = self._number
        return self._fenced

    def is_known(self, number: int) -> bool:
        """Whether the store has been asked about that claim since: an answer that tells of it comes too late."""
        return number < self._fenced
