"""Publishing as calls: one ID, or many in chunks; and what the answers come to. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.models import Published, Tally
from convoy_core.moves import replies
from convoy_core.moves.call import Call, bounded, checked_ids, chunked, milliseconds, of
from convoy_core.moves.keys import Keys
from convoy_core.options import JobID, Payload, decode_id, encode_id, encode_ids, encode_payload
from convoy_core.validation import Seconds


class PublishOptions(NamedTuple):
    """How IDs are published; see `Queue.publish`."""

    payload: Payload = None
    delay_s: Seconds = 0.0
    front: bool = False
    rerun: bool = False
    dry_run: bool = False
    wait_replicas: int = 0


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


def publish_one(keys: Keys, id: JobID, options: PublishOptions) -> Call[Published]:
    """One ID."""
    return of("publish", keys, (*_how(options), encode_id(id)), _answer, replicas=options.wait_replicas)


def _answer(reply: list[Any]) -> Published:
    return replies.PUBLISHED[reply[0]]


def publish(keys: Keys, ids: Iterable[JobID], options: PublishOptions) -> Iterator[Call[Chunk]]:
    """One call per chunk of IDs; each is checked before its chunk is sent."""
    how = _how(options)
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


_BOOL = {bool}


def _how(options: PublishOptions) -> tuple[int, str, str, str, bytes]:
    """The script's arguments before the IDs."""
    payload, delay_s, front, rerun, dry_run, wait_replicas = options
    delay_ms = milliseconds("delay_s", delay_s) if type(delay_s) is not float or delay_s != 0 else 0
    if {type(front), type(rerun), type(dry_run)} != _BOOL:  # which is as good as always so
        for name, value in (("front", front), ("rerun", rerun), ("dry_run", dry_run)):
            validation.flag(name, value)
    if front and delay_ms:
        raise InvalidOption("An ID can be published to the front or with a delay, not both.")
    if wait_replicas != 0 or type(wait_replicas) is not int:
        validation.whole("wait_replicas", wait_replicas, 0)
    content = b"" if payload is None else encode_payload(payload)
    return (delay_ms, "1" if front else "", "1" if rerun else "", "1" if dry_run else "", content)


def _chunk(raw: list[bytes], reply: Any) -> Chunk:
    return Chunk(raw, replies.runs(reply))
