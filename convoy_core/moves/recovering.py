"""Recovery as calls: workers whose lease has expired, what they hold, and taking it back. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from convoy_core.moves import replies
from convoy_core.moves.call import Call, Steps, bounded, chunked, command, of
from convoy_core.moves.keys import Keys
from convoy_core.options import BATCH, BATCH_BYTES, SMALL_BATCH, decode_id

LATE_MS = 10_000
"""How long a wait may outlive its worker at the store: its block (2 s), the read timeout (5 s), and some more."""

DEPARTED_MS = 3_600_000
"""How long the claim list of an unregistered worker is audited. Only a wait that arrives late can fill it, and no
network holds a request for an hour: TCP gives up after a quarter of one."""


def expired_leases(keys: Keys, start: int = 0) -> Call[tuple[float, list[str]]]:
    """The store's time in Unix seconds, and up to `BATCH` workers whose lease has run out, the longest silent first.

    The first `start` of them are left out.
    """
    return of("expired_leases", keys, (start, BATCH), _expired_leases)


def _expired_leases(reply: list[Any]) -> tuple[float, list[str]]:
    now, *workers = reply
    return now / 1000, [worker.decode("ascii", "replace") for worker in workers]


def unregistered_holders(keys: Keys, cursor: int) -> Call[tuple[int, list[str]]]:
    """The cursor for the next call (0 at the end), and the unregistered workers among about `BATCH` owners."""
    return of("unregistered_holders", keys, (cursor, BATCH), _unregistered_holders)


def _unregistered_holders(reply: list[Any]) -> tuple[int, list[str]]:
    cursor, *workers = reply
    return int(cursor), [worker.decode("ascii", "replace") for worker in workers]


def reclaim(keys: Keys, skip: int) -> Call[tuple[int, int]]:
    """Give back IDs that were handed to workers after they were unregistered, for up to `BATCH` workers.

    Returns how many workers to skip in the next call (0 at the end), and the number of IDs.
    """
    return of("reclaim", keys, (skip, BATCH, DEPARTED_MS), lambda reply: (int(reply[0]), int(reply[1])))


def held_claims(keys: Keys, workers: Iterable[str]) -> Steps[dict[str, list[tuple[bytes, int]]]]:
    """Every claim that each of the `workers` holds by the store's word, in the order it was made."""
    held: dict[bytes, dict[bytes, int]] = {worker.encode(): {} for worker in workers}
    cursor, count = b"0", 64
    while True:
        scan = command("HSCAN", keys.named("owner"), cursor, "COUNT", count, read=tuple)
        cursor, owners = yield scan
        # No scan is bounded by bytes, so the next one asks for as much as these allow.
        count = max(16, min(2 * count, 1000, BATCH_BYTES * count // (1 + sum(map(len, owners)))))
        for id, entry in replies.fields(owners).items():
            worker, _, number = entry.rpartition(b"@")[0].rpartition(b":")
            if worker in held:
                held[worker][id] = replies.whole(number)
        if not int(cursor):
            by_number = {worker: sorted(claims.items(), key=lambda claim: claim[1]) for worker, claims in held.items()}
            return {worker.decode(): claims for worker, claims in by_number.items()}


def recover(
    keys: Keys,
    dead: str,
    max_crashes: int,
    held: list[tuple[bytes, int]] | None = None,
    *,
    unregister_long_dead: bool = True,
    latest_ms: Callable[[], int] | None = None,
) -> Steps[dict[str, str]]:
    """Recover every ID that a dead worker held: those in `held`, by default those of `held_claims`.

    Returns where each ID went, or nothing if the worker is alive. With `unregister_long_dead` the worker is
    unregistered as well if it died long ago. A store's clock past `latest_ms` (Unix ms) has just been set, so nothing
    is recovered.
    """
    moved: dict[str, str] = {}
    if held is None:
        held = (yield from held_claims(keys, [dead]))[dead]
    # Each call puts its IDs in front of those before, so the last claims go first; the final, empty one unregisters it.
    parts = [part for chunk in chunked(held, SMALL_BATCH) for part in bounded(chunk, [len(id) for id, _ in chunk])]
    for chunk in [*reversed(parts), []]:
        pairs = [part for id, number in chunk for part in (id, f"{dead}:{number}")]
        latest = "" if latest_ms is None else latest_ms()
        unregister_after = "" if pairs or not unregister_long_dead else LATE_MS
        word, *ids = yield of("recover", keys, (dead, max_crashes, latest, unregister_after, *pairs), list)
        if word == b"alive":
            return moved
        moved.update({decode_id(id): where.decode() for id, where in zip(ids[::2], ids[1::2], strict=True)})
    return moved
