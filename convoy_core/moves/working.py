"""What a worker asks of the store, as calls: register, exchange, renew, unregister, promote, sweep. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from convoy_core.jobs import Claim, Failed
from convoy_core.moves import replies
from convoy_core.moves.absorbed import absorbed, first_asked
from convoy_core.moves.call import Argument, Call, Steps, command, of
from convoy_core.moves.keys import Keys
from convoy_core.moves.recovering import held_claims
from convoy_core.moves.traces import contexts, linked
from convoy_core.options import SUSPECT_CRASHES

SCHEMA = 1
"""Version of our own keys' meaning; a release accepts its own."""


@dataclass(slots=True)
class Settlement:
    """Results to be written down, of up to `BATCH` claims and `BATCH_BYTES` together, `SMALL_BATCH` of them failed."""

    completed: list[Claim] = field(default_factory=list)
    failed: list[tuple[Claim, Failed]] = field(default_factory=list)
    released: list[Claim] = field(default_factory=list)
    discarded: list[Claim] = field(default_factory=list)
    deferred: list[tuple[Claim, int]] = field(default_factory=list)
    """With the delay in ms."""
    cancelled: list[Claim] = field(default_factory=list)
    costly: int = 0
    """How many of them cost the store several commands each."""
    bytes: int = field(default=0, compare=False)
    """Of their IDs, messages and records."""


class SuspectPolicy(NamedTuple):
    """How a claim treats IDs that must run alone. It takes one only for a worker that keeps nothing else.

    Where the list has nothing but suspects, such a worker is always given one. All others are set apart.
    """

    kept: int = 0
    """How many claims the worker keeps besides."""
    first: bool = False
    """Take a suspect before all others."""
    named: bytes = b""
    """Take this one if it still waits apart."""


WITH_NOTHING_BESIDE = SuspectPolicy()


@dataclass(frozen=True, slots=True)
class Round:
    """The store's answer to one exchange."""

    stale: list[int]
    """Numbers of the claims settled too late: their token no longer counted, so nothing changed."""
    word: str
    """`open`; `more` when the bytes of the IDs or payloads ended the claim; `limited` when a limit of the queue did;
    `alone` when the one claimed must run with nothing beside it; or why nothing was claimed: `paused`, `quiet`,
    `outdated`, `lapsed` (renew first), `gone` (register again) or `repeated` (the request has arrived before: ask what
    it did)."""
    claims: list[Claim]
    apart: list[bytes] = field(default_factory=list)
    """IDs that were set apart, since they must run alone and this worker holds others."""
    again_ms: int | None = None
    """Of a limited claim: after how long the next may succeed. None if that is when another run ends."""
    cancelled: list[int] = field(default_factory=list)
    """Numbers of claims whose runs have been asked to end; also of those that ended so in this exchange, although the
    worker has said otherwise."""
    because: str = ""
    """Of `quiet`: whether the `worker` is, or its `host`. Of `outdated`: the lowest version that may claim."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat tells of its pool."""

    done: int
    failed: int
    held: list[tuple[bytes, int]]
    """ID and number of every claim."""
    concurrency: int | None = None
    """Its runs at once at most, since that may have changed; None leaves what was registered."""
    counted: str = ""
    """What it has counted of waits and runs since it last told; see keep_durations.lua."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The store's answer to a heartbeat."""

    epoch: str | None
    """None: this worker is not registered any more."""
    waiting: int
    """IDs handed to it that no claim has taken up: a wait that came late at the store may leave some."""
    lost: list[int]
    """Numbers of the claims it held and holds no longer."""
    cancelled: list[int] = field(default_factory=list)
    """Numbers of those whose runs have been asked to end."""
    had_lapsed: bool = False
    """Whether its lease had run out."""


def eviction(keys: Keys) -> Call[tuple[str, int]]:
    """The store's policy for full memory, and the number of keys that it has evicted since its start.

    The policy is `noeviction` if the store does not report one.
    """
    return command("INFO", read=_eviction, beside=keys.named("queued"))


def _eviction(reply: Any) -> tuple[str, int]:
    told = replies.info(reply)
    return told.get("maxmemory_policy", "noeviction"), replies.whole(told.get("evicted_keys", 0))


def run_id(keys: Keys) -> Call[str | None]:
    """What the server drew at its start; None where it does not say."""
    return command("INFO", "server", read=lambda reply: replies.info(reply).get("run_id"), beside=keys.named("queued"))


def register(
    keys: Keys, worker: str, lease_ms: int, epoch: str, about: dict[str, str | int], *, by: str = ""
) -> Call[str]:
    """Register; the store's epoch. `by` is the signature of the operator who has launched it, if one has.

    The reader raises StoreDamaged when the queue has another schema.
    """
    described = [part for pair in about.items() for part in pair]
    return of(
        "register", keys, (worker, lease_ms, SCHEMA, epoch, by, *described), lambda reply: replies.schema(reply, SCHEMA)
    )


def exchange(
    keys: Keys,
    worker: str,
    settlement: Settlement,
    want: int,
    number: int,
    wait_ms: int,
    suspects: SuspectPolicy = WITH_NOTHING_BESIDE,
) -> Call[Round]:
    """Settle what ended, then claim up to `want`, numbered from `number`."""
    policy = b"%d %d %d %d %b" % (wait_ms, suspects.kept, suspects.first, SUSPECT_CRASHES, suspects.named)
    ended = len(settlement.completed) + len(settlement.discarded)
    arguments: list[Argument] = [worker, want, number, policy, ended]
    _add_claims(arguments, settlement.completed)
    _add_claims(arguments, settlement.discarded)
    others = (settlement.failed, settlement.deferred, settlement.released, settlement.cancelled)
    if settlement.discarded or any(others):
        arguments.append(len(settlement.discarded))
        _add_the_rest(arguments, settlement)
    return of("exchange", keys, arguments, lambda reply: _round(number, reply))


def _add_the_rest(arguments: list[Argument], settlement: Settlement) -> None:
    arguments.append(len(settlement.failed))
    for claim, failed in settlement.failed:
        retry = "" if failed.retry_ms is None else failed.retry_ms
        arguments += (claim.raw_id, claim.number, failed.message, failed.record, retry)
    arguments.append(len(settlement.deferred))
    for claim, delay_ms in settlement.deferred:
        arguments += (claim.raw_id, claim.number, delay_ms)
    arguments.append(len(settlement.released))
    _add_claims(arguments, settlement.released)
    if settlement.cancelled:
        arguments.append(len(settlement.cancelled))
        _add_claims(arguments, settlement.cancelled)


def _add_claims(arguments: list[Argument], claims: list[Claim]) -> None:
    for claim in claims:
        arguments += (claim.raw_id, claim.number)


_NONE: Final[tuple[bytes, ...]] = ()
_LEFT_OUT: Final[tuple[Any, ...]] = (_NONE, None, 0, *[_NONE] * 7)
"""What an answer leaves out at its end."""


def _round(number: int, reply: list[Any]) -> Round:
    stale, word, *rest = reply
    ids, published, now_ms, apart, *columns = [*rest, *_LEFT_OUT[len(rest) :]]
    waited_s = replies.waited(published, now_ms)
    claims = [Claim(raw, number + i, waited_s=waited_s) for i, raw in enumerate(ids)]
    if columns[0] is not _NONE:
        _add_columns(claims, *columns)
    said, _, more = word.decode("utf-8", "replace").partition(" ")
    late, cancelled = _by_sign(stale)
    again_ms = int(more) if said == "limited" and more else None
    return Round(late, said, claims, [*apart], again_ms, cancelled, "" if said == "limited" else more)


def _add_columns(claims: list[Claim], *columns: Any) -> None:
    """What is remembered of the IDs."""
    payloads, attempts, failures, crashes, asked, traces = columns
    for name, column in (("attempts", attempts), ("failures", failures), ("crashes", crashes)):
        for claim, value in zip(claims, column, strict=False):
            setattr(claim, name, replies.whole(value))
    for claim, content in zip(claims, payloads, strict=False):
        claim.raw_payload = content
    for claim, entry in zip(claims, asked, strict=False):
        if entry is not None:
            told, _, published = entry.partition(b"@")
            kept = absorbed(told)
            claim.requests = kept.requests
            claim.first_asked_at = first_asked(kept, replies.accepted(published or None))
    for claim, entry in zip(claims, traces, strict=False):
        claim.traces = linked(contexts(entry))


def _by_sign(numbers: list[bytes]) -> tuple[list[int], list[int]]:
    """Numbers of claims: those told as they are, and those told with a minus sign."""
    told = [int(number) for number in numbers]
    return [number for number in told if number >= 0], [-number for number in told if number < 0]


def renew(keys: Keys, worker: str, lease_ms: int, pulse: Pulse, held: Sequence[tuple[bytes, int]]) -> Call[Renewal]:
    """The heartbeat: keep the lease, and see which of the claims in `held` (up to `BATCH`) were lost."""
    claims = [part for pair in held for part in pair]
    told = (pulse.done, pulse.failed, len(pulse.held), pulse.concurrency or "", pulse.counted)
    return of("renew", keys, (worker, lease_ms, *told, *claims), _renewal)


def _renewal(reply: list[Any]) -> Renewal:
    epoch, waiting, had_lapsed, *numbers = reply
    return Renewal(None if epoch == b"gone" else epoch.decode(), waiting, *_by_sign(numbers), bool(had_lapsed))


def unregister_safely(
    keys: Keys, worker: str, number: int, *, is_in_doubt: bool = False, counted: str = ""
) -> Steps[bool]:
    """Unregister this worker if the store holds no claim of it. Returns whether it did.

    Otherwise its lease runs out, and other workers recover its claims.

    `number` must be above that of every claim, so that no other fence can have noted it. From the fence on nothing can
    be claimed, so what the scan does not see is not there; a store that comes back older meanwhile has forgotten the
    fence, and `unregister` is refused.
    """
    yield fence(keys, worker, number + 1)
    held = yield from held_claims(keys, [worker])
    if held[worker]:
        return False
    was_accepted: bool = yield unregister(keys, worker, number, is_in_doubt=is_in_doubt, counted=counted)
    return was_accepted


def unregister(keys: Keys, worker: str, number: int, *, is_in_doubt: bool = False, counted: str = "") -> Call[bool]:
    """The last step of `unregister_safely`. Returns whether the fence still held; otherwise nothing was done.

    `is_in_doubt` says that a wait of this worker may still be under way. It then stays registered with a lease that
    ends now, so that other workers recover what it is handed. `counted` is as in a heartbeat.
    """
    return of("unregister", keys, (worker, "1" if is_in_doubt else "", number, counted), bool)


def fence(keys: Keys, worker: str, number: int) -> Call[bool]:
    """Have no earlier request claim anything any more, even if it arrives only now; the next claims from `number`."""
    return of("fence", keys, (worker, number), bool)


def promote(keys: Keys, limit: int, wait_ms: int) -> Call[tuple[int, float | None]]:
    """Queue what is due; how many, and seconds until the next is due."""
    return of("promote", keys, (limit, wait_ms, SUSPECT_CRASHES), _promoted)


def _promoted(reply: list[Any]) -> tuple[int, float | None]:
    moved, following = reply
    return moved, None if following < 0 else following / 1000


def sweep(keys: Keys, stops: Sequence[int], limit: int) -> Steps[list[int]]:
    """Remove Convoy's entries for IDs that Node workers have finished, about `limit` per key.

    Returns the cursor of each key, 0 at its end. Empty `stops` begin at the start of every key. A script looks at
    about `limit` IDs, so where there are many each key has one of its own.
    """
    at = 1
    while at:
        at, *stops = yield of("sweep", keys, (limit, at, *stops), lambda reply: [int(stop) for stop in reply])
    return list(stops)
