"""What callers receive: frozen records, and the words that operations answer with.

Times are Unix seconds by the store's clock, ages and durations seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from convoy_core.options import Payload
from convoy_core.states import State

TOTALS = (
    "published",  # accepted publishes
    "refused",  # duplicates
    "done",
    "failed",  # runs that ended in `failed`, or would have but for a rerun
    "deferred",  # runs whose handler asked to be called again later
    "retried",  # runs that failed and will be tried again
    "released",  # given back by a stopping worker
    "recovered",  # taken from a dead worker
    "jammed",  # freed by our jam guard
    "requeued",
    "discarded",  # by an operator, or by their handler
    "stale",  # results that came too late and changed nothing
    "merged",  # second copies of a running ID
    "adopted",  # claimed IDs that were not in the committed set
)


class Published(StrEnum):
    """What a publish did, or which state refused it."""

    QUEUED = "queued"
    """Accepted: it waits its turn."""
    DELAYED = "delayed"
    """Accepted: it waits for its time."""
    WILL_RERUN = "will_rerun"
    """It is running; it will be queued once more when that run ends."""
    ALREADY_QUEUED = "already_queued"
    """Refused: it is waiting already."""
    ALREADY_DELAYED = "already_delayed"
    """Refused: it is waiting for its time already."""
    PROCESSING = "processing"
    """Refused: it is running."""

    @property
    def is_accepted(self) -> bool:
        """Whether the ID will run because of this publish."""
        return self in (Published.QUEUED, Published.DELAYED, Published.WILL_RERUN)


class Outcome(StrEnum):
    """What a requeue, discard or jam guard did with one ID."""

    QUEUED = "queued"
    """Put into the queue."""
    FAILED = "failed"
    """Put among the failed."""
    DISCARDED = "discarded"
    """Forgotten: it is absent now."""
    ALREADY_COMMITTED = "already_committed"
    """Left alone: it is waiting or running already (a stale entry in `failed` was dropped)."""
    GONE = "gone"
    """Left alone: it is not, or no longer, where it was seen."""
    HELD = "held"
    """Left alone: its worker is alive, and those were to be skipped."""
    LOCKED = "locked"
    """Left alone: another jam guard is at work on this queue; try again in five seconds."""


class Then(StrEnum):
    """What the jam guard does with the IDs it frees."""

    REQUEUE = "requeue"
    FAIL = "fail"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many IDs of a bulk call met which answer."""

    published: int = 0
    """Accepted, now or for later."""
    waiting: int = 0
    """Refused: already queued or delayed."""
    running: int = 0
    """Refused: already processing."""
    will_rerun: int = 0
    """Running, and marked to run once more."""

    @property
    def refused(self) -> int:
        """How many were waiting or running already; these keep the payload, the time and the place that they had."""
        return self.waiting + self.running

    @property
    def total(self) -> int:
        """How many IDs were offered."""
        return self.published + self.waiting + self.running + self.will_rerun

    def __add__(self, other: Tally) -> Tally:
        """The tally of both calls together."""
        return Tally(
            self.published + other.published,
            self.waiting + other.waiting,
            self.running + other.running,
            self.will_rerun + other.will_rerun,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """How many IDs a queue holds per state, read in one instant."""

    queued: int = 0
    committed: int = 0
    processing: int = 0
    failed: int = 0
    delayed: int = 0

    @property
    def drift(self) -> int:
        """Committed IDs that are in no place; 0 unless a Node client is between two commands, or data is damaged."""
        return self.committed - self.queued - self.processing - self.delayed


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One queue at one instant of the store's clock."""

    queue: str
    at: float
    """The store's time of this snapshot."""
    counts: Counts
    paused: bool
    workers: int
    """Pools with a live lease."""
    silent: int
    """Pools whose lease ran out and that nobody has recovered yet."""
    jammed: int
    """Processing entries older than the limit asked for."""
    oldest_queued_s: float | None
    """Age of the ID next in line, if known (Node publishers record none)."""
    oldest_processing_s: float | None
    """How long the longest run has been going."""
    next_due_s: float | None
    """Seconds until the first delayed ID is due; negative when overdue."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Counters that only grow; `TOTALS` names them. Another client's work is not counted."""
    damage: str | None = None
    """Why the queue cannot be read (a key of a foreign type); the numbers are then 0."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failure of an ID."""

    error: str
    at: float | None = None
    traceback: str | None = None
    worker: str | None = None
    attempt: int | None = None
    seconds: float | None = None
    """How long the run lasted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a listing. What does not apply to its state, or is not known, is None."""

    id: str
    state: State | None
    """None in a listing of the committed set, which does not tell."""
    since: float | None = None
    """Published (queued), started (processing), or failed last (failed)."""
    due: float | None = None
    worker: str | None = None
    """The pool that holds it; None for a Node client's."""
    failures: int | None = None
    error: str | None = None
    """First line of the last error, up to 500 characters."""


@dataclass(frozen=True, slots=True)
class Page:
    """A window of a listing."""

    entries: tuple[Entry, ...]
    total: int
    """Entries in this state when the page was read."""
    next: int | None
    """What to pass as `start` for the next page; None at the end. A rank, or a scan cursor for the committed set."""
    at: float
    """The store's time when the page was read."""


@dataclass(frozen=True, slots=True)
class LoggedError:
    """One entry of the log of errors, which Node's workers write as well. It names no ID."""

    day: float
    """Start of the UTC day on which it was logged, in Unix seconds."""
    text: str
    """Up to 4,096 bytes."""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A window of the log of errors."""

    errors: tuple[LoggedError, ...]
    total: int
    """Entries of today and yesterday when the page was read."""
    next: int | None
    """What to pass as `start` for the next page; None at the end."""


@dataclass(frozen=True, slots=True)
class Jammed:
    """One processing entry, as a jam guard's preview shows it. (id, start) is what the guard acts on."""

    id: str
    start: float
    """True start; for a Node client's entry its score."""
    age_s: float
    worker: str | None
    """None for a Node client's."""
    is_live: bool
    """Whether its holder's lease is alive. Freeing it can run the job twice at once."""


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One pool, alive or silent."""

    id: str
    queue: str
    host: str
    pid: int | None
    handler: str
    concurrency: int | None
    since: float | None
    lease_ends_in_s: float
    """Negative: silent for that long."""
    running: int
    done: int
    failed: int

    @property
    def is_live(self) -> bool:
        """Whether its lease has not run out."""
        return self.lease_ends_in_s > 0


@dataclass(frozen=True, slots=True)
class Details:
    """All that is known about one ID in one queue."""

    id: str
    queue: str
    state: State
    at: float
    """The store's time when this was read."""
    is_committed: bool
    publish_would: Published
    """What publishing it now would answer."""
    position: int | None = None
    """Place in the queued list, 0 is next; None when not queued, or beyond the first 100,000."""
    published: float | None = None
    started: float | None = None
    due: float | None = None
    worker: str | None = None
    worker_is_live: bool | None = None
    token: str | None = None
    attempt: int = 1
    """Number of its present or next run since it was last queued from outside."""
    failures: int = 0
    """Failures since it last succeeded."""
    crashes: int = 0
    rerun: bool = False
    failure: Failure | None = None
    payload: Payload = None
    payload_bytes: int | None = None
    """Size of the payload; None when it has none."""

    @property
    def is_missing(self) -> bool:
        """Whether it is committed and in no place: no publish is accepted, and nothing runs it. For a moment a Node
        client leaves every ID so; one that died then leaves it so for good.
        """
        return self.is_committed and not self.state.is_committed
