"""A trial run: some failed IDs go ahead, and the others follow only if those went well."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from convoy_core import AsyncQueue, Job, Outcome, PoolOptions, Queue, Retry, State, Trial, WaitResult, WorkerPool
from tests.moves.keyspace import NOW, T0, Keyspace, World
from tests.servers import RealServer


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    """A queue in which five IDs have failed."""
    with Queue("q", redis=store.url) as queue:
        with store.client() as client:
            client.zadd("cv:q:failed", {f"{n}": 1 for n in range(5)})
        yield queue


FAILED: Keyspace = {"failed": {"a": 1, "b": 1, "c": 1}, "queued": ["x"], "committed": {"x"}}


def working(queue: Queue, handler: Callable[[Job], object], retries: int = 0) -> WorkerPool:
    """A pool that retries after a long time."""
    slow = PoolOptions(backoff_s=3600, backoff_cap_s=3600)
    return WorkerPool(queue, handler, concurrency=1, retries=retries, options=slow)


def test_when_the_first_went_well_the_others_follow(queue: Queue) -> None:
    ran: list[str] = []
    queue.publish("waits before")
    queue.pause()
    with working(queue, lambda job: ran.append(job.id)):
        timer = threading.Timer(0.1, queue.resume)
        timer.start()
        trial = queue.requeue_trial(["3", "1", "2"])
        timer.join()
        queue.wait(["1", "2", "3"], timeout_s=60)

    assert (trial.tried, trial.failed, trial.left, trial.failure) == (("3",), (), (), None)
    assert trial.rest == {"1": Outcome.QUEUED, "2": Outcome.QUEUED}
    assert trial.went_well
    assert (ran[0], sorted(ran)) == ("3", ["1", "2", "3", "waits before"])
    assert [entry.id for entry in queue.entries(State.FAILED)] == ["0", "4"]


def test_when_one_fails_again_the_others_stay_and_the_new_error_is_told(queue: Queue) -> None:
    def handler(job: Job) -> None:
        if job.id == "1":
            raise ValueError("still flat")

    with working(queue, handler):
        trial = queue.requeue_trial(map(str, range(5)), n=2)

    assert (trial.tried, trial.failed, trial.left, trial.rest) == (("0", "1"), ("1",), (), {})
    assert not trial.went_well
    assert trial.failure is not None
    assert trial.failure.error == "ValueError: still flat"
    assert [entry.id for entry in queue.entries(State.FAILED)] == ["2", "3", "4", "1"]


def test_a_failure_that_will_be_tried_again_is_one_as_well(queue: Queue) -> None:
    def handler(job: Job) -> None:
        raise ValueError("still flat")

    with working(queue, handler, retries=3):
        trial = queue.requeue_trial(["1", "2"])

    assert (trial.failed, trial.rest) == (("1",), {})
    assert queue.show("1").state is State.DELAYED
    assert queue.show("2").state is State.FAILED


def test_an_id_that_asks_to_be_called_later_is_waited_for(queue: Queue) -> None:
    calls: list[str] = []

    def handler(job: Job) -> Retry | None:
        calls.append(job.id)
        return Retry(0.05) if len(calls) < 3 else None

    with working(queue, handler):
        trial = queue.requeue_trial(["1"])

    assert (trial.went_well, calls) == (True, ["1", "1", "1"])


def test_when_the_time_is_up_what_went_ahead_waits_on_at_the_head(world: World) -> None:
    world.seed(FAILED)

    trial = world.queue.requeue_trial(["c", "a", "b"], n=2, timeout_s=0)

    assert trial == Trial(tried=("c", "a"), failed=(), left=("c", "a"), failure=None, rest={})
    assert world.state() == {
        "failed": {"b": 1},
        "queued": ["c", "a", "x"],
        "committed": {"a", "c", "x"},
        "published": {"a": T0, "c": T0},
        "failures": {"a": "1", "c": "1"},
        "totals": {"requeued": "2"},
    }


def test_those_that_are_not_failed_any_more_are_passed_over(world: World) -> None:
    world.seed(FAILED)

    trial = world.queue.requeue_trial(["x", "gone", "b", "a"], timeout_s=0)

    assert (trial.tried, trial.left) == (("b",), ("b",))


def test_where_none_is_failed_nothing_is_tried(world: World) -> None:
    world.seed({})

    assert world.queue.requeue_trial(["a"]) == Trial((), (), (), None, {})
    assert world.queue.requeue_trial([]).went_well
    assert world.state() == {}


async def test_an_awaited_trial_is_the_same(queue: Queue, store: RealServer) -> None:
    def handler(job: Job) -> None:
        if job.id == "1":
            raise ValueError

    async with AsyncQueue("q", redis=store.url) as awaited:
        with working(queue, handler):
            well, badly = await awaited.requeue_trial(["0", "2"]), await awaited.requeue_trial(["1", "3"])

    assert (well.went_well, well.rest) == (True, {"2": Outcome.QUEUED})
    assert (badly.failed, badly.rest) == (("1",), {})


def test_a_wait_for_the_first_failure_ends_before_the_retries(world: World) -> None:
    world.seed(
        {
            "committed": {"d", "new", "p", "q"},
            "delayed": {"d": NOW + 10**6, "new": NOW + 10**6},
            "processing": {"p": NOW // 1000},
            "queued": ["q"],
            "attempts": {"d": "1", "p": "2", "q": "1"},
        }
    )

    result = world.queue.wait(["d", "p"], first_failure=True)

    assert result == WaitResult(0, ("d", "p"), ())
    assert world.queue.wait(["new", "q"], timeout_s=0, first_failure=True) == WaitResult(0, (), ("new", "q"))
