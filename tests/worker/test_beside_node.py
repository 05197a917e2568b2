"""What ours do about the traces of Node's workers, which know none of our keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from convoy_core import Counts, Job, PoolOptions, Published, Queue, WorkerPool
from tests.core.test_mapping import Node
from tests.moves.keyspace import dump, seed
from tests.servers import RealServer
from tests.waiting import eventually, patient

QUICK = PoolOptions(lease_s=1.0, beat_s=0.2)


@pytest.fixture
def queue(each_store: RealServer) -> Iterator[Queue]:
    """Our side of the queue."""
    with Queue("q", redis=each_store.url) as queue:
        yield queue


@pytest.fixture
def node(each_store: RealServer) -> Iterator[Node]:
    """Node's side of it."""
    with each_store.client() as client:
        yield Node(client)


def _finish_all(node: Node) -> None:
    """Node's workers run all that is queued, well, in a few round trips."""
    node.client.delete(node.key("queued"), node.key("committed"))


def test_f76_published_shrinks_where_only_node_works(queue: Queue, node: Node) -> None:
    sizes = []
    for n in range(30):
        queue.publish_many(f"{n}.{i}" for i in range(500))
        _finish_all(node)
        sizes.append(node.client.hlen(node.key("published")))

    assert max(sizes) < 5_000
    assert sum(sizes[20:]) / 10 < 3_000


def test_f76_published_shrinks_under_single_publishes_as_well(queue: Queue, node: Node) -> None:
    seed(node.client, {"published": {f"old.{n}": "1" for n in range(2_000)}})

    for n in range(2_000):
        queue.publish(f"new.{n}")
        _finish_all(node)

    assert node.client.hlen(node.key("published")) < 400


def test_f76_a_publish_forgets_nothing_that_is_somewhere(queue: Queue, node: Node) -> None:
    marks = {f"old.{n}": "1" for n in range(2_000)}
    seed(node.client, {"published": marks, "failures": {"ours": "2", "theirs": "3", "old.7": "1"}})
    seed(node.client, {"processing": {"ours": 5, "theirs": 5}, "owner": {"ours": "aa:1@5000"}, "rerun": {"theirs"}})

    for n in range(0, 6_000, 500):
        queue.publish_many(f"new.{i}" for i in range(n, n + 500))

    found: dict[str, Any] = dump(node.client)
    assert len([id for id in found["published"] if id.startswith("new.")]) == 6_000
    assert {"ours", "theirs"} <= set(found["failures"])
    assert found["rerun"] == {"theirs"}


def test_f51_a_node_worker_that_ends_late_takes_nothing_from_our_run(queue: Queue, node: Node) -> None:
    gate = threading.Event()
    seen: list[str] = []

    def hold(job: Job) -> None:
        seen.append(job.id)
        gate.wait()

    node.add_job("a")
    node.fetch(started_s_ago=60)
    queue.jam_guard(idle_s=30)
    with WorkerPool(queue, hold, options=QUICK) as pool:
        eventually(lambda: seen == ["a"])
        node.done("a")
        answer = queue.publish("a")
        eventually(lambda: queue.counts() == Counts(committed=1, processing=1))
        gate.set()
        eventually(lambda: queue.counts() == Counts())

    assert answer is Published.PROCESSING
    assert seen == ["a"]
    assert (pool.status().done, pool.status().stale) == (1, 0)


def test_f25_what_a_node_worker_runs_runs_once_more_by_ours_when_that_was_asked_for(queue: Queue, node: Node) -> None:
    seen: list[str] = []
    has_run = threading.Event()

    def crush(job: Job) -> None:
        seen.append(job.id)
        if job.id == "b":
            has_run.set()

    node.add_job("a")
    id = str(node.fetch())
    with WorkerPool(queue, crush, options=QUICK):
        answers = [queue.publish(id, rerun=True), queue.publish(id, rerun=True)]
        node.done(id)
        eventually(lambda: seen == ["a"])
        queue.publish("b")
        assert has_run.wait(patient())

    assert answers == [Published.WILL_RERUN] * 2
    assert seen == ["a", "b"]
    assert not queue.show("a").rerun


def test_f25_a_pool_that_starts_later_grants_what_was_asked_for_before(queue: Queue, node: Node) -> None:
    seen: list[str] = []
    node.add_job("a")
    id = str(node.fetch())
    queue.publish(id, rerun=True, payload="now")
    node.fail(id, "boom")

    with WorkerPool(queue, lambda job: seen.append(job.payload), options=QUICK):
        eventually(lambda: seen == ["now"])

    assert "failed" not in dump(node.client)
