"""How long a pool sleeps when a claim of it has met a limit of its queue. No I/O."""

from __future__ import annotations

from convoy_core.backoff import Backoff

UNTIL_WOKEN = Backoff(first_s=2.0, longest_s=2.0)
"""Where a run must end first. The store wakes a pool when one has, but other clients end runs as well."""

LONGEST_S = 30.0
"""What the store has said may be changed, and the pool not be woken: another may take its turn, and then be refused."""

WORTH_WAKING_S = 1.0
"""A pool that sleeps for less does not wait to be woken."""


def pause_s(again_ms: int | None) -> float:
    """How long, by the answer to the claim."""
    if again_ms is None:
        return UNTIL_WOKEN.spread_s(0, at_least_s=WORTH_WAKING_S)
    return min(again_ms / 1000, LONGEST_S)
