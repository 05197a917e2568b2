"""IDs as they move from one store to another: one record for each, and its form in JSON."""

from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self

from convoy_core import validation
from convoy_core.errors import InvalidOption, InvalidPayload
from convoy_core.options import MAX_PAYLOAD_BYTES, TRACEPARENT, Payload, decode_payload, encode_id, encode_payload
from convoy_core.states import State

LATEST: Final = 10**11
"""The latest time, in Unix seconds, that a record may name: some 3,000 years from now."""

MAX_FAILURE_BYTES: Final = 4096
"""The longest record of a failure, as the scripts keep them."""

RESTORED_STATES: Final = (State.QUEUED, State.DELAYED, State.FAILED)


class Restored(StrEnum):
    """What restoring a record did."""

    QUEUED = "queued"
    """The ID was absent, and is in the queue now."""
    DELAYED = "delayed"
    """The ID was absent, and is delayed now."""
    FAILED = "failed"
    """The ID was absent, and is among the failed now."""
    PRESENT = "present"
    """Left alone: the ID is there already, in whatever state."""


@dataclass(frozen=True, slots=True)
class Record:
    """One ID with all that is worth moving to another store."""

    id: str
    state: State = State.QUEUED
    """QUEUED, DELAYED or FAILED; an ID that was running is to be queued."""
    due: float | None = None
    """When it is due, if it is delayed, in Unix seconds."""
    published: float | None = None
    """When it was accepted, if that is known."""
    attempts: int = 0
    """Failed runs since it was last published or requeued."""
    failures: int = 0
    crashes: int = 0
    requests: int = 1
    """How many publishes its run stands for."""
    first_asked: float | None = None
    """When the first of several came."""
    raw_payload: bytes | None = None
    """The payload as the store keeps it."""
    raw_failure: bytes | None = None
    """The record of its last failure as the store keeps it: a JSON object."""
    traces: tuple[str, ...] = ()
    """Of its traced publishes the contexts (W3C `traceparent`): of the accepted one, and of the first and the last that
    it has absorbed."""

    @property
    def payload(self) -> Payload:
        """The payload that was published with it, or None."""
        return decode_payload(self.raw_payload) if self.raw_payload else None

    def as_json(self) -> dict[str, object]:
        """The record as an object for JSON, from which `from_json` makes the same record.

        A payload that is bytes stands in `payload_base64`. One that no release of Convoy writes in this way (another
        client may have) stands in `payload_stored_base64`, to the byte.
        """
        simple = {name: getattr(self, name) for name in _PLAIN}
        if self.traces:  # older releases know no such member
            simple["traces"] = [*self.traces]
        return simple | _payload_members(self.raw_payload) | {"failure": _object(self.raw_failure)}

    @classmethod
    def from_json(cls, members: object) -> Self:
        """The record that an object from JSON describes; only `id` must be there. Raises InvalidInput."""
        if not isinstance(members, Mapping):
            raise InvalidOption(f"A record is {validation.shown(members)}; it must be an object.")
        if unknown := sorted(set(members) - _MEMBERS, key=str):
            raise InvalidOption(f"A record has no member {validation.shown(unknown[0])}.")
        values: dict[str, Any] = {name: members[name] for name in _PLAIN if members.get(name) is not None}
        if "state" in values:
            values["state"] = _state(values["state"])
        if (traces := members.get("traces")) is not None:
            values["traces"] = tuple(traces) if isinstance(traces, list) else traces
        if isinstance(id := members.get("id"), int):
            values["id"] = str(encode_id(id), "ascii")
        record = cls(
            **{"id": None, **values}, raw_payload=_payload_of(members), raw_failure=_failure_of(members.get("failure"))
        )
        record.check()
        return record

    def check(self) -> None:
        """Raise InvalidInput, which names the member, for what no ID of ours can have."""
        encode_id(self.id)
        if self.state not in RESTORED_STATES:
            _state(self.state)
        if self.due is None and self.state is State.DELAYED:
            raise InvalidOption("due is missing; a delayed ID must have one.")
        for name in ("due", "published", "first_asked"):
            _check_time(name, getattr(self, name))
        validation.whole("requests", self.requests, 1)
        for name in ("attempts", "failures", "crashes"):
            validation.whole(name, getattr(self, name), 0)
        _check_bytes("raw_payload", self.raw_payload, MAX_PAYLOAD_BYTES + 1)
        _check_bytes("raw_failure", self.raw_failure, MAX_FAILURE_BYTES)
        _check_traces(self.traces)


_PLAIN: Final = [field.name for field in fields(Record) if not field.name.startswith(("raw_", "traces"))]

_PAYLOADS: Final = ("payload", "payload_base64", "payload_stored_base64")

_MEMBERS: Final = {*_PLAIN, *_PAYLOADS, "failure", "traces"}


def _state(value: object) -> State:
    for state in RESTORED_STATES:
        if value == state.value:
            return state
    raise InvalidOption(f"state is {validation.shown(value)}; it must be queued, delayed or failed.")


def _check_time(name: str, value: object) -> None:
    match value:
        case None:
            return
        case bool():
            pass
        case int() | float() if 0 <= value <= LATEST:
            return
    raise InvalidOption(f"{name} is {validation.shown(value)}; it must be a time in Unix seconds.")


def _check_bytes(name: str, value: object, most: int) -> None:
    if value is not None and not isinstance(value, bytes):
        raise InvalidOption(f"{name} is {validation.shown(value)}; it must be bytes.")
    if value is not None and len(value) > most:
        raise InvalidOption(f"{name} has {len(value):,} bytes; at most {most:,} are allowed.")


def _check_traces(value: object) -> None:
    if not (isinstance(value, tuple) and len(value) <= 3 and all(map(_is_context, value))):
        raise InvalidOption(f"traces is {validation.shown(value)}; it must be a list of up to three traceparents.")


def _is_context(value: object) -> bool:
    return isinstance(value, str) and TRACEPARENT.fullmatch(value) is not None


def _payload_members(raw: bytes | None) -> dict[str, object]:
    if not raw:
        return {}
    if raw[:1] == b"b":
        return {"payload_base64": b64encode(raw[1:]).decode()}
    value = decode_payload(raw)
    try:
        is_exact = value is not None and encode_payload(value) == raw
    except InvalidPayload:
        is_exact = False
    return {"payload": value} if is_exact else {"payload_stored_base64": b64encode(raw).decode()}


def _payload_of(members: Mapping[str, Any]) -> bytes | None:
    given = [name for name in _PAYLOADS if members.get(name) is not None]
    if not given:
        return None
    if len(given) > 1:
        raise InvalidOption(f"A record has {given[0]} and {given[1]}; it must have one payload.")
    name, value = given[0], members[given[0]]
    if name == "payload":
        return encode_payload(value)
    try:
        content = b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise InvalidOption(f"{name} is {validation.shown(value)}; it must be base64.") from None
    return encode_payload(content) if name == "payload_base64" else content


def _object(raw: bytes | None) -> dict[str, object] | None:
    """The JSON object in `raw`; None for anything else, which another client may have written there."""
    try:
        value = json.loads(raw) if raw else None
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _failure_of(value: object) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidOption(f"failure is {validation.shown(value)}; it must be an object.")
    try:
        raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return raw.encode("utf-8", "surrogateescape")
    except (ValueError, RecursionError) as error:
        raise InvalidOption(f"failure cannot be kept: {error}.") from None


def finite(seconds: float | None) -> float | None:
    """A time that another client may have written, within the limits of a record."""
    return None if seconds is None or math.isnan(seconds) else min(max(seconds, 0.0), float(LATEST))
