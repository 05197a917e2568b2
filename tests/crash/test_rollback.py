"""The store comes back with an older state than it had acknowledged: no result is taken for that of another run."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from convoy_core import Counts, Job, PoolOptions, PoolState, Queue, WorkerPool
from convoy_core.moves.working import Pulse, Settlement, exchange, register, renew
from tests.servers import Restorable, valkey_binary
from tests.waiting import eventually

OPTIONS = PoolOptions(lease_s=3, beat_s=0.3)
OLD = ["a0", "a1", "a2"]
"""Held when the copy is made, and done before the store goes back to it."""
NEW = ["b0", "b1", "b2"]
"""Queued when the copy is made, and held when the store goes back to it."""


@pytest.fixture
def server() -> Iterator[Restorable]:
    server = Restorable(valkey_binary())
    yield server
    server.stop()


class Handler:
    """Notes every run, and holds the first and the later ones of an ID each behind a gate."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.gates = {"old": threading.Event(), "new": threading.Event(), "later": threading.Event()}
        self._lock = threading.Lock()

    def __call__(self, job: Job) -> None:
        with self._lock:
            is_first = job.id not in [earlier.id for earlier in self.jobs]
            self.jobs.append(job)
        gate = "later" if not is_first else "old" if job.id in OLD else "new"
        self.gates[gate].wait()


@pytest.fixture
def handler() -> Iterator[Handler]:
    handler = Handler()
    yield handler
    for gate in handler.gates.values():
        gate.set()


@pytest.mark.parametrize("claimant", ["itself", "another"])
def test_f22_after_a_rollback_no_token_is_used_for_another_run_and_no_result_wrongly_taken(
    server: Restorable, handler: Handler, claimant: str
) -> None:
    # With six slots the pool has none left for what it is running against the store's word; others must claim that.
    slots = 9 if claimant == "itself" else 6
    with Queue("q", redis=server.url) as queue:
        queue.publish_many(OLD)
        first = WorkerPool(queue, handler, concurrency=slots, options=OPTIONS)
        second = WorkerPool(queue, handler, concurrency=3, options=OPTIONS)
        first.start()
        eventually(lambda: len(handler.jobs) == 3)
        queue.pause()
        queue.publish_many(NEW)
        server.copy()
        queue.resume()
        handler.gates["old"].set()
        eventually(lambda: len(handler.jobs) == 6 and first.status().done == 3)

        server.kill()
        eventually(lambda: first.status().state is PoolState.STORE_AWAY)
        server.roll_back()
        queue.resume()
        if claimant == "another":
            second.start()

        # The store believes what it knew then: the old ones held, under their tokens, and the new ones queued.
        eventually(lambda: len(handler.jobs) == 12)
        assert queue.counts() == Counts(committed=6, processing=6)
        handler.gates["new"].set()
        # Unknown are those that were there already when the pool compared what it holds with the store.
        eventually(lambda: first.status().stale + first.status().unknown == 3)
        assert queue.counts() == Counts(committed=6, processing=6)
        assert "done" not in queue.snapshot().totals

        handler.gates["later"].set()
        eventually(lambda: queue.counts() == Counts())
        status = first.stop()
        second.stop()
        totals = queue.snapshot().totals
        assert status.stale + status.unknown == 3
        assert totals == {"published": 6, "done": 6} | ({"stale": status.stale} if status.stale else {})

    runs = [(job.id, job.token) for job in handler.jobs]
    assert Counter(id for id, _ in runs) == Counter(dict.fromkeys([*OLD, *NEW], 2))
    assert sorted(runs[:3]) == sorted(runs[6:])[:3]  # the very same claims, which the store has never seen ended
    assert len({token for _, token in runs}) == 9
    assert all(job.lost for job in handler.jobs[3:6])


@pytest.mark.parametrize("kind", ["full", "paused"])
def test_f63_a_pool_that_asks_for_nothing_notices_a_store_that_comes_back_older_at_once(
    server: Restorable, handler: Handler, kind: str
) -> None:
    """It has settled an ID that the store holds for it again, and neither claims nor settles anything meanwhile."""
    with Queue("q", redis=server.url) as queue:
        queue.publish_many(["a0", "b0"])
        pool = WorkerPool(queue, handler, concurrency=2, options=OPTIONS)
        pool.start()
        eventually(lambda: len(handler.jobs) == 2)
        if kind == "paused":
            queue.pause()
        server.copy()
        handler.gates["old"].set()
        eventually(lambda: pool.status().done == 1)
        if kind == "full":
            queue.publish("b1")
            eventually(lambda: len(handler.jobs) == 3)

        server.kill()
        server.roll_back()
        if kind == "full":
            eventually(lambda: handler.jobs[2].lost)  # of which the store knows nothing any more
            assert len(handler.jobs) == 3  # a pool has no more runs than slots, whatever it is handed
            handler.gates["new"].set()
        eventually(lambda: handler.jobs[-1].id == "a0")  # the second time, since the store never saw it end

        for gate in handler.gates.values():
            gate.set()
        queue.resume()
        eventually(lambda: queue.counts() == Counts())
        pool.stop()
        assert queue.workers() == []


def test_f63_nobody_is_judged_by_the_leases_of_an_older_file(server: Restorable, handler: Handler) -> None:
    """A full pool whose upkeep is the first to reach the store after that, without an error, finds in the file a lease
    that has run out since, though its worker has renewed it. A delayed ID makes for a turn, and the next shows its end.
    """
    with Queue("q", redis=server.url) as queue:
        holder, worker = queue._connection, "a" * 32
        keys = holder.keyspace.queue("q")
        queue.publish("held")
        holder.run(register(keys, worker, 60_000, "0", {}))
        holder.run(exchange(keys, worker, Settlement(), 1, 1, 60_000))
        pool = WorkerPool(queue, handler, concurrency=1, options=OPTIONS)
        queue.publish("a0")
        pool.start()
        eventually(lambda: len(handler.jobs) == 1)
        time.sleep(OPTIONS.lease_s)  # until the pool judges others, of which nothing tells
        for name, delay in {"turn before": 0.6, "first turn": 1.2, "second turn": 1.8}.items():
            queue.publish(name, delay_s=delay)
        holder.run(renew(keys, worker, 500, Pulse(0, 0, []), ()))
        server.copy()
        holder.run(renew(keys, worker, 60_000, Pulse(0, 0, []), ()))
        eventually(lambda: queue.counts().delayed == 2)
        time.sleep(0.1)  # until the rest of that turn is over, of which nothing tells either

        server.kill()
        server.roll_back()
        eventually(lambda: queue.counts().delayed == 0)

        assert queue.counts() == Counts(committed=5, queued=3, processing=2)
        assert holder.run(renew(keys, worker, 500, Pulse(0, 0, []), [(b"held", 1)])).lost == []
        for gate in handler.gates.values():
            gate.set()
        pool.stop()
