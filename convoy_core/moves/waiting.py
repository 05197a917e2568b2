"""Waiting until some IDs have ended, as calls: their states are read until none of them waits or runs. No I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from convoy_core import validation
from convoy_core.models import Details, WaitResult
from convoy_core.moves.call import Steps
from convoy_core.moves.keys import Keys
from convoy_core.moves.looking import show, states
from convoy_core.options import JobID, decode_id, encode_id
from convoy_core.states import State
from convoy_core.validation import Seconds

SHORTEST_S: Final = 0.05
LONGEST_S: Final = 2.0
"""The pauses between two looks. They grow with the time that a look takes, so that a wait for many loads the store
for a fifth of the time at most."""


class Wait:
    """One wait: `look` after each `pause_s`, until that is None."""

    def __init__(
        self,
        ids: Iterable[JobID],
        timeout_s: Seconds | None,
        progress: Callable[[int, int], object] | None,
        *,
        first_failure: bool = False,
    ) -> None:
        seconds = None if timeout_s is None else validation.seconds("timeout_s", timeout_s)
        validation.callback("progress", progress)
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._progress = progress
        self._counts_first = validation.flag("first_failure", first_failure)
        given = validation.many("ids", ids, "job IDs")
        self._left = [*dict.fromkeys(decode_id(encode_id(id)) for id in given)]
        self._number = len(self._left)
        self._failed: list[str] = []
        self._took_s = 0.0

    @property
    def pause_s(self) -> float | None:
        """Seconds to wait before the next look, or None when all have ended, or the time is up."""
        if not self._left:
            return None
        pause_s = max(SHORTEST_S, min(LONGEST_S, 4 * self._took_s))
        if self._deadline is None:
            return pause_s
        left_s = self._deadline - time.monotonic()
        return None if left_s <= 0 else min(pause_s, left_s)

    def look(self, keys: Keys) -> Steps[None]:
        """See which of them have ended. One that ended and was published again since the last look goes on."""
        began = time.monotonic()
        waiting: list[str] = []
        for call in states(keys, self._left):
            found: list[tuple[str, State]] = yield call
            for id, state in found:
                if state is State.FAILED or (self._counts_first and (yield from _has_failed(keys, id, state))):
                    self._failed.append(id)
                elif state.is_committed:
                    waiting.append(id)
        self._left = waiting
        self._took_s = time.monotonic() - began
        if self._progress is not None:
            self._progress(self._number - len(waiting), self._number)

    def result(self) -> WaitResult:
        """How they have ended."""
        done = self._number - len(self._failed) - len(self._left)
        return WaitResult(done, tuple(self._failed), tuple(self._left))


def _has_failed(keys: Keys, id: str, state: State) -> Steps[bool]:
    """Whether a run of it has failed and it will be tried again. While it is queued nobody looks: that may be dear."""
    if state not in (State.DELAYED, State.PROCESSING):
        return False
    details: Details = yield show(keys, id)
    return details.attempt > 1
