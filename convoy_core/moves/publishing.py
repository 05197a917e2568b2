"""Publishing as calls: one ID, or many in chunks; and what the answers come to. No I/O."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from convoy_core import validation
from convoy_core.errors import ConvoyError, InvalidOption, OutcomeUnknown
from convoy_core.models import DelayPolicy, PayloadPolicy, Published, Tally
from convoy_core.moves import replies
from convoy_core.moves.call import Call, bounded, checked_ids, chunked, milliseconds, of
from convoy_core.moves.keys import Keys
from convoy_core.options import BATCH, BATCH_BYTES, JobID, Payload, decode_id, encode_id, encode_ids, encode_payload
from convoy_core.validation import Seconds


class PublishOptions(NamedTuple):
    """How IDs are published; see `Queue.publish`."""

    payload: Payload = None
    delay_s: Seconds = 0.0
    front: bool = False
    rerun: bool = False
    dry_run: bool = False
    wait_replicas: int = 0
    payload_policy: PayloadPolicy = PayloadPolicy.KEEP
    delay_policy: DelayPolicy = DelayPolicy.KEEP


@dataclass(frozen=True, slots=True)
class Chunk:
    """The answers to one round trip of publishing."""

    raw_ids: list[bytes]
    runs: list[tuple[Published, int]]
    """Equal answers in a row, in the order of the IDs."""

    @property
    def ids(self) -> list[str]:
        """The IDs offered, in order."""
        return [decode_id(raw) for raw in self.raw_ids]

    def answers(self) -> list[Published]:
        """One answer per ID, in order."""
        return [answer for answer, n in self.runs for _ in range(n)]

    @property
    def tally(self) -> Tally:
        """How many met which answer."""
        n: Counter[Published] = Counter()
        for answer, length in self.runs:
            n[answer] += length
        return Tally(
            published=n[Published.QUEUED] + n[Published.DELAYED],
            waiting=n[Published.ALREADY_QUEUED] + n[Published.ALREADY_DELAYED],
            running=n[Published.PROCESSING],
            will_rerun=n[Published.WILL_RERUN],
        )


How: TypeAlias = "tuple[int, str, str, str, bytes]"
"""The arguments of the script before the IDs; the payload is the last."""


class Single(NamedTuple):
    """One ID that is published by itself, and how."""

    how: How
    raw: bytes
    replicas: int
    size: int
    """Bytes that the script writes for it."""


def single(
    id: JobID,
    payload: Payload = None,
    delay_s: Seconds = 0.0,
    *,
    front: bool = False,
    rerun: bool = False,
    wait_replicas: int = 0,
    payload_policy: PayloadPolicy = PayloadPolicy.KEEP,
    delay_policy: DelayPolicy = DelayPolicy.KEEP,
) -> Single:
    """What is to be published, checked."""
    how = _how(payload, delay_s, front, rerun, False, wait_replicas, payload_policy, delay_policy)
    raw = encode_id(id)
    return Single(how, raw, wait_replicas, len(raw) + len(how[-1]))


def traced(one: Single, context: str) -> Single:
    """The same, with the context of the span of its publish; empty for none."""
    return one._replace(how=_traced(one.how, context))


def _traced(how: How, context: str) -> How:
    return (*how[:3], context, how[4]) if context else how


def publish_single(keys: Keys, one: Single) -> Call[Published]:
    """One ID."""
    return of("publish", keys, (*one.how, one.raw), _answer, replicas=one.replicas)


@dataclass(frozen=True, slots=True)
class Singles:
    """IDs that are published by few calls, each with its own answer: one call for all that are published alike."""

    calls: list[Call[list[Published]]]
    places: list[list[int]]
    """Of the IDs of each call."""

    def outcomes(
        self, results: Sequence[list[Published] | ConvoyError]
    ) -> Iterator[tuple[int, Published | ConvoyError]]:
        """From the results of the calls, or the errors that they ended with, to those of the IDs, by place."""
        for places, result in zip(self.places, results, strict=True):
            if isinstance(result, ConvoyError):
                yield from ((place, again(result)) for place in places)
            else:
                yield from zip(places, result, strict=True)


def publish_singles(keys: Keys, singles: Sequence[Single]) -> Singles:
    """All of these. They want the same number of replicas."""
    alike: defaultdict[How, list[int]] = defaultdict(list)
    for place, one in enumerate(singles):
        alike[one.how].append(place)
    replicas = singles[0].replicas
    calls = [
        of("publish", keys, (*how, *[singles[place].raw for place in places]), _answers, replicas=replicas)
        for how, places in alike.items()
    ]
    return Singles(calls, [*alike.values()])


def again(error: ConvoyError) -> ConvoyError:
    """A copy for another caller of what failed: an exception carries the traceback of the one that raised it."""
    made = type(error)(*error.args)
    made.__cause__ = error.__cause__
    return made


def cut_short(store: str) -> OutcomeUnknown:
    """What callers are told whose chunk was sent by one that was cut short."""
    return OutcomeUnknown(
        f"The request to {store} was cut short, so it may or may not have been applied. It is safe to repeat."
    )


def is_full(n: int, size: int) -> bool:
    """Whether so many IDs, of so many bytes together, are enough for a chunk."""
    return n >= BATCH or size >= BATCH_BYTES


def _answer(reply: list[Any]) -> Published:
    return replies.PUBLISHED[reply[0]]


def _answers(reply: list[Any]) -> list[Published]:
    return [answer for answer, n in replies.runs(reply) for _ in range(n)]


def publish(keys: Keys, ids: Iterable[JobID], options: PublishOptions, context: str = "") -> Iterator[Call[Chunk]]:
    """One call per chunk of IDs; each is checked before its chunk is sent. `context` is that of a traced publish."""
    how = _traced(_how(*options), context)
    beside = len(how[-1])
    replicas = 0 if options.dry_run else options.wait_replicas
    for chunk in chunked(checked_ids(ids)):
        encoded = encode_ids(chunk)
        for raw in bounded(encoded, [len(id) + beside for id in encoded]):
            yield of(
                "publish",
                keys,
                (*how, *raw),
                partial(_chunk, raw),
                dry=options.dry_run,
                replicas=replicas,
            )


def _how(
    payload: Payload,
    delay_s: Seconds,
    front: bool,
    rerun: bool,
    dry_run: bool,
    wait_replicas: int,
    payload_policy: PayloadPolicy,
    delay_policy: DelayPolicy,
) -> How:
    """The script's arguments before the IDs."""
    delay_ms = milliseconds("delay_s", delay_s) if type(delay_s) is not float or delay_s != 0 else 0
    if not (front is rerun is dry_run is False):
        for name, value in (("front", front), ("rerun", rerun), ("dry_run", dry_run)):
            validation.flag(name, value)
    if front and delay_ms:
        raise InvalidOption("An ID can be published to the front or with a delay, not both.")
    if wait_replicas != 0 or type(wait_replicas) is not int:
        validation.whole("wait_replicas", wait_replicas, 0)
    asked = "r" if rerun else ""
    if not (payload_policy is PayloadPolicy.KEEP and delay_policy is DelayPolicy.KEEP):
        asked += _changes(payload_policy, delay_policy)
    content = b"" if payload is None else encode_payload(payload)
    return (delay_ms, "1" if front else "", asked, "1" if dry_run else "", content)


_LETTERS = {PayloadPolicy.REPLACE: "p", DelayPolicy.EARLIER: "e", DelayPolicy.LATER: "l"}


def _changes(payload_policy: PayloadPolicy, delay_policy: DelayPolicy) -> str:
    """The letters for what a publish changes of IDs that wait already; see publish_changes.lua."""
    validation.one_of("payload_policy", payload_policy, PayloadPolicy, "a PayloadPolicy, like PayloadPolicy.REPLACE")
    validation.one_of("delay_policy", delay_policy, DelayPolicy, "a DelayPolicy, like DelayPolicy.LATER")
    return _LETTERS.get(payload_policy, "") + _LETTERS.get(delay_policy, "")


def _chunk(raw: list[bytes], reply: Any) -> Chunk:
    return Chunk(raw, replies.runs(reply))
