"""IDs that no registered worker holds are found and recovered: those of unregistered workers, and late hand-overs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from convoy_core import Counts, Job, PoolOptions, Queue, WorkerPool
from convoy_core.moves.keys import Keys
from convoy_core.moves.recovering import recover
from convoy_core.moves.scripts import load
from convoy_core.moves.working import register
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.clients import Store
from convoy_core.worker import maintenance
from convoy_core.worker.maintenance import Maintenance
from convoy_core.worker.unregistered import UnregisteredHolders
from convoy_core.worker.waiting import IdleWait
from tests.moves.keyspace import NOW
from tests.proxy import Cut, Proxy
from tests.servers import RealServer
from tests.waiting import eventually

QUICK = PoolOptions(lease_s=0.8, beat_s=0.2)
LOST = "d" * 32
"""A worker that is not registered."""


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


@pytest.fixture
def proxy(store: RealServer, tmp_path: Path) -> Iterator[Proxy]:
    proxy = Proxy(store.socket, tmp_path / "proxy")
    yield proxy
    proxy.close()


def hold(raw: redis.Redis, id: str, worker: str) -> None:
    """As a claim of that worker leaves it."""
    raw.sadd("cv:q:committed", id)
    raw.zadd("cv:q:processing", {id: NOW // 1000})
    raw.hset("cv:q:owner", id, f"{worker}:1@{NOW}")


# -- owners


def test_f63_a_stray_is_judged_a_lease_after_it_was_first_seen() -> None:
    unregistered_holders = UnregisteredHolders(15)
    unregistered_holders.note(["a"], 100)
    unregistered_holders.note(["a", "b"], 110)

    assert unregistered_holders.take_due(114.9) == []
    assert unregistered_holders.take_due(115) == ["a"]
    assert unregistered_holders.take_due(115) == []
    unregistered_holders.forget()
    assert unregistered_holders.take_due(999) == []


def test_f63_an_id_held_by_a_worker_that_is_not_registered_is_recovered(queue: Queue, raw: redis.Redis) -> None:
    ran: list[str] = []
    hold(raw, "orphan", LOST)

    with WorkerPool(queue, lambda job: ran.append(job.id), options=QUICK):
        eventually(lambda: ran == ["orphan"])
        eventually(lambda: queue.counts() == Counts())

    assert queue.snapshot().totals["recovered"] == 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Our own clock as a maintenance pass sees it; it stands still but for `now`."""
    clock = SimpleNamespace(now=time.monotonic())
    monkeypatch.setattr(maintenance, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


async def with_upkeep(store: RealServer, act: Callable[[Maintenance], Awaitable[None]]) -> None:
    """A maintenance pass that has seen the store's clock, and may judge."""
    connection = AsyncConnection(store.url, prefix=None, read_only=False)
    keeper = Maintenance(connection, connection.keyspace.queue("q"), PoolOptions(lease_s=2, beat_s=0.5))
    try:
        assert await keeper.recover() == {}
        keeper.judge_from = 0
        await act(keeper)
    finally:
        await connection.close()


async def test_f63_a_worker_that_registers_again_between_the_two_looks_keeps_what_it_holds(
    store: RealServer, queue: Queue, raw: redis.Redis, clock: SimpleNamespace
) -> None:
    hold(raw, "a", LOST)

    async def act(keeper: Maintenance) -> None:
        assert await keeper.recover_unregistered() == {}
        queue._connection.run(register(queue._connection.keyspace.queue("q"), LOST, 15_000, "e", {"host": "h"}))
        clock.now += 2
        assert await keeper.recover_unregistered() == {}
        raw.delete("cv:q:workers")
        assert await keeper.recover_unregistered() == {}  # seen for the first time again
        clock.now += 2
        assert await keeper.recover_unregistered() == {"a": "queued"}

    await with_upkeep(store, act)


async def test_f18_after_an_outage_no_stray_is_judged_before_two_leases_have_passed(
    store: RealServer, raw: redis.Redis, clock: SimpleNamespace
) -> None:
    hold(raw, "a", LOST)

    async def act(keeper: Maintenance) -> None:
        assert await keeper.recover_unregistered() == {}
        clock.now += 2
        keeper.postpone_judgement()
        for _ in range(2):  # while nobody is judged, and then, as what was seen before the outage says nothing
            assert await keeper.recover_unregistered() == {}
            clock.now += 2
        assert await keeper.recover_unregistered() == {"a": "queued"}

    await with_upkeep(store, act)


# -- signing off


@pytest.mark.parametrize("step", ["fence", "unregister"])
def test_f63_a_worker_unregisters_only_when_the_store_holds_nothing_in_its_name(
    store: RealServer, queue: Queue, raw: redis.Redis, proxy: Proxy, step: str
) -> None:
    """The store comes back older just before one of the last two steps, and holds for it what it has settled."""
    ran: list[str] = []
    script = load(step).flagged.sha.encode()
    older: list[dict[Any, Any]] = []

    def work(job: Job) -> None:
        ran.append(job.id)
        if not older:
            older.append({key: raw.dump(key) for key in raw.keys("cv:q:*")})

    def go_back(request: bytes) -> Cut | None:
        if script in request and len(older) == 1:
            older.append({})
            raw.flushdb()
            for key, content in older[0].items():
                raw.restore(key, 0, content)
        return None

    queue.publish("a")
    with Queue("q", redis=proxy.url) as watched:
        pool = WorkerPool(watched, work, options=PoolOptions(lease_s=1.5, beat_s=0.5))
        pool.start()
        eventually(lambda: ran == ["a"] and queue.counts() == Counts())
        proxy.decide = go_back
        pool.stop()

    assert len(older) == 2
    # Where a heartbeat has met the older file in between, the pool has compared, and given the ID back.
    assert queue.counts() in (Counts(committed=1, processing=1), Counts(committed=1, queued=1))
    assert queue.counts().queued == 1 or len(queue.workers()) == 1
    with WorkerPool(queue, work, options=QUICK):
        eventually(lambda: ran == ["a", "a"] and queue.counts() == Counts())


# -- hand-overs that arrive late


@pytest.mark.parametrize("is_claim_sent_along", [True, False], ids=["claim behind", "alone, as in a cluster"])
def test_f64_what_a_wait_takes_after_its_worker_was_unregistered_is_given_back(
    store: RealServer,
    queue: Queue,
    raw: redis.Redis,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    is_claim_sent_along: bool,
) -> None:
    begin = IdleWait.__init__

    def begin_so(self: IdleWait, store: Store, commands: AsyncConnection, keys: Keys, worker: str) -> None:
        begin(self, store, commands, keys, worker)
        self._sends_along = is_claim_sent_along

    monkeypatch.setattr(IdleWait, "__init__", begin_so)
    ran: list[str] = []
    is_dark = False

    def darken(request: bytes) -> Cut | None:
        nonlocal is_dark
        if is_dark:
            return "request"
        is_dark = b"BLMOVE" in request
        return "hold" if is_dark else None

    with (
        Queue("q", redis=proxy.url) as watched,
        WorkerPool(watched, lambda job: ran.append(job.id), options=QUICK),
    ):
        eventually(lambda: raw.info("clients")["blocked_clients"])
        proxy.decide = darken
        (waiting,) = [link["id"] for link in raw.client_list() if "b" in link["flags"]]
        raw.client_unblock(int(waiting))
        eventually(lambda: proxy.cuts)
        unregister(store, queue.workers()[0].id)
        queue.publish("late")
        proxy.release()

        found = queue.counts()
        if not is_claim_sent_along:
            with WorkerPool(queue, lambda job: ran.append(job.id), options=QUICK):
                eventually(lambda: ran == ["late"])
        proxy.decide = lambda _: None
        eventually(lambda: ran == ["late"] and queue.counts() == Counts())

    # Sent by itself, the next request of the pool gives it back, which may come before this look.
    assert found in (Counts(queued=1, committed=1), Counts(queued=int(is_claim_sent_along), committed=1))


def unregister(store: RealServer, worker: str) -> None:
    """As others do when its lease has run out long ago."""
    with Queue("q", redis=store.url) as later:
        later._connection.now_ms = round(time.time() * 1000) + 60_000
        later._connection.drive(recover(later._connection.keyspace.queue("q"), worker, 3))
        assert later.workers() == []
