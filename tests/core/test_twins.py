"""Queue and AsyncQueue, Fleet and AsyncFleet: the same names, parameters, answers and words; and the same behaviour."""

from __future__ import annotations

import collections.abc
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import redis
import redis.asyncio

from convoy_core import (
    AsyncFleet,
    AsyncQueue,
    Cancelled,
    Counts,
    Fleet,
    InvalidID,
    InvalidQueueName,
    Outcome,
    Published,
    Queue,
    QueueLimits,
    State,
    StoreDamaged,
    Tally,
)
from convoy_core.models import Then
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.connection import Connection
from tests.moves.keyspace import ALIVE, NOW, SECOND, W, dump, seed
from tests.servers import RealServer
from tests.waiting import eventually

TWINS = [(Queue, AsyncQueue), (Fleet, AsyncFleet), (Connection, AsyncConnection)]
WAITING = {"__aenter__": "__enter__", "__aexit__": "__exit__"}
ONE_SIDED = {"self", "role"}
"""What only a blocking connection is told: it may be a heartbeat's."""


def _members(kind: type) -> dict[str, Any]:
    """What a class has to offer, and how it is made, entered and left; waiting ones by their plain name."""
    special = {"__init__", *WAITING, *WAITING.values()}
    return {
        WAITING.get(name, name): member
        for name, member in inspect.getmembers(kind)
        if not name.startswith("_") or name in special
    }


def _plain(annotation: str) -> str:
    """An annotation as the blocking twin would have it."""
    return re.sub(r"\bAsync(?=Iterator|Queue|Fleet|Connection)|(?<=redis\.)asyncio\.", "", annotation)


PAIRS = [
    pytest.param(blocking, awaited, name, id=f"{blocking.__name__}.{name}")
    for blocking, awaited in TWINS
    for name in _members(blocking)
]


@pytest.mark.parametrize(("blocking", "awaited"), TWINS)
def test_twins_have_the_same_members(blocking: type, awaited: type) -> None:
    assert _members(blocking).keys() == _members(awaited).keys()


@pytest.mark.parametrize(("blocking", "awaited", "name"), PAIRS)
def test_twins_say_the_same(blocking: type, awaited: type, name: str) -> None:
    assert inspect.getdoc(_members(awaited)[name]) == inspect.getdoc(_members(blocking)[name])


@pytest.mark.parametrize(("blocking", "awaited", "name"), PAIRS)
def test_twins_take_and_give_the_same(blocking: type, awaited: type, name: str) -> None:
    one, other = (_members(kind)[name] for kind in (blocking, awaited))
    if isinstance(one, property):
        one, other = one.fget, other.fget

    signatures = [inspect.signature(member) for member in (one, other)]

    shapes = [
        [(p.name, p.kind, p.default, _plain(p.annotation)) for p in each.parameters.values() if p.name not in ONE_SIDED]
        for each in signatures
    ]
    assert shapes[1] == shapes[0]
    assert _plain(signatures[1].return_annotation) == _plain(signatures[0].return_annotation)


@pytest.mark.parametrize(("blocking", "awaited", "name"), PAIRS)
def test_a_method_waits_in_one_twin_as_in_the_other(blocking: type, awaited: type, name: str) -> None:
    one, other = (_members(kind)[name] for kind in (blocking, awaited))
    at_once = {
        "__init__",
        "store",
        "queue",
        "name",
        "key_prefix",
        "shown",
        "keyspace",
        "requests",
        "pipelined",
        "check_writable",
        "by_hash",
        "opened",
    }

    waits = inspect.iscoroutinefunction(other) or inspect.isasyncgenfunction(other)

    assert waits is (name not in at_once)
    assert inspect.isgeneratorfunction(one) is (inspect.isasyncgenfunction(other) or name in ("requests", "pipelined"))


def test_the_classes_say_the_same_but_for_the_client_they_take() -> None:
    def said(kind: type) -> str:
        words = (kind.__doc__ or "").replace("redis.asyncio.Redis", "redis.Redis").split()
        return " ".join(words)

    assert said(AsyncFleet) == said(Fleet)
    assert said(AsyncQueue) == said(Queue)


# -- the same behaviour


async def _awaited(result: Any) -> Any:
    if inspect.isawaitable(result):
        return await result
    if isinstance(result, collections.abc.AsyncIterator):
        return [item async for item in result]
    return list(result) if isinstance(result, collections.abc.Iterator) else result


class Adapter:
    """Awaits every method of either twin."""

    def __init__(self, target: Any) -> None:
        self.target = target

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **options: Any) -> Any:
            return await _awaited(getattr(self.target, name)(*arguments, **options))

        return call


@pytest.fixture(params=[(Queue, Fleet), (AsyncQueue, AsyncFleet)], ids=["blocking", "awaited"])
async def twin(request: pytest.FixtureRequest, store: RealServer) -> AsyncIterator[tuple[Adapter, Adapter]]:
    """A queue and a fleet of either kind."""
    queue, fleet = (kind(*name, redis=store.url) for kind, name in zip(request.param, (["q"], []), strict=True))
    for each in (queue, fleet):
        each._connection.now_ms = NOW
    yield Adapter(queue), Adapter(fleet)
    for each in (queue, fleet):
        await _awaited(each.close())


Twin = tuple[Adapter, Adapter]


async def test_publishing(twin: Twin, raw: redis.Redis) -> None:
    queue, _ = twin

    answers = [
        await queue.publish("a"),
        await queue.publish("a"),
        await queue.publish("b", delay_s=5, payload=[1]),
        await queue.publish_many(["a", "c", "c"], front=True),
    ]
    chunks = await queue.publish_chunks((str(n) for n in range(1_001)), dry_run=True)

    assert answers == [
        Published.QUEUED,
        Published.ALREADY_QUEUED,
        Published.DELAYED,
        Tally(published=1, waiting=2),
    ]
    assert [chunk.tally.total for chunk in chunks] == [500, 500, 1]
    assert dump(raw)["queued"] == ["c", "a"]


async def test_looking(twin: Twin, raw: redis.Redis) -> None:
    queue, fleet = twin
    seed(
        raw,
        {
            "queued": ["a", "b"],
            "committed": {"a", "b", "p"},
            "processing": {"p": SECOND - 50},
            "failed": {"f": 2},
            "workers": {W: NOW + 5_000},
            "cv:other:failed": {"a": 1},
        },
    )

    assert await queue.counts() == Counts(queued=2, committed=3, processing=1, failed=1)
    assert await fleet.queues() == ["other", "q"]
    assert await fleet.snapshot(["q"]) == [await queue.snapshot()]
    assert [entry.id for entry in (await queue.page(State.QUEUED, limit=1)).entries] == ["a"]
    assert [entry.id for entry in await queue.entries(State.QUEUED)] == ["a", "b"]
    assert (await queue.show("b")).position == 1
    assert [worker.id for worker in await queue.workers()] == [W]
    (group,) = (await queue.failure_groups()).groups
    assert await queue.ids_of_group(group.id) == ["f"]
    assert [row.id for row in await queue.jammed(idle_s=5)] == ["p"]
    assert [details.queue for details in await fleet.find("a")] == ["other", "q"]
    assert await fleet.ping() > 0


async def test_steering(twin: Twin, raw: redis.Redis) -> None:
    queue, _ = twin
    seed(raw, {**ALIVE, "failed": {"f": 2, "g": 1}, "committed": {"p", "r"}})
    seed(raw, {"processing": {"p": SECOND - 50, "r": SECOND - 9}})

    assert await queue.pause() is True
    assert await queue.resume() is True
    assert await queue.set_limits(concurrency=3, rate=50) is True
    assert await queue.limits() == QueueLimits(3, 50, 1.0, 5)
    assert await queue.set_limits() is True
    assert await queue.jam_guard(idle_s=20) == ["p"]
    assert await queue.free_jammed(await queue.jammed(idle_s=5), then=Then.DISCARD) == {"r": Outcome.DISCARDED}
    assert await queue.requeue(["f", "x"]) == {"f": Outcome.QUEUED, "x": Outcome.GONE}
    act = (await queue.audit())[-1]
    assert await queue.requeued(act) == ["f"]
    assert (await queue.undo(act, dry_run=True)).outcomes == {"f": Outcome.FAILED}
    assert await queue.requeue_all() == {"g": Outcome.QUEUED}
    assert await queue.discard(["f"], state=State.QUEUED) == {"f": Outcome.DISCARDED}
    assert await queue.cancel(["g", "x"], dry_run=True) == {"g": Cancelled.CANCELLED, "x": Cancelled.ABSENT}
    assert dump(raw)["queued"] == ["p", "g"]


async def test_misuse_and_damage(twin: Twin, raw: redis.Redis) -> None:
    queue, fleet = twin
    raw.set("cv:q:committed", "x")

    with pytest.raises(InvalidID):
        await queue.publish("")
    with pytest.raises(StoreDamaged):
        await queue.publish("a")
    with pytest.raises(InvalidQueueName):
        await fleet.queue("")


async def test_f33_a_script_that_the_store_forgot(twin: Twin, raw: redis.Redis) -> None:
    queue, _ = twin
    await queue.publish("a")
    raw.script_flush()

    assert await queue.publish("b") is Published.QUEUED


async def test_a_queue_over_a_fleet_shares_its_connection(twin: Twin, raw: redis.Redis) -> None:
    _, fleet = twin
    await fleet.ping()
    before = raw.info("clients")["connected_clients"]

    queue = await fleet.queue("q")
    await _awaited(queue.publish("a"))

    assert raw.info("clients")["connected_clients"] == before


async def test_close_ends_the_connection_and_the_next_call_makes_another(twin: Twin, raw: redis.Redis) -> None:
    queue, _ = twin
    await queue.publish("a")

    await queue.close()
    await queue.close()

    assert await queue.publish("a") is Published.ALREADY_QUEUED


def test_a_ready_made_client_is_used_and_stays_open(store: RealServer, raw: redis.Redis) -> None:
    client = redis.Redis(unix_socket_path=str(store.socket), client_name="mine")
    with Queue("q", redis=client) as queue:
        queue.publish("a")

    assert client.client_getname() == "mine"
    assert "connect to" not in queue.store
    client.close()


async def test_a_ready_made_asyncio_client_is_used_and_stays_open(store: RealServer, raw: redis.Redis) -> None:
    client = redis.asyncio.Redis(unix_socket_path=str(store.socket))
    async with AsyncQueue("q", redis=client) as queue:
        await queue.publish("a")

    assert await client.llen("cv:q:queued") == 1
    await client.aclose()


def test_with_closes(store: RealServer, raw: redis.Redis) -> None:
    with Fleet(redis=store.url) as fleet, fleet.queue("q") as queue:
        queue.publish("a")
        during = raw.info("clients")["connected_clients"]

    eventually(lambda: raw.info("clients")["connected_clients"] < during)  # when the server has noticed
