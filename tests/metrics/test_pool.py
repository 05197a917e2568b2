"""The metrics of pools, read over HTTP by Prometheus' own parser."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis
from prometheus_client import CollectorRegistry

from convoy_core import Discard, Fleet, InvalidOption, Job, PoolOptions, Queue, Retry, WorkerPool
from convoy_core.metrics import MetricsServer, PoolCollector, StoreCollector
from tests.metrics.scrapes import Samples, scrape
from tests.servers import RealServer
from tests.waiting import eventually, patient

QUICK = PoolOptions(lease_s=1.5, beat_s=0.3, backoff_s=0.001, backoff_cap_s=0.001)
BURST = PoolOptions(backoff_s=0.001, backoff_cap_s=0.001, burst=True)
NAMES = {
    "convoy_queue_duration_seconds_bucket", "convoy_queue_duration_seconds_count", "convoy_queue_duration_seconds_sum",
    "convoy_work_duration_seconds_bucket", "convoy_work_duration_seconds_count", "convoy_work_duration_seconds_sum",
    "convoy_unfinished_work_seconds", "convoy_longest_running_seconds", "convoy_pool_slots", "convoy_pool_busy",
    "convoy_retries_total", "convoy_leases_lost_total", "convoy_store_disruptions_total",
}  # fmt: skip


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("trucks", redis=store.url) as queue:
        yield queue


@contextmanager
def served(*pools: WorkerPool) -> Iterator[int]:
    """A port where they are told."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(PoolCollector(*pools))
    with MetricsServer(registry, "127.0.0.1", 0) as server:
        yield server.port


def runs(seen: Samples) -> dict[str, float]:
    """How many ended in each way."""
    return {key[2]: value for key, value in seen.items() if key[0] == "convoy_work_duration_seconds_count" and value}


def test_each_run_is_counted_with_how_it_ended_and_how_long_its_id_waited(queue: Queue) -> None:
    def handle(job: Job) -> object:
        if job.id == "bad":
            raise ValueError("no")
        return {"later": Retry(3600), "drop": Discard("old")}.get(job.id)

    queue.publish_many(["good", "bad", "later", "drop"])
    pool = WorkerPool(queue, handle, options=BURST, concurrency=2)

    pool.run()

    with served(pool) as port:
        seen = scrape(port)
    assert {name for name, *_ in seen} == NAMES
    assert runs(seen) == {"done": 1, "failed": 1, "deferred": 1, "discarded": 1}
    assert seen["convoy_queue_duration_seconds_count", "trucks"] == 4
    assert seen["convoy_queue_duration_seconds_bucket", "trucks", "+Inf"] == 4
    assert seen["convoy_pool_slots", "trucks"] == 2
    assert seen["convoy_pool_busy", "trucks"] == 0


def test_the_buckets_are_those_of_prometheus(queue: Queue) -> None:
    pool = WorkerPool(queue, lambda _: None)
    with pool:
        measures = pool._worker_loop._claims.measures  # type: ignore[union-attr]  # what a run adds to
        for seconds in (0.004, 0.005, 0.0051, 3.0, 20_000.0):
            measures.began(seconds)

        with served(pool) as port:
            seen = scrape(port)

    buckets = {key[2]: value for key, value in seen.items() if key[0] == "convoy_queue_duration_seconds_bucket"}
    assert list(buckets) == [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "25.0", "50.0", "100.0",
        "250.0", "500.0", "1000.0", "2500.0", "5000.0", "10000.0", "+Inf",
    ]  # fmt: skip
    assert {bound: buckets[bound] for bound in ("0.005", "0.01", "2.5", "5.0", "10000.0", "+Inf")} == {
        "0.005": 2, "0.01": 3, "2.5": 3, "5.0": 4, "10000.0": 4, "+Inf": 5,
    }  # fmt: skip
    assert seen["convoy_queue_duration_seconds_sum", "trucks"] == pytest.approx(20_003.0141)


def test_what_is_retried_is_counted(queue: Queue) -> None:
    def handle(job: Job) -> None:
        if job.attempt < 3:
            raise ValueError("not yet")

    pool = WorkerPool(queue, handle, retries=5, options=QUICK)
    with pool, served(pool) as port:
        queue.publish("1")
        queue.wait(["1"])
        eventually(lambda: scrape(port)["convoy_retries_total", "trucks"] == 2)
        seen = scrape(port)

    assert runs(seen) == {"retried": 2, "done": 1}
    assert seen["convoy_queue_duration_seconds_count", "trucks"] == 3


def test_a_run_that_goes_is_told_and_grows(queue: Queue, gate: threading.Event) -> None:
    pool = WorkerPool(queue, lambda _: gate.wait(), concurrency=3, options=QUICK)
    with pool, served(pool) as port:
        queue.publish_many(["1", "2"])
        eventually(lambda: scrape(port)["convoy_pool_busy", "trucks"] == 2)
        first = scrape(port)["convoy_longest_running_seconds", "trucks"]
        eventually(lambda: scrape(port)["convoy_longest_running_seconds", "trucks"] > first)
        seen = scrape(port)

        gate.set()
        eventually(lambda: scrape(port)["convoy_pool_busy", "trucks"] == 0)
        after = scrape(port)

    longest = seen["convoy_longest_running_seconds", "trucks"]
    assert longest < seen["convoy_unfinished_work_seconds", "trucks"] <= 2 * longest
    assert after["convoy_unfinished_work_seconds", "trucks"] == after["convoy_longest_running_seconds", "trucks"] == 0
    assert after["convoy_work_duration_seconds_sum", "trucks", "done"] >= longest


def test_a_store_that_goes_away_is_one_disruption_until_it_is_back(store: RealServer, queue: Queue) -> None:
    pool = WorkerPool(queue, lambda _: None, options=QUICK)
    with pool, served(pool) as port:
        store.kill()
        eventually(lambda: scrape(port)["convoy_store_disruptions_total", "trucks"] == 1)
        store.start()
        queue.publish("1")
        queue.wait(["1"])
        eventually(lambda: pool.status().error is None)
        store.kill()
        eventually(lambda: scrape(port)["convoy_store_disruptions_total", "trucks"] == 2)
        store.start()


def test_a_lease_that_ran_out_is_counted_once(queue: Queue, raw: redis.Redis) -> None:
    pool = WorkerPool(queue, lambda _: None, options=QUICK)
    with pool, served(pool) as port:
        raw.zadd("cv:trucks:workers", {pool.status().worker: 1})

        eventually(lambda: scrape(port)["convoy_leases_lost_total", "trucks"] == 1)
        queue.publish_many(["1", "2"])
        queue.wait(["1", "2"])

        assert scrape(port)["convoy_leases_lost_total", "trucks"] == 1


def test_a_worker_that_was_unregistered_has_lost_its_lease(queue: Queue, raw: redis.Redis) -> None:
    pool = WorkerPool(queue, lambda _: None, options=QUICK)
    with pool, served(pool) as port:
        raw.zrem("cv:trucks:workers", pool.status().worker)

        eventually(lambda: scrape(port)["convoy_leases_lost_total", "trucks"] == 1)


def test_pools_of_one_queue_are_added_up_and_no_worker_is_named(
    store: RealServer, queue: Queue, gate: threading.Event
) -> None:
    with Queue("mail", redis=store.url) as mail:
        pools = [WorkerPool(each, lambda _: gate.wait(), concurrency=2) for each in (queue, queue, mail)]
        for pool in pools:
            pool.start()
        queue.publish_many(["1", "2", "3"])
        with served(*pools) as port:
            eventually(lambda: scrape(port)["convoy_pool_busy", "trucks"] == 3)
            seen = scrape(port)
        gate.set()
        for pool in pools:
            pool.stop()

    assert seen["convoy_pool_slots", "trucks"] == 4
    assert seen["convoy_pool_slots", "mail"] == 2
    named = [part for key in seen for part in key]
    assert [worker for pool in pools if (worker := pool.status().worker) in named] == []


def test_a_pool_that_has_not_begun_is_told_with_zeros_and_beside_the_store(store: RealServer, queue: Queue) -> None:
    registry = CollectorRegistry(auto_describe=False)
    with Fleet(redis=store.url) as fleet:
        registry.register(StoreCollector(fleet))
        registry.register(PoolCollector(WorkerPool(queue, lambda _: None)))
        with MetricsServer(registry, "127.0.0.1", 0) as server:
            seen = scrape(server.port)

    assert {name for name, *_ in seen} >= NAMES | {"convoy_store_up"}
    assert seen["convoy_work_duration_seconds_count", "trucks", "done"] == 0


def test_a_client_that_breaks_off_is_not_worth_a_word(queue: Queue, capfd: pytest.CaptureFixture[str]) -> None:
    with served(WorkerPool(queue, lambda _: None)) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=patient()) as client:
            client.sendall(b"GET /me")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # its end is a reset
        seen = scrape(port)

    assert seen
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("wrong", [PoolCollector, lambda _: PoolCollector("pool")])  # type: ignore[arg-type]
def test_what_is_no_pool_is_refused(queue: Queue, wrong: Callable[[Queue], object]) -> None:
    with pytest.raises(InvalidOption, match=r"it must be a WorkerPool\.$"):
        wrong(queue)
