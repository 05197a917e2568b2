"""The states of many IDs, and waiting until they have ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import redis

from convoy_core import AsyncQueue, Job, Queue, State, WaitResult, WorkerPool
from tests.moves.keyspace import NOW, SECOND, Keyspace, W, World, sent_since_reset
from tests.servers import RealServer

PLACES: Keyspace = {
    "queued": ["q"],
    "delayed": {"d": NOW + 9},
    "processing": {"node": SECOND, "p": SECOND},
    "owner": {"p": f"{W}:1@{NOW}", "unlisted": f"{W}:2@{NOW}"},
    "committed": {"q", "d", "p", "node", "both", "copy"},
    "failed": {"f": 1, "both": 1},
}


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


def test_each_id_has_the_state_that_show_says(world: World) -> None:
    world.seed(PLACES, {"queued": ["q", "both", "copy", "p"]})
    ids = ["q", "d", "node", "p", "unlisted", "both", "copy", "f", "absent", "q"]

    found = [*world.queue.states(ids)]

    assert found == [(id, world.queue.show(id).state) for id in ids]
    assert {state for _, state in found} == {*State}


def test_many_ids_take_a_round_trip_for_each_500(store: RealServer, raw: redis.Redis) -> None:
    with Queue("q", redis=store.url) as queue:
        queue.publish_many(range(0, 2000, 2))
        raw.config_resetstat()
        found = [*queue.states(range(2000))]
        sent = sent_since_reset(raw)

    assert found == [(str(n), State.ABSENT if n % 2 else State.QUEUED) for n in range(2000)]
    assert sum(n for name, n in sent.items() if name.startswith("eval")) <= 5


def test_long_ids_go_in_several_scripts(world: World) -> None:
    long = [f"{number}" + "x" * 16_000 for number in range(40)]
    world.queue.publish_many(long)

    assert [*world.queue.states(long)] == [(id, State.QUEUED) for id in long]


def test_a_wait_returns_when_all_have_ended_and_names_what_failed(store: RealServer) -> None:
    def handler(job: Job) -> None:
        if job.id == "bad":
            raise ValueError

    told: list[tuple[int, int]] = []
    with Queue("q", redis=store.url) as queue:
        queue.publish_many([*map(str, range(20)), "bad"])
        with WorkerPool(queue, handler):
            result = queue.wait(
                [*map(str, range(20)), "bad", "never there"], progress=lambda *numbers: told.append(numbers)
            )

    assert result == WaitResult(done=21, failed=("bad",), left=())
    assert told[-1] == (22, 22)


async def test_an_awaited_wait_is_the_same(store: RealServer) -> None:
    async def handler(job: Job) -> None:
        if job.id == "bad":
            raise ValueError

    async with AsyncQueue("q", redis=store.url) as queue:
        await queue.publish_many(["good", "bad"])
        with WorkerPool(Queue("q", redis=store.url), handler):
            result = await queue.wait(["good", "bad"])

    assert result == WaitResult(done=1, failed=("bad",), left=())


def test_a_wait_ends_when_its_time_is_up_and_names_what_is_left(world: World) -> None:
    world.seed(PLACES)
    began = time.monotonic()

    result = world.queue.wait(["q", "d", "p", "f", "absent"], timeout_s=0.2)

    assert result == WaitResult(done=1, failed=("f",), left=("q", "d", "p"))
    assert time.monotonic() - began >= 0.2
    assert world.queue.wait(["q"], timeout_s=0).left == ("q",)


def test_a_wait_looks_again_until_its_ids_are_gone(world: World) -> None:
    world.seed(PLACES)
    gone = threading.Event()

    def progress(done: int, number: int) -> None:
        if not gone.is_set():
            world.client.lrem("cv:q:queued", 1, "q")
            world.client.srem("cv:q:committed", "q")
            gone.set()

    assert world.queue.wait(["q"], progress=progress) == WaitResult(1, (), ())
    assert gone.is_set()
