"""The progress of workers in numbers: of one pool, or of several processes added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Any, Self

from convoy_core import PoolState, PoolStatus
from convoy_tui.cli.io.styled import Styled
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, number

_WORDS = {
    "failed": "failed",
    "retried": "retried",
    "deferred": "asked for later",
    "discarded": "discarded",
    "released": "released",
    "cancelled": "cancelled",
    "stale": "too late (somebody else had the ID)",
    "unknown": "unknown (the store went away)",
}


@dataclass(frozen=True, slots=True)
class WorkTally:
    """The number of runs by their end. The names are those of PoolStatus."""

    done: int = 0
    failed: int = 0
    retried: int = 0
    deferred: int = 0
    discarded: int = 0
    released: int = 0
    cancelled: int = 0
    stale: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, status: PoolStatus) -> Self:
        """The tally of one pool."""
        return cls(**{field.name: getattr(status, field.name) for field in fields(cls)})

    def __add__(self, other: WorkTally) -> WorkTally:
        """The sum of both."""
        names = [field.name for field in fields(self)]
        return WorkTally(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def record(self) -> dict[str, int]:
        """The members of a JSON document."""
        return asdict(self)

    @property
    def words(self) -> str:
        """A sentence with `done`, and the other numbers that are not 0."""
        others = [(getattr(self, name), word) for name, word in _WORDS.items()]
        return ", ".join([f"{number(self.done)} done"] + [f"{number(n)} {word}" for n, word in others if n])


@dataclass(frozen=True, slots=True)
class Progress:
    """The current state of workers, for the progress line."""

    state: str
    tally: WorkTally = WorkTally()
    running: int = 0
    longest: tuple[str, float] | None = None
    """The ID that has run longest, and its seconds."""
    error: str | None = None
    is_live: bool = True
    is_ready: bool = False

    @classmethod
    def of(cls, status: PoolStatus) -> Self:
        """One pool's."""
        longest = max(status.running, key=lambda run: run[1], default=None)
        return cls(
            str(status.state),
            WorkTally.of(status),
            len(status.running),
            longest,
            status.error or status.barred or status.shortage,
            status.is_live or status.state is PoolState.STOPPED,  # its process ends, and is replaced or not
            status.is_ready,
        )

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """The inverse of `asdict`, after JSON."""
        longest = record["longest"]
        values = {**record, "tally": WorkTally(**record["tally"]), "longest": longest and (longest[0], longest[1])}
        return cls(**values)

    @property
    def is_at_work(self) -> bool:
        """Whether the pool is registered and has not ended."""
        return self.state not in (PoolState.IDLE, PoolState.STARTING, PoolState.STOPPED)

    @property
    def is_stopping(self) -> bool:
        """Whether a stop has begun."""
        return "stopping" in self.state

    @property
    def words(self) -> str:
        """State, tally and how many run, in a sentence."""
        return " · ".join((self.state, self.tally.words, f"{number(self.running)} running"))

    def line(self, width: int) -> Styled:
        """State, tally and the job that has run longest, in one line."""
        line = Styled.of(self.words)
        if self.longest:
            id, seconds = self.longest
            rest = f" · longest {age(seconds)}: "
            line.append(rest + safe(id, max(0, width - line.cells - len(rest) - 1)), "dim")
        if self.error:
            line.append(f" · {safe(self.error, 60)}", "yellow")
        return line


def together(parts: Sequence[Progress], before: WorkTally) -> Progress:
    """The progress of several processes added up. `before` is the tally of those that have ended."""
    states = list(dict.fromkeys(part.state for part in parts))
    numbers = [(sum(part.state == state for part in parts), state) for state in states]
    words = [f"{n} {state}" for n, state in numbers]
    if numbers:
        n, state = numbers[0]
        words[0] = f"{n} process{'' if n == 1 else 'es'} {state}"
    longest = max((part.longest for part in parts if part.longest), key=lambda run: run[1], default=None)
    return Progress(
        ", ".join(words) or "no process",
        sum(map(attrgetter("tally"), parts), before),
        sum(part.running for part in parts),
        longest,
        next((part.error for part in parts if part.error), None),
        all(part.is_live for part in parts),
        any(part.is_ready for part in parts),
    )
