"""What operators do, as calls: the jam guard, requeue, pause and resume. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.models import Jammed, Outcome, Then
from convoy_core.moves import replies
from convoy_core.moves.call import Call, Steps, bounded, chunked, distinct, milliseconds, of, per_id
from convoy_core.moves.keys import Keys
from convoy_core.options import BATCH, SMALL_BATCH, JobID, decode_id, encode_stored_id
from convoy_core.validation import Seconds


def jammed(keys: Keys, idle_s: Seconds) -> Steps[list[Jammed]]:
    """Every entry older than `idle_s`: ours by their true start, then Node's by their score."""
    limit = milliseconds("idle_s", idle_s)
    rows: list[Jammed] = []
    for source in ("started", "processing"):
        rank: int | None = 0
        while rank is not None:
            rank, window = yield of("jammed", keys, (source, limit, rank, BATCH), replies.jammed)
            rows += window
    return sorted(rows, key=lambda row: row.start)


def free_jammed(
    keys: Keys, entries: Iterable[Jammed], then: Then, *, skip_live: bool, max_crashes: int
) -> Steps[dict[str, Outcome]]:
    """Free exactly these (ID, start) pairs."""
    check_guard(then, skip_live=skip_live)
    validation.whole("max_crashes", max_crashes, 1)
    rows = [_row(row) for row in validation.many("entries", entries, _JAMMED)]
    outcomes: dict[str, Outcome] = {}
    for chunk in chunked(rows, SMALL_BATCH):
        for part in bounded(chunk, [len(id) for id, _ in chunk]):
            pairs = [argument for row in part for argument in row]
            arguments = (then.value, "1" if skip_live else "", max_crashes, *pairs)
            words = yield of("jam_guard", keys, arguments, replies.outcomes)
            outcomes.update(zip((decode_id(id) for id, _ in part), words, strict=True))
    return outcomes


_JAMMED = "Jammed records, as `jammed` returns"


def _row(row: Jammed) -> tuple[bytes, int]:
    validation.one_of("An entry of entries", row, Jammed, f"one of {_JAMMED}")
    raw = encode_stored_id(row.id)
    try:
        return raw, round(row.start * 1000)
    except (TypeError, ValueError, OverflowError):
        raise InvalidOption(f"The start of an entry is {validation.shown(row.start)}; it must be a time.") from None


def check_guard(then: Then, *, skip_live: bool) -> None:
    """Raise InvalidOption where a jam guard could not be told so."""
    validation.one_of("then", then, Then, "one of Then, like Then.REQUEUE")
    validation.flag("skip_live", skip_live)


def freed(outcomes: dict[str, Outcome]) -> list[str]:
    """The IDs that left processing."""
    moved = (Outcome.QUEUED, Outcome.FAILED, Outcome.DISCARDED)
    return [id for id, outcome in outcomes.items() if outcome in moved]


def requeue(keys: Keys, ids: Iterable[JobID], *, dry_run: bool) -> Steps[dict[str, Outcome]]:
    """Queue failed IDs again."""
    validation.flag("dry_run", dry_run)
    return per_id("requeue", keys, (), distinct(ids), dry_run=dry_run, size=BATCH)


def pause(keys: Keys) -> Call[bool]:
    """Stop our workers from claiming."""
    return of("pause", keys, (), bool)


def resume(keys: Keys) -> Call[bool]:
    """Let them claim again."""
    return of("resume", keys, (), bool)
