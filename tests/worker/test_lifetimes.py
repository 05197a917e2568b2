"""How long keys live: no server may forget a lease, or anything else of ours, by itself."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator

import pytest

from convoy_core import Counts, Jammed, Job, PoolOptions, Queue, State, Then, WorkerPool
from convoy_core.moves.history import note_history
from convoy_core.moves.keys import OURS
from convoy_core.moves.publishing import publish_single, single, traced
from convoy_core.moves.recovering import recover
from convoy_core.moves.working import Pulse, register, renew, unregister_safely
from tests.moves.keyspace import LEASE, NOW, W, World, claim, failure
from tests.servers import RealServer, valkey_binary
from tests.waiting import eventually

LEAVING = "e" * 32


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


def test_f20_nothing_of_ours_but_logs_recordings_and_wake_ups_is_ever_given_a_time_to_live(world: World) -> None:
    lives: dict[str, int] = {}
    held = dict.fromkeys(("done", "bad", "again", "later", "back", "jammed", "lost"), b"cargo")
    audited = Queue("q", redis=world.server.url)
    acts: list[Callable[[], object]] = [
        lambda: world.run(register(world.keys, W, LEASE, "e", {"host": "h"})),
        lambda: world.run(register(world.keys, LEAVING, LEASE, "e", {"host": "h"})),
        lambda: world.drive(unregister_safely(world.keys, LEAVING, 1)),
        lambda: world.queue.publish("due", delay_s=1),
        lambda: world.queue.publish_many(held, payload="cargo"),
        lambda: world.exchange(want=7, number=1),
        lambda: world.queue.publish("done", rerun=True),
        lambda: world.run(
            publish_single(world.keys, traced(single("done", rerun=True), f"00-{'a' * 32}-{'b' * 16}-01"))
        ),
        lambda: world.queue.cancel(["lost"]),
        lambda: world.run(renew(world.keys, W, LEASE, Pulse(0, 0, [], None, "1 2 3"), [(b"done", 1)])),
        lambda: world.queue.free_jammed([Jammed("jammed", NOW / 1000, 0, None, False)], then=Then.REQUEUE),
        lambda: world.exchange(
            completed=[claim("done", 1)],
            failed=[(claim("bad", 2), failure()), (claim("again", 3), failure(retry_ms=5))],
            deferred=[(claim("later", 4), 5)],
            released=[claim("back", 5)],
        ),
        lambda: world.client.blmove("cv:q:queued", f"cv:q:claim:{W}", 1),
        lambda: world.queue.set_limits(concurrency=1),
        lambda: world.exchange(want=1, number=8),
        lambda: world.queue.set_limits(concurrency=2),
        lambda: world.run(note_history(world.keys)),
        lambda: world.queue.record(for_s=60),
        lambda: audited.discard(["due"], state=State.DELAYED),
        world.queue.pause,
        lambda: world.queue.acknowledge(for_s=60),
        lambda: world.queue.quiet("h"),
        lambda: world.drive(recover(world.keys, W, 3)),
        lambda: audited.requeue(["bad"]),
    ]
    for act in acts:
        act()
        lives |= {key.decode(): world.client.ttl(key) for key in world.client.scan_iter()}
        world.queue._connection.now_ms = NOW + LEASE if act is acts[-3] else NOW
    audited.close()

    assert {re.sub(r"\d+$", "*", name) for name, ttl in lives.items() if ttl != -1} == {
        "cv:q:errorLog.*",
        f"cv:q:wake:{W}",
        "cv:q:recording",
        "cv:q:recording:moves",
        "cv:q:recording:bytes",
        "cv:q:requeued",
    }
    assert {name.split(":")[2] for name in lives if name.startswith("cv:q:")} >= OURS.keys()


@pytest.mark.parametrize("policy", ["volatile-ttl", "volatile-lru"])
def test_f20_under_memory_pressure_no_lease_is_evicted_and_nobody_recovered_early(policy: str) -> None:
    server = RealServer(valkey_binary(), "--maxmemory-policy", policy)
    gate = threading.Event()
    options = PoolOptions(lease_s=3, beat_s=0.3, allow_eviction=True)

    def hold(job: Job) -> None:
        gate.wait()

    try:
        with server.client() as client, Queue("q", redis=server.url) as queue:
            queue.publish_many(range(200), payload="cargo")
            with (
                WorkerPool(queue, hold, concurrency=5, options=options) as pool,
                WorkerPool(queue, hold, concurrency=5, options=options),
            ):
                eventually(lambda: queue.counts().processing == 10)
                before = {*client.scan_iter()}
                client.config_set("maxmemory", client.info("memory")["used_memory"] + 2_000_000)
                for n in range(300):
                    client.set(f"theirs:{n}", b"x" * 20_000, ex=3600)

                assert client.info("stats")["evicted_keys"] > 50
                assert before <= {*client.scan_iter()}
                assert queue.counts() == Counts(queued=190, committed=200, processing=10)
                gate.set()
                eventually(lambda: queue.counts() == Counts())
            assert queue.snapshot().totals == {"published": 200, "done": 200}
            assert pool.status().stale == 0
    finally:
        gate.set()
        server.stop()
