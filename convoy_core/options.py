"""Settings with their defaults and limits, and the checks of IDs, names and payloads before anything is sent."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from convoy_core import validation
from convoy_core.errors import InvalidID, InvalidOption, InvalidPayload, InvalidQueueName

DEFAULT_PREFIX = "cv:"

MAX_ID_BYTES = 16 * 1024
"""The longest ID, as UTF-8."""
MAX_PAYLOAD_BYTES = 1024 * 1024
MAX_QUEUE_NAME_BYTES = 200
MAX_VERSION = 100
"""The longest version label, in characters."""

SUSPECT_CRASHES = 2
"""After this many worker deaths an ID may be their cause, so it runs alone (F28)."""

BATCH = 500
"""The most IDs per script call: 1,000 took 8 ms and 5,000 took 29 ms of the store's only thread (F7)."""

SMALL_BATCH = 100
"""The same for moves that need about ten commands per ID: failing, recovering, the jam guard."""

BATCH_BYTES = 256 * 1024
"""The most bytes of IDs and payloads per script call, beyond the first: a megabyte of IDs took the store 37 ms."""

JobID: TypeAlias = str | int
"""A job ID as callers give it; an integer stands for its digits."""
JSON: TypeAlias = bool | int | float | str | Sequence[Any] | Mapping[str, Any] | None
Payload: TypeAlias = bytes | JSON
"""What a publish can attach to an ID: bytes, text, or any JSON value."""

TRACEPARENT = re.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""The context of a span, as W3C Trace Context writes it."""

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_.:-]*(\{[A-Za-z0-9_.:-]+\})?[A-Za-z0-9_.:-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """Settings of a worker pool. Times are seconds or a timedelta.

    Raises InvalidOption when a value is out of its range.
    """

    lease_s: float = 15.0
    """How long a silent pool keeps its IDs. After that any other pool recovers them."""
    beat_s: float = 4.0
    """The interval of the heartbeat that renews the lease. At most a third of `lease_s`, so that two may be lost."""
    grace_s: float = 25.0
    """How long a stopping pool waits for running jobs before it gives their IDs back."""
    backoff_s: float = 1.0
    """Delay before the first retry. It doubles with each retry, and has full jitter."""
    backoff_cap_s: float = 3600.0
    """The longest delay between retries."""
    defer_s: float = 30.0
    """Delay when a handler returns `Retry()` without a time."""
    max_crashes: int = 3
    """After this many worker deaths or jams an ID is failed instead of queued again."""
    watchdog_s: float = 60.0
    """If the event loop is blocked for this long, the pool stops renewing its lease."""
    allow_eviction: bool = False
    """Accept a store that evicts keys when its memory is full, and so may lose IDs."""
    burst: bool = False
    """Stop when the queue is empty, instead of waiting for more IDs."""
    version_label: str = ""
    """The version of what runs here, like 1.4.2: told of each worker, and compared with a queue's lowest version."""

    def __post_init__(self) -> None:
        """Check each range here, so that no other code has to."""
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if field.type == "float":
                object.__setattr__(self, field.name, validation.seconds(field.name, value, above_zero=True))
            elif field.type == "int":
                validation.whole(field.name, value, 1)
            elif field.type == "str":
                validation.short_text(field.name, value, MAX_VERSION)
            else:
                validation.flag(field.name, value)
        if self.beat_s * 3 > self.lease_s:
            raise InvalidOption(
                f"beat_s is {self.beat_s:g} and lease_s {self.lease_s:g}; "
                "the lease must last at least three beats, or one lost beat could cost it."
            )


def encode_id(id: JobID) -> bytes:
    """The bytes of an ID. An integer becomes its digits. Raises InvalidID."""
    raw = id.encode() if type(id) is str and id.isascii() else encode_stored_id(id)
    if not raw:
        raise InvalidID("A job ID must not be empty.")
    if len(raw) > MAX_ID_BYTES:
        raise InvalidID(f"A job ID has {len(raw):,} bytes; at most {MAX_ID_BYTES:,} are allowed.")
    return raw


def encode_stored_id(id: JobID) -> bytes:
    """The bytes of an ID that the store has told of: Node clients know no limits. Raises InvalidID if it is none."""
    if isinstance(id, bool) or not isinstance(id, str | int):
        raise InvalidID(f"A job ID must be text or an integer, not {type(id).__name__}.")
    try:
        return str(id).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidID("A job ID holds half of a surrogate pair, which no text can hold.") from None
    except ValueError:  # Python writes out no number of more than some thousand digits
        raise InvalidID("A job ID is a number too long to be written out; give it as text.") from None


def encode_ids(ids: Sequence[JobID]) -> list[bytes]:
    """The bytes of many IDs, several times as fast. Raises InvalidID."""
    try:
        encoded = [id.encode() if type(id) is str else encode_id(id) for id in ids]
    except UnicodeEncodeError:
        encoded = []
    sizes = [*map(len, encoded)]
    if not sizes or min(sizes) == 0 or max(sizes) > MAX_ID_BYTES:
        return [encode_id(id) for id in ids]
    return encoded


def decode_id(raw: bytes) -> str:
    """The text of an ID. Bytes that are not UTF-8 become surrogates, which `encode_id` turns back into the same bytes.

    Raises InvalidID if `raw` is not bytes.
    """
    try:
        return raw.decode("utf-8", "surrogateescape")
    except AttributeError:
        raise InvalidID(f"raw is {validation.shown(raw)}; a job ID is decoded from bytes.") from None


def check_queue_name(name: object, *, existing: bool = False) -> str:
    """Return `name` if it is a valid queue name. Raises InvalidQueueName.

    With `existing`, every name that another client may have made is valid, unless it is empty or too long.
    """
    validation.flag("existing", existing)
    if not isinstance(name, str) or not name:
        raise InvalidQueueName(f"A queue's name must be text and not empty, not {validation.shown(name)}.")
    if len(name.encode("utf-8", "replace")) > MAX_QUEUE_NAME_BYTES:  # a surrogate stands for one byte
        raise InvalidQueueName(f"A queue name has at most {MAX_QUEUE_NAME_BYTES} bytes.")
    is_encodable = not re.search("[\ud800-\udc7f\udd00-\udfff]", name)
    if not is_encodable or (not existing and not _QUEUE_NAME.fullmatch(name)):
        raise InvalidQueueName(
            f"{name!r} is no queue name; use letters, digits, '_', '.', '-', ':' and at most one '{{tag}}'."
        )
    return name


def check_prefix(prefix: object) -> str:
    """The key prefix: `prefix`, else CONVOY_PREFIX, else `cv:`. Raises InvalidOption."""
    prefix = prefix if prefix is not None else os.environ.get("CONVOY_PREFIX") or DEFAULT_PREFIX
    if not isinstance(prefix, str) or not re.fullmatch(r"[A-Za-z0-9_.:-]{1,100}", prefix):
        raise InvalidOption(
            f"{validation.shown(prefix)} is no key prefix; use 1 to 100 letters, digits, '_', '.', '-' and ':'."
        )
    return prefix


def encode_payload(payload: Payload) -> bytes:
    """A payload as stored: one byte for its kind (b bytes, s text, j JSON) and its content. Raises InvalidPayload."""
    try:
        if isinstance(payload, bytes):
            raw = b"b" + payload
        elif isinstance(payload, str):
            raw = b"s" + payload.encode("utf-8", "surrogateescape")
        else:
            raw = b"j" + json.dumps(payload, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPayload(f"A payload must be bytes, text or a JSON value: {error}.") from None
    if len(raw) - 1 > MAX_PAYLOAD_BYTES:
        raise InvalidPayload(f"A payload has {len(raw) - 1:,} bytes; at most {MAX_PAYLOAD_BYTES:,} are allowed.")
    return raw


def decode_payload(raw: bytes) -> Payload:
    """The payload that `encode_payload` stored, or the raw bytes if another client stored them."""
    kind, content = raw[:1], raw[1:]
    if kind == b"s":
        return content.decode("utf-8", "surrogateescape")
    if kind == b"j":
        try:
            value: Payload = json.loads(content)
        except (ValueError, RecursionError):
            return raw
        return value
    return content if kind == b"b" else raw
