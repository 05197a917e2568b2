"""How many runs may go at once after some could not be started, and why: fewer for a while, growing back. No I/O.

What could not be started is released, and could be claimed again at once. So while nothing can be started, nothing is
claimed, for a pause that grows with each failed attempt. Runs under way keep their slots meanwhile.
"""

from __future__ import annotations

from convoy_core.backoff import Backoff

PAUSES = Backoff(first_s=0.5, longest_s=30.0)
"""Pauses before more is tried than went at the last shortage, until it is over."""

STEP_S = 1.0
"""Then, in steps of this length, a quarter more, and at least one."""


class Slots:
    """Places for runs. Times are of one clock that only goes forward."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.why: str | None = None
        """What is short; None while all slots can be used."""
        self._level = most
        self._tries = 0
        self._grows_from = 0.0

    def resize(self, most: int) -> None:
        """There are more places now, or fewer. What holds back after a shortage stays so."""
        self.most = most

    def refuse(self, now: float, going: int, why: str) -> bool:
        """A run could not be started, beside so many that go on; whether that begins a new pause."""
        allowed = self.allowed(now)
        is_new = self.why is None or now >= self._grows_from
        if is_new:
            self._tries = 0 if self.why is None else self._tries + 1
            self._grows_from = now + PAUSES.pause_s(self._tries)
        self.why = why
        self._level = min(allowed, going)
        return is_new

    def allowed(self, now: float) -> int:
        """How many may go at this time."""
        if self.why is None:
            return self.most
        level = self._level
        for _ in range(self._steps(now)):
            level += max(1, level // 4)
            if level >= self.most:
                break
        return min(level, self.most)

    def look(self, now: float) -> float | None:
        """Seconds until more may go; None when all may, and the shortage is over."""
        if self.allowed(now) == self.most:
            self.why = None
            return None
        return self._grows_from + self._steps(now) * STEP_S - now

    def _steps(self, now: float) -> int:
        return 0 if now < self._grows_from else 1 + int((now - self._grows_from) / STEP_S)
