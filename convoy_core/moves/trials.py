"""A trial run as calls: the first of some failed IDs go ahead, and the others follow if those went well. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from convoy_core import validation
from convoy_core.models import Details, Outcome, Trial
from convoy_core.moves.call import Steps, distinct
from convoy_core.moves.keys import Keys
from convoy_core.moves.looking import show
from convoy_core.moves.steering import requeue
from convoy_core.moves.waiting import Wait
from convoy_core.options import JobID, decode_id
from convoy_core.validation import Seconds

MOST: Final = 100
"""How many may go ahead: while they run, each is looked at by itself."""


class TrialRun:
    """One trial run: `begin`, then `look` after each `pause_s` until that is None, then `end`."""

    def __init__(self, ids: Iterable[JobID], n: int, timeout_s: Seconds | None, *, by: str = "") -> None:
        self._by = by
        self._n = validation.whole("n", n, 1, MOST)
        self._wait = Wait((), timeout_s, None, first_failure=True)
        self._timeout_s = timeout_s
        self._ids = [decode_id(id) for id in distinct(ids)]
        self._tried: list[str] = []

    @property
    def pause_s(self) -> float | None:
        """Seconds to wait before the next look."""
        return self._wait.pause_s

    def begin(self, keys: Keys) -> Steps[None]:
        """Queue the first that are failed, ahead of all that waits."""
        while len(self._tried) < self._n and self._ids:
            n = self._n - len(self._tried)
            some, self._ids = self._ids[:n], self._ids[n:]
            outcomes = yield from requeue(keys, some, front=True, dry_run=False, by=self._by)
            self._tried += [id for id, outcome in outcomes.items() if outcome is Outcome.QUEUED]
        self._wait = Wait(self._tried, self._timeout_s, None, first_failure=True)
        yield from self._wait.look(keys)

    def look(self, keys: Keys) -> Steps[None]:
        """See how they go."""
        yield from self._wait.look(keys)

    def end(self, keys: Keys) -> Steps[Trial]:
        """Let the others follow, or see what went wrong."""
        result = self._wait.result()
        tried = tuple(self._tried)
        if result.failed or result.left:
            failure = None
            if result.failed:
                details: Details = yield show(keys, result.failed[0])
                failure = details.failure
            return Trial(tried, result.failed, result.left, failure, {})
        outcomes = yield from requeue(keys, self._ids, front=False, dry_run=False, by=self._by)
        return Trial(tried, (), (), None, outcomes)
