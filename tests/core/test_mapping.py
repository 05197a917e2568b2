"""Every name of the Node module redis-convoy: what takes its place here, against exactly Node's commands.

The names of the module stand in the tests' names.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from convoy_core import (
    Counts,
    Details,
    Fleet,
    InvalidID,
    Job,
    Outcome,
    PoolOptions,
    Published,
    Queue,
    State,
    Tally,
    WorkerPool,
)
from convoy_core.models import Then
from tests.moves.keyspace import dump
from tests.servers import RealServer
from tests.waiting import eventually, patient

BURST = PoolOptions(burst=True)
DAY = 86_400


class Node:
    """redis-convoy 0.3 as the store sees it: the same commands in the same order, nothing else."""

    def __init__(self, client: redis.Redis, queue: str = "q") -> None:
        self.client: Any = client  # redis-py's types are unions of the blocking and the awaited answers
        self.queue = queue

    def key(self, name: str) -> str:
        """Its keys know no hash tags."""
        return f"cv:{self.queue}:{name}"

    def add_job(self, id: str) -> str | None:
        """Add it, or answer `committed`."""
        if not self.client.sadd(self.key("committed"), id):
            return "committed"
        self.client.rpush(self.key("queued"), id)
        return None

    def fetch(self, *, started_s_ago: int = 0) -> str | None:
        """What its worker loop does before it calls the handler."""
        popped = self.client.blpop([self.key("queued")], timeout=1)
        if popped is None:
            return None
        id: str = popped[1].decode()
        self.client.zadd(self.key("processing"), {id: int(time.time()) - started_s_ago})
        return id

    def done(self, id: str) -> None:
        """The handler called back."""
        with self.client.pipeline(transaction=True) as multi:
            multi.zrem(self.key("processing"), id)
            multi.srem(self.key("committed"), id)
            multi.execute()

    def fail(self, id: str, message: str) -> None:
        """The handler called back with an error."""
        with self.client.pipeline(transaction=True) as multi:
            multi.zrem(self.key("processing"), id)
            multi.srem(self.key("committed"), id)
            multi.zincrby(self.key("failed"), 1, id)
            multi.execute()
        now = int(time.time())
        log = self.key(f"errorLog.{now - now % DAY}")
        with self.client.pipeline(transaction=True) as multi:
            multi.lpush(log, message)
            multi.expire(log, DAY)
            multi.execute()

    def lock(self, now: int) -> str:
        """The lock of the five seconds around `now`."""
        return self.key(f"lock:clearJammedJobs:{now - now % 5}")

    def clear_jammed_jobs(self, idle_s: int) -> list[str] | None:
        """One turn of its jam guard; None while another has the lock."""
        now = int(time.time())
        if not self.client.setnx(self.lock(now), 1):
            return None
        self.client.expire(self.lock(now), 5)
        ids: list[bytes] = self.client.zrangebyscore(self.key("processing"), 0, now - idle_s)
        for id in ids:
            self.done(id.decode())
        self.client.delete(self.lock(now))
        return [id.decode() for id in ids]

    def counts(self) -> Counts:
        """countQueued, countCommitted, countProcessing and countFailed."""
        return Counts(
            queued=self.client.llen(self.key("queued")),
            committed=self.client.scard(self.key("committed")),
            processing=self.client.zcard(self.key("processing")),
            failed=self.client.zcard(self.key("failed")),
        )


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


def _where(details: Details) -> tuple[State, bool]:
    return details.state, details.is_committed


@pytest.mark.redis_convoy("createQueue")
def test_createqueue_is_queue_and_makes_nothing_until_used(node: Node, each_store: RealServer) -> None:
    with Queue("q", redis=each_store.url) as queue:
        assert queue.name == "q"

    assert dump(node.client) == {}


@pytest.mark.redis_convoy("createQueue")
def test_createqueue_by_a_node_client_is_found_by_ours(queue: Queue, node: Node, each_store: RealServer) -> None:
    Node(node.client, "trucks").add_job("42")

    with Fleet(redis=each_store.url) as fleet:
        assert fleet.queues() == ["trucks"]
        assert fleet.queue("trucks").counts() == Counts(queued=1, committed=1)


@pytest.mark.redis_convoy("Job")
@pytest.mark.parametrize("falsy", ["", None, False])
def test_job_with_a_falsy_id_is_refused(queue: Queue, falsy: object) -> None:
    with pytest.raises(InvalidID):
        queue.publish(falsy)  # type: ignore[arg-type] # that it is refused is the point


@pytest.mark.redis_convoy("Job")
def test_job_is_its_id_and_nothing_else_is_needed(queue: Queue, node: Node) -> None:
    queue.publish(42)

    assert node.fetch() == "42"


@pytest.mark.redis_convoy("addJob")
def test_addjob_is_publish_and_accepts_a_new_id(queue: Queue, node: Node) -> None:
    assert queue.publish("a") is Published.QUEUED
    assert node.add_job("b") is None

    assert node.client.lrange("cv:q:queued", 0, -1) == [b"a", b"b"]
    assert node.client.smembers("cv:q:committed") == {b"a", b"b"}


@pytest.mark.redis_convoy("addJob", "committed")
def test_addjob_that_answers_committed_is_a_publish_that_says_which_state_refused_it(queue: Queue, node: Node) -> None:
    node.add_job("waiting")
    node.add_job("running")
    assert node.client.lmove("cv:q:queued", "cv:q:queued", "RIGHT", "LEFT") == b"running"
    assert node.fetch() == "running"

    assert queue.publish("waiting") is Published.ALREADY_QUEUED
    assert queue.publish("running") is Published.PROCESSING
    assert queue.publish("running", rerun=True) is Published.WILL_RERUN
    assert queue.publish_many(["waiting", "running", "new"]) == Tally(published=1, waiting=1, running=1)


@pytest.mark.redis_convoy("addJob", "committed")
@pytest.mark.parametrize("publish", [{}, {"delay_s": 60.0}, {"payload": {"n": 1}}, {"front": True}])
def test_addjob_of_an_id_that_ours_published_answers_committed(
    queue: Queue, node: Node, publish: dict[str, float]
) -> None:
    queue.publish("a", **publish)  # type: ignore[arg-type] # any of its options

    assert node.add_job("a") == "committed"


@pytest.mark.redis_convoy("addJob", "committed")
def test_addjob_of_an_id_that_ours_runs_answers_committed(queue: Queue, node: Node) -> None:
    answers: list[str | None] = []
    queue.publish("a")

    WorkerPool(queue, lambda job: answers.append(node.add_job(job.id)), options=BURST).run()

    assert answers == ["committed"]
    assert node.add_job("a") is None


@pytest.mark.redis_convoy("addJob")
def test_addjob_again_after_a_failure_is_accepted_on_both_sides(queue: Queue, node: Node) -> None:
    for id in ("a", "b"):
        node.add_job(id)
        node.fail(str(node.fetch()), "boom")

    assert queue.publish("a") is Published.QUEUED
    assert node.add_job("b") is None
    assert (queue.show("a").failures, queue.show("b").failures) == (1, 1)
    assert [_where(queue.show(id)) for id in "ab"] == [(State.QUEUED, True)] * 2


@pytest.mark.redis_convoy("startProcessing")
def test_startprocessing_is_a_worker_pool_and_runs_what_a_node_client_added(queue: Queue, node: Node) -> None:
    seen: list[str] = []
    for id in ("a", "b", "c"):
        node.add_job(id)

    status = WorkerPool(queue, lambda job: seen.append(job.id), options=BURST).run()

    assert seen == ["a", "b", "c"]
    assert status.done == 3
    assert node.counts() == Counts()


@pytest.mark.redis_convoy("startProcessing")
def test_startprocessing_by_a_node_client_runs_what_ours_published(queue: Queue, node: Node) -> None:
    queue.publish("a", payload="ours to see only")

    id = node.fetch()

    assert id == "a"
    assert _where(queue.show("a")) == (State.PROCESSING, True)
    node.done(id)
    assert _where(queue.show("a")) == (State.ABSENT, False)


@pytest.mark.redis_convoy("startProcessing", "process", "done")
@pytest.mark.parametrize("door", ["run", "start", "serve"])
async def test_process_can_wait_here_in_the_background_or_on_a_loop(queue: Queue, node: Node, door: str) -> None:
    woken = threading.Event()
    pool = WorkerPool(queue, lambda job: woken.set(), options=PoolOptions(burst=door != "start"))
    node.add_job("a")

    match door:
        case "start":
            pool.start()
            await asyncio.to_thread(woken.wait, patient())
            await asyncio.to_thread(pool.stop)
        case "serve":
            await pool.serve()
        case _:
            await asyncio.to_thread(pool.run)

    assert pool.status().done == 1
    assert node.counts() == Counts()


@pytest.mark.redis_convoy("process", "done")
def test_process_that_fails_is_a_handler_that_raises_and_node_reads_the_same_log(queue: Queue, node: Node) -> None:
    def crush(job: Job) -> None:
        raise ValueError(f"cannot crush {job.id}")

    node.add_job("a")
    WorkerPool(queue, crush, options=BURST).run()
    node.add_job("b")
    node.fail(str(node.fetch()), "boom")

    (log,) = node.client.keys("cv:q:errorLog.*")
    assert node.client.lrange(log, 0, -1) == [b"boom", b"ValueError: cannot crush a"]
    assert 0 < node.client.ttl(log) <= DAY
    assert node.client.zrange("cv:q:failed", 0, -1, withscores=True) == [(b"a", 1), (b"b", 1)]
    assert {(entry.id, entry.failures) for entry in queue.page(State.FAILED).entries} == {("a", 1), ("b", 1)}
    assert node.counts() == Counts(failed=2)


@pytest.mark.redis_convoy("process", "done")
def test_process_f54_failures_add_up_across_both_sides(queue: Queue, node: Node) -> None:
    def crush(job: Job) -> None:
        raise ValueError

    node.add_job("a")
    node.fail(str(node.fetch()), "boom")
    node.add_job("a")
    WorkerPool(queue, crush, options=BURST).run()
    node.add_job("a")
    node.fail(str(node.fetch()), "boom")

    assert node.client.zscore("cv:q:failed", "a") == 3
    assert queue.show("a").failures == 3


@pytest.mark.redis_convoy("stopProcessing")
def test_stopprocessing_is_stop_and_leaves_the_rest_queued(queue: Queue, node: Node) -> None:
    started, gate = threading.Event(), threading.Event()

    def crush(job: Job) -> None:
        started.set()
        gate.wait(patient())

    for id in ("a", "b", "c"):
        node.add_job(id)
    pool = WorkerPool(queue, crush)
    pool.start()
    assert started.wait(patient())
    pool.request_stop()
    gate.set()

    assert pool.stop().done == 1
    assert node.client.lrange("cv:q:queued", 0, -1) == [b"b", b"c"]
    assert node.counts() == Counts(queued=2, committed=2)


@pytest.mark.redis_convoy("jamGuard")
def test_jamguard_is_jam_guard_and_frees_what_a_node_worker_left(queue: Queue, node: Node) -> None:
    for id, age in (("old", 60), ("young", 0)):
        node.add_job(id)
        node.fetch(started_s_ago=age)

    assert queue.jam_guard(idle_s=30) == ["old"]
    assert node.counts() == Counts(queued=1, committed=2, processing=1)
    assert node.fetch() == "old"


@pytest.mark.redis_convoy("jamGuard", "clearJammedJobs")
def test_jamguard_that_forgets_jobs_as_redis_convoy_does_is_then_discard(queue: Queue, node: Node) -> None:
    node.add_job("a")
    node.fetch(started_s_ago=60)

    assert queue.jam_guard(idle_s=30, then=Then.DISCARD) == ["a"]
    assert node.counts() == Counts()
    assert node.add_job("a") is None


@pytest.mark.redis_convoy("jamGuard")
def test_jamguard_of_node_f50_leaves_our_running_id_ours(queue: Queue, node: Node) -> None:
    found: list[list[str] | None] = []
    queue.publish("a")

    def crush(job: Job) -> None:
        found.append(node.clear_jammed_jobs(-60))
        found.append([queue.show("a").state, queue.publish("a")])

    status = WorkerPool(queue, crush, options=BURST).run()

    assert found == [["a"], [State.PROCESSING, Published.PROCESSING]]
    assert (status.done, status.stale) == (1, 0)
    assert node.counts() == Counts()


@pytest.mark.redis_convoy("clearJammedJobs")
def test_clearjammedjobs_f55_ours_waits_for_the_lock_of_node(queue: Queue, node: Node) -> None:
    now = 1_700_000_003
    queue._connection.now_ms = now * 1000
    node.client.sadd("cv:q:committed", "a")
    node.client.zadd("cv:q:processing", {"a": now - 60})
    node.client.setnx(node.lock(now), 1)
    seen = queue.jammed(idle_s=30)

    locked = queue.free_jammed(seen)
    node.client.delete(node.lock(now))
    free = queue.free_jammed(seen)

    assert (locked, free) == ({"a": Outcome.LOCKED}, {"a": Outcome.QUEUED})


@pytest.mark.redis_convoy("clearJammedJobs")
def test_clearjammedjobs_f55_of_both_sides_frees_an_id_once(queue: Queue, node: Node) -> None:
    node.add_job("a")
    node.fetch(started_s_ago=60)
    seen = queue.jammed(idle_s=30)

    theirs = node.clear_jammed_jobs(30)
    ours = queue.free_jammed(seen)

    assert (theirs, ours) == (["a"], {"a": Outcome.GONE})
    assert node.counts() == Counts()


@pytest.mark.redis_convoy("countQueued", "countCommitted", "countProcessing", "countFailed")
@pytest.mark.parametrize("name", ["countQueued", "countCommitted", "countProcessing", "countFailed"])
def test_countqueued_countcommitted_countprocessing_countfailed_are_counts(queue: Queue, node: Node, name: str) -> None:
    for id in ("a", "b", "c", "d"):
        node.add_job(id)
    node.fail(str(node.fetch()), "boom")
    node.fetch()
    queue.publish("later", delay_s=60)

    field = name.removeprefix("count").lower()

    assert getattr(queue.counts(), field) == getattr(node.counts(), field)
    assert queue.counts() == Counts(queued=2, committed=4, processing=1, failed=1, delayed=1)


@pytest.mark.redis_convoy("close", "end")
@pytest.mark.parametrize("name", ["close", "end"])
def test_close_and_end_are_close(each_store: RealServer, name: str) -> None:
    with each_store.client() as client:
        before = client.info("clients")["connected_clients"]
        queue = Queue("q", redis=each_store.url)
        queue.publish("a")
        assert client.info("clients")["connected_clients"] == before + 1

        queue.close()

        eventually(lambda: client.info("clients")["connected_clients"] == before)


@pytest.mark.redis_convoy("createClient")
def test_a_custom_redis_client_in_place_of_createclient_is_redis(each_store: RealServer) -> None:
    client = redis.Redis(unix_socket_path=str(each_store.socket), db=3)
    queue = Queue("q", redis=client)

    queue.publish("a")
    seen: list[str] = []
    WorkerPool(queue, lambda job: seen.append(job.id), options=BURST).run()

    assert seen == ["a"]
    assert client.scard("cv:queues") == 1
    assert client.client_getname() is None
    client.close()


@pytest.mark.redis_convoy("createClient")
def test_a_custom_redis_client_in_place_of_createclient_can_be_a_url(each_store: RealServer) -> None:
    with Queue("q", redis=f"{each_store.url}?db=3") as queue, each_store.client() as client:
        queue.publish("a")

        assert client.dbsize() == 0
        client.select(3)
        assert client.llen("cv:q:queued") == 1


@pytest.mark.redis_convoy("concurrentWorkers", "concurrency")
@pytest.mark.parametrize("concurrency", [1, 3])
def test_concurrentworkers_is_concurrency(queue: Queue, node: Node, concurrency: int) -> None:
    together = threading.Barrier(concurrency)
    most, running, lock = 0, 0, threading.Lock()

    def crush(job: Job) -> None:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        together.wait(patient())
        with lock:
            running -= 1

    for n in range(concurrency * 2):
        node.add_job(str(n))
    status = WorkerPool(queue, crush, concurrency=concurrency, options=BURST).run()

    assert most == concurrency
    assert status.done == concurrency * 2


@pytest.mark.redis_convoy("jobTimeout")
def test_jobtimeout_is_job_timeout_and_fails_the_job(queue: Queue, node: Node) -> None:
    gate = threading.Event()
    node.add_job("a")

    def crush(job: Job) -> None:
        gate.wait(patient())

    pool = WorkerPool(queue, crush, job_timeout=0.05)
    with pool:
        eventually(lambda: pool.status().failed == 1)
        gate.set()

    assert node.counts() == Counts(failed=1)
    (log,) = node.client.keys("cv:q:errorLog.*")
    assert b"longer than 0.05 s" in node.client.lindex(log, 0)


@pytest.mark.redis_convoy("blockingTimeout")
def test_blockingtimeout_needs_no_setting_since_an_idle_pool_wakes_at_once(queue: Queue, node: Node) -> None:
    woken = threading.Event()

    with WorkerPool(queue, lambda job: woken.set()):
        node.add_job("a")

        assert woken.wait(patient())
