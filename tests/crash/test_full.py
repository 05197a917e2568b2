"""A store without room: publishing is refused whole, and workers drain the queue all the same."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from convoy_core import (
    Counts,
    Job,
    PoolOptions,
    PoolState,
    Published,
    Queue,
    State,
    StoreFull,
    StoreUnreachable,
    StoreUnsafe,
    WorkerPool,
)
from convoy_core.moves import working
from convoy_core.moves.working import Settlement
from tests.servers import RealServer, redis_binary, valkey_binary
from tests.waiting import eventually

OPTIONS = PoolOptions(lease_s=1.2, beat_s=0.3, burst=True)
WAITING = PoolOptions(lease_s=1.2, beat_s=0.3)


def _binaries() -> list[Path]:
    return [binary for binary in (valkey_binary(), redis_binary()) if binary is not None]


@pytest.fixture(params=_binaries(), ids=lambda binary: binary.name)
def full(request: pytest.FixtureRequest) -> Iterator[RealServer]:
    server = RealServer(request.param, "--maxmemory-policy", "noeviction")
    yield server
    server.stop()


def _dump(client: redis.Redis) -> dict[bytes, object]:
    return {key: client.dump(key) for key in client.scan_iter()}


def _fill_memory(client: redis.Redis) -> None:
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory", int(used * 0.9))


def test_f6_a_full_store_refuses_publishes_whole_and_is_drained_by_workers(full: RealServer) -> None:
    queue = Queue("q", redis=full.url)
    queue.publish_many(range(10_000))
    with full.client() as client:
        before = _dump(client)
        _fill_memory(client)

        with pytest.raises(StoreFull, match="out of memory"):
            queue.publish("one more")
        assert _dump(client) == before

        done: list[str] = []

        def work(job: Job) -> None:
            done.append(job.id)
            if job.id == "77":
                raise ValueError("this must be kept too")

        WorkerPool(queue, work, concurrency=50, options=OPTIONS).run()

        assert len(done) == 10_000
        assert queue.counts() == Counts(failed=1)
        client.config_set("maxmemory", 0)
    assert queue.publish("one more") is Published.QUEUED
    queue.close()


@pytest.mark.parametrize("act", ["publish", "exchange"])
def test_f6_a_server_without_script_flags_refuses_whole_as_well(full: RealServer, act: str) -> None:
    """As Redis 6.2 is spoken to: without flags no script could make room there, but none may stop half-way either."""
    queue = Queue("q", redis=full.url)
    queue._connection._is_modern = False
    queue.publish_many(range(1000))

    run, keys = queue._connection.run, queue._keys
    run(working.register(keys, "aa", 60_000, "e", {}))
    claims = run(working.exchange(keys, "aa", Settlement(), 10, 1, 1000)).claims
    acts: dict[str, Callable[[], object]] = {
        "publish": lambda: queue.publish_many(["a", "b"]),
        "exchange": lambda: run(working.exchange(keys, "aa", Settlement(claims), 10, 11, 1000)),
    }
    with full.client() as client:
        before = _dump(client)
        _fill_memory(client)

        with pytest.raises(StoreFull):
            acts[act]()

        assert _dump(client) == before
    queue.close()


def test_f40_no_pool_works_on_a_store_that_evicts_unless_told_to(full: RealServer) -> None:
    with Queue("q", redis=full.url) as queue, full.client() as client:
        queue.publish("a")
        client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(StoreUnsafe, match="maxmemory-policy allkeys-lru"):
            WorkerPool(queue, lambda job: None, options=OPTIONS).run()
        assert queue.workers() == []

        allowed = PoolOptions(lease_s=1.2, beat_s=0.3, burst=True, allow_eviction=True)
        assert WorkerPool(queue, lambda job: None, options=allowed).run().done == 1


def test_f40_no_pool_works_on_a_store_that_has_evicted_keys(full: RealServer) -> None:
    with Queue("q", redis=full.url) as queue, full.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 300_000)
        eventually(lambda: client.set(os.urandom(8), bytes(10_000)) and client.info("stats")["evicted_keys"])
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")

        with pytest.raises(StoreUnsafe, match=r"has evicted \d+ keys since it was started"):
            WorkerPool(queue, lambda job: None, options=OPTIONS).run()
        client.config_resetstat()
        queue.publish("a")
        assert WorkerPool(queue, lambda job: None, options=OPTIONS).run().done == 1


def test_f37_while_the_store_refuses_writes_results_wait_and_nothing_is_called_lost(full: RealServer) -> None:
    queue = Queue("q", redis=full.url)
    with WorkerPool(queue, lambda job: None, options=WAITING) as pool, full.client() as client:
        queue.publish("before")
        eventually(lambda: queue.counts() == Counts())
        client.config_set("min-replicas-to-write", 1)  # answered with NOREPLICAS, a definite "no"
        with pytest.raises(StoreUnreachable):
            queue.publish("refused")
        eventually(lambda: pool.status().state is PoolState.STORE_AWAY)
        client.config_set("min-replicas-to-write", 0)
        eventually(lambda: pool.status().state.is_working)
        queue.publish("after")
        eventually(lambda: pool.status().done == 2)
    queue.close()


def test_f39_with_the_disk_full_results_wait_and_are_written_when_there_is_room(tmp_path: Path) -> None:
    server = RealServer(valkey_binary(), "--appendonly", "yes", "--appendfsync", "everysec")
    gate = threading.Event()
    try:
        queue = Queue("q", redis=server.url)
        queue.publish_many(["a", "b"])

        def work(job: Job) -> None:
            gate.wait()

        with WorkerPool(queue, work, concurrency=2, options=WAITING) as pool:
            eventually(lambda: queue.counts().processing == 2)
            # No file of the server may grow any more: the next write to its append-only file fails.
            _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, hard))
            eventually(lambda: _is_refused(queue))
            gate.set()
            eventually(lambda: pool.status().state is PoolState.STORE_AWAY)
            eventually(lambda: pool.status().running == ())
            assert pool.status().done == 0
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
            eventually(lambda: pool.status().done == 2)
            eventually(lambda: queue.counts().processing == 0)
        assert pool.status().stale == 0
        queue.close()
    finally:
        gate.set()
        server.stop()


def _is_refused(queue: Queue) -> bool:
    """Publish something else until the server has noticed that it cannot save."""
    try:
        queue.discard([str(time.monotonic())], state=State.FAILED)
        queue.pause()
        queue.resume()
    except StoreFull:
        return True
    return False
