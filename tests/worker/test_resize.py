"""A pool that is given more slots, or fewer, while it works."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator

import pytest

from convoy_core import Counts, InvalidOption, Job, PoolOptions, PoolState, Queue, WorkerPool
from convoy_core.worker.claim_sequence import ClaimSequence
from tests.servers import RealServer
from tests.waiting import eventually, patient

QUICK = PoolOptions(lease_s=1.5, beat_s=0.1, grace_s=5, backoff_s=0.02)


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


class Doors:
    """Each run waits at a door of its own until it is opened."""

    def __init__(self) -> None:
        self._running: set[str] = set()
        self._doors: defaultdict[str, threading.Event] = defaultdict(threading.Event)

    @property
    def running(self) -> list[str]:
        return sorted(self._running)

    def open(self, *ids: str) -> None:
        for id in ids:
            self._doors[id].set()

    def handle(self, job: Job) -> None:
        self._running.add(job.id)
        self._doors[job.id].wait(patient())
        self._running.remove(job.id)


def test_more_slots_are_filled_while_the_runs_of_the_others_go_on(queue: Queue) -> None:
    doors = Doors()
    queue.publish_many(range(6))
    with WorkerPool(queue, doors.handle, concurrency=1, options=QUICK) as pool:
        eventually(lambda: doors.running == ["0"])
        pool.resize(4)
        eventually(lambda: doors.running == ["0", "1", "2", "3"])
        assert pool.concurrency == 4
        assert queue.counts().queued == 2
        doors.open(*"012345")
        eventually(lambda: queue.counts() == Counts())


def test_with_fewer_slots_no_run_is_cut_short_and_the_next_begins_when_enough_have_ended(queue: Queue) -> None:
    doors = Doors()
    queue.publish_many(range(6))
    with WorkerPool(queue, doors.handle, concurrency=4, options=QUICK) as pool:
        eventually(lambda: len(doors.running) == 4)
        pool.resize(2)
        doors.open("0", "1")
        eventually(lambda: pool.status().done == 2)
        eventually(lambda: queue.workers()[0].done == 2)  # some rounds and a heartbeat later
        assert (doors.running, queue.counts().queued) == (["2", "3"], 2)
        doors.open("2")
        eventually(lambda: doors.running == ["3", "4"])
        doors.open(*"345")
        eventually(lambda: queue.counts() == Counts())
        assert pool.status().released == 0


@pytest.mark.parametrize("concurrency", [1, 7])
def test_an_idle_pool_takes_what_is_published_with_the_slots_that_it_has_by_then(
    queue: Queue, store: RealServer, concurrency: int
) -> None:
    """It waits at the empty queue with a claim of one ID under way."""
    doors = Doors()
    with WorkerPool(queue, doors.handle, concurrency=3, options=QUICK) as pool, store.client() as client:
        eventually(lambda: client.info("clients")["blocked_clients"])
        pool.resize(concurrency)
        queue.publish_many(range(9))
        eventually(lambda: len(doors.running) == concurrency)
        eventually(lambda: queue.workers()[0].running == concurrency)
        assert queue.counts().processing == concurrency
        doors.open(*"012345678")
        eventually(lambda: queue.counts() == Counts())


@pytest.mark.parametrize("is_fenced_off", [False, True])
def test_an_id_that_is_handed_to_a_pool_without_a_slot_for_it_goes_back(
    queue: Queue, store: RealServer, caplog: pytest.LogCaptureFixture, is_fenced_off: bool
) -> None:
    """Its wait had been begun when there was one. With the claim behind it fenced off, as by a comparison, the ID stays
    in the claim list of a pool that would not look into it while it is full.
    """
    caplog.set_level(logging.INFO, "convoy_core")
    doors = Doors()
    queue.publish("long")
    with WorkerPool(queue, doors.handle, concurrency=2, options=QUICK) as pool, store.client() as client:
        eventually(lambda: pool.status().state is PoolState.WAITING)
        eventually(lambda: client.info("clients")["blocked_clients"])
        eventually(lambda: doors.running == ["long"])  # the pool waits already while its thread begins
        pool.resize(1)
        eventually(lambda: "up to 1 at once from now on" in caplog.text)  # what comes earlier may still run
        if is_fenced_off:
            eventually(lambda: client.info("clients")["blocked_clients"])
            client.hincrby(f"cv:q:worker:{queue.workers()[0].id}", "number", 1)
        queue.publish("next")
        eventually(lambda: not client.info("clients")["blocked_clients"])
        eventually(lambda: queue.counts().queued == 1)
        assert doors.running == ["long"]
        doors.open("long", "next")
        eventually(lambda: queue.counts() == Counts())
        eventually(lambda: pool.status().done == 2)  # the store knows it before the pool hears of it


def test_the_store_is_told_of_the_slots(queue: Queue) -> None:
    pool = WorkerPool(queue, print, concurrency=2, options=QUICK)
    pool.resize(3)
    with pool:
        assert queue.workers()[0].concurrency == 3
        pool.resize(5)
        eventually(lambda: queue.workers()[0].concurrency == 5)
    pool.resize(1)  # it has ended

    assert pool.status().state is PoolState.STOPPED


@pytest.mark.parametrize("slots", [0, -1, 10_001, 1.0, True, "3", None])
def test_a_number_that_no_pool_can_have_is_refused(queue: Queue, slots: object) -> None:
    pool = WorkerPool(queue, print, concurrency=2)
    with pytest.raises(InvalidOption, match="concurrency"):
        pool.resize(slots)  # type: ignore[arg-type]

    assert pool.concurrency == 2


def test_half_of_many_slots_are_filled_at_a_time_also_after_a_change() -> None:
    sequence = ClaimSequence(1)
    sequence.resize(100)
    assert sequence.share(100) == 50
    sequence.resize(10)
    assert sequence.share(100) == 10
