"""The audit as calls: what operators have done to one queue, or to many. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from convoy_core import validation
from convoy_core.models import QueueLimits
from convoy_core.moves.call import Call, Rounds, Steps, checked_names, chunked, of
from convoy_core.moves.keys import Keys, Keyspace
from convoy_core.moves.replies import fields, queue_limits, seconds, whole
from convoy_core.operators import AuditEntry
from convoy_core.options import decode_id
from convoy_core.validation import Seconds

PAGE: Final = 100
"""Entries per script; one has a few kilobytes at most."""

LIMITS: Final = 4
"""How many numbers the limits of a queue are."""

AT_ONCE: Final = 100
"""Queues per round trip."""


def audit(keys: Keys, since_s: Seconds | None, after: str | None) -> Steps[list[AuditEntry]]:
    """The entries of a queue, oldest first."""
    ms, place = _since(since_s), _after(after)
    found: list[AuditEntry] = []
    while place:
        place, some = yield _page(keys, place, ms)
        found += some
    return found


class Beginning(NamedTuple):
    """Where to begin in the audits of many queues."""

    ms: int
    places: Mapping[str, str]


def beginning(since_s: Seconds | None, after: Mapping[str, str] | None) -> Beginning:
    """Where to begin, checked. Raises InvalidOption."""
    if after is not None:
        validation.one_of("after", after, Mapping, "a mapping of queue names to places")
    return Beginning(_since(since_s), {name: _after(place) for name, place in (after or {}).items()})


def audits(keyspace: Keyspace, names: Iterable[str], where: Beginning) -> Rounds[list[AuditEntry]]:
    """Those of many queues together, oldest first."""
    found: list[AuditEntry] = []
    for slice_ in chunked(checked_names(names), AT_ONCE):
        left = [(keyspace.queue(name, existing=True), where.places.get(name, "-")) for name in slice_]
        while left:
            answers = yield [_page(keys, place, where.ms) for keys, place in left]
            found += [entry for _, some in answers for entry in some]
            left = [(keys, place) for (keys, _), (place, _) in zip(left, answers, strict=True) if place]
    return sorted(found, key=lambda entry: entry.at)


def _since(since_s: Seconds | None) -> int:
    return -1 if since_s is None else round(validation.seconds("since_s", since_s) * 1000)


def _after(after: str | None) -> str:
    if after is None:
        return "-"
    validation.one_of("after", after, str, _PLACE)
    if not re.fullmatch(r"\d{1,20}-\d{1,20}", after):
        raise validation.refusal("after", after, _PLACE)
    return after


_PLACE: Final = "the place of an entry, like 1700000000000-0"


def _page(keys: Keys, after: str, ms: int) -> Call[tuple[str, list[AuditEntry]]]:
    return of("audited", keys, (after, ms, PAGE), partial(_read, keys.queue))


def _read(queue: str, reply: list[Any]) -> tuple[str, list[AuditEntry]]:
    following, *rows = reply
    return following.decode(), [_entry(queue, place.decode(), values) for place, values in rows]


def _entry(queue: str, place: str, values: list[bytes]) -> AuditEntry:
    known = fields(values[:8])
    more = list(zip(values[8::2], values[9::2], strict=False))
    by = signature(known.get(b"by", b""))
    limits = {name: _limits(told) for name, told in more if name != b"id"}
    told = known.get(b"outcomes", b"").decode("utf-8", "replace").split()
    until = int(place.partition("-")[0]) / 1000
    at = seconds(known.get(b"at"))
    return AuditEntry(
        queue,
        until if at is None else at,
        until,
        by.get("who", ""),
        by.get("face", ""),
        known.get(b"verb", b"").decode("utf-8", "replace"),
        {word: whole(n) for word, n in zip(told[::2], told[1::2], strict=False)},
        tuple(decode_id(id) for name, id in more if name == b"id"),
        by.get("reason", ""),
        by.get("operation", ""),
        place,
        limits.get(b"before"),
        limits.get(b"after"),
    )


def _limits(told: bytes) -> QueueLimits | None:
    numbers = told.split()
    return queue_limits(numbers) if len(numbers) == LIMITS else None


def signature(text: bytes) -> dict[str, str]:
    """Who has done it, as the client that did it wrote it down."""
    try:
        value = json.loads(text)
    except ValueError:  # nobody of ours wrote it
        return {}
    return {name: told for name, told in value.items() if isinstance(told, str)} if isinstance(value, dict) else {}
