"""Cancelling as calls: what waits becomes absent, and what runs is asked to end. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from convoy_core import validation
from convoy_core.models import Cancelled
from convoy_core.moves.call import Steps, distinct, per_id
from convoy_core.moves.discarding import not_listed, searched_at_once
from convoy_core.moves.keys import Keys
from convoy_core.options import BATCH, JobID, decode_id


def cancel(keys: Keys, ids: Iterable[JobID], *, dry_run: bool, by: str = "") -> Steps[dict[str, Cancelled]]:
    """Cancel these IDs, wherever they are. `by` is an operator's signature."""
    validation.flag("dry_run", dry_run)
    raw = distinct(ids)
    if not raw:
        return {}
    # A dry run takes nothing out of the list, so each search would pass all that it has found before: see `discard`.
    sought = (yield from not_listed(keys, raw)) if dry_run else raw
    size = yield from searched_at_once(keys)
    answers = yield from per_id("cancel", keys, (by, ""), sought, Cancelled, dry_run=dry_run, size=size)
    met = [id for id in raw if decode_id(id) not in answers]
    answers |= yield from per_id("cancel", keys, ("", "1"), met, Cancelled, dry_run=True, size=BATCH)
    return {id: answers[id] for id in map(decode_id, raw)}
