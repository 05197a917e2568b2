"""Convoy: a job queue on Redis or Valkey in which a job is a unique ID.

What it promises, per queue:

- An ID is there at most once. Publishing it again while it waits or runs is refused, and the answer says which;
  with `rerun` a publish that meets a running ID has it run exactly once more afterwards.
- An accepted ID is run at least once, or is listed as failed. It is never lost.
- One holder at a time: while a worker's lease is alive nobody else gets its ID, and a result that arrives too late
  changes nothing.
- Every move is one atomic script, so a crash at any point leaves an ID in exactly one state.
- The wire format is that of the Node module redis-convoy, so both can publish to the same queue and work on it.

    >>> from convoy_core import Queue, WorkerPool
    >>> trucks = Queue("monsterTrucks")
    >>> trucks.publish("42")
    <Published.QUEUED: 'queued'>
"""

from typing import TYPE_CHECKING, Final

from convoy_core.lazy_names import lazy_names

if TYPE_CHECKING:
    from convoy_core.about import About, Acknowledgement
    from convoy_core.aio import AsyncFleet, AsyncQueue
    from convoy_core.backoff import Backoff
    from convoy_core.checks import Fault, FaultKind, Finding, Level, QueueCheck, Repaired
    from convoy_core.durations import Durations, Histogram, Percentiles
    from convoy_core.errors import (
        ConvoyError,
        EmbeddedStoreError,
        HandlerNotFound,
        InvalidID,
        InvalidInput,
        InvalidOption,
        InvalidPayload,
        InvalidQueueName,
        InvalidURL,
        NotKept,
        OutcomeUnknown,
        ReadOnly,
        StoreDamaged,
        StoreError,
        StoreFull,
        StoreRefused,
        StoreUnreachable,
        StoreUnsafe,
    )
    from convoy_core.failure_groups import FailureGroup, FailureGroups
    from convoy_core.handlers.command import Command
    from convoy_core.handlers.functions import Handler, check_handler, is_coroutine_handler, load_handler
    from convoy_core.handlers.hooks import RunHook
    from convoy_core.handlers.isolated import Isolated
    from convoy_core.jobs import Discard, Job, Retry
    from convoy_core.models import (
        Cancelled,
        Counts,
        DelayPolicy,
        Details,
        Entry,
        ErrorPage,
        Failure,
        HistoryRow,
        IDPage,
        Jammed,
        LoggedError,
        Outcome,
        Page,
        PayloadPolicy,
        Published,
        QueueLimits,
        Snapshot,
        Tally,
        Then,
        Trial,
        WaitResult,
        WorkerInfo,
        WorkerRuns,
    )
    from convoy_core.moves.call import chunked
    from convoy_core.moves.publishing import Chunk
    from convoy_core.operators import AuditEntry, Face, Operator, Undo, Undone
    from convoy_core.options import (
        BATCH,
        MAX_ID_BYTES,
        SMALL_BATCH,
        JobID,
        Payload,
        PoolOptions,
        check_prefix,
        check_queue_name,
        decode_id,
        encode_id,
    )
    from convoy_core.queue import Fleet, Queue
    from convoy_core.recordings import RecordedMove, Recording
    from convoy_core.records import Record, Restored
    from convoy_core.scratch import SCRATCH_PREFIXES, erase_scratch
    from convoy_core.states import State
    from convoy_core.store.address import Durability
    from convoy_core.store.description import StoreDescription, describe_store
    from convoy_core.store.embedded.server import EmbeddedServer, ServerStatus
    from convoy_core.tracing import Tracing
    from convoy_core.versions import Bars
    from convoy_core.worker.measures import PoolMeasures
    from convoy_core.worker.pool import MAX_CONCURRENCY, WorkerPool
    from convoy_core.worker.states import PoolState
    from convoy_core.worker.status import PoolStatus

__all__ = [  # noqa: RUF022 - by what they are for
    # queues, and all queues of a store, blocking and awaited
    "AsyncFleet",
    "AsyncQueue",
    "Fleet",
    "Queue",
    # workers, and what they run
    "Command",
    "Handler",
    "RunHook",
    "Isolated",
    "Job",
    "PoolMeasures",
    "PoolOptions",
    "PoolState",
    "PoolStatus",
    "WorkerPool",
    "Tracing",
    "check_handler",
    "is_coroutine_handler",
    "load_handler",
    # pauses before another try
    "Backoff",
    # what a handler may return
    "Discard",
    "Retry",
    # what publishing takes and answers
    "Chunk",
    "DelayPolicy",
    "JobID",
    "Payload",
    "PayloadPolicy",
    "Published",
    "Tally",
    # what there is to see
    "About",
    "Acknowledgement",
    "Bars",
    "Counts",
    "Details",
    "Durations",
    "Entry",
    "ErrorPage",
    "Histogram",
    "HistoryRow",
    "IDPage",
    "Failure",
    "FailureGroup",
    "FailureGroups",
    "Jammed",
    "LoggedError",
    "Page",
    "Percentiles",
    "QueueLimits",
    "Snapshot",
    "State",
    "WaitResult",
    "WorkerInfo",
    "WorkerRuns",
    # what a check finds, and what a repair answers
    "Fault",
    "FaultKind",
    "Finding",
    "Level",
    "QueueCheck",
    "Repaired",
    # what a dump gives, and what restoring it answers
    "Record",
    "Restored",
    # what a recorder keeps
    "RecordedMove",
    "Recording",
    # who acts, and what is kept of that
    "AuditEntry",
    "Face",
    "Operator",
    "Undo",
    "Undone",
    # what a move does and answers
    "Cancelled",
    "Outcome",
    "Then",
    "Trial",
    # the store, and the server that Convoy runs itself
    "Durability",
    "EmbeddedServer",
    "ServerStatus",
    "StoreDescription",
    "describe_store",
    # queues to try things out, which are erased
    "SCRATCH_PREFIXES",
    "erase_scratch",
    # checks and limits, for programs that ask people for IDs and names
    "BATCH",
    "MAX_CONCURRENCY",
    "MAX_ID_BYTES",
    "SMALL_BATCH",
    "check_prefix",
    "check_queue_name",
    "chunked",
    "decode_id",
    "encode_id",
    # errors
    "ConvoyError",
    "EmbeddedStoreError",
    "HandlerNotFound",
    "InvalidID",
    "InvalidInput",
    "InvalidOption",
    "InvalidPayload",
    "InvalidQueueName",
    "InvalidURL",
    "NotKept",
    "OutcomeUnknown",
    "ReadOnly",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreRefused",
    "StoreUnreachable",
    "StoreUnsafe",
]

_HOMES: Final = {
    "convoy_core.about": ("About", "Acknowledgement"),
    "convoy_core.aio": ("AsyncFleet", "AsyncQueue"),
    "convoy_core.backoff": ("Backoff",),
    "convoy_core.checks": ("Fault", "FaultKind", "Finding", "Level", "QueueCheck", "Repaired"),
    "convoy_core.durations": ("Durations", "Histogram", "Percentiles"),
    "convoy_core.errors": (
        "ConvoyError",
        "EmbeddedStoreError",
        "HandlerNotFound",
        "InvalidID",
        "InvalidInput",
        "InvalidOption",
        "InvalidPayload",
        "InvalidQueueName",
        "InvalidURL",
        "NotKept",
        "OutcomeUnknown",
        "ReadOnly",
        "StoreDamaged",
        "StoreError",
        "StoreFull",
        "StoreRefused",
        "StoreUnreachable",
        "StoreUnsafe",
    ),
    "convoy_core.failure_groups": ("FailureGroup", "FailureGroups"),
    "convoy_core.handlers.command": ("Command",),
    "convoy_core.handlers.functions": ("Handler", "check_handler", "is_coroutine_handler", "load_handler"),
    "convoy_core.handlers.hooks": ("RunHook",),
    "convoy_core.handlers.isolated": ("Isolated",),
    "convoy_core.jobs": ("Discard", "Job", "Retry"),
    "convoy_core.models": (
        "Cancelled",
        "Counts",
        "DelayPolicy",
        "Details",
        "Entry",
        "ErrorPage",
        "IDPage",
        "Failure",
        "HistoryRow",
        "Jammed",
        "LoggedError",
        "Outcome",
        "Page",
        "PayloadPolicy",
        "Published",
        "QueueLimits",
        "Snapshot",
        "Tally",
        "Then",
        "Trial",
        "WaitResult",
        "WorkerInfo",
        "WorkerRuns",
    ),
    "convoy_core.moves.call": ("chunked",),
    "convoy_core.moves.publishing": ("Chunk",),
    "convoy_core.operators": ("AuditEntry", "Face", "Operator", "Undo", "Undone"),
    "convoy_core.options": (
        "BATCH",
        "MAX_ID_BYTES",
        "SMALL_BATCH",
        "JobID",
        "Payload",
        "PoolOptions",
        "check_prefix",
        "check_queue_name",
        "decode_id",
        "encode_id",
    ),
    "convoy_core.queue": ("Fleet", "Queue"),
    "convoy_core.records": ("Record", "Restored"),
    "convoy_core.recordings": ("RecordedMove", "Recording"),
    "convoy_core.scratch": ("SCRATCH_PREFIXES", "erase_scratch"),
    "convoy_core.states": ("State",),
    "convoy_core.store.address": ("Durability",),
    "convoy_core.store.description": ("StoreDescription", "describe_store"),
    "convoy_core.store.embedded.server": ("EmbeddedServer", "ServerStatus"),
    "convoy_core.tracing": ("Tracing",),
    "convoy_core.worker.measures": ("PoolMeasures",),
    "convoy_core.worker.pool": ("MAX_CONCURRENCY", "WorkerPool"),
    "convoy_core.worker.states": ("PoolState",),
    "convoy_core.worker.status": ("PoolStatus",),
    "convoy_core.versions": ("Bars",),
}
"""Where each name is defined.

A module is loaded when one of its names is first used: asyncio takes longer to load than everything else, and a program
that only checks an ID does not need it.
"""

if not TYPE_CHECKING:  # a checker takes the names from the imports above, and must refuse any other
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
