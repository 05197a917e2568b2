"""What may be wrong with an ID, and how a script is asked about it: shared by the check and the repair. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from convoy_core.checks import Fault, FaultKind
from convoy_core.moves.call import bounded, chunked
from convoy_core.options import SMALL_BATCH, decode_id

PASSED: Final = 50_000
"""How many entries of the list one script may pass in searching for IDs, beyond the first of these."""

LETTERS: Final = {
    FaultKind.ORPHANED: "o",
    FaultKind.MISSING: "m",
    FaultKind.DUPLICATE: "d",
    FaultKind.UNLISTED: "l",
    FaultKind.UNCOMMITTED: "u",
    FaultKind.LEFTOVER: "x",
}
"""What the scripts call them."""

_ORDER: Final = [*FaultKind]


class Suspicion(NamedTuple):
    """What a fault would be, with the ID as bytes."""

    kind: FaultKind
    raw: bytes
    worker: str = ""

    @property
    def fault(self) -> Fault:
        """As what callers receive."""
        return Fault(self.kind, decode_id(self.raw), self.worker or None)


def in_order_of_repair(suspected: Iterable[Suspicion]) -> list[Suspicion]:
    """Sorted by what is to be repaired first."""
    return sorted(suspected, key=lambda one: (_ORDER.index(one.kind), one.raw))


def searchable(suspected: list[Suspicion], queued: int) -> Iterator[list[Suspicion]]:
    """In chunks that one script may search the list for: in a long one, for one ID."""
    size = max(1, min(SMALL_BATCH, PASSED // (queued + 1)))
    for chunk in chunked(suspected, size):
        yield from bounded(chunk, [len(one.raw) for one in chunk])


def arguments(chunk: list[Suspicion], *, was_read: bool = False) -> list[bytes | str]:
    """What names them to a script. A list that was read for the missing ones is searched near its ends alone."""
    missing = "M" if was_read else LETTERS[FaultKind.MISSING]
    letters = LETTERS | {FaultKind.MISSING: missing}
    return [argument for one in chunk for argument in (letters[one.kind], one.raw, one.worker)]
