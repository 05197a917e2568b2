"""When a pool runs IDs alone that may have killed their workers. Decides by the clock it is given; no I/O.

The store sets such IDs apart, so that the queue flows past them. An idle pool takes them at once. A busy pool drains
for them, but spends at most `SHARE` of its time on that, however long its runs and theirs are.
"""

from __future__ import annotations

from collections.abc import Iterable

SHARE = 0.1
"""Part of its time that a busy pool spends on draining and on running suspects."""

FIRST_PATIENCE_S = 0.1
"""How long the first try to drain may take. Each try that fails doubles it: runs may be long."""

MOST_KNOWN = 100
"""A pool remembers so many. The store hands out what a pool forgets again, after a lease."""


class Suspects:
    """The IDs one pool has seen set apart, and the time it may spend on them. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._apart: dict[bytes, None] = {}
        self._began: float | None = None
        self._not_before = 0.0
        self.patience_s = FIRST_PATIENCE_S
        """How long draining may take this time."""

    def __len__(self) -> int:
        """How many are known to wait."""
        return len(self._apart)

    def note(self, ids: Iterable[bytes]) -> None:
        """The store has set these apart."""
        for id in ids:
            self._apart[id] = None
        while len(self._apart) > MOST_KNOWN:
            self._apart.pop(next(iter(self._apart)))

    def next(self) -> bytes:
        """The one to ask for, which is forgotten: another pool may have it already. Empty if there is none."""
        if not self._apart:
            return b""
        id = next(iter(self._apart))
        del self._apart[id]
        return id

    def may_begin(self, now: float) -> bool:
        """Whether a busy pool can spare the time to run one alone."""
        return now >= self._not_before

    def is_due(self, now: float, *, is_idle: bool) -> bool:
        """Whether to drain for one now. A pool with nothing else to do need not spare anything."""
        return bool(self._apart) and (is_idle or self.may_begin(now))

    def begin(self, now: float) -> None:
        """The pool drains, or runs one alone."""
        if self._began is None:
            self._began = now

    def end(self, now: float, *, has_run: bool) -> None:
        """It claims again: the time spent is made up for before the next try."""
        if self._began is not None:
            self._not_before = now + (now - self._began) * (1 - SHARE) / SHARE
            self._began = None
        self.patience_s = FIRST_PATIENCE_S if has_run else self.patience_s * 2
