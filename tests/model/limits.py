"""The limits of a queue in the reference model: how many runs may begin, who waits in line, and who is woken."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, inf
from typing import NamedTuple

from convoy_core.moves.steering import smooth

TURN_MS = 1000


class Set(NamedTuple):
    """What an operator has set; 0 is no limit."""

    concurrency: int = 0
    rate: int = 0
    period_ms: int = 0
    burst: int = 0


NONE = Set()


def as_set(concurrency: int | None, rate: int | None, period_s: float, burst: int | None) -> Set:
    """The same from the arguments of `set_limits`."""
    if rate is None:
        return Set(concurrency or 0)
    return Set(concurrency or 0, rate, round(period_s * 1000), burst or smooth(rate, period_s))


@dataclass(slots=True)
class Limits:
    """Of one queue."""

    are: Set = NONE
    used: float = 0
    """Starts missing from the full bucket at `at`, times the period."""
    at: int | None = None
    line: dict[str, int] = field(default_factory=dict)
    """Worker -> since when it waits."""
    woken: set[str] = field(default_factory=set)

    def set(self, to: Set, now: int) -> bool:
        """By an operator; what has begun counts on."""
        if to == self.are:
            return False
        begun = self._used(now) / self.are.period_ms if self.are.rate else 0
        self.are = to
        self.used, self.at = 0, None
        if begun > 0 and to.rate:
            self.used, self.at = ceil(min(begun, to.burst) * to.period_ms), now
        self.woken |= self.line.keys()
        if not self.are.concurrency and not self.are.rate:
            self.line = {}
        return True

    @property
    def is_set(self) -> bool:
        """Whether there are any."""
        return bool(self.are.concurrency or self.are.rate)

    def _used(self, now: int) -> float:
        passed = max(0, now - self.at) if self.at is not None else now
        return max(0, self.used - passed * self.are.rate)

    def _left(self, used: float) -> float:
        if not self.are.rate:
            return inf
        return max(0, (self.are.burst * self.are.period_ms - used) // self.are.period_ms)

    def begin(self, worker: str, want: int, running: int, now: int) -> Claim:
        """A claim for which `want` could begin."""
        used = self._used(now) if self.are.rate else 0
        places = max(0, self.are.concurrency - running) if self.are.concurrency else inf
        claim = Claim(self, worker, want, now, used, places, min(now, self.line.get(worker, now)))
        claim.others = sorted((since, other) for other, since in self.line.items() if other != worker)
        claim.room = min(places, self._left(used))
        while want and len(claim.passed) < claim.room and claim.others:
            since, other = claim.others[0]
            if since >= min(claim.since, now - TURN_MS):
                break
            claim.passed.append(other)
            del claim.others[0], self.line[other]
        claim.may = int(min(want, claim.room - len(claim.passed)))
        return claim

    def contents(self) -> dict[str, str]:
        """The hash."""
        names = {"concurrency": self.are.concurrency, "rate": self.are.rate}
        names |= {"period": self.are.period_ms, "burst": self.are.burst}
        found = {name: str(n) for name, n in names.items() if n}
        if self.at is not None:
            found |= {"used": str(int(self.used)), "at": str(self.at)}
        return found | {f"turn:{worker}": str(since) for worker, since in self.line.items()}


@dataclass(slots=True)
class Claim:
    """One claim under limits."""

    limits: Limits
    worker: str
    want: int
    now: int
    used: float
    places: float
    since: int
    may: int = 0
    room: float = 0
    others: list[tuple[int, str]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)

    def end(self, begun: int, popped: int, word: str, *, waits: bool) -> tuple[str, int | None]:
        """The word of its answer, and when to come again."""
        limits = self.limits
        if limits.are.rate and (begun or (limits.at or 0) > self.now):
            self.used += begun * limits.are.period_ms
            limits.used, limits.at = self.used, self.now
        is_held_back = word == "open" and waits and self.may < self.want and popped >= self.may
        if is_held_back and not begun:
            limits.line[self.worker] = self.since
        else:
            limits.line.pop(self.worker, None)
        if waits:
            n = min(self.room - begun - len(self.passed), len(self.others))
            limits.woken |= {*self.passed, *(other for _, other in self.others[: int(n)])}
        if not is_held_back:
            return word, None
        if self.places - begun - len(self.passed) <= 0:
            return "limited", None
        ahead = len(self.passed) + len([1 for since, _ in self.others if begun or since < self.since])
        missing = self.used + (ahead + 1 - limits.are.burst) * limits.are.period_ms
        return "limited", max(0, ceil(missing / limits.are.rate)) if limits.are.rate else 0
