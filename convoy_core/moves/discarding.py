"""Discarding as calls: named IDs, what a dry run would find, or the whole of a state. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.models import Counts, IDPage, Outcome
from convoy_core.moves.call import Steps, check_state, distinct, of, per_id
from convoy_core.moves.keys import Keys
from convoy_core.moves.looking import counts, id_page
from convoy_core.options import BATCH, JobID, decode_id
from convoy_core.states import State

if TYPE_CHECKING:
    from convoy_core.moves.saving import Keep

SEARCHED = 100
"""How many IDs a dry run has the store search its list for, one by one; for more the list is read."""


PASSED = 50_000
"""How many entries of the list one script may pass in searching for IDs, beyond the first of these."""


def discard(
    keys: Keys, ids: Iterable[JobID], state: State, *, dry_run: bool, by: str = "", keep: Keep | None = None
) -> Steps[dict[str, Outcome]]:
    """Forget IDs that are in `state`. `by` is an operator's signature."""
    validation.flag("dry_run", dry_run)
    _check_keep(keep)
    _check_discardable(state)
    raw = distinct(ids)
    if keep is not None and not dry_run:
        from convoy_core.moves import saving  # noqa: PLC0415 - few programs discard

        return (yield from saving.discard_named(keys, raw, state, (yield from _size(keys, raw, state)), keep, by=by))
    if state is State.QUEUED and dry_run:
        return (yield from _would_discard(keys, raw))
    return (yield from _each(keys, raw, state, by, dry_run=dry_run))


def discard_all(keys: Keys, state: State, limit: int | None, *, by: str = "", keep: Keep | None = None) -> Steps[int]:
    """Forget as many IDs of `state` as there are now, from its head on; at most `limit`."""
    _check_keep(keep)
    _check_discardable(state)
    if limit is not None:
        validation.whole("limit", limit, 1)
    before: Counts = yield counts(keys)
    left: int = getattr(before, state.value)
    left = left if limit is None else min(left, limit)
    if keep is not None:
        from convoy_core.moves import saving  # noqa: PLC0415 - as above

        return (yield from saving.discard_head(keys, state, left, keep, by=by))
    gone = 0
    while left > 0:
        n: int = yield of("discard_first", keys, (by, state.value, min(left, BATCH)), int)
        gone += n
        left = left - n if n else 0
    return gone


def _would_discard(keys: Keys, raw: list[bytes]) -> Steps[dict[str, Outcome]]:
    """Which of these IDs are queued, for no more than discarding them costs.

    Those that stand together cost next to nothing to take, since each is then the first one; without taking them, each
    search would pass all those before. What reading the list has missed, because the list moved or the ID is not
    there, is searched for, as the deed would do.
    """
    sought = yield from not_listed(keys, raw)
    rest = yield from _each(keys, sought, State.QUEUED, "", dry_run=True)
    return {id: rest.get(id, Outcome.DISCARDED) for id in map(decode_id, raw)}


def not_listed(keys: Keys, raw: list[bytes]) -> Steps[list[bytes]]:
    """Without those that were met in reading the list, which is read where there are many."""
    sought = {decode_id(id) for id in raw}
    start: int | None = 0
    while len(sought) > SEARCHED and start is not None:
        window: IDPage = yield id_page(keys, State.QUEUED, start, BATCH)
        sought.difference_update(window.ids)
        start = window.next
    return [id for id in raw if decode_id(id) in sought]


def searched_at_once(keys: Keys) -> Steps[int]:
    """For how many IDs one script may search the list.

    Finding an ID costs the store up to 14 ms per million entries that it passes, and 240 if they have 16 KiB, so each
    gets its own call when the list may be long; 1,000 entries cost almost nothing.
    """
    length: Counts = yield counts(keys)
    return max(1, min(BATCH, PASSED // (length.queued + 1)))


def _each(keys: Keys, raw: list[bytes], state: State, by: str, *, dry_run: bool) -> Steps[dict[str, Outcome]]:
    size = yield from _size(keys, raw, state)
    return (yield from per_id("discard", keys, (by, state.value), raw, Outcome, dry_run=dry_run, size=size))


def _size(keys: Keys, raw: list[bytes], state: State) -> Steps[int]:
    return (yield from searched_at_once(keys)) if state is State.QUEUED and raw else BATCH


def _check_discardable(state: State) -> None:
    check_state(state)
    if state not in (State.QUEUED, State.DELAYED, State.FAILED):
        raise InvalidOption(f"Only queued, delayed and failed IDs can be discarded, not {state} ones.")


def _check_keep(keep: object) -> None:
    """Raise InvalidOption unless it can keep records, or is None."""
    if keep is not None and not all(callable(getattr(keep, name, None)) for name in ("save", "spare")):
        raise validation.refusal("keep", keep, "a Keep, like a KeptFile, or None")
