"""The word is true on a real store, with real pools, for a dashboard that watched and for one that comes later."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from subprocess import Popen

import pytest

from convoy_core import Fleet, Job, Outcome, PoolOptions, Queue, Then, WorkerPool
from convoy_tui.cli.commands.status_rows import rows_of
from convoy_tui.dashboard.board.board import Row, Watch
from convoy_tui.dashboard.source import LiveSource
from convoy_tui.text.broken import Broken
from convoy_tui.text.health import Health, Limits, Severity
from convoy_tui.text.history import History
from tests.servers import RealServer
from tests.waiting import eventually

LIMITS = Limits()


class Dashboard:
    """What a dashboard knows, without its screen."""

    def __init__(self, url: str) -> None:
        self.source = LiveSource(url=url)
        self.watch = Watch(LIMITS)

    async def row(self, *, in_s: float = 0.0) -> Row:
        """The queue as it is seen so many seconds from now."""
        later = round((time.time() + in_s) * 1000)
        self.source._fleet._connection.now_ms = later if in_s else None
        reading = await self.source.look()
        if self.source._keeper.task is not None and not in_s:
            await self.source._keeper.task
        self.source.explain(self.watch.take(reading.snapshots, reading.past, reading.broken))
        return self.watch.rows[0]


@asynccontextmanager
async def a_dashboard(store: RealServer) -> AsyncIterator[Dashboard]:
    dashboard = Dashboard(store.url)
    try:
        yield dashboard
    finally:
        await dashboard.source.close()


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


@contextmanager
def working(queue: Queue, handler: Callable[[Job], object], concurrency: int = 4) -> Iterator[None]:
    """A pool whose lease is longer than any test looks ahead."""
    pool = WorkerPool(queue, handler, concurrency=concurrency, options=PoolOptions(lease_s=900))
    thread = threading.Thread(target=pool.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        pool.request_stop()
        thread.join()


def fail(job: Job) -> None:
    raise ValueError("no such hook")


async def test_a_minute_after_the_last_failure_a_queue_is_still_failing(queue: Queue, store: RealServer) -> None:
    queue.publish_many(range(50))
    async with a_dashboard(store) as watched, a_dashboard(store) as restarted:
        await watched.row()
        with working(queue, fail):
            eventually(lambda: queue.counts().failed == 50)
        await watched.row()

        await watched.row(in_s=75)
        words = [(await one.row(in_s=76)).health for one in (watched, restarted)]

    assert words == [Health.FAILING] * 2


async def test_a_reopened_dashboard_counts_the_failures_of_the_last_minute_as_one_that_watched(
    queue: Queue, store: RealServer
) -> None:
    queue.publish_many(range(20))
    with Fleet(redis=store.url) as fleet:
        fleet.note_history(["q"])  # as whoever was there before has done
    with working(queue, fail):
        eventually(lambda: queue.counts().failed == 20)
        async with a_dashboard(store) as reopened:
            row = await reopened.row(in_s=12)

    assert row.trends.failed_1m == 20


async def test_a_wedged_pool_is_never_green_and_stalled_after_a_minute(queue: Queue, store: RealServer) -> None:
    gate, is_stuck = threading.Event(), threading.Event()

    async def wedge(job: Job) -> None:
        is_stuck.set()
        gate.wait()  # in the event loop of the pool: not even its job timeout can end this

    queue.publish_many(range(30))
    with working(queue, wedge, concurrency=2):
        is_stuck.wait()
        async with a_dashboard(store) as watched, a_dashboard(store) as restarted:
            soon = await watched.row()
            await watched.row(in_s=90)
            late = [await one.row(in_s=91) for one in (watched, restarted)]
        gate.set()

    assert soon.health.severity is not Severity.FINE
    assert [row.health for row in late] == [Health.STALLED] * 2


def kill_a_worker_at_work(queue: Queue, url: str) -> None:
    command = [sys.executable, "-m", "convoy_tui.cli", "work", "q", "--exec", "sleep 600", "--concurrency", "2"]
    worker = Popen([*command, "--redis", url, "-q"])
    try:
        eventually(lambda: queue.counts().processing == 2)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()


async def test_a_queue_whose_only_worker_was_killed_is_never_green(queue: Queue, store: RealServer) -> None:
    queue.publish_many(range(5))
    kill_a_worker_at_work(queue, store.url)

    async with a_dashboard(store) as watched, a_dashboard(store) as restarted:
        at_once = await watched.row()
        await watched.row(in_s=60)
        late = [await one.row(in_s=61) for one in (watched, restarted)]

    assert (at_once.snapshot.counts.queued, at_once.snapshot.held) == (3, 2)
    assert at_once.health is Health.WAITING
    assert [row.health for row in late] == [Health.NO_WORKERS] * 2


async def test_a_new_queue_is_seen_within_one_tick(store: RealServer, queue: Queue) -> None:
    queue.publish("a")
    async with a_dashboard(store) as dashboard:
        await dashboard.row()
        with Fleet(redis=store.url) as fleet:
            fleet.queue("new").publish("b")

        await dashboard.row()

    assert {row.queue for row in dashboard.watch.rows} == {"q", "new"}


async def test_claims_are_no_progress_of_which_a_forecast_is_made(queue: Queue, store: RealServer) -> None:
    gate = threading.Event()
    queue.publish_many(range(40))
    async with a_dashboard(store) as dashboard:
        await dashboard.row()
        with working(queue, lambda job: gate.wait(), concurrency=10):
            eventually(lambda: queue.counts().processing == 10)
            row = await dashboard.row(in_s=2)
            gate.set()

    assert row.snapshot.counts.queued == 30
    assert row.trends.clears_s is None


def break_down(job: Job) -> None:
    raise OSError("the last straw") if job.id == "9" else ValueError("no such hook")


async def test_a_failing_queue_says_what_broke(queue: Queue, store: RealServer) -> None:
    queue.publish_many(range(10))
    with working(queue, break_down, concurrency=1):
        eventually(lambda: queue.counts().failed == 10)
    async with a_dashboard(store) as dashboard:
        row = await dashboard.row()
        while not row.broken.is_known:
            await asyncio.sleep(0.01)
            row = await dashboard.row()

    assert row.broken == Broken("OSError: the last straw", "ValueError: no such hook", 9, 10)


async def test_the_holder_of_a_stuck_job_is_a_host_and_a_process(queue: Queue, store: RealServer) -> None:
    gate = threading.Event()
    queue.publish("a")
    async with a_dashboard(store) as dashboard:
        with working(queue, lambda job: gate.wait()):
            eventually(lambda: queue.counts().processing == 1)
            found = await dashboard.source.jammed("q", 0)
            outcomes = await dashboard.source.free("q", found, Then.DISCARD, skip_live=False)
            gate.set()

    assert [entry.worker for entry in found] == [f"{socket.gethostname()}:{os.getpid()}"]
    assert outcomes == {"a": Outcome.DISCARDED}


async def test_status_says_the_same_as_the_dashboard(queue: Queue, store: RealServer) -> None:
    queue.publish_many(range(3))
    async with a_dashboard(store) as dashboard:
        row = await dashboard.row()

    history = History()
    history.add([row.snapshot])
    assert [one.health for one in rows_of([row.snapshot], history, LIMITS)] == [row.health]
