"""One run of one claimed ID: the job its handler gets, and the verdict on how it ended."""

from __future__ import annotations

import json
import random
import traceback
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

from convoy_core.options import Payload, PoolOptions, decode_id, decode_payload, encode_id

MAX_TEXT = 4096
"""Characters of an error or a traceback that are kept."""


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
    effects
    must not be repeated should make them depend on `id`, or pass `token` along as a fencing token.
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


@dataclass(slots=True, eq=False)
class Run:
    """One claimed ID on its way through the handler."""

    job: Job
    claim: Claim
    started: float
    """By `time.monotonic`."""
    is_settled: bool = False
    """Its verdict is out, although the handler has not returned yet: it keeps its slot."""
    timed_out: bool = False


class RunFailed(Exception):
    """A run ended badly outside this process; its text says it all, so it is shown without the name of a Python
    class.
    """

    def __init__(self, text: str, remote_traceback: str = "") -> None:
        super().__init__(text)
        self.remote_traceback = remote_traceback


@dataclass(frozen=True, slots=True)
class Failed:
    """A run ended badly."""

    message: str
    """One line for the error log that Node clients read too."""
    record: str
    """JSON of what `models.Failure` shows; the store adds the time."""
    retry_ms: int | None
    """Delay before the next attempt; None: no retries are left."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A handler returns this to be called again later. It is no failure: nothing is counted, no retry is used up."""

    after_s: float | None = None
    """Seconds; None: the pool's `defer_s`."""


@dataclass(frozen=True, slots=True)
class Discard:
    """A handler returns this to give an ID up: it becomes absent, as if it were done, and is counted as discarded."""

    reason: str = ""


Verdict: TypeAlias = "Literal['completed', 'released'] | Failed | Retry | Discard"


def describe(error: BaseException) -> str:
    """`ValueError: text`, whatever the exception's own methods do."""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - a handler's exception may break when it is printed (RELIABILITY F62)
        text = "(this exception cannot be printed)"
    if isinstance(error, RunFailed):
        return text
    name = type(error).__name__
    return f"{name}: {text}"[:MAX_TEXT] if text else name


def failed(
    error: BaseException, claim: Claim, *, worker: str, seconds: float, retries: int, options: PoolOptions
) -> Failed:
    """The verdict on a run that ended with `error`."""
    return Failed(
        _printable(describe(error)),
        json.dumps(
            {
                "error": _printable(describe(error)),
                "traceback": _printable(trace(error)),
                "worker": worker,
                "attempt": claim.attempts + 1,
                "seconds": round(seconds, 3),
            }
        ),
        backoff_ms(claim.attempts, options) if claim.attempts < retries else None,
    )


def backoff_ms(failures: int, options: PoolOptions) -> int:
    """Delay before the next attempt: full jitter over a capped exponential.

    That is, evenly between 0 and min(cap, base * 2**failures), as in the AWS Architecture Blog's "Exponential
    Backoff And Jitter"; a crowd of failures spreads out instead of coming back at once.
    """
    ceiling = min(options.backoff_cap_s, options.backoff_s * 2 ** min(failures, 64))
    return round(random.uniform(0, ceiling) * 1000)


def trace(error: BaseException) -> str:
    """The end of its traceback, which names the line that raised, from the handler's own frame on."""
    if isinstance(error, RunFailed):
        return error.remote_traceback
    frames = error.__traceback__
    if frames is not None and frames.tb_next is not None:
        frames = frames.tb_next  # the first is the call in `handlers`, which tells nobody anything
    try:
        text = "".join(traceback.format_exception(type(error), error, frames))
    except BaseException:  # noqa: BLE001 - as in `describe`
        return ""
    return text[-MAX_TEXT:]


def _printable(text: str) -> str:
    """Text that UTF-8 can hold: an ID's undecodable bytes, quoted in a message, become escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
