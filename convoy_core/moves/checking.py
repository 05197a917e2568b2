"""The check of a queue as calls: what contradicts what, looked at again until only faults are left. No I/O.

The first look reads every key in slices, so that no script holds the store for long. What it suspects may only have
been on its way: a Node client makes a move in two commands. So each suspicion is looked at again, by its own ID and at
one instant, several times over a grace time. A repair looks once more, in the script that writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeAlias

from convoy_core import validation
from convoy_core.checks import QueueCheck
from convoy_core.errors import StoreDamaged
from convoy_core.moves.call import Steps, of
from convoy_core.moves.first_look import suspicions, without_listed
from convoy_core.moves.keys import Keys, Keyspace
from convoy_core.moves.looking import scan
from convoy_core.moves.recovering import LATE_MS
from convoy_core.moves.suspicions import Suspicion, arguments, in_order_of_repair, searchable
from convoy_core.validation import Seconds

LOOKS: Final = 4
"""How often a suspicion is looked at again during the grace time. An ID that is on its way at one instant of a hundred
is so at all of these in one of a hundred million checks."""

Progress: TypeAlias = Callable[[int, int], object]
"""Told how many entries have been looked at, and about how many there are."""


class Check:
    """One check of some queues: `first`, then `again` after each `pause_s`, until that is None."""

    def __init__(self, keyspace: Keyspace, grace_s: Seconds, progress: Progress | None) -> None:
        self._keyspace = keyspace
        self._queues: dict[str, Keys] = {}
        self._grace_s = validation.seconds("grace_s", grace_s)
        validation.callback("progress", progress)
        self._progress = progress
        self._left: dict[str, list[Suspicion]] = {}
        self._damage: dict[str, str] = {}
        self._cut: set[str] = set()
        self._examined: Counter[str] = Counter()
        self._total = 0
        self._looks = 0

    @property
    def pause_s(self) -> float | None:
        """Seconds to wait before the next look, or None when there is nothing left to look at."""
        is_over = self._looks > LOOKS or not any(self._left.values())
        return None if is_over else self._grace_s / LOOKS

    def first(self, names: Iterable[str]) -> Steps[None]:
        """Look at everything in these queues."""
        self._looks += 1
        self._queues = {name: self._keyspace.queue(name, existing=True) for name in names}
        strays = yield from _stray_workers(self._keyspace)
        for name, keys in self._queues.items():
            with self._noting_damage(name):
                self._total += yield of("entries", keys, (), int)
        for name, keys in self._queues.items():
            if name in self._damage:
                continue
            with self._noting_damage(name):
                seen = yield from suspicions(keys, strays.get(name, ()), partial(self._count, name))
                self._left[name] = [*seen.found]
                if seen.is_full:
                    self._cut.add(name)

    def again(self) -> Steps[None]:
        """Look once more at what is still suspected."""
        self._looks += 1
        for name, suspected in [*self._left.items()]:
            with self._noting_damage(name):
                self._left[name] = yield from _still_suspected(self._queues[name], suspected)

    def result(self) -> list[QueueCheck]:
        """What was found, per queue."""
        return [
            QueueCheck(
                name,
                tuple(one.fault for one in in_order_of_repair(self._left.get(name, ()))),
                self._examined[name],
                name not in self._cut,
                self._damage.get(name),
            )
            for name in self._queues
        ]

    def _count(self, name: str, n: int) -> None:
        self._examined[name] += n
        if self._progress is not None:
            done = self._examined.total()
            self._progress(done, max(done, self._total))

    @contextmanager
    def _noting_damage(self, name: str) -> Iterator[None]:
        try:
            yield
        except StoreDamaged as error:
            self._damage[name] = str(error)
            self._left.pop(name, None)


def _stray_workers(keyspace: Keyspace) -> Steps[dict[str, set[str]]]:
    """By a scan of the store: the workers that have a claim list, per queue."""
    found: dict[str, set[str]] = {}

    def note(keys: list[bytes]) -> None:
        for queue, worker in filter(None, map(keyspace.claim_list_of, keys)):
            found.setdefault(queue, set()).add(worker)

    yield from scan(keyspace, note)
    return found


def _still_suspected(keys: Keys, suspected: list[Suspicion]) -> Steps[list[Suspicion]]:
    """Those of the suspicions that hold now, each looked at for itself."""
    left, queued, was_read = yield from without_listed(keys, suspected)
    still: list[Suspicion] = []
    for chunk in searchable(left, queued):
        held = yield of("check_ids", keys, (LATE_MS, *arguments(chunk, was_read=was_read)), list)
        still += [one for one, is_held in zip(chunk, held, strict=True) if is_held]
    return still
