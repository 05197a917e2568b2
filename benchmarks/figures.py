"""Figures over several rounds, their goals, and the rows that show both."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity as it came out in each round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.rounds)

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.rounds)

    @property
    def high(self) -> float:
        """The largest."""
        return max(self.rounds)

    def over(self, other: Figure) -> Figure | None:
        """This divided by the other, round by round; None when the other is nothing."""
        if not all(other.rounds):
            return None
        return Figure(tuple(mine / its for mine, its in zip(self.rounds, other.rounds, strict=True)))

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        return {"median": self.median, "min": self.low, "max": self.high, "rounds": list(self.rounds)}


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A goal that is reached from below."""

    number: float
    of_the_ratio: bool = False
    """Whether the ratio to the limit is meant, and not the figure itself."""

    def is_reached(self, value: float) -> bool:
        """Whether `value` is good enough."""
        return value >= self.number


@dataclass(frozen=True, slots=True)
class AtMost:
    """A goal that is kept from above."""

    number: float
    of_the_ratio: bool = False

    def is_reached(self, value: float) -> bool:
        """Whether `value` is good enough."""
        return value <= self.number


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure, what the bare store does in the same rounds, and whether that is good enough."""

    name: str
    """By which `--only` chooses it; those of one measurement begin alike."""
    what: str
    unit: str
    figure: Figure
    limit: Figure
    limit_is: str
    """What was measured as the limit."""
    goal: AtLeast | AtMost | None = None
    beside: Mapping[str, Figure] = field(default_factory=dict)
    """What else was measured in the same rounds, in the same unit."""
    note: str = ""

    @property
    def ratio(self) -> Figure | None:
        """Figure over limit."""
        return self.figure.over(self.limit)

    @property
    def is_reached(self) -> bool | None:
        """Whether the goal is reached by the median; None without a goal."""
        if self.goal is None:
            return None
        measured = self.ratio if self.goal.of_the_ratio else self.figure
        return measured is not None and self.goal.is_reached(measured.median)

    def as_record(self) -> dict[str, Any]:
        """For JSON."""
        goal = self.goal
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "figure": self.figure.as_record(),
            "limit": self.limit.as_record(),
            "limit_is": self.limit_is,
            "ratio": self.ratio.as_record() if self.ratio else None,
            "goal": goal
            and {
                "kind": "at least" if isinstance(goal, AtLeast) else "at most",
                "number": goal.number,
                "of": "ratio" if goal.of_the_ratio else "figure",
                "reached": self.is_reached,
            },
            "beside": {label: figure.as_record() for label, figure in self.beside.items()},
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured, and over which transport."""

    rounds: int = 5
    is_quick: bool = False
    transport: str = "tcp"
    """`tcp` for the loopback interface, or `unix` for a unix socket."""
    ids: int = 1_000_000
    """How many IDs the pool works off whose memory is watched."""

    def size(self, full: int, quick: int) -> int:
        """How many of something: `full`, or when it has to be quick, `quick`."""
        return quick if self.is_quick else full


def columns(rounds: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    """The figures of measurements that were taken together, round by round."""
    return {name: Figure(tuple(each[name] for each in rounds)) for name in rounds[0]}


def seconds_of(act: Callable[[], object]) -> float:
    """How long it took."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def peak_mib(act: Callable[[], object]) -> float:
    """The most memory of Python's that it took."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1] / 1024 / 1024
    finally:
        tracemalloc.stop()
