"""`drain` runs what is queued in the caller's thread, by the moves of a pool; a clock brings about what is due."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from convoy_core import (
    AsyncQueue,
    Counts,
    Discard,
    InvalidOption,
    Job,
    Published,
    Queue,
    Retry,
    State,
)
from convoy_core.testing import Clock, drain, drain_async
from tests.servers import RealServer


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def test_everything_runs_in_order_in_this_thread_and_what_is_published_meanwhile(queue: Queue) -> None:
    ran: list[tuple[str, object, int]] = []

    def handle(job: Job) -> None:
        ran.append((job.id, job.payload, threading.get_ident()))
        if job.id == "1":
            queue.publish("4", payload=7)

    queue.publish_many(["1", "2", "3"])

    drained = drain(queue, handle)

    assert drained.done == ["1", "2", "3", "4"]
    assert ran == [(id, 7 if id == "4" else None, threading.get_ident()) for id in drained.done]
    assert queue.counts() == Counts()


def test_each_end_of_a_run_leaves_what_a_pool_would(queue: Queue) -> None:
    def handle(job: Job) -> object:
        match job.id:
            case "bad":
                raise LookupError("no truck")
            case "later":
                return Retry(60)
            case "gone":
                return Discard("no such truck")
            case _:
                return None

    queue.publish_many(["good", "bad", "later", "gone"])

    drained = drain(queue, handle)

    assert (drained.done, drained.deferred, drained.discarded) == (["good"], ["later"], ["gone"])
    assert {id: str(error) for id, error in drained.failed.items()} == {"bad": "no truck"}
    assert queue.counts() == Counts(committed=1, failed=1, delayed=1)
    assert queue.workers() == []
    failure = queue.show("bad").failure
    assert failure is not None
    assert failure.error == "LookupError: no truck"


def test_the_clock_brings_about_what_is_delayed_and_retried(queue: Queue) -> None:
    attempts: list[int] = []

    def handle(job: Job) -> None:
        if job.id == "flaky":
            attempts.append(job.attempt)
            if job.attempt < 3:
                raise OSError("away")

    with Clock(queue, at=datetime(2026, 2, 3, tzinfo=UTC)) as clock:
        queue.publish("flaky")
        queue.publish("tomorrow", delay_s=86_400)

        first = drain(queue, handle, retries=5)
        nothing = drain(queue, handle, retries=5)
        clock.advance(timedelta(hours=1))
        second = drain(queue, handle, retries=5)
        clock.advance(3600)
        third = drain(queue, handle, retries=5)
        clock.set(datetime(2026, 2, 4, tzinfo=UTC))
        last = drain(queue, handle)

    assert (first.retried, nothing.retried, second.retried, third.done) == (["flaky"], [], ["flaky"], ["flaky"])
    assert attempts == [1, 2, 3]
    assert last.done == ["tomorrow"]


def test_the_time_is_that_of_the_store_again_once_the_clock_is_released(queue: Queue, raw: redis.Redis) -> None:
    with Clock(queue, at=1.0):
        queue.publish("a")
    queue.publish("b")

    first, second = (float(raw.hget("cv:q:published", id) or 0) for id in ("a", "b"))
    assert first == 1000
    assert second > 1_600_000_000_000


def test_a_paused_queue_gives_nothing(queue: Queue) -> None:
    queue.publish("1")
    queue.pause()

    assert drain(queue, print).done == []
    assert queue.counts().queued == 1


def test_an_assertion_in_a_handler_fails_the_test_and_not_only_the_run(queue: Queue) -> None:
    def handle(job: Job) -> None:
        assert job.payload == {"lane": 3}

    queue.publish_many(["1", "2"])

    with pytest.raises(AssertionError):
        drain(queue, handle)

    assert queue.counts() == Counts(queued=1, committed=1, failed=1)


def test_what_ends_the_test_gives_the_id_back(queue: Queue) -> None:
    def handle(_job: Job) -> None:
        pytest.fail("enough")

    queue.publish_many(["1", "2"])

    with pytest.raises(pytest.fail.Exception, match="enough"):
        drain(queue, handle)

    assert queue.counts() == Counts(queued=2, committed=2)
    assert [entry.id for entry in queue.page(State.QUEUED).entries] == ["1", "2"]


def test_a_coroutine_handler_is_awaited(queue: Queue) -> None:
    async def handle(job: Job) -> object:
        return Retry(5) if job.id == "2" else None

    queue.publish_many(["1", "2"])

    drained = drain(queue, handle)

    assert (drained.done, drained.deferred) == (["1"], ["2"])


async def test_an_async_queue_is_drained_on_its_own_loop(store: RealServer) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:

        async def handle(job: Job) -> None:
            if job.id == "1":
                assert await queue.publish("2") is Published.QUEUED
            else:
                raise LookupError

        with Clock(queue) as clock:
            await queue.publish("1", delay_s=60)
            nothing = await drain_async(queue, handle)
            clock.advance(60)
            drained = await drain_async(queue, handle)

    assert nothing.done == []
    assert (drained.done, [*drained.failed]) == (["1"], ["2"])


def test_a_handler_that_publishes_its_own_id_for_ever_is_told(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convoy_core.testing.draining.ENDLESS", 20)
    queue.publish("1")

    with pytest.raises(InvalidOption, match="20 runs, and IDs are still queued"):
        drain(queue, lambda job: queue.publish(job.id, rerun=True) and None)

    assert queue.counts() == Counts(queued=1, committed=1)


@pytest.mark.parametrize("at", [-1, "noon", float("nan"), datetime(2026, 1, 1)])  # noqa: DTZ001 - that is the test
def test_a_time_that_is_none_is_refused(queue: Queue, at: object) -> None:
    with pytest.raises(InvalidOption):
        Clock(queue, at=at)  # type: ignore[arg-type]  # as a program without a checker might


def test_wrong_arguments_are_refused_by_name(queue: Queue) -> None:
    with pytest.raises(InvalidOption, match="queue is 5; it must be a Queue; for an AsyncQueue there is drain_async"):
        drain(5, print)  # type: ignore[arg-type]  # as above
    with pytest.raises(InvalidOption, match="handler"):
        drain(queue, 5)  # type: ignore[arg-type]  # as above
    with pytest.raises(InvalidOption, match="retries"):
        drain(queue, print, retries=-1)
    with pytest.raises(InvalidOption, match="needs a queue or a fleet"):
        Clock()
