"""What a worker pool asks of the store, each as a value; see `calls` for the form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from convoy_core import validation
from convoy_core.handlers.run import Claim, Discard, Failed, Retry, Verdict
from convoy_core.moves import replies
from convoy_core.moves.calls import Argument, Call, Steps, chunked, command, of
from convoy_core.moves.keys import Keys
from convoy_core.options import BATCH, SMALL_BATCH, SUSPECT_CRASHES, decode_id
from convoy_core.system.logs import Log

log = Log(__name__)

_UNSETTLED = "the pool could not write down how the run ended"

LATE_MS = 10_000
"""How long a wait may outlive its worker at the store: its block (2 s), the read timeout (5 s), and some more."""

DEPARTED_MS = 3_600_000
"""How long the claim list of a worker that was struck off is looked at: no network holds a request for an hour (TCP
gives up after a quarter of one), and none but a wait that comes late can fill it."""

SCHEMA = 1
"""Version of our own keys' meaning; a release accepts its own."""


@dataclass(slots=True)
class Settlement:
    """Results to be written down, of up to `BATCH` claims together, `SMALL_BATCH` of them failed."""

    completed: list[Claim] = field(default_factory=list)
    failed: list[tuple[Claim, Failed]] = field(default_factory=list)
    released: list[Claim] = field(default_factory=list)
    discarded: list[Claim] = field(default_factory=list)
    deferred: list[tuple[Claim, int]] = field(default_factory=list)
    """With the delay in ms."""
    costly: int = 0
    """How many of them cost the store several commands each."""

    def add(self, claim: Claim, verdict: Verdict, *, defer_s: float) -> Verdict:
        """Have `claim` settled by `verdict`; the verdict that counts: a failure, if that one cannot be written down."""
        try:
            self._add(claim, verdict, defer_s)
        except (ArithmeticError, TypeError, ValueError) as error:
            log.warning("%r failed: %s: %s", decode_id(claim.raw_id), _UNSETTLED, error)
            verdict = Failed(_UNSETTLED, json.dumps({"error": _UNSETTLED}), None)
            self._add(claim, verdict, defer_s)
        return verdict

    def _add(self, claim: Claim, verdict: Verdict, defer_s: float) -> None:
        if verdict == "completed":  # nearly always, and matching takes its time
            self.completed.append(claim)
            return
        match verdict:
            case "released":
                self.released.append(claim)
            case Failed(message, record):
                (message + record).encode()  # what UTF-8 cannot hold would be found only on its way to the store
                self.failed.append((claim, verdict))
                self.costly += 1
            case Discard():
                self.discarded.append(claim)
            case Retry(after_s):
                self.deferred.append(
                    (claim, round(validation.seconds("after_s", defer_s if after_s is None else after_s) * 1000))
                )
                self.costly += 1


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
    """`open`; `alone` when the one claimed must run with nothing beside it; or why nothing was claimed: `paused`,
    `lapsed` (renew first), `gone` (register again) or `repeated` (the same request has arrived before, so ask what it
    did)."""
    claims: list[Claim]
    apart: list[bytes] = field(default_factory=list)
    """IDs that were set apart, since they must run alone and this worker holds others."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat tells of its pool."""

    done: int
    failed: int
    held: list[tuple[bytes, int]]
    """ID and number of every claim."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The store's answer to a heartbeat."""

    epoch: str | None
    """None: this worker is not registered any more."""
    waiting: int
    """IDs handed to it that no claim has taken up: a wait that came late at the store may leave some."""
    lost: list[int]
    """Numbers of the claims it held and holds no longer."""


def eviction(keys: Keys) -> Call[tuple[str, int]]:
    """What the store does when its memory is full (`noeviction` where it says nothing), and how many keys it has
    evicted since it was started.
    """
    return command("INFO", read=_eviction, beside=keys.named("queued"))


def _eviction(reply: Any) -> tuple[str, int]:
    told = reply if isinstance(reply, dict) else {}
    return str(told.get("maxmemory_policy", "noeviction")), replies.whole(told.get("evicted_keys", 0))


def run_id(keys: Keys) -> Call[str | None]:
    """What the server drew at its start; None where it does not say."""
    return command("INFO", "server", read=_run_id, beside=keys.named("queued"))


def _run_id(reply: Any) -> str | None:
    return reply.get("run_id") if isinstance(reply, dict) else None


def hello(keys: Keys, worker: str, lease_ms: int, epoch: str, about: dict[str, str | int]) -> Call[str]:
    """Register; the store's epoch. The reader raises StoreDamaged when the queue has another schema."""
    described = [part for pair in about.items() for part in pair]
    return of("hello", keys, (worker, lease_ms, SCHEMA, epoch, *described), lambda reply: replies.schema(reply, SCHEMA))


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
    arguments: list[Argument] = [worker, want, number, wait_ms, suspects.kept, int(suspects.first), suspects.named]
    arguments.append(SUSPECT_CRASHES)
    _add_claims(arguments, settlement.completed)
    _add_claims(arguments, settlement.discarded)
    arguments.append(len(settlement.failed))
    for claim, failed in settlement.failed:
        retry = "" if failed.retry_ms is None else failed.retry_ms
        arguments += (claim.raw_id, claim.number, failed.message, failed.record, retry)
    arguments.append(len(settlement.deferred))
    for claim, delay_ms in settlement.deferred:
        arguments += (claim.raw_id, claim.number, delay_ms)
    _add_claims(arguments, settlement.released)
    return of("exchange", keys, arguments, lambda reply: _round(number, reply))


def _add_claims(arguments: list[Argument], claims: list[Claim]) -> None:
    arguments.append(len(claims))
    for claim in claims:
        arguments += (claim.raw_id, claim.number)


def _round(number: int, reply: list[Any]) -> Round:
    stale, word, ids, attempts, failures, crashes, payloads, apart = reply
    claims = [Claim(raw, number + i) for i, raw in enumerate(ids)]
    for name, column in (("attempts", attempts), ("failures", failures), ("crashes", crashes)):
        for claim, value in zip(claims, column, strict=False):
            setattr(claim, name, replies.whole(value))
    for claim, content in zip(claims, payloads, strict=False):
        claim.raw_payload = content
    return Round([int(late) for late in stale], word.decode(), claims, apart)


def renew(keys: Keys, worker: str, lease_ms: int, pulse: Pulse, held: Sequence[tuple[bytes, int]]) -> Call[Renewal]:
    """The heartbeat: keep the lease, and see which of the claims in `held` (up to `BATCH`) were lost."""
    claims = [part for pair in held for part in pair]
    return of("renew", keys, (worker, lease_ms, pulse.done, pulse.failed, len(pulse.held), *claims), _renewal)


def _renewal(reply: list[Any]) -> Renewal:
    epoch, waiting, *lost = reply
    return Renewal(None if epoch == b"gone" else epoch.decode(), waiting, [int(number) for number in lost])


def sign_off(keys: Keys, worker: str, number: int, *, is_in_doubt: bool = False) -> Steps[bool]:
    """Leave the roll if the store holds nothing in this worker's name; whether it did. Else the lease runs out, and
    others recover what there is.

    `number` must be above that of every claim, so that no other fence can have noted it. From the fence on nothing can
    be claimed, so what the scan does not see is not there; a store that comes back older meanwhile has forgotten the
    fence, and `bye` is refused.
    """
    yield fence(keys, worker, number + 1)
    held = yield from holdings(keys, [worker])
    if held[worker]:
        return False
    signed_off: bool = yield bye(keys, worker, number, is_in_doubt=is_in_doubt)
    return signed_off


def bye(keys: Keys, worker: str, number: int, *, is_in_doubt: bool = False) -> Call[bool]:
    """The last step of `sign_off`: whether the fence still stands, and the worker was let go. `is_in_doubt` when a wait
    of its may still be under way, so that others look after it.
    """
    return of("bye", keys, (worker, "1" if is_in_doubt else "", number), bool)


def fence(keys: Keys, worker: str, number: int) -> Call[bool]:
    """Have no earlier request claim anything any more, even if it arrives only now; the next claims from `number`."""
    return of("fence", keys, (worker, number), bool)


def promote(keys: Keys, limit: int, wait_ms: int) -> Call[tuple[int, float | None]]:
    """Queue what is due; how many, and seconds until the next is due."""
    return of("promote", keys, (limit, wait_ms, SUSPECT_CRASHES), _promoted)


def _promoted(reply: list[Any]) -> tuple[int, float | None]:
    moved, following = reply
    return moved, None if following < 0 else following / 1000


def sweep(keys: Keys, stops: Sequence[int], limit: int) -> Call[list[int]]:
    """Tidy up what Node workers have finished, about `limit` IDs of each key that remembers any; where to go on in
    each, 0 at its end. Begins where `stops` is empty.
    """
    return of("sweep", keys, (limit, *stops), lambda reply: [int(stop) for stop in reply])


def silent(keys: Keys, start: int = 0) -> Call[tuple[float, list[str]]]:
    """The store's time in Unix seconds, and up to `BATCH` workers whose lease has run out by it, longest silent first;
    the first `start` of them are left out.
    """
    return of("silent", keys, (start, BATCH), _silent)


def _silent(reply: list[Any]) -> tuple[float, list[str]]:
    now, *workers = reply
    return now / 1000, [worker.decode("ascii", "replace") for worker in workers]


def strays(keys: Keys, cursor: int) -> Call[tuple[int, list[str]]]:
    """Where to go on looking at the owners, 0 at the end, and the workers among about `BATCH` of them that hold
    something and are not on the roll.
    """
    return of("strays", keys, (cursor, BATCH), _strays)


def _strays(reply: list[Any]) -> tuple[int, list[str]]:
    cursor, *workers = reply
    return int(cursor), [worker.decode("ascii", "replace") for worker in workers]


def reclaim(keys: Keys, skip: int) -> Call[tuple[int, int]]:
    """Give back what was handed to workers after they had been struck off, `BATCH` of them at a time: how many to skip
    the next time, 0 at the end, and how many IDs there were.
    """
    return of("reclaim", keys, (skip, BATCH, DEPARTED_MS), lambda reply: (int(reply[0]), int(reply[1])))


def holdings(keys: Keys, workers: Iterable[str]) -> Steps[dict[str, list[tuple[bytes, int]]]]:
    """Every claim that each of the `workers` holds by the store's word, in the order it was made."""
    held: dict[bytes, dict[bytes, int]] = {worker.encode(): {} for worker in workers}
    cursor = 0
    while True:
        scan = command("HSCAN", keys.named("owner"), cursor, "COUNT", 1000, read=tuple)
        cursor, owners = yield scan
        for id, entry in owners.items():
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
    strike: bool = True,
    latest_ms: Callable[[], int] | None = None,
) -> Steps[dict[str, str]]:
    """Take back everything that a dead worker held (by `holdings`, which is asked where `held` is not given); where
    each ID went. Empty when it turns out to be alive. With `strike` it is taken off the roll if it died long ago.
    By a clock that is past `latest_ms` (Unix ms) nobody is judged: it has just been set.
    """
    moved: dict[str, str] = {}
    if held is None:
        held = (yield from holdings(keys, [dead]))[dead]
    # Each call puts its IDs in front of those before, so the last claims go first; the final, empty one strikes it off.
    chunks: list[Iterable[tuple[bytes, int]]] = [*reversed([*chunked(held, SMALL_BATCH)]), ()]
    for chunk in chunks:
        pairs = [part for id, number in chunk for part in (id, f"{dead}:{number}")]
        latest = "" if latest_ms is None else latest_ms()
        strike_after = "" if pairs or not strike else LATE_MS
        word, *ids = yield of("recover", keys, (dead, max_crashes, latest, strike_after, *pairs), list)
        if word == b"alive":
            return moved
        moved.update({decode_id(id): where.decode() for id, where in zip(ids[::2], ids[1::2], strict=True)})
    return moved
