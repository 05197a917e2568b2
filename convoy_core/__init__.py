"""Convoy: a job queue on Redis or Valkey in which a job is a unique ID.

What it promises, per queue:

- An ID is there at most once. Publishing it again while it waits or runs is refused, and the answer says which;
  with `rerun` a publish that meets a running ID has it run exactly once more afterwards.
- An accepted ID is run at least once, or is to be seen among the failed. It is never lost.
- One holder at a time: while a worker's lease is alive nobody else gets its ID, and a result that comes too late
changes nothing.
- Every move is one atomic step of the store, so a crash at any point leaves an ID in exactly one state.
- The wire format is that of the Node module redis-convoy, so both can publish to and work on the same queue.

    >>> from convoy_core import Queue, WorkerPool
    >>> trucks = Queue("monsterTrucks")
    >>> trucks.publish("42")
    <Published.QUEUED: 'queued'>
"""

from convoy_core.aio import AsyncFleet, AsyncQueue
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
    OutcomeUnknown,
    ReadOnly,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
    StoreUnsafe,
)
from convoy_core.handlers.command import Command
from convoy_core.handlers.isolated import Isolated
from convoy_core.jobs import Discard, Job, Retry
from convoy_core.models import (
    Counts,
    Details,
    Entry,
    ErrorPage,
    Failure,
    Jammed,
    LoggedError,
    Outcome,
    Page,
    Published,
    Snapshot,
    Tally,
    Then,
    WorkerInfo,
)
from convoy_core.moves.publishing import Chunk
from convoy_core.options import PoolOptions
from convoy_core.queue import Fleet, Queue
from convoy_core.states import State
from convoy_core.worker.pool import PoolStatus, WorkerPool
from convoy_core.worker.states import PoolState

__all__ = [
    "AsyncFleet",
    "AsyncQueue",
    "Chunk",
    "Command",
    "ConvoyError",
    "Counts",
    "Details",
    "Discard",
    "EmbeddedStoreError",
    "Entry",
    "ErrorPage",
    "Failure",
    "Fleet",
    "HandlerNotFound",
    "InvalidID",
    "InvalidInput",
    "InvalidOption",
    "InvalidPayload",
    "InvalidQueueName",
    "InvalidURL",
    "Isolated",
    "Jammed",
    "Job",
    "LoggedError",
    "Outcome",
    "OutcomeUnknown",
    "Page",
    "PoolOptions",
    "PoolState",
    "PoolStatus",
    "Published",
    "Queue",
    "ReadOnly",
    "Retry",
    "Snapshot",
    "State",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreRefused",
    "StoreUnreachable",
    "StoreUnsafe",
    "Tally",
    "Then",
    "WorkerInfo",
    "WorkerPool",
]
