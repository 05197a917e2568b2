"""When a pool claims and how many IDs, by what the store's answers tell of the queue. No I/O."""

from __future__ import annotations

import asyncio

from convoy_core.holdings import Holdings
from convoy_core.options import BATCH
from convoy_core.worker_calls import Round

OVERLAP_FROM = 50
"""From this concurrency on half of the slots are filled at a time, so that the store works on one half while the
handlers work on the other. Below, the smaller batches cost more than that gains.
"""


class Claiming:
    """What one pool knows of its queue, and the numbers of its claims."""

    def __init__(self, concurrency: int, holdings: Holdings) -> None:
        self.is_hungry = True
        """Whether the queue may hold something for us."""
        self.is_paused = False
        self.is_waiting = False
        """Whether a wait is under way, with a claim behind it that one slot is kept for."""
        self.is_exclusive = False
        """Whether what runs, or is next, must run by itself: nothing is claimed while anything is held."""
        self.may_wait = asyncio.Event()
        """Whether the queue is known to be empty, so that waiting in BLMOVE makes sense."""
        self._at_once = concurrency if concurrency < OVERLAP_FROM else -(-concurrency // 2)
        self._holdings = holdings
        self._number = 1
        self._fenced = 1

    @property
    def wants(self) -> bool:
        """Whether there is something to claim, and room for it."""
        return self.is_hungry and self._free > 0

    def can_wait(self) -> bool:
        """Whether there is nothing to claim, and room for what a wait may bring; else `may_wait` is cleared."""
        if self.is_hungry or self._free <= 0:
            self.may_wait.clear()
        return self.may_wait.is_set()

    def share(self, kept: int) -> int:
        """How many IDs to claim now, beside `kept` that are held."""
        self.is_exclusive = self.is_exclusive and kept > 0
        return 0 if self.is_exclusive else min(BATCH, self._free, self._at_once)

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

    def learn(self, answer: Round, want: int) -> None:
        """The answer to a claim of up to `want`, which have been added to the holdings."""
        self.is_paused = answer.word == "paused"
        if answer.word == "open":
            if want:
                self.is_hungry = len(answer.claims) == want
            elif self.is_exclusive:
                self.is_hungry = False
            if not self.is_hungry and self._free > 0 and not self.is_exclusive:
                self.may_wait.set()
        elif answer.word == "alone":
            self.is_exclusive = True
            self.is_hungry = not self._holdings
            self.may_wait.clear()
        elif answer.word == "paused":
            self.is_hungry = False
            self.may_wait.clear()

    @property
    def _free(self) -> int:
        return max(0, self._holdings.free - self.is_waiting)
