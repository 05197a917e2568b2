"""One claimed ID: the job that its handler receives, what a handler may return, and the verdicts on a run."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self, TypeAlias

from convoy_core.options import Payload, decode_id, decode_payload, encode_stored_id
from convoy_core.system.logs import Log
from convoy_core.validation import Seconds

JOB_LOGGER: Final = "convoy_core.job"
JOB_FIELDS: Final = ("queue", "job_id", "attempt", "token")
"""What a record of a run's logger says of it, beside what every record has."""


@dataclass(slots=True)
class Claim:
    """An ID as the claim script returned it."""

    raw_id: bytes
    number: int
    """Together with the worker's ID it is the fencing token. It is never used twice."""
    attempts: int = 0
    failures: int = 0
    crashes: int = 0
    raw_payload: bytes | None = None
    requests: int = 1
    first_asked_at: float | None = None
    traces: tuple[str, ...] = ()
    """The contexts of the traced publishes that it stands for."""
    waited_s: float | None = field(default=None, compare=False)
    """How long it was in line, or the first of those claimed with it; None where the store does not know."""


class Job:
    """What a handler receives: the ID, and what is known about this run of it.

    An ID is run at least once: after a crash between the work and its acknowledgement it runs again. A handler whose
    effects must not be repeated should make them depend on `id`, or pass `token` along as a fencing token.
    """

    __slots__ = ("_claim", "_is_cancelled", "_is_lost", "_worker", "queue", "traceparent")

    def __init__(self, claim: Claim, queue: str, worker: str) -> None:
        self._claim = claim
        self._is_cancelled = False
        self._is_lost = False
        self._worker = worker
        self.queue = queue
        """The queue's name."""
        self.traceparent: str | None = None
        """The context of the span of this run, in the form of W3C Trace Context; None if it is not traced."""

    @property
    def id(self) -> str:
        """The ID."""
        return decode_id(self._claim.raw_id)

    @property
    def token(self) -> str:
        """The fencing token. It is unique for every run of every ID."""
        return f"{self._worker}:{self._claim.number}"

    @property
    def attempt(self) -> int:
        """The number of this run, from 1. Each retry adds one; a publish or a requeue starts the count again."""
        return self._claim.attempts + 1

    @property
    def failures(self) -> int:
        """How often it has failed since it last succeeded."""
        return self._claim.failures

    @property
    def crashes(self) -> int:
        """How often its worker died, or the jam guard freed it, since a run of it last ended."""
        return self._claim.crashes

    @property
    def requests(self) -> int:
        """How many publishes this run stands for: the one that was accepted, and those that were refused since then.

        Those that come while it runs are for the next attempt as well, if there is one; with `rerun` they are for the
        run that follows.
        """
        return self._claim.requests

    @property
    def first_asked_at(self) -> float | None:
        """When the first of several `requests` came, in Unix seconds; None if the run stands for one alone."""
        return self._claim.first_asked_at

    @property
    def payload(self) -> Payload:
        """The payload that was published with it, or None."""
        return decode_payload(self._claim.raw_payload) if self._claim.raw_payload else None

    @property
    def content(self) -> bytes:
        """The bytes of the payload (text and JSON in UTF-8); empty if there is none."""
        return (self._claim.raw_payload or b"")[1:]

    @property
    def lost(self) -> bool:
        """Whether this worker has lost the ID: another may be running it, and the result will be ignored."""
        return self._is_lost

    @property
    def cancelled(self) -> bool:
        """Whether an operator has asked this run to end.

        A coroutine is cancelled then, and a process ended. A function in a thread should look here from time to time,
        and return or raise: its ID is processing until it does. If it raises, it has been cancelled and has not failed.
        If it returns nothing, it is done.
        """
        return self._is_cancelled

    @property
    def log(self) -> Log:
        """A logger for this run, `convoy_core.job`: its records have the attributes of `JOB_FIELDS`.

        What its handlers raise is dropped, and cannot fail the run. `convoy work` shows them from level INFO on; in the
        child process of an isolated handler nothing is set up but what the handler's module sets up.
        """
        return Log(JOB_LOGGER, {"queue": self.queue, "job_id": self.id, "attempt": self.attempt, "token": self.token})

    def as_record(self) -> dict[str, Any]:
        """The job as a dict that JSON can hold, for a child process."""
        payload = None if self._claim.raw_payload is None else b64encode(self._claim.raw_payload).decode()
        return {
            "queue": self.queue,
            "token": self.token,
            **asdict(self._claim),
            "raw_id": self.id,
            "raw_payload": payload,
            "traceparent": self.traceparent,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """The job that `as_record` described."""
        queue, worker = record.pop("queue"), record.pop("token").rpartition(":")[0]
        payload = record.pop("raw_payload")
        raw_payload = None if payload is None else b64decode(payload)
        traceparent = record.pop("traceparent")
        job = cls(Claim(encode_stored_id(record.pop("raw_id")), raw_payload=raw_payload, **record), queue, worker)
        job.traceparent = traceparent
        return job

    def mark_lost(self) -> None:
        """Set `lost`. Called by the pool when another worker or a jam guard has taken the ID."""
        self._is_lost = True

    def mark_cancelled(self) -> None:
        """Set `cancelled`. Called by the pool."""
        self._is_cancelled = True

    def __repr__(self) -> str:
        return f"Job(id={self.id!r}, queue={self.queue!r}, attempt={self.attempt})"


@dataclass(frozen=True, slots=True)
class Retry:
    """A handler returns this to be called again later. This is not a failure, and uses up no retry."""

    after_s: Seconds | None = None
    """Seconds, below a billion, or a timedelta. None stands for the pool's `defer_s`; below 0 means at once."""
    reason: str = ""
    """For the log."""


@dataclass(frozen=True, slots=True)
class Discard:
    """A handler returns this to drop its ID: it becomes absent, as if it were done, and counts as discarded."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The verdict on a run that failed."""

    message: str
    """One line for the error log, which Node clients read as well."""
    record: str
    """JSON of the fields of `models.Failure`. The store adds the time."""
    retry_ms: int | None
    """Delay before the next attempt; None: no retries are left."""


Verdict: TypeAlias = "Literal['completed', 'released', 'cancelled'] | Failed | Retry | Discard"
