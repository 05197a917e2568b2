"""Pauses before another try: they double up to a limit, and are spread where many would come back at once."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """A capped exponential."""

    first_s: float
    """The pause before the first repetition, in seconds."""
    longest_s: float

    def pause_s(self, tries: int) -> float:
        """Seconds to pause after `tries` repetitions in vain, from 0 on: min(longest, first * 2**tries)."""
        return min(self.longest_s, self.first_s * 2.0 ** min(tries, 64))

    def spread_s(self, tries: int, *, at_least_s: float = 0.0) -> float:
        """The same with full jitter: evenly between `at_least_s` and `pause_s`.

        As in the AWS Architecture Blog's "Exponential Backoff And Jitter"; a crowd spreads out instead of coming back
        at once.
        """
        return random.uniform(at_least_s, max(at_least_s, self.pause_s(tries)))
