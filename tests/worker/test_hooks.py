"""Hooks around runs: they see each run, in its own context, and change nothing."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest

from convoy_core import Command, Discard, InvalidOption, Isolated, Job, PoolOptions, Queue, Retry, State, WorkerPool
from tests.servers import RealServer

BURST = PoolOptions(burst=True)
CURRENT: contextvars.ContextVar[str] = contextvars.ContextVar("CURRENT", default="nobody")
Hook = Callable[[Job], AbstractContextManager[object]]


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


class Watch:
    """Notes what it sees of each run."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    @contextmanager
    def __call__(self, job: Job) -> Iterator[None]:
        token = CURRENT.set(job.id)
        self.seen.append((job.id, "begins"))
        try:
            yield
        except BaseException as error:
            self.seen.append((job.id, f"{type(error).__name__}: {error}"))
            raise
        else:
            self.seen.append((job.id, "returned"))
        finally:
            CURRENT.reset(token)


def test_each_run_is_seen_in_the_context_of_its_handler(queue: Queue) -> None:
    within: dict[str, str] = {}

    async def awaited(job: Job) -> None:
        await asyncio.sleep(0)
        within[job.id] = CURRENT.get()
        if job.id == "bad":
            raise ValueError("no")

    def called(job: Job) -> None:
        within[job.id] = CURRENT.get()

    watch = Watch()
    queue.publish_many(["1", "2", "bad"])
    WorkerPool(queue, awaited, concurrency=3, hooks=[watch], options=BURST).run()
    queue.publish("threads")
    WorkerPool(queue, called, hooks=[watch], options=BURST).run()

    assert within == {"1": "1", "2": "2", "bad": "bad", "threads": "threads"}
    assert sorted(watch.seen) == sorted(
        [(id, word) for id in ("1", "2", "threads") for word in ("begins", "returned")]
        + [("bad", "begins"), ("bad", "ValueError: no")]
    )
    assert queue.show("bad").state is State.FAILED


@contextmanager
def _swallows(_job: Job) -> Iterator[None]:
    with suppress(Exception):
        yield


@contextmanager
def _raises_before(job: Job) -> Iterator[None]:
    if job.id:
        raise RuntimeError("before")
    yield


@contextmanager
def _raises_after(_job: Job) -> Iterator[None]:
    yield
    raise RuntimeError("after")


@contextmanager
def _exits(_job: Job) -> Iterator[None]:
    try:
        yield
    finally:
        sys.exit("after")


def _no_manager(_job: Job) -> None:
    return None


@pytest.mark.parametrize("is_async", [True, False], ids=["task", "thread"])
@pytest.mark.parametrize("hook", [_swallows, _raises_before, _raises_after, _exits, _no_manager])
def test_whatever_a_hook_does_the_run_ends_as_it_would_without(
    queue: Queue, hook: Hook, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    answers = {"good": None, "later": Retry(3600), "gone": Discard()}

    def called(job: Job) -> object:
        if job.id == "bad":
            raise ValueError("no")
        return answers[job.id]

    async def awaited(job: Job) -> object:
        return called(job)

    watch = Watch()
    queue.publish_many(["good", "bad", "later", "gone"])
    with caplog.at_level(logging.WARNING, "convoy_core"):
        pool = WorkerPool(queue, awaited if is_async else called, hooks=[watch, hook], options=BURST)
        final = pool.run()

    assert (final.done, final.failed, final.deferred, final.discarded) == (1, 1, 1, 1)
    assert queue.show("bad").failure is not None
    assert "no" in str(queue.show("bad").failure)
    assert [word for _, word in watch.seen].count("returned") == 3
    says = [record.getMessage() for record in caplog.records if "hook" in record.getMessage()]
    assert bool(says) == (hook is not _swallows)
    assert all("the run is not affected" in line for line in says)


def test_commands_and_isolated_handlers_have_hooks_around_them_in_the_pools_process(queue: Queue) -> None:
    watch = Watch()
    queue.publish("1")
    WorkerPool(queue, Command("false {}"), hooks=[watch], options=BURST).run()
    queue.requeue(["1"])
    WorkerPool(queue, Isolated("tests.handlers.handlers_to_isolate:work"), hooks=[watch], options=BURST).run()

    assert watch.seen == [
        ("1", "begins"),
        ("1", "CommandFailed: exit status 1"),
        ("1", "begins"),
        ("1", "returned"),
    ]


def test_a_run_out_of_time_is_seen_as_cancelled(queue: Queue) -> None:
    watch = Watch()
    queue.publish("1")

    async def forever(_job: Job) -> None:
        await asyncio.Event().wait()

    WorkerPool(queue, forever, job_timeout=0.05, hooks=[watch], options=BURST).run()

    assert watch.seen == [("1", "begins"), ("1", "CancelledError: ")]


@pytest.mark.parametrize("wrong", [5, "text", [5], None, Watch()])
def test_what_is_no_list_of_hooks_is_refused(queue: Queue, wrong: object) -> None:
    with pytest.raises(InvalidOption, match="hook"):
        WorkerPool(queue, print, hooks=wrong)  # type: ignore[arg-type]  # as a program without a checker might
