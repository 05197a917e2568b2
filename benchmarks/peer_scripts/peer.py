"""The interface that every queue implements, and how its jobs report that they run."""

from __future__ import annotations

import itertools
import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Act: TypeAlias = "Literal['publish', 'unique', 'bulk', 'unique bulk', 'process', 'wake', 'publisher']"

QUEUE = "bench"
CHUNK = 500
"""Jobs per call, or at once, where jobs are published in bulk."""


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do."""

    peer: str
    act: Act
    url: str
    jobs: int = 0
    concurrency: int = 1


class Missing(Exception):
    """This queue has no such thing."""


class Peer(ABC):
    """A queue on the store at `url`, used as its documentation says, with its own default settings."""

    @abstractmethod
    def __init__(self, url: str) -> None:
        """Connect."""

    @abstractmethod
    def publish(self, ids: Sequence[str]) -> None:
        """One job after the other."""

    @abstractmethod
    def work(self, concurrency: int) -> None:
        """Run jobs in this process, each of which calls `tick`, until this process ends. May raise Missing."""

    def publish_unique(self, ids: Sequence[str]) -> None:
        """One after the other, each refused if its ID waits already."""
        raise Missing

    def publish_bulk(self, ids: Sequence[str]) -> None:
        """Many per call, or at once."""
        raise Missing

    def publish_unique_bulk(self, ids: Sequence[str]) -> None:
        """Many, each refused if its ID waits already."""
        raise Missing


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Up to `CHUNK` at a time."""
    return (ids[first : first + CHUNK] for first in range(0, len(ids), CHUNK))


def say(report: object) -> None:
    """One line for the parent."""
    print(json.dumps(report), flush=True)


class _Ticks:
    """The jobs that have run in this process so far. Counting is one step, so threads may do it together."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.started = 0.0
        self.expected: int | None = None


_ticks = _Ticks()


def expect(jobs: int | None) -> None:
    """Report the rate and end when that many have run; with None report the moment of each."""
    _ticks.expected = jobs


def tick() -> None:
    """A job runs. The rate counts from the first that starts to the last that starts, in every queue alike."""
    if _ticks.expected is None:
        say(time.monotonic())
        return
    number = next(_ticks.numbers)
    if number == 1:
        _ticks.started = time.monotonic()
    elif number == _ticks.expected:
        say((number - 1) / (time.monotonic() - _ticks.started))
        os._exit(0)  # not every queue's worker can be told to stop from within a job
