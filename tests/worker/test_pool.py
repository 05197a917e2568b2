"""The worker pool on a real store: how runs end, how it stops, and what it leaves behind."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import redis

from convoy_core import (
    AsyncQueue,
    Counts,
    Discard,
    InvalidOption,
    Job,
    PoolOptions,
    PoolState,
    Published,
    Queue,
    ReadOnly,
    Retry,
    State,
    StoreUnreachable,
    WorkerPool,
)
from tests.servers import RealServer
from tests.stepping import at_step
from tests.waiting import eventually, patient

QUICK = PoolOptions(lease_s=1.5, beat_s=0.3, grace_s=5, backoff_s=0.02)
BURST = PoolOptions(lease_s=1.5, beat_s=0.3, grace_s=5, backoff_s=0.02, burst=True)


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def as_coroutine(work: Callable[[Job], object]) -> Callable[[Job], object]:
    async def handler(job: Job) -> None:
        work(job)

    return handler


def test_a_run_is_told_for_how_many_requests_it_stands(queue: Queue, gate: threading.Event) -> None:
    seen: list[tuple[str, int, float | None]] = []
    started = threading.Event()

    def work(job: Job) -> None:
        seen.append((job.id, job.requests, job.first_asked_at))
        started.set()
        gate.wait(patient())

    queue.publish_many(["a", "a", "a", "b"])
    accepted = queue.show("a").published
    with WorkerPool(queue, work, concurrency=1, options=QUICK):
        assert started.wait(patient())
        queue.publish("a")  # absorbed by the run that goes on
        while_it_runs = queue.show("a")
        for _ in range(4):
            queue.publish("a", rerun=True)
        asked_again = queue.show("a")
        gate.set()
        eventually(lambda: len(seen) == 3 and queue.counts().committed == 0)

    assert [(id, n) for id, n, _ in seen] == [("a", 3), ("b", 1), ("a", 4)]
    assert [first for _, _, first in seen][:2] == [accepted, None]
    assert (while_it_runs.requests, asked_again.requests, asked_again.rerun_requests) == (4, 4, 4)
    assert seen[2][2] is not None
    assert accepted is not None
    assert accepted <= seen[2][2] <= asked_again.at


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
@pytest.mark.parametrize("concurrency", [1, 10])
def test_every_queued_id_is_run_once_and_then_absent(each_store: RealServer, kind: str, concurrency: int) -> None:
    seen: list[str] = []

    def work(job: Job) -> None:
        seen.append(job.id)

    handler = as_coroutine(work) if kind == "coroutine" else work
    queue = Queue("q", redis=each_store.url)
    queue.publish_many(range(1500))

    status = WorkerPool(queue, handler, concurrency=concurrency, options=BURST).run()

    assert sorted(map(int, seen)) == list(range(1500))
    assert (status.done, status.failed, status.stale, status.state) == (1500, 0, 0, PoolState.STOPPED)
    assert queue.counts() == Counts()
    assert queue.workers() == []
    with each_store.client() as client:
        # A late hand-over to a worker that has left is looked after for a while, so its name stays for so long.
        assert sorted({*client.keys()} - {b"cv:q:departed"}) == [
            b"cv:q:durations:hours",
            b"cv:q:durations:minutes",
            b"cv:q:history:hours",
            b"cv:q:history:minutes",
            b"cv:q:history:seconds",
            b"cv:q:meta",
            b"cv:q:totals",
            b"cv:queues",
        ]
    queue.close()


@pytest.mark.parametrize(("is_installed", "loop"), [(True, "uvloop"), (False, "asyncio.unix_events")])
def test_a_pool_runs_on_uvloop_where_that_is_installed(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, is_installed: bool, loop: str
) -> None:
    seen: list[str] = []

    async def work(job: Job) -> None:
        seen.append(type(asyncio.get_running_loop()).__module__)

    if is_installed:
        monkeypatch.delitem(sys.modules, "uvloop")
    queue.publish("a")
    WorkerPool(queue, work, options=BURST).run()

    assert seen == [loop]


def test_an_id_can_be_published_again_once_it_is_done(queue: Queue) -> None:
    queue.publish("a")
    WorkerPool(queue, lambda job: None, options=BURST).run()

    assert queue.publish("a") is Published.QUEUED


def test_ids_are_taken_in_the_order_they_were_published(queue: Queue) -> None:
    seen: list[str] = []
    queue.publish_many(["a", "b", "c"])
    queue.publish("first", front=True)

    WorkerPool(queue, lambda job: seen.append(job.id), options=BURST).run()

    assert seen == ["first", "a", "b", "c"]


def test_the_handler_gets_the_payload_the_attempt_and_a_token(queue: Queue) -> None:
    seen: list[tuple[object, int, int, str, bool]] = []
    tokens: list[str | None] = []

    def work(job: Job) -> None:
        seen.append((job.payload, job.attempt, job.failures, job.queue, job.lost))
        tokens.extend([job.token, queue.show("a").token])

    queue.publish("a", payload={"lane": 3})
    WorkerPool(queue, work, options=BURST).run()

    assert seen == [({"lane": 3}, 1, 0, "q", False)]
    assert tokens[0]
    assert tokens[0] == tokens[1]


def test_f17_only_the_run_that_was_lost_is_told_so(queue: Queue, gate: threading.Event) -> None:
    """The same pool claims the ID again, and its new run counts."""
    jobs: list[Job] = []

    def work(job: Job) -> None:
        jobs.append(job)
        gate.wait()

    queue.publish("a")
    with WorkerPool(queue, work, concurrency=2, options=QUICK) as pool:
        eventually(lambda: len(jobs) == 1)
        queue.jam_guard(idle_s=0)
        eventually(lambda: len(jobs) == 2 and jobs[0].lost)
        assert queue.show("a").token == jobs[1].token
        assert not jobs[1].lost
        gate.set()
        eventually(lambda: queue.counts() == Counts() and not pool.status().running)

    assert (pool.status().done, pool.status().stale + pool.status().unknown) == (1, 1)


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_f62_whatever_a_handler_raises_fails_that_id_alone(queue: Queue, kind: str) -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    errors: dict[str, BaseException] = {
        "value": ValueError("bad lane"),
        "exit": SystemExit(3),
        "interrupt": KeyboardInterrupt(),
        "group": BaseExceptionGroup("two", [ValueError("1"), KeyboardInterrupt()]),
        "unprintable": Unprintable(),
        "cancelled": asyncio.CancelledError(),
    }

    def work(job: Job) -> None:
        if job.id in errors:
            raise errors[job.id]

    handler = as_coroutine(work) if kind == "coroutine" else work
    queue.publish_many([*errors, "fine"])
    status = WorkerPool(queue, handler, options=BURST).run()

    assert (status.done, status.failed) == (1, len(errors))
    failed = {entry.id: entry.error for entry in queue.entries(State.FAILED)}
    assert failed == {
        "value": "ValueError: bad lane",
        "exit": "SystemExit: 3",
        "interrupt": "KeyboardInterrupt",
        "group": "BaseExceptionGroup: two (2 sub-exceptions)",
        "unprintable": "Unprintable: (this exception cannot be printed)",
        "cancelled": "CancelledError",
    }


def test_a_failure_is_kept_with_what_is_needed_to_understand_it(queue: Queue, raw: redis.Redis) -> None:
    def work(job: Job) -> None:
        raise LookupError(f"no truck {job.id}")

    queue.publish("a\udcff")
    pool = WorkerPool(queue, work, options=BURST)
    pool.run()

    details = queue.show("a\udcff")
    assert details.state is State.FAILED
    assert details.failures == 1
    failure = details.failure
    assert failure is not None
    assert failure.error == "LookupError: no truck a\\udcff"
    assert (failure.attempt, failure.worker) == (1, pool.status().worker)
    assert failure.at == pytest.approx(details.at, abs=5)
    assert failure.seconds is not None
    assert failure.traceback is not None
    assert failure.traceback.endswith("LookupError: no truck a\\udcff\n")
    assert "handlers.py" not in failure.traceback
    (log,) = raw.keys("cv:q:errorLog.*")
    assert raw.lrange(log, 0, -1) == [b"LookupError: no truck a\\udcff"]


def test_retries_are_tried_and_then_the_id_stays_failed(queue: Queue) -> None:
    attempts: list[int] = []

    def work(job: Job) -> None:
        attempts.append(job.attempt)
        raise ValueError("again")

    queue.publish("a")
    with WorkerPool(queue, work, retries=2, options=QUICK) as pool:
        eventually(lambda: queue.counts().failed)

    assert attempts == [1, 2, 3]
    assert (pool.status().failed, pool.status().retried) == (1, 2)
    assert queue.show("a").failures == 3
    assert queue.counts() == Counts(failed=1)


def test_a_success_forgets_the_failures_before_it(queue: Queue) -> None:
    seen: list[tuple[int, int]] = []

    def work(job: Job) -> None:
        seen.append((job.attempt, job.failures))
        if len(seen) < 4:
            raise ValueError("not yet")

    queue.publish("a")
    WorkerPool(queue, work, options=BURST).run()
    queue.publish("a")
    with WorkerPool(queue, work, retries=3, options=QUICK):
        eventually(lambda: queue.counts() == Counts())

    assert seen == [(1, 0), (1, 1), (2, 2), (3, 3)]
    assert queue.show("a").failures == 0


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_a_run_that_outlives_its_timeout_has_failed(queue: Queue, gate: threading.Event, kind: str) -> None:
    told: list[str] = []

    async def sleeper(job: Job) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    def blocker(job: Job) -> None:
        gate.wait()
        told.append("lost" if job.lost else "held")

    queue.publish("slow")
    with WorkerPool(queue, sleeper if kind == "coroutine" else blocker, job_timeout=0.1, options=QUICK) as pool:
        eventually(lambda: queue.counts() == Counts(failed=1))
        # A thread keeps its slot, visibly, until it returns.
        eventually(lambda: len(pool.status().running) == (1 if kind == "thread" else 0))
        gate.set()
        eventually(lambda: pool.status().running == ())

    assert told == ["lost" if kind == "thread" else "cancelled"]
    failure = queue.show("slow").failure
    assert failure is not None
    assert failure.error == "TimedOut: it ran for longer than 0.1 s"
    assert pool.status().stale == 0


def test_a_timeout_applies_to_each_run_on_its_own(queue: Queue) -> None:
    async def work(job: Job) -> None:
        await asyncio.sleep(0.15 if job.id.startswith("ok") else 30)

    queue.publish_many(["ok1", "slow1", "ok2", "slow2", "ok3", "ok4", "ok5"])
    status = WorkerPool(queue, work, concurrency=2, job_timeout=0.4, options=BURST).run()

    assert (status.done, status.failed) == (5, 2)


def test_an_idle_pool_is_woken_by_our_publisher_and_by_a_node_publisher(queue: Queue, raw: redis.Redis) -> None:
    seen: list[str] = []
    with WorkerPool(queue, lambda job: seen.append(job.id), options=QUICK):
        eventually(lambda: _is_waiting(raw))
        queue.publish("ours")
        eventually(lambda: seen == ["ours"])

        eventually(lambda: _is_waiting(raw))
        raw.sadd("cv:q:committed", "node's")
        raw.rpush("cv:q:queued", "node's")
        eventually(lambda: seen == ["ours", "node's"])
        eventually(lambda: queue.counts() == Counts())


def test_exactly_one_of_many_idle_pools_wakes_for_an_id(queue: Queue, raw: redis.Redis) -> None:
    seen: list[str] = []
    pools = [WorkerPool(queue, lambda job: seen.append(job.id), options=QUICK) for _ in range(4)]
    for pool in pools:
        pool.start()
    eventually(lambda: _is_waiting(raw, 4))

    queue.publish_many(range(200))
    eventually(lambda: queue.counts() == Counts())
    for pool in pools:
        pool.stop()

    assert sorted(map(int, seen)) == list(range(200))


def test_a_delayed_id_runs_when_it_is_due(queue: Queue) -> None:
    seen: list[str] = []
    with WorkerPool(queue, lambda job: seen.append(job.id), options=QUICK):
        assert queue.publish("later", delay_s=0.3) is Published.DELAYED
        assert queue.counts().delayed == 1
        eventually(lambda: seen == ["later"])


def test_a_publish_with_rerun_runs_a_running_id_exactly_once_more(queue: Queue, gate: threading.Event) -> None:
    payloads: list[object] = []
    started = threading.Event()

    def work(job: Job) -> None:
        payloads.append(job.payload)
        started.set()
        gate.wait()

    queue.publish("a", payload=1)
    with WorkerPool(queue, work, options=QUICK):
        started.wait()
        assert queue.publish("a") is Published.PROCESSING
        assert queue.publish("a", rerun=True, payload=2) is Published.WILL_RERUN
        assert queue.publish("a", rerun=True, payload=3) is Published.WILL_RERUN
        gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert payloads == [1, 3]


def test_runs_that_end_while_the_queue_is_paused_do_not_make_the_pool_ask_more_often(
    queue: Queue, raw: redis.Redis
) -> None:
    gates = {str(n): threading.Event() for n in range(40)}
    leases: set[object] = set()

    def leases_seen() -> int:
        leases.add(raw.zscore("cv:q:workers", pool.status().worker))
        return len(leases)

    def has_done(number: int) -> Callable[[], bool]:
        return lambda: pool.status().done == number

    queue.publish_many(gates)
    with WorkerPool(queue, lambda job: gates[job.id].wait(), concurrency=40, options=QUICK) as pool:
        eventually(lambda: queue.counts().processing == 40)
        queue.pause()
        for done, gate in enumerate(gates.values(), start=1):
            gate.set()
            eventually(has_done(done))
        raw.config_resetstat()
        eventually(lambda: leases_seen() == 6)
        asked = raw.info("commandstats")["cmdstat_evalsha"]["calls"]
        queue.resume()

    assert asked < 20  # heartbeats, maintenance and one question a second; each run that ended would ask for one more


def test_a_paused_queue_is_not_worked_and_a_resumed_one_is(queue: Queue, raw: redis.Redis) -> None:
    seen: list[str] = []
    with WorkerPool(queue, lambda job: seen.append(job.id), options=QUICK) as pool:
        eventually(lambda: _is_waiting(raw))
        assert queue.pause()
        queue.publish("a")
        eventually(lambda: pool.status().state is PoolState.PAUSED)
        # What the wait was handed is given back.
        eventually(lambda: queue.counts() == Counts(queued=1, committed=1))
        assert seen == []
        assert queue.resume()
        eventually(lambda: seen == ["a"])


def test_f29_a_stop_waits_for_running_jobs(queue: Queue, gate: threading.Event) -> None:
    started = threading.Event()

    def work(job: Job) -> None:
        started.set()
        gate.wait()

    queue.publish_many(["a", "b"])
    pool = WorkerPool(queue, work, options=QUICK)
    pool.start()
    started.wait()
    pool.request_stop()
    eventually(lambda: pool.status().state is PoolState.STOPPING)
    gate.set()
    status = pool.stop()

    assert (status.done, status.released, status.state) == (1, 0, PoolState.STOPPED)
    assert [entry.id for entry in queue.page(State.QUEUED).entries] == ["b"]
    assert queue.workers() == []


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_f29_a_stop_gives_back_what_does_not_end_at_the_head_and_uncharged(
    queue: Queue, gate: threading.Event, kind: str
) -> None:
    started = threading.Semaphore(0)

    async def sleeper(job: Job) -> None:
        started.release()
        await asyncio.Event().wait()

    def blocker(job: Job) -> None:
        started.release()
        gate.wait()

    queue.publish_many(["a", "b", "c"])
    pool = WorkerPool(queue, sleeper if kind == "coroutine" else blocker, concurrency=2, options=QUICK)
    pool.start()
    started.acquire()
    started.acquire()
    status = pool.stop(grace_s=0)

    assert (status.done, status.failed, status.released) == (0, 0, 2)
    assert [entry.id for entry in queue.page(State.QUEUED).entries] == ["a", "b", "c"]
    assert queue.counts() == Counts(queued=3, committed=3)
    assert (queue.show("a").crashes, queue.show("a").failures) == (0, 0)


def test_cancelling_serve_gives_back_what_is_running(store: RealServer) -> None:
    async def scenario() -> Counts:
        started = asyncio.Event()

        async def work(job: Job) -> None:
            started.set()
            await asyncio.Event().wait()

        async with AsyncQueue("q", redis=store.url) as queue:
            await queue.publish("a")
            serving = asyncio.create_task(WorkerPool(queue, work, options=QUICK).serve())
            await started.wait()
            serving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await serving
            return await queue.counts()

    assert asyncio.run(scenario()) == Counts(queued=1, committed=1)


def test_a_pool_that_cannot_reach_its_store_says_so_at_once() -> None:
    queue = Queue("q", redis="redis://localhost:1")

    with pytest.raises(StoreUnreachable, match="localhost:1"):
        WorkerPool(queue, lambda job: None).start()
    with pytest.raises(StoreUnreachable, match="localhost:1"):
        WorkerPool(queue, lambda job: None).run()


def test_a_pool_works_once(queue: Queue) -> None:
    pool = WorkerPool(queue, lambda job: None, options=BURST)
    pool.run()

    with pytest.raises(InvalidOption, match="make a new one"):
        pool.run()


def test_the_registered_worker_tells_who_it_is(queue: Queue) -> None:
    def crush(job: Job) -> None: ...

    with WorkerPool(queue, crush, concurrency=3, options=QUICK) as pool:
        (worker,) = queue.workers()

    assert worker.id == pool.status().worker
    assert worker.handler.endswith("crush")
    assert worker.concurrency == 3
    assert worker.is_live
    assert worker.pid is not None


def test_a_pool_takes_a_ready_made_client(raw: redis.Redis) -> None:
    seen: list[str] = []
    queue = Queue("q", redis=raw)
    queue.publish("a")

    WorkerPool(queue, lambda job: seen.append(job.id), options=BURST).run()

    assert seen == ["a"]
    queue.close()
    assert raw.ping()


def test_a_batch_never_exceeds_the_free_slots(queue: Queue, gate: threading.Event) -> None:
    started = threading.Semaphore(0)

    def work(job: Job) -> None:
        started.release()
        gate.wait()

    queue.publish_many(range(100))
    with WorkerPool(queue, work, concurrency=7, options=QUICK):
        for _ in range(7):
            started.acquire()
        assert queue.counts() == Counts(queued=93, committed=100, processing=7)
        gate.set()
        eventually(lambda: queue.counts() == Counts())


def _is_waiting(client: redis.Redis, n: int = 1) -> bool:
    """Whether that many connections stand in BLMOVE."""
    info = client.info("clients")
    return bool(info["blocked_clients"] == n)


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_a_handler_can_ask_to_be_called_again_later_or_give_an_id_up(queue: Queue, kind: str) -> None:
    seen: list[tuple[str, int]] = []
    answers: dict[str, object] = {"later": Retry(0.05), "hopeless": Discard("no such truck"), "error": ValueError("x")}

    def work(job: Job) -> object:
        seen.append((job.id, job.attempt))
        return answers.pop(job.id, None)

    async def work_async(job: Job) -> object:
        return work(job)

    queue.publish_many(["later", "hopeless", "error"])
    with WorkerPool(queue, work if kind == "thread" else work_async, options=QUICK) as pool:
        eventually(lambda: len(seen) == 4)
        eventually(lambda: queue.counts() == Counts())

    # To return an exception is to return; only raising fails.
    assert seen == [("later", 1), ("hopeless", 1), ("error", 1), ("later", 1)]
    status = pool.status()
    assert (status.done, status.failed, status.deferred, status.discarded) == (2, 0, 1, 1)
    totals = queue.snapshot().totals
    assert (totals["done"], totals["deferred"], totals["discarded"]) == (2, 1, 1)


def test_a_deferred_id_waits_and_stays_committed(queue: Queue) -> None:
    queue.publish("a", payload="cargo")
    WorkerPool(queue, lambda job: Retry(), options=BURST).run()

    details = queue.show("a")
    assert details.state is State.DELAYED
    assert details.due == pytest.approx(details.at + BURST.defer_s, abs=2)
    assert (details.failures, details.attempt, details.payload) == (0, 1, "cargo")
    assert queue.publish("a") is Published.ALREADY_DELAYED


def test_a_pool_does_not_work_through_a_read_only_queue(store: RealServer) -> None:
    queue = Queue("q", redis=store.url, read_only=True)

    with pytest.raises(ReadOnly):
        WorkerPool(queue, lambda job: None)


def test_a_stop_at_any_step_of_the_start_is_heard(queue: Queue) -> None:
    """As a signal may ask for one, in the thread that is starting the pool, whatever it holds at that moment."""
    heard: list[tuple[bool, PoolState]] = []

    def start_and_stop() -> None:
        for step in range(0, 450, 9):
            pool = WorkerPool(queue, str, options=QUICK)
            modules = ("convoy_core.worker.pool", "convoy_core.worker.loop")
            was_there = at_step(step, modules, partial(asyncio.run, pool.serve()), pool.request_stop)
            heard.append((was_there, pool.status().state))

    # In a thread, so that a deadlock is seen as such.
    thread = threading.Thread(target=start_and_stop, daemon=True)
    thread.start()
    thread.join(patient())

    assert heard == [(True, PoolState.STOPPED)] * 50
    assert queue.workers() == []
