"""The first look of a check: every key of a queue, in slices, for what contradicts the others. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

from convoy_core.checks import FaultKind
from convoy_core.models import Counts
from convoy_core.moves.call import Steps, chunked, command, of
from convoy_core.moves.keys import Keys
from convoy_core.moves.looking import POOLS, counts
from convoy_core.moves.recovering import LATE_MS
from convoy_core.moves.suspicions import LETTERS, Suspicion
from convoy_core.options import BATCH, SMALL_BATCH

MOST: Final = 100_000
"""The most suspicions that a check keeps."""

SEARCHED: Final = 250_000
"""How long a list may be to be searched for a missing ID by one script: a million entries take 14 ms to 29."""

PARTITION: Final = 1_250_000
"""As many IDs of the list are remembered at a time, as numbers of 64 bits: some 100 MB."""

_KINDS: Final = {letter.encode(): kind for kind, letter in LETTERS.items()}


_SMALL_KEYS: Final = (
    "owner",
    "processing",
    "delayed",
    "started",
    "rerun",
    "published",
    "payload",
    "attempts",
    "failures",
    "crashes",
    "failure",
    "cancelling",
    "requests",
    "traces",
)


class Suspicions:
    """What the first look at a queue has found, each once."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self.found: dict[Suspicion, None] = {}
        self.handed: dict[bytes, str] = {}
        """The IDs in claim lists, each with its worker."""
        self.count = count
        """To be told how many entries more have been looked at."""

    @property
    def is_full(self) -> bool:
        """Whether no more are kept, so that it need not look any further."""
        return len(self.found) >= MOST

    def add(self, kind: FaultKind, raw: bytes, worker: str = "") -> None:
        """Note one, unless there are too many."""
        if not self.is_full:
            self.found[Suspicion(kind, raw, worker)] = None


class _Listed:
    """The IDs of the list, as numbers: those of one part of several, so that a list of any length fits."""

    def __init__(self, seen: Suspicions, part: int, parts: int) -> None:
        self._seen = seen
        self._part, self._parts = part, parts
        self._numbers: set[int] = set()

    def note(self, ids: list[bytes], letters: bytes, is_new: bool) -> bool:
        """Remember a slice. One whose entries are surely new tells which of them are in the list already.

        Returns whether there are too many suspicions to go on.
        """
        self._seen.count(len(ids))
        _add_by_letters(self._seen, ids, letters)
        ids = self._mine(ids)
        numbers = {*map(hash, ids)}
        if is_new and (len(numbers) < len(ids) or not self._numbers.isdisjoint(numbers)):
            self._note_duplicates(ids)
        self._numbers |= numbers
        for raw in self._seen.handed.keys() & ids:
            self._seen.add(FaultKind.DUPLICATE, raw, self._seen.handed[raw])
        return self._seen.is_full

    def without(self, ids: list[bytes]) -> list[bytes]:
        """Those of this part that are neither in the list nor handed over."""
        numbers, handed = self._numbers, self._seen.handed
        return [raw for raw in self._mine(ids) if hash(raw) not in numbers and raw not in handed]

    def _mine(self, ids: list[bytes]) -> list[bytes]:
        return ids if self._parts == 1 else [raw for raw in ids if hash(raw) % self._parts == self._part]

    def _note_duplicates(self, ids: list[bytes]) -> None:
        numbers: set[int] = set()
        for raw in ids:
            number = hash(raw)
            if number in numbers or number in self._numbers:
                self._seen.add(FaultKind.DUPLICATE, raw)
            numbers.add(number)


def suspicions(keys: Keys, strays: Iterable[str], count: Callable[[int], None]) -> Steps[Suspicions]:
    """The first look, at everything."""
    seen = Suspicions(count)
    yield from _look_at_claim_lists(keys, strays, seen)
    for name in _SMALL_KEYS:
        yield from _look_at_key(keys, name, 0, seen)
    before: Counts = yield counts(keys)
    parts = max(1, math.ceil(before.queued / PARTITION))
    for part in range(parts):
        listed = _Listed(seen, part, parts)
        since = yield from _read_list(keys, listed.note)
        yield from _look_at_key(keys, "committed", since, seen, listed.without)
    return seen


def without_listed(keys: Keys, suspected: list[Suspicion]) -> Steps[tuple[list[Suspicion], int, bool]]:
    """Without the missing ones that are in the list, where reading it costs less than searching it for each, or where
    it is too long to be searched by one script. Also the length of the list, and whether it was read.
    """
    length: Counts = yield counts(keys)
    left = {one.raw for one in suspected if one.kind is FaultKind.MISSING}
    if not left or (length.queued <= SEARCHED and len(left) <= SMALL_BATCH):
        return suspected, length.queued, False

    def note(ids: list[bytes], letters: bytes, is_new: bool) -> bool:
        left.difference_update(ids)
        return False

    yield from _read_list(keys, note)
    still = [one for one in suspected if one.kind is not FaultKind.MISSING or one.raw in left]
    return still, length.queued, True


def _read_list(keys: Keys, note: Callable[[list[bytes], bytes, bool], bool]) -> Steps[int]:
    """Read the list from its tail on, so that what leaves at its head does not move the rest. `note` is told each
    slice with its letters, and whether its entries are surely new: what arrives at the tail moves the rest. It ends the
    reading by returning True.

    Returns the store's time at the beginning, in Unix ms.
    """
    began, skip, last = 0, 0, b""
    while True:
        now, is_over, before, letters, ids = yield of("check_list", keys, (skip, BATCH), tuple)
        began = began or int(now)
        # Where the list has moved, the last entry of the slice before is in this one.
        is_sure = before == last or last in ids
        first = 0 if before == last or not is_sure else ids.index(last) + 1
        if note(ids[first:], letters[first:], is_sure) or is_over:
            return began
        skip, last = skip + len(ids), ids[-1]


def _add_by_letters(seen: Suspicions, ids: list[bytes], letters: bytes) -> None:
    if letters.strip(b"."):
        for raw, letter in zip(ids, letters, strict=True):
            if (kind := _KINDS.get(bytes([letter]))) is not None:
                seen.add(kind, raw)


def _look_at_key(
    keys: Keys,
    name: str,
    since: int,
    seen: Suspicions,
    sift: Callable[[list[bytes]], list[bytes]] = list,
) -> Steps[None]:
    """`sift` returns those that are suspicious for the caller too; it is for a key with faults of one kind."""
    cursor = b"0"
    while not seen.is_full:
        cursor, looked, found = yield of("check_key", keys, (name, cursor, BATCH, since, LATE_MS), tuple)
        for letter in {*found[::2]}:
            ids = [raw for kind, raw in zip(found[::2], found[1::2], strict=True) if kind == letter]
            for raw in sift(ids):
                seen.add(_KINDS[letter], raw)
        seen.count(looked)
        if cursor == b"0":
            return


def _look_at_claim_lists(keys: Keys, strays: Iterable[str], seen: Suspicions) -> Steps[None]:
    workers = {worker.encode() for worker in strays}
    for name in ("workers", "departed"):
        workers |= yield command("ZRANGE", keys.named(name), 0, -1, read=set)
    for chunk in chunked(sorted(workers), POOLS):
        rows = yield of("check_claim_lists", keys, (LATE_MS, *chunk), list)
        for worker, (ids, letters) in zip(chunk, rows, strict=True):
            name = worker.decode("ascii", "replace")
            seen.count(len(ids))
            for raw, letter in zip(ids, letters, strict=True):
                if raw in seen.handed:
                    seen.add(FaultKind.DUPLICATE, raw, name)
                seen.handed[raw] = name
                if (kind := _KINDS.get(bytes([letter]))) is not None:
                    seen.add(kind, raw, "" if kind is FaultKind.UNCOMMITTED else name)
