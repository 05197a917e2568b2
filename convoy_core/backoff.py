"""Capped exponential backoff: pauses that double up to a limit, with jitter where many clients retry at once."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from `first_s` up to `longest_s`."""

    first_s: float
    """The pause before the first retry, in seconds."""
    longest_s: float

    def pause_s(self, tries: int) -> float:
        """Seconds to pause after `tries` failed retries, from 0: min(longest, first * 2**tries)."""
        return min(self.longest_s, self.first_s * 2.0 ** min(tries, 64))

    def spread_s(self, tries: int, *, at_least_s: float = 0.0) -> float:
        """The same with full jitter: a uniform random time between `at_least_s` and `pause_s`.

        See "Exponential Backoff And Jitter" in the AWS Architecture Blog: many clients do not come back at once.
        """
        return random.uniform(at_least_s, max(at_least_s, self.pause_s(tries)))
