"""What operators do, as calls: the jam guard, requeue, pause and resume, limits. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Final

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.models import Jammed, Outcome, QueueLimits, Then
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
    keys: Keys, entries: Iterable[Jammed], then: Then, *, skip_live: bool, max_crashes: int, by: str = ""
) -> Steps[dict[str, Outcome]]:
    """Free exactly these (ID, start) pairs. `by` is an operator's signature, here as below."""
    check_guard(then, skip_live=skip_live)
    validation.whole("max_crashes", max_crashes, 1)
    rows = [_row(row) for row in validation.many("entries", entries, _JAMMED)]
    outcomes: dict[str, Outcome] = {}
    for chunk in chunked(rows, SMALL_BATCH):
        for part in bounded(chunk, [len(id) for id, _ in chunk]):
            pairs = [argument for row in part for argument in row]
            arguments = (by, then.value, "1" if skip_live else "", max_crashes, *pairs)
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


LOCK_PAUSES: Final = (0.1, 0.2, 0.3, *[0.5] * 11)
"""The pauses between two tries while a guard of a Node client holds the lock: it leaves it for up to 5 s where it has
found nothing to free, and where many of them guard a queue there is no other moment than soon after one has expired."""


def locked(entries: Iterable[Jammed], outcomes: dict[str, Outcome]) -> list[Jammed]:
    """Those that were left to another guard."""
    return [row for row in entries if outcomes.get(row.id) is Outcome.LOCKED]


def freed(outcomes: dict[str, Outcome]) -> list[str]:
    """The IDs that left processing."""
    moved = (Outcome.QUEUED, Outcome.FAILED, Outcome.DISCARDED)
    return [id for id, outcome in outcomes.items() if outcome in moved]


def requeue(keys: Keys, ids: Iterable[JobID], *, front: bool, dry_run: bool, by: str = "") -> Steps[dict[str, Outcome]]:
    """Queue failed IDs again."""
    validation.flag("front", front)
    validation.flag("dry_run", dry_run)
    first = (by, "1" if front else "")
    return per_id("requeue", keys, first, distinct(ids), Outcome, dry_run=dry_run, size=BATCH)


def pause(keys: Keys, *, by: str = "") -> Call[bool]:
    """Stop our workers from claiming."""
    return of("pause", keys, (by,), bool)


def resume(keys: Keys, *, by: str = "") -> Call[bool]:
    """Let them claim again."""
    return of("resume", keys, (by,), bool)


MAX_STARTS = 10**6
"""The most starts per period, and at once. With `MAX_PERIOD_S` it keeps what a script counts below 2**53."""

MAX_PERIOD_S = 31 * 86_400.0


def set_limits(
    keys: Keys,
    concurrency: int | None,
    rate: int | None,
    period_s: Seconds,
    burst: int | None,
    *,
    by: str = "",
) -> Call[bool]:
    """Limit how many runs may go at a time, and how many may begin in a period."""
    if concurrency is not None:
        validation.whole("concurrency", concurrency, 1)
    period = validation.seconds("period_s", period_s, above_zero=True)
    if not 0.001 <= period <= MAX_PERIOD_S:
        raise InvalidOption(f"period_s is {validation.shown(period_s)}; it must be from a millisecond to 31 days.")
    if burst is not None:
        validation.whole("burst", burst, 1, MAX_STARTS)
        if rate is None:
            raise InvalidOption("burst is how many runs may begin at once under a rate; give the rate as well.")
    if rate is None:
        return of("set_limits", keys, (by, concurrency or 0, 0, 0, 0), bool)
    validation.whole("rate", rate, 1, MAX_STARTS)
    numbers = (concurrency or 0, rate, round(period * 1000), burst or smooth(rate, period))
    return of("set_limits", keys, (by, *numbers), bool)


def smooth(rate: int, period_s: float) -> int:
    """How many runs may begin at once where nobody says: those of a tenth of a second, but one at least.

    Few enough to keep the promise of the rate over any period, and as many as come due while a pool asks.
    """
    return min(MAX_STARTS, max(1, ceil(rate / period_s / 10)))


def limits(keys: Keys) -> Call[QueueLimits]:
    """What they are."""
    return of("limits", keys, (), replies.queue_limits)
