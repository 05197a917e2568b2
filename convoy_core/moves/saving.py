"""Discarding what has been saved first, as calls: records are handed over before their IDs are discarded. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from convoy_core.models import Outcome
from convoy_core.moves.call import Argument, Steps, bounded, chunked, of
from convoy_core.moves.dumping import Row, dump_rows, named_rows, row
from convoy_core.moves.keys import Keys
from convoy_core.options import BATCH, decode_id
from convoy_core.records import Record
from convoy_core.states import State

DEPTH: Final = 10 * BATCH
"""How far into the list the IDs are looked for that were its head just now. What is not there has been claimed."""

VAIN: Final = 10
"""After so many slices of which nothing was left to discard, workers are faster, and the rest is theirs."""


class Keep(Protocol):
    """Keeps what is discarded: `convoy_core.kept.KeptFile` is one.

    Records come in slices. A slice is saved before any of its IDs is discarded; what `save` raises stops the discard
    there. After the discard of a slice its end is told, with the IDs that were not discarded after all.
    """

    def save(self, records: Sequence[Record]) -> None:
        """Save these, before they are discarded."""

    def spare(self, ids: Sequence[str]) -> None:
        """The end of a slice: the records of these IDs are void, since they were not discarded."""


def discard_named(
    keys: Keys, raw: list[bytes], state: State, size: int, keep: Keep, *, by: str
) -> Steps[dict[str, Outcome]]:
    """Save the records of these IDs, up to `size` at a time, and discard those that are in the state."""
    outcomes = dict.fromkeys(map(decode_id, raw), Outcome.GONE)
    for chunk in chunked(raw, size):
        for part in bounded(chunk, [*map(len, chunk)]):
            left = part
            while left:
                rows: list[Row | None] = yield named_rows(keys, state, left)
                left = left[len(rows) :]
                for id in (yield from _save_and_discard(keys, [one for one in rows if one], state, 0, keep, by)):
                    outcomes[id] = Outcome.DISCARDED
    return outcomes


def discard_head(keys: Keys, state: State, n: int, keep: Keep, *, by: str) -> Steps[int]:
    """Save and discard the first `n` IDs of a state."""
    gone = vain = 0
    while gone < n and vain < VAIN:
        rows: list[Row] = yield dump_rows(keys, state)
        if not rows:
            break
        discarded = yield from _save_and_discard(keys, rows[: n - gone], state, DEPTH, keep, by)
        gone += len(discarded)
        vain = 0 if discarded else vain + 1
    return gone


def _save_and_discard(keys: Keys, rows: list[Row], state: State, depth: int, keep: Keep, by: str) -> Steps[list[str]]:
    """Those that were discarded."""
    if not rows:
        return []
    keep.save([one.record for one in rows])
    pairs: Iterator[Argument] = (part for one in rows for part in (one.raw_id, one.digest))
    told: list[Any] = yield of("discard_saved", keys, (by, state.value, depth, *pairs), list)
    gone = [one.record.id for one, word in zip(rows, told, strict=True) if word == b"gone"]
    # Between the two scripts a publish was absorbed, or a payload replaced. What was saved is a moment old.
    newer = [row(state, word).record for word in told if isinstance(word, list)]
    keep.spare(gone + [record.id for record in newer])
    if newer:
        keep.save(newer)
        keep.spare([])
    return [one.record.id for one, word in zip(rows, told, strict=True) if word != b"gone"]
