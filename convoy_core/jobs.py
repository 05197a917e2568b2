"""One claimed ID: the job its handler gets, what that may return, and the kinds of verdict on how it ended."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

from convoy_core.options import Payload, decode_id, decode_payload, encode_id
from convoy_core.validation import Seconds


@dataclass(slots=True)
class Claim:
    """An ID as the store handed it over."""

    raw_id: bytes
    number: int
    """With the worker's ID it makes the fencing token; never used twice."""
    attempts: int = 0
    failures: int = 0
    crashes: int = 0
    raw_payload: bytes | None = None


class Job:
    """What a handler receives: the ID, and what is known about this run of it.

    It runs at least once: after a crash between the work and its acknowledgement it runs again, so a handler whose
    effects must not be repeated should make them depend on `id`, or pass `token` along as a fencing token.
    """

    __slots__ = ("_claim", "_is_lost", "_worker", "queue")

    def __init__(self, claim: Claim, queue: str, worker: str) -> None:
        self._claim = claim
        self._is_lost = False
        self._worker = worker
        self.queue = queue
        """The queue's name."""

    @property
    def id(self) -> str:
        """The ID."""
        return decode_id(self._claim.raw_id)

    @property
    def token(self) -> str:
        """The fencing token: no other run of any ID has, had or will have the same."""
        return f"{self._worker}:{self._claim.number}"

    @property
    def attempt(self) -> int:
        """Number of this run since the ID was last queued from outside, from 1; retries count up."""
        return self._claim.attempts + 1

    @property
    def failures(self) -> int:
        """How often it has failed since it last succeeded."""
        return self._claim.failures

    @property
    def crashes(self) -> int:
        """How often its worker died or it was jammed since it last ended."""
        return self._claim.crashes

    @property
    def payload(self) -> Payload:
        """What was published with it; None for none."""
        return decode_payload(self._claim.raw_payload) if self._claim.raw_payload else None

    @property
    def content(self) -> bytes:
        """The payload's own bytes, text and JSON in UTF-8; empty for none."""
        return (self._claim.raw_payload or b"")[1:]

    @property
    def lost(self) -> bool:
        """Whether the ID is no longer this worker's: another may be running it, and the result will change nothing."""
        return self._is_lost

    def as_record(self) -> dict[str, Any]:
        """What a child process needs to have the same job; JSON can hold it."""
        payload = None if self._claim.raw_payload is None else b64encode(self._claim.raw_payload).decode()
        return {
            "queue": self.queue,
            "token": self.token,
            **asdict(self._claim),
            "raw_id": self.id,
            "raw_payload": payload,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """The job that `as_record` described."""
        queue, worker = record.pop("queue"), record.pop("token").rpartition(":")[0]
        payload = record.pop("raw_payload")
        raw_payload = None if payload is None else b64decode(payload)
        return cls(Claim(encode_id(record.pop("raw_id")), raw_payload=raw_payload, **record), queue, worker)

    def mark_lost(self) -> None:
        """For the pool: somebody else has taken the ID away."""
        self._is_lost = True

    def __repr__(self) -> str:
        return f"Job(id={self.id!r}, queue={self.queue!r}, attempt={self.attempt})"


@dataclass(frozen=True, slots=True)
class Retry:
    """A handler returns this to be called again later. It is no failure: nothing is counted, no retry is used up."""

    after_s: Seconds | None = None
    """Seconds, below a billion, or a timedelta; None: the pool's `defer_s`. Less than 0 is at once."""


@dataclass(frozen=True, slots=True)
class Discard:
    """A handler returns this to give an ID up: it becomes absent, as if it were done, and is counted as discarded."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A run ended badly."""

    message: str
    """One line for the error log that Node clients read too."""
    record: str
    """JSON of what `models.Failure` shows; the store adds the time."""
    retry_ms: int | None
    """Delay before the next attempt; None: no retries are left."""


Verdict: TypeAlias = "Literal['completed', 'released'] | Failed | Retry | Discard"
