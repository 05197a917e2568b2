"""Pools in processes of their own, killed, frozen and stopped for real."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest
import redis

from convoy_core import Counts, Job, PoolOptions, PoolState, Queue, State, WorkerPool
from tests.crash import worker_process
from tests.servers import RealServer, valkey_binary
from tests.waiting import eventually, patient

OPTIONS = worker_process.OPTIONS
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


@pytest.fixture
def start(store: RealServer) -> Iterator[Start]:
    """Starts worker processes and ends them, whatever happened to them."""
    started: list[subprocess.Popen[bytes]] = []

    def start(handler: str, **environment: str) -> subprocess.Popen[bytes]:
        started.append(worker_process.start(store.url, handler, **environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=patient())


def _runs(raw: redis.Redis) -> list[str]:
    return [id.decode() for id in raw.lrange("runs", 0, -1)]  # type: ignore[union-attr]  # redis-py unions both clients


def test_f1_f10_what_a_killed_worker_held_is_recovered_in_order_at_the_head(
    queue: Queue, raw: redis.Redis, start: Start
) -> None:
    queue.publish_many(["a", "b", "c"])
    victim = start("hold")
    eventually(lambda: sorted(_runs(raw)) == ["a", "b"])
    (worker,) = queue.workers()
    # As if it had been killed between BLMOVE and its claim:
    raw.rpush(f"cv:q:claim:{worker.id}", "handed over")
    raw.sadd("cv:q:committed", "handed over")
    victim.kill()
    victim.wait()

    seen: list[str] = []
    with WorkerPool(queue, lambda job: seen.append(job.id), options=OPTIONS):
        eventually(lambda: queue.counts() == Counts())

        # A wait of the dead worker's may still be under way at the store, so it stays registered for a while.
        raw.rpush(f"cv:q:claim:{worker.id}", "handed over late")
        raw.sadd("cv:q:committed", "handed over late")
        eventually(lambda: queue.counts() == Counts())
        eventually(lambda: [other.id for other in queue.workers() if other.id == worker.id] == [])

    assert sorted(seen) == ["a", "b", "c", "handed over", "handed over late"]
    assert queue.snapshot().totals["recovered"] == 2


def test_f28_an_id_whose_worker_dies_three_times_is_failed_with_the_reason(
    queue: Queue, raw: redis.Redis, start: Start
) -> None:
    queue.publish("poison")
    for n in (1, 2, 3):
        victim = start("hold")
        eventually(lambda n=n: len(_runs(raw)) == n)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        victim.kill()
        victim.wait()
        queue.pause()
        with WorkerPool(queue, lambda job: None, options=OPTIONS):
            eventually(lambda: queue.counts().processing == 0)
        queue.resume()

    details = queue.show("poison")
    assert details.state is State.FAILED
    assert details.failure is not None
    assert details.failure.error == "its worker died 3 times in a row"
    assert queue.counts() == Counts(failed=1)


def test_f17_f21_a_frozen_worker_that_wakes_up_late_changes_nothing(
    queue: Queue, raw: redis.Redis, start: Start
) -> None:
    queue.publish("a")
    sleeper = start("late")
    eventually(lambda: _runs(raw) == ["a"])
    sleeper.send_signal(signal.SIGSTOP)
    gate = threading.Event()
    started = threading.Event()

    def hold(job: Job) -> None:
        started.set()
        gate.wait()

    with WorkerPool(queue, hold, options=OPTIONS):
        assert started.wait(patient())
        sleeper.send_signal(signal.SIGCONT)
        raw.rpush("go", "on")
        # Its result is stale, or dropped where it compares before it settles; either way it is at work again.
        eventually(
            lambda: (
                queue.snapshot().totals.get("stale") == 1
                or sum(worker.lease_ends_in_s > 0 for worker in queue.workers()) == 2
            )
        )
        assert queue.counts() == Counts(committed=1, processing=1)
        gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert queue.snapshot().totals["done"] == 1


def test_f15_a_handler_that_keeps_the_event_loop_busy_keeps_its_lease(
    queue: Queue, raw: redis.Redis, start: Start
) -> None:
    queue.publish("busy")
    start("burn", BURN_S=str(3 * OPTIONS.lease_s))
    eventually(lambda: _runs(raw) == ["busy"])

    with WorkerPool(queue, lambda job: None, options=OPTIONS):
        eventually(lambda: queue.counts() == Counts())

    assert _runs(raw) == ["busy"]
    assert "recovered" not in queue.snapshot().totals


def test_f16_a_pool_whose_event_loop_is_blocked_loses_its_lease(queue: Queue, raw: redis.Redis, start: Start) -> None:
    queue.publish("wedged")
    start("wedge", WATCHDOG_S="1")
    eventually(lambda: _runs(raw) == ["wedged"])

    with WorkerPool(queue, lambda job: None, options=OPTIONS):
        eventually(lambda: queue.counts() == Counts())

    assert queue.snapshot().totals["recovered"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_f29_a_signal_stops_a_process_gracefully_and_a_second_one_at_once(
    queue: Queue, raw: redis.Redis, start: Start, number: signal.Signals
) -> None:
    queue.publish_many(["a", "b", "c"])
    process = start("hold")
    eventually(lambda: len(_runs(raw)) == 2)
    process.send_signal(number)
    assert process.stderr is not None
    assert any(b"stopping" in line for line in process.stderr)
    process.send_signal(number)

    assert process.wait(patient()) == 0
    assert [entry.id for entry in queue.page(State.QUEUED).entries] == ["a", "b", "c"]
    assert queue.counts() == Counts(queued=3, committed=3)
    assert queue.workers() == []


def test_f18_after_an_outage_of_the_store_nobody_is_judged_too_early_and_nothing_is_lost() -> None:
    store = RealServer(valkey_binary(), "--appendonly", "yes", "--appendfsync", "always")
    try:
        queue = Queue("q", redis=store.url)
        gate = threading.Event()
        started = threading.Semaphore(0)
        seen: list[str] = []

        def hold(job: Job) -> None:
            seen.append(job.id)
            started.release()
            gate.wait()

        queue.publish_many(["a", "b", "c"])
        first = WorkerPool(queue, hold, concurrency=2, options=OPTIONS)
        second = WorkerPool(queue, hold, concurrency=1, options=OPTIONS)
        first.start()
        second.start()
        for _ in range(3):
            started.acquire()
        store.kill()
        eventually(lambda: first.status().state is second.status().state is PoolState.STORE_AWAY)
        gate.set()
        # Longer than a lease, so that on return all leases look dead.
        threading.Event().wait(2 * OPTIONS.lease_s)
        store.start()
        eventually(lambda: queue.counts() == Counts())
        eventually(lambda: first.status().state.is_working and second.status().state.is_working)
        done = first.stop().done + second.stop().done

        assert sorted(seen) == ["a", "b", "c"]
        assert done == 3
        assert queue.snapshot().totals == {"published": 3, "done": 3}
        queue.close()
    finally:
        store.stop()


def test_f43_a_store_emptied_under_load_stops_nobody(queue: Queue, store: RealServer, raw: redis.Redis) -> None:
    seen: list[str] = []
    with WorkerPool(queue, lambda job: seen.append(job.id), concurrency=4, options=OPTIONS) as pool:
        queue.publish_many(range(2000))
        eventually(lambda: len(seen) > 100)
        raw.flushall()
        queue.publish("after")
        eventually(lambda: "after" in seen)
        eventually(lambda: queue.counts() == Counts())
        eventually(lambda: [worker.id for worker in queue.workers()] == [pool.status().worker])


def test_f33_forgotten_scripts_under_load_are_no_error(queue: Queue, raw: redis.Redis) -> None:
    seen: list[str] = []
    queue.publish_many(range(3000))
    with WorkerPool(queue, lambda job: seen.append(job.id), concurrency=10, options=OPTIONS) as pool:
        while queue.counts() != Counts():
            raw.script_flush()

    assert len(seen) == 3000
    assert pool.status().error is None


def test_f50_a_node_jam_guard_beside_a_long_run_does_not_free_it(queue: Queue, raw: redis.Redis) -> None:
    """Node's guard drops what has an old score; the heartbeat keeps ours fresh, and restores what was dropped."""
    gate = threading.Event()
    queue.publish("long")

    def hold(job: Job) -> None:
        gate.wait()

    with WorkerPool(queue, hold, options=PoolOptions(lease_s=1.2, beat_s=0.3)):
        eventually(lambda: queue.counts().processing == 1)
        raw.zrem("cv:q:processing", "long")
        raw.srem("cv:q:committed", "long")
        eventually(lambda: queue.counts() == Counts(committed=1, processing=1))
        gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert queue.snapshot().totals == {"published": 1, "done": 1}
