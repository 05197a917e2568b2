"""Holders of IDs: copies of running IDs, uncommitted IDs, many recoveries at once, and reused process IDs."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from convoy_core import Counts, Job, PoolOptions, PoolState, Published, Queue, WorkerPool
from convoy_core.moves.recovering import expired_leases, recover
from convoy_core.moves.working import Pulse, promote, renew
from convoy_core.store.clients import resolve
from convoy_core.worker.loop import WorkerLoop
from convoy_core.worker.runs import Plan
from tests.moves.keyspace import ALIVE, LEASE, NOW, SECOND, Keyspace, W, World, claim, seed
from tests.proxy import Proxy
from tests.servers import RealServer
from tests.waiting import eventually

QUICK = PoolOptions(lease_s=1.2, beat_s=0.3, grace_s=5)
OURS_RUNS: Keyspace = {
    **ALIVE,
    "committed": {"a"},
    "processing": {"a": SECOND},
    "started": {"a": NOW},
    "owner": {"a": f"{W}:1@{NOW}"},
}
NODE_RUNS: Keyspace = {**ALIVE, "committed": {"a"}, "processing": {"a": SECOND}}
COPIES: dict[str, Callable[[redis.Redis], object]] = {
    "at the head": lambda node: node.lpush("cv:q:queued", "a"),
    "at the tail": lambda node: node.rpush("cv:q:queued", "a"),
    "twice": lambda node: node.rpush("cv:q:queued", "a", "a"),
    "handed over": lambda node: node.rpush(f"cv:q:claim:{W}", "a"),
}
each_copy = pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES.keys())


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


# -- a second copy of a running ID, and an ID that nobody committed


@each_copy
def test_f8_a_copy_of_an_id_that_ours_runs_is_run_once_more_after_it_and_never_beside_it(
    world: World, copy: Callable[[redis.Redis], object]
) -> None:
    world.seed(OURS_RUNS)
    copy(world.client)

    assert world.exchange(want=5).claims == []
    assert world.state()["owner"] == OURS_RUNS["owner"]
    assert world.state()["rerun"] == {"a"}
    assert world.exchange(completed=[claim("a", 1)], want=5, number=20).claims == [claim("a", 20)]
    assert world.exchange(completed=[claim("a", 20)], want=5, number=30).claims == []
    assert world.queue.counts() == Counts()


@each_copy
def test_f8_a_copy_of_an_id_that_a_node_worker_runs_waits_until_that_one_has_ended(
    world: World, copy: Callable[[redis.Redis], object]
) -> None:
    world.seed(NODE_RUNS)
    copy(world.client)

    assert world.exchange(want=5).claims == []
    assert world.state()["delayed"] == {"a": NOW + LEASE}
    world.queue._connection.now_ms = NOW + LEASE
    world.run(promote(world.keys, 10, LEASE))  # Node's is at it still
    assert world.state()["delayed"] == {"a": NOW + 2 * LEASE}
    assert "queued" not in world.state()

    world.client.zrem("cv:q:processing", "a")
    world.client.srem("cv:q:committed", "a")
    world.queue._connection.now_ms = NOW + 2 * LEASE
    world.run(promote(world.keys, 10, LEASE))
    assert world.queue.counts() == Counts(queued=1, committed=1)


def test_f8_copies_pushed_beside_live_pools_never_have_two_holders(queue: Queue, raw: redis.Redis) -> None:
    gate = threading.Event()
    holders: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    most = 0

    def work(job: Job) -> None:
        nonlocal most
        holders[job.id] += 1
        runs[job.id] += 1
        most = max(most, holders[job.id])
        gate.wait()
        holders[job.id] -= 1

    ids = [f"{n}" for n in range(6)]
    with (
        WorkerPool(queue, work, concurrency=8, options=QUICK),
        WorkerPool(queue, work, concurrency=8, options=QUICK),
    ):
        queue.publish_many(ids)
        eventually(lambda: len(runs) == len(ids))
        for _ in range(5):
            raw.rpush("cv:q:queued", *ids)
        eventually(lambda: queue.snapshot().totals.get("merged") == 5 * len(ids))
        gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert most == 1
    assert runs == Counter(dict.fromkeys(ids, 2))


def test_f9_a_claimed_id_that_is_not_committed_is_adopted_counted_and_unique_from_then_on(world: World) -> None:
    world.seed({**ALIVE, "queued": ["stray", "known"], f"claim:{W}": ["handed over"], "committed": {"known"}})

    claims = world.exchange(want=5, number=7).claims

    assert [each.raw_id for each in claims] == [b"handed over", b"stray", b"known"]
    assert world.queue.counts() == Counts(committed=3, processing=3)
    assert world.state()["totals"] == {"adopted": "2"}
    # A Node publisher looks at the set alone.
    assert world.client.sadd("cv:q:committed", "stray", "handed over", "known") == 0
    assert world.queue.publish("stray") is Published.PROCESSING
    world.exchange(completed=claims)
    assert world.queue.counts() == Counts()


# -- many reapers


def test_f12_of_200_parallel_reapers_each_id_is_moved_by_one_and_charged_once(each_store: RealServer) -> None:
    ids = [f"{n:04}" for n in range(250)]
    with each_store.client() as client:
        seed(
            client,
            {
                "workers": {W: 1},
                "queued": ["z"],
                f"claim:{W}": ["handed over"],
                "committed": {*ids, "handed over", "z"},
                "processing": dict.fromkeys(ids, 1),
                "started": dict.fromkeys(ids, 1),
                "owner": {id: f"{W}:{n}@1" for n, id in enumerate(ids, start=1)},
            },
        )

        answers = _reap_in_parallel(each_store.url, 200)

        moved = Counter(id for answer in answers for id in answer)
        assert moved == Counter(ids)
        assert [raw.decode() for raw in client.lrange("cv:q:queued", 0, -1)] == [*ids, "handed over", "z"]
        assert client.hgetall("cv:q:crashes") == {id.encode(): b"1" for id in ids}
        assert client.hgetall("cv:q:totals") == {b"recovered": b"250"}
        assert client.exists("cv:q:owner", "cv:q:processing", "cv:q:started", "cv:q:workers") == 0


def test_f12_a_worker_that_renewed_after_the_reapers_had_looked_keeps_what_it_holds(each_store: RealServer) -> None:
    with Queue("q", redis=each_store.url) as queue, each_store.client() as client:
        keys = queue._connection.keyspace.queue("q")
        seed(client, {**OURS_RUNS, "workers": {W: 1}})
        assert queue._connection.run(expired_leases(keys))[1] == [W]
        queue._connection.run(renew(keys, W, 60_000, Pulse(0, 0, []), ()))

        assert _reap_in_parallel(each_store.url, 20) == [{}] * 20

        assert client.hgetall("cv:q:owner") == {b"a": f"{W}:1@{NOW}".encode()}
        assert queue.counts() == Counts(committed=1, processing=1)


def _reap_in_parallel(url: str, n: int) -> list[dict[str, str]]:
    """Recover what worker `W` held, over that many connections at once; what each says that it moved."""
    barrier = threading.Barrier(n)

    def reap(_: int) -> dict[str, str]:
        with Queue("q", redis=url) as queue:
            queue.counts()  # opens the connection
            barrier.wait()
            return queue._connection.drive(recover(queue._connection.keyspace.queue("q"), W, 3))

    with ThreadPoolExecutor(n) as threads:
        return list(threads.map(reap, range(n)))


# -- lives under one host and process ID


async def test_f14_a_thousand_pools_of_one_process_have_a_thousand_names(store: RealServer) -> None:
    plan = Plan("q", print, 1, None, 0, QUICK)

    names = {WorkerLoop(resolve(store.url), "cv:", plan).worker for _ in range(1000)}

    assert len(names) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)


def test_f14_a_new_worker_with_the_same_host_and_pid_inherits_nothing(queue: Queue, store: RealServer) -> None:
    """The first life is cut off from the store, with a run under way; the second begins in the same process."""
    path = store.directory / "p14"
    link = Proxy(store.socket, path)
    gate = threading.Event()
    tokens: list[str] = []
    crashes: list[int] = []

    def hold(job: Job) -> None:
        tokens.append(job.token)
        gate.wait()

    def work(job: Job) -> None:
        tokens.append(job.token)
        crashes.append(job.crashes)

    queue.publish("a")
    options = PoolOptions(lease_s=0.6, beat_s=0.15)
    first = WorkerPool(Queue("q", redis=link.url), hold, options=options)
    try:
        first.start()
        eventually(lambda: tokens)
        link.decide = lambda request: "request"
        eventually(lambda: first.status().state is PoolState.STORE_AWAY)
        with WorkerPool(queue, work, options=options) as second:
            one, other = queue.workers()
            assert {one.id, other.id} == {first.status().worker, second.status().worker}
            assert (one.host, one.pid) == (other.host, other.pid)
            assert crashes == []
            # Nobody renews the first one's lease; so it runs out, and the second recovers the ID as any other would.
            eventually(lambda: queue.counts() == Counts())
        assert crashes == [1]
        assert {token.partition(":")[0] for token in tokens} == {one.id, other.id}
        link.decide = lambda request: None
        gate.set()
        assert first.stop().done == 0
        assert queue.snapshot().totals == {"published": 1, "recovered": 1, "done": 1}
    finally:
        gate.set()
        first.stop(grace_s=0)
        link.close()
        path.unlink()
