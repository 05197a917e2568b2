"""What callers receive: frozen records, and the words that operations answer with.

Times are Unix seconds by the store's clock. Ages and durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from convoy_core.about import NOTHING, About
from convoy_core.failure_groups import group_id
from convoy_core.options import Payload
from convoy_core.states import State
from convoy_core.versions import NO_BARS, Bars

TOTALS = (  # rows of the history hold them in this order: new names come last
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
    "restored",  # put here from a dump
    "discarded",  # by an operator, or by their handler
    "cancelled",  # before they ran, or in the midst of it
    "stale",  # results that came too late and changed nothing
    "merged",  # second copies of a running ID
    "adopted",  # claimed IDs that were not in the committed set
)


class Published(StrEnum):
    """What a publish did, or which state refused it."""

    QUEUED = "queued"
    """Accepted: it is in the queue."""
    DELAYED = "delayed"
    """Accepted: it is queued when its delay ends."""
    WILL_RERUN = "will_rerun"
    """It is running; it will be queued once more when that run ends."""
    ALREADY_QUEUED = "already_queued"
    """Refused: it is in the queue already."""
    ALREADY_DELAYED = "already_delayed"
    """Refused: it is delayed already."""
    PROCESSING = "processing"
    """Refused: it is running."""

    @property
    def is_accepted(self) -> bool:
        """Whether the ID will run because of this publish."""
        return self in (Published.QUEUED, Published.DELAYED, Published.WILL_RERUN)


class PayloadPolicy(StrEnum):
    """Which payload an ID has that waits, or will run once more, and is published again."""

    KEEP = "keep"
    """The one that it has. With a rerun, the new one if there is one."""
    REPLACE = "replace"
    """That of the newest publish, also if that has none."""


class DelayPolicy(StrEnum):
    """When a delayed ID is due that is published again, whatever it is delayed for."""

    KEEP = "keep"
    """When it was."""
    EARLIER = "earlier"
    """When the newest publish would have it, if that is earlier."""
    LATER = "later"
    """When the newest publish would have it, if that is later: it waits until nobody asks for it any more."""


class Outcome(StrEnum):
    """What a requeue, discard or jam guard did with one ID."""

    QUEUED = "queued"
    """Put into the queue."""
    FAILED = "failed"
    """Marked as failed."""
    DISCARDED = "discarded"
    """Removed: it is absent now."""
    ALREADY_COMMITTED = "already_committed"
    """Left alone: it is waiting or running already (a stale entry in `failed` was dropped)."""
    GONE = "gone"
    """Left alone: it is not in the state in which it was seen, or is running anew."""
    HELD = "held"
    """Left alone: its worker is alive, and `skip_live` was set."""
    LOCKED = "locked"
    """Left alone: another jam guard holds the lock of this queue; try again in five seconds."""


class Cancelled(StrEnum):
    """What a cancel did with one ID."""

    CANCELLED = "cancelled"
    """It waited, and is absent now."""
    CANCELLING = "cancelling"
    """It runs, and has been asked to end; it is processing until it does."""
    NODE = "node"
    """Left alone: a Node worker runs it, which cannot be asked."""
    FAILED = "failed"
    """Left alone: it has failed already."""
    ABSENT = "absent"
    """Left alone: it neither waits nor runs."""
    MISSING = "missing"
    """Left alone: it is committed, and in no place. A Node client leaves it so for a moment, between two commands."""

    @property
    def is_effective(self) -> bool:
        """Whether the ID has been cancelled, or asked to end."""
        return self in (Cancelled.CANCELLED, Cancelled.CANCELLING)


class Then(StrEnum):
    """What the jam guard does with the IDs it frees."""

    REQUEUE = "requeue"
    FAIL = "fail"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Tally:
    """The number of IDs of a bulk call with each answer."""

    published: int = 0
    """Accepted, with or without a delay."""
    waiting: int = 0
    """Refused: already queued or delayed."""
    running: int = 0
    """Refused: already processing."""
    will_rerun: int = 0
    """Running, and marked to run once more."""

    @property
    def refused(self) -> int:
        """How many were waiting or running already. These keep their position, and by default their payload
        and due time."""
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
    """The number of IDs in each state of a queue, read at one instant."""

    queued: int = 0
    committed: int = 0
    processing: int = 0
    failed: int = 0
    delayed: int = 0

    @property
    def drift(self) -> int:
        """Committed IDs that are in no state.

        0, except while a Node client is between two commands, after one died there, or when data is damaged.
        """
        return self.committed - self.queued - self.processing - self.delayed


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What limits the runs of a queue, over all Convoy workers together."""

    concurrency: int | None = None
    """The most runs at a time."""
    rate: int | None = None
    """The most runs that may begin in each period."""
    period_s: float = 1.0
    burst: int | None = None
    """The most of these that may begin at once."""

    @property
    def is_set(self) -> bool:
        """Whether anything is limited."""
        return self.concurrency is not None or self.rate is not None


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
    """Pools whose lease ran out and whose IDs nobody has recovered yet."""
    jammed: int
    """Processing entries older than the limit asked for."""
    oldest_queued_s: float | None
    """Age of the ID next in line, if known (Node publishers record none)."""
    oldest_processing_s: float | None
    """The age of the oldest run."""
    next_due_s: float | None
    """Seconds until the first delayed ID is due; negative when overdue."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Counters that only grow; `TOTALS` names them. The work of other clients is not counted."""
    damage: str | None = None
    """Why the queue cannot be read (a key has the wrong type). The numbers are then 0."""
    limits: QueueLimits = QueueLimits()
    is_held_back: bool = False
    """Whether IDs wait that no Convoy worker may begin at this instant, since a limit is reached."""
    held: int = 0
    """How many of the processing IDs are held by Convoy's workers, alive or not. Node workers hold the others."""
    about: About = NOTHING
    """What operators have said about it."""
    bars: Bars = NO_BARS
    """Which workers may claim nothing."""

    @property
    def saved(self) -> float | None:
        """The share of all publishes so far that uniqueness saved a run; None before the first."""
        published, refused = self.totals.get("published", 0), self.totals.get("refused", 0)
        return refused / (published + refused) if published + refused else None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """What was kept of a queue at one time. Where nobody was there to keep any, rows are missing."""

    at: float
    counts: Counts
    workers: int
    """Pools with a live lease."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """As in Snapshot, without those that were 0."""


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
    what: str = ""
    """What broke: the text that failures of this kind share, by which they are grouped."""

    @property
    def group(self) -> str:
        """The ID of that group."""
        return group_id(self.what)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a listing. A field that does not apply to its state, or is not known, is None."""

    id: str
    state: State | None
    """None in a listing of the committed set, which does not hold the state."""
    since: float | None = None
    """When it was published (queued), started (processing) or last failed (failed)."""
    due: float | None = None
    worker: str | None = None
    """The pool that holds it; None if a Node client does."""
    failures: int | None = None
    error: str | None = None
    """First line of the last error, up to 500 characters."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing."""

    entries: tuple[Entry, ...]
    total: int
    """Entries in this state when the page was read."""
    next: int | None
    """The `start` of the next page; None at the end. A rank, with gaps for processing IDs, or a cursor (committed)."""
    at: float
    """The store's time when the page was read."""


@dataclass(frozen=True, slots=True)
class IDPage:
    """One page of a listing, IDs only; see `Page`."""

    ids: tuple[str, ...]
    total: int
    next: int | None
    at: float


@dataclass(frozen=True, slots=True)
class LoggedError:
    """One entry of the error log, which Node workers write as well. It names no ID."""

    day: float
    """Start of the UTC day on which it was logged, in Unix seconds."""
    text: str
    """Up to 4,096 bytes."""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """One page of the error log."""

    errors: tuple[LoggedError, ...]
    total: int
    """Entries of today and yesterday when the page was read."""
    next: int | None
    """The `start` of the next page; None at the end."""


@dataclass(frozen=True, slots=True)
class Jammed:
    """One processing entry in the preview of a jam guard, which frees it only if (id, start) is still the same."""

    id: str
    start: float
    """When the run started; for an entry of a Node client its score."""
    age_s: float
    worker: str | None
    """None for an entry of a Node client."""
    is_live: bool
    """Whether the lease of its holder is alive. Freeing it can then run the job twice at once."""


@dataclass(frozen=True, slots=True)
class WaitResult:
    """How the IDs that were waited for have ended."""

    done: int
    """How many are absent: done, discarded, or never published."""
    failed: tuple[str, ...]
    left: tuple[str, ...]
    """Those that still waited or ran when the time was up."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a trial run went, and what became of the IDs behind it."""

    tried: tuple[str, ...]
    """Those that went ahead."""
    failed: tuple[str, ...]
    """Those of them of which a run failed, whether it will be tried again or not."""
    left: tuple[str, ...]
    """Those that still waited or ran when the time was up: they run when their turn comes."""
    failure: Failure | None
    """The new failure of the first that failed."""
    rest: Mapping[str, Outcome]
    """What became of the others; empty where they stay failed."""

    @property
    def went_well(self) -> bool:
        """Whether none failed and none was left, so that the others were requeued."""
        return not self.failed and not self.left


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
    version: str = ""
    """The label of what it runs, if it was given one."""
    is_quiet: bool = False
    """Whether it claims nothing, since an operator has said so of it or of its host."""
    is_outdated: bool = False
    """Whether it claims nothing, since its version is lower than the queue's lowest."""

    @property
    def is_live(self) -> bool:
        """Whether its lease is alive."""
        return self.lease_ends_in_s > 0


@dataclass(frozen=True, slots=True)
class WorkerRuns:
    """One pool, and the runs that it has held the longest."""

    worker: WorkerInfo
    runs: tuple[Entry, ...]
    """Up to 20, the oldest first. A pool has none here if the oldest 500 of its queue are all held by others."""
    at: float
    """The store's time when this was read."""


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
    """Position in the queue, from 0; None if it is not queued, or is beyond the first 100,000."""
    published: float | None = None
    started: float | None = None
    waited_s: float | None = None
    """How long it waited in line until the run that goes began, from its publish or from when it was due."""
    due: float | None = None
    worker: str | None = None
    worker_is_live: bool | None = None
    token: str | None = None
    attempt: int = 1
    """The number of its current or next run, from 1. A publish or a requeue starts the count again."""
    failures: int = 0
    """Failures since it last succeeded."""
    crashes: int = 0
    rerun: bool = False
    cancelling: bool = False
    """Whether its run has been asked to end, and has not ended yet."""
    failure: Failure | None = None
    payload: Payload = None
    payload_bytes: int | None = None
    """Size of the payload; None if it has none."""
    requests: int = 1
    """How many publishes its run stands for, if it waits or runs."""
    first_asked: float | None = None
    """When the first of several came."""
    rerun_requests: int = 0
    """How many of the publishes since it runs asked for another run."""
    traces: tuple[str, ...] = ()
    """Of its traced publishes the contexts (W3C `traceparent`): of the accepted one, and of the first and the last that
    it has absorbed."""

    @property
    def is_missing(self) -> bool:
        """Whether it is committed and in no state: every publish is refused, and no worker runs it.

        A Node client leaves each ID so for a moment, between two commands. If it dies then, the ID stays so.
        """
        return self.is_committed and not self.state.is_committed
