"""Runs what is queued in the caller's thread, by the scripts that pools use: a test sees the result at once.

An ID passes through the same moves as in a pool: it is claimed, run, and settled, one at a time, in order. Only leases,
heartbeats and time limits are left out, since the caller waits for each run.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from convoy_core import validation
from convoy_core.aio import AsyncQueue
from convoy_core.errors import InvalidOption
from convoy_core.handlers.functions import Handler, Raised, check_handler, is_coroutine_handler
from convoy_core.handlers.run import Run
from convoy_core.handlers.verdicts import VerdictRules
from convoy_core.jobs import Discard, Failed, Job, Retry, Verdict
from convoy_core.moves import working
from convoy_core.moves.call import Call
from convoy_core.moves.keys import Keys
from convoy_core.moves.working import Settlement, SuspectPolicy
from convoy_core.options import BATCH, PoolOptions
from convoy_core.queue import Queue
from convoy_core.worker.settling import settle

LEASE_MS: Final = 3_600_000
"""Nobody renews it, so it is longer than any test."""

ENDLESS: Final = 10_000
"""So many runs of one call are taken for a handler that publishes its own ID for ever."""

Steps: TypeAlias = "Generator[Call[Any] | Job, Any, Drained]"
"""Yields what is to be asked of the store, and jobs to be run, and is sent the answers and the results."""


@dataclass(slots=True)
class Drained:
    """What `drain` has run, each list in the order of the runs."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, BaseException] = field(default_factory=dict)
    """What failed for good, and by which exception. What is retried is not among them."""
    retried: list[str] = field(default_factory=list)
    """What failed and is delayed until it is tried again: `Clock.advance` brings that about."""
    deferred: list[str] = field(default_factory=list)
    """What asked to be called again later."""
    discarded: list[str] = field(default_factory=list)


def drain(queue: Queue, handler: Handler, *, retries: int = 0) -> Drained:
    """Run everything that is queued or due, and what is queued meanwhile, until nothing is.

    A paused queue gives nothing. What the handler raises is a failure, as in a pool, except for an AssertionError,
    which is the test's own: it is raised again, once its ID has failed. So is what is no Exception, as of
    `pytest.fail`. Raises InvalidOption, also after 10,000 runs, and StoreError.
    """
    validation.one_of("queue", queue, Queue, "a Queue; for an AsyncQueue there is drain_async")
    call = _called(handler)
    steps = _drain(queue.name, queue._connection.keyspace.queue(queue.name), retries)
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            drained: Drained = end.value
            return drained
        answer = _run(call, step) if isinstance(step, Job) else queue._connection.run(step)


async def drain_async(queue: AsyncQueue, handler: Handler, *, retries: int = 0) -> Drained:
    """The same for an AsyncQueue, on the caller's event loop. A plain function is called on it as well."""
    validation.one_of("queue", queue, AsyncQueue, "an AsyncQueue; for a Queue there is drain")
    check_handler(handler)
    is_awaited, call = is_coroutine_handler(handler), _any(handler)
    steps = _drain(queue.name, queue._connection.keyspace.queue(queue.name), retries)
    answer: Any = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            drained: Drained = end.value
            return drained
        if not isinstance(step, Job):
            answer = await queue._connection.run(step)
            continue
        try:
            answer = await call(step) if is_awaited else call(step)
        except BaseException as error:  # noqa: BLE001 - the user's code
            answer = Raised(error)


def _any(handler: Handler) -> Any:
    return handler


def _called(handler: Handler) -> Callable[[Job], object]:
    check_handler(handler)
    call = _any(handler)
    return (lambda job: asyncio.run(call(job))) if is_coroutine_handler(handler) else call


def _run(call: Callable[[Job], object], job: Job) -> object:
    try:
        return call(job)
    except BaseException as error:  # noqa: BLE001 - the user's code
        return Raised(error)


def _drain(queue: str, keys: Keys, retries: int) -> Steps:
    worker, number = os.urandom(16).hex(), 1
    rules = VerdictRules(worker, validation.whole("retries", retries, 0), PoolOptions())
    drained, settlement, raised = Drained(), Settlement(), None
    about: dict[str, str | int] = {"host": "drain", "pid": os.getpid(), "concurrency": 1}
    yield working.register(keys, worker, LEASE_MS, os.urandom(8).hex(), about)
    while True:
        yield working.promote(keys, BATCH, LEASE_MS)
        want = 0 if raised is not None or number > ENDLESS else 1
        answer = yield working.exchange(keys, worker, settlement, want, number, LEASE_MS, SuspectPolicy(0, True))
        settlement = Settlement()
        if not answer.claims:
            break
        number += 1
        (claim,) = answer.claims
        run = Run(Job(claim, queue, worker), claim, time.monotonic())
        result = yield run.job
        raised = _tests_own(result)
        verdict = "released" if raised is not None and not isinstance(raised, Exception) else rules.verdict(result, run)
        _note(drained, run.job.id, settle(settlement, claim, verdict, defer_s=PoolOptions().defer_s), result)
    yield from working.unregister_safely(keys, worker, number)
    if raised is not None:
        raise raised
    if number > ENDLESS:
        raise InvalidOption(f"{number - 1} runs, and IDs are still queued: does the handler publish its own ID?")
    return drained


def _tests_own(result: object) -> BaseException | None:
    """The exception that is not the handler's failure, but the test's."""
    if type(result) is not Raised:
        return None
    is_failure = isinstance(result.error, Exception) and not isinstance(result.error, AssertionError)
    return None if is_failure else result.error


def _note(drained: Drained, id: str, verdict: Verdict, result: object) -> None:
    match verdict:
        case "completed":
            drained.done.append(id)
        case Failed(retry_ms=None):
            error = result.error if type(result) is Raised else RuntimeError(verdict.message)
            drained.failed[id] = error
        case Failed():
            drained.retried.append(id)
        case Retry():
            drained.deferred.append(id)
        case Discard():
            drained.discarded.append(id)
        case _:  # given back: the test ends here
            pass
