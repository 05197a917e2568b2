"""`wait_replicas`: a publish that returns has reached so many replicas, and one that has not says so."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, cast

import pytest
import redis
import redis.asyncio
from redis.crc import key_slot

from convoy_core import (
    AsyncQueue,
    Fleet,
    InvalidOption,
    Job,
    OutcomeUnknown,
    Published,
    Queue,
    StoreUnreachable,
    WorkerPool,
)
from convoy_core.store import wait_replicas
from convoy_core.store.clients import Role, resolve
from tests.cli.conftest import Convoy
from tests.servers import ClusterStore, PortServer, RealServer, ReplicatedStore, free_port, valkey_binary
from tests.topology.test_acl import RECIPES
from tests.topology.test_cluster import _migrating, _number
from tests.topology.test_faces import QUICK
from tests.waiting import eventually

FAILOVERS = int(os.environ.get("CONVOY_FAILOVERS", "3"))

WAYS = ["by URL", "by a ready-made client", "by the Sentinels"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas have 0.1 s to confirm, where none will."""
    monkeypatch.setattr(wait_replicas, "WAIT_MS", 100)


@contextmanager
def frozen(*servers: RealServer) -> Iterator[None]:
    """These do not answer meanwhile."""
    for server in servers:
        server.freeze()
    try:
        yield
    finally:
        for server in servers:
            server.thaw()


def store_of(way: str, store: ReplicatedStore, client: Callable[..., Any]) -> Any:
    """What a queue is given for each of the ways."""
    port = store.primary.port
    if way == "by a ready-made client":
        return client(port=port)
    return store.url if way == "by the Sentinels" else f"redis://127.0.0.1:{port}"


@pytest.mark.parametrize("way", WAYS)
def test_f36_a_publish_waits_for_replicas_and_says_when_they_do_not_confirm(
    replicated: ReplicatedStore, way: str, short: None
) -> None:
    one, other = replicated.replicas()
    with Queue("q", redis=store_of(way, replicated, redis.Redis)) as queue:
        eventually(lambda: confirmed(queue, "first", 2))
        with one.client() as client:
            assert client.llen("cv:q:queued") == 1

        with frozen(one, other), pytest.raises(OutcomeUnknown, match=r"only 0 of 1 replicas confirmed .* safe to rep"):
            queue.publish("second", wait_replicas=1)
        with frozen(one):
            assert queue.publish("third", wait_replicas=1) is Published.QUEUED
            with pytest.raises(OutcomeUnknown, match="only 1 of 2 replicas"):
                queue.publish_many(range(10), wait_replicas=2)
            assert queue.publish("fourth") is Published.QUEUED

        assert queue.counts().queued == 14
        assert queue.publish("second", wait_replicas=2) is Published.ALREADY_QUEUED


@pytest.mark.parametrize("way", WAYS)
async def test_f36_the_awaited_twin_waits_as_well(replicated: ReplicatedStore, way: str, short: None) -> None:
    one, other = replicated.replicas()
    with Queue("q", redis=replicated.url) as blocking:
        eventually(lambda: confirmed(blocking, "first", 2))
    async with AsyncQueue("q", redis=(given := store_of(way, replicated, redis.asyncio.Redis))) as queue:
        assert await queue.publish("first", wait_replicas=2) is Published.ALREADY_QUEUED
        with frozen(one, other), pytest.raises(OutcomeUnknown, match="only 0 of 1 replicas"):
            await queue.publish("second", wait_replicas=1)
        with frozen(one), pytest.raises(OutcomeUnknown, match="only 1 of 2 replicas"):
            await queue.publish_many(range(10), wait_replicas=2)
        assert (await queue.publish_many(range(20), wait_replicas=2)).published == 10
        assert (await queue.counts()).queued == 22
    if not isinstance(given, str):
        await given.aclose()


def confirmed(queue: Queue, id: str, n: int) -> bool:
    """Whether so many replicas have the ID; a replica just thawed needs a moment."""
    try:
        queue.publish(id, wait_replicas=n)
    except OutcomeUnknown:
        return False
    return True


def test_f36_an_id_that_was_there_already_is_confirmed_only_by_replicas_that_have_it(
    replicated: ReplicatedStore, short: None
) -> None:
    """The publish after an unconfirmed one, over a connection that has written nothing before."""
    with Queue("q", redis=replicated.url) as queue:
        eventually(lambda: confirmed(queue, "0", 2))
        with frozen(*replicated.replicas()):
            queue.publish("1")
            for _ in range(2):
                with Queue("q", redis=replicated.url) as other, pytest.raises(OutcomeUnknown, match="only 0 of 1"):
                    other.publish("1", wait_replicas=1)


def test_f36_wait_goes_behind_its_script_over_the_same_connection(replicated: ReplicatedStore) -> None:
    publishers, each = 4, 20
    with replicated.primary.client() as client, client.monitor() as monitor, Fleet(redis=replicated.url) as fleet:

        def publish(number: int) -> None:
            queue = fleet.queue("q")  # those of one queue would share their round trips
            for part in range(each):
                queue.publish(f"{number}.{part}", wait_replicas=1)

        with ThreadPoolExecutor(publishers) as threads:
            list(threads.map(publish, range(publishers)))
        fleet.queue("q").publish("end")

        last: dict[str, str] = {}
        before_wait = []
        for entry in monitor.listen():
            if entry["client_type"] == "lua":
                continue
            word, *rest = entry["command"].split()
            if word == "WAIT":
                before_wait.append(last[entry["client_port"]])
            last[entry["client_port"]] = word
            if rest and rest[-1] == "end":
                break

    assert {*before_wait} <= {"EVALSHA", "EVAL"}
    assert len(before_wait) >= publishers * each


def test_f36_without_wait_replicas_nothing_more_is_sent(replicated: ReplicatedStore) -> None:
    with replicated.primary.client() as client, Queue("q", redis=replicated.url) as queue:
        queue.publish("1")
        client.config_resetstat()
        queue.publish("2")
        queue.publish_many(range(10), wait_replicas=0)
        assert (
            len(list(queue.publish_chunks(range(10), dry_run=True, wait_replicas=5))) == 1
        )  # there is nothing to have

        assert "cmdstat_wait" not in client.info("commandstats")


@pytest.mark.parametrize("n", [-1, 1.0, "1", True, None])
def test_f36_what_is_no_number_of_replicas_is_refused_before_anything_is_sent(n: Any) -> None:
    with Queue("q", redis="redis://127.0.0.1:1") as queue:
        for publish in (
            lambda: queue.publish("1", wait_replicas=n),
            lambda: queue.publish_many(["1"], wait_replicas=n),
            lambda: next(queue.publish_chunks(["1"], wait_replicas=n)),
        ):
            with pytest.raises(InvalidOption, match=r"wait_replicas is .* whole number"):
                publish()


def test_f36_a_script_that_the_store_forgot_is_sent_in_full_with_wait_behind_it(replicated: ReplicatedStore) -> None:
    with replicated.primary.client() as client, Queue("q", redis=replicated.url) as queue:
        for number in range(3):
            client.script_flush()
            assert queue.publish(number, wait_replicas=1) is Published.QUEUED
        assert queue.counts().queued == 3


def test_f36_after_a_refused_script_the_reply_to_wait_is_discarded(replicated: ReplicatedStore, short: None) -> None:
    """It comes later than the refusal, on a connection that has written something before."""
    with replicated.primary.client() as client, Queue("q", redis=replicated.url) as queue:
        eventually(lambda: confirmed(queue, "0", 2))
        with frozen(*replicated.replicas()):
            queue.publish("1")
            client.script_flush()
            with pytest.raises(OutcomeUnknown, match="only 0 of 1"):
                queue.publish("2", wait_replicas=1)
            assert queue.counts().queued == 3


def test_f36_a_user_who_may_not_wait_learns_that_nobody_was_asked(replicated: ReplicatedStore) -> None:
    port = replicated.primary.port
    with replicated.primary.client() as client:
        client.execute_command("ACL", "SETUSER", "publisher", "reset", *RECIPES["publisher"])
        with Queue("trucks", redis=f"redis://publisher:change-me-1@127.0.0.1:{port}") as queue:
            with pytest.raises(OutcomeUnknown, match=r"were taken, but no replica was asked: .*may not run 'wait'"):
                queue.publish("1", wait_replicas=1)
            client.execute_command("ACL", "SETUSER", "publisher", "+wait")
            assert queue.publish("1", wait_replicas=1) is Published.ALREADY_QUEUED
        client.acl_deluser("publisher")


def test_f36_the_command_ends_with_7_where_replicas_do_not_confirm(replicated: ReplicatedStore, short: None) -> None:
    convoy = Convoy(f"redis://127.0.0.1:{replicated.primary.port}")
    with Queue("trucks", redis=replicated.url) as queue:
        eventually(lambda: confirmed(queue, "0", 2))
        assert convoy("publish", "trucks", "1", "--wait-replicas", "2").stdout == "1 published\n"
        with frozen(*replicated.replicas()):
            result = convoy("publish", "trucks", "2", "--wait-replicas", "1")
        assert queue.counts().queued == 3

    assert (result.exit_code, result.stdout) == (7, "")
    assert "has taken the IDs, but only 0 of 1 replicas confirmed them within 0.1 s" in " ".join(result.stderr.split())
    assert convoy("publish", "trucks", "2", "--wait-replicas", "-1").exit_code == 2


def test_f36_the_command_tells_what_was_confirmed_before(replicated: ReplicatedStore, short: None) -> None:
    """The replicas stop when the first chunk is through."""
    one, other = replicated.replicas()
    convoy = Convoy(f"redis://127.0.0.1:{replicated.primary.port}")
    with Queue("trucks", redis=replicated.url) as queue:
        eventually(lambda: confirmed(queue, "0", 2))

    def stop_when_the_first_is_through() -> None:
        with replicated.primary.client() as client:
            eventually(lambda: client.info("commandstats").get("cmdstat_wait", {}).get("calls", 0) >= 1)
        one.freeze()
        other.freeze()

    with replicated.primary.client() as client:
        client.config_resetstat()
    stopper = threading.Thread(target=stop_when_the_first_is_through)
    stopper.start()
    result = convoy(
        "publish", "trucks", "-", "--wait-replicas", "2", "--json", input="".join(f"{n}\n" for n in range(1, 100_001))
    )
    stopper.join()
    for server in (one, other):
        server.thaw()

    assert result.exit_code == 5
    assert re.search("only [01] of 2 replicas", " ".join(result.stderr.split()))
    assert 0 < json.loads(result.stdout)["published"] < 100_000


# -- Cluster


async def test_f36_in_a_cluster_the_node_that_took_the_ids_is_asked(short: None) -> None:
    cluster = ClusterStore(valkey_binary())
    replica: PortServer | None = None
    try:
        home = cluster.nodes[_number(cluster, key_slot(b"q"))]
        cluster.add_replica(home)
        replica = cluster.nodes.pop()  # what is done to the nodes below is for primaries
        with Queue("q", redis=cluster.url) as queue:
            async with AsyncQueue("q", redis=cluster.url) as twin:
                eventually(lambda: confirmed(queue, "0", 1))
                assert await twin.publish("0", wait_replicas=1) is Published.ALREADY_QUEUED
                with frozen(replica):
                    with pytest.raises(OutcomeUnknown, match="only 0 of 1"):
                        queue.publish("1", wait_replicas=1)
                    with pytest.raises(OutcomeUnknown, match="only 0 of 1"):
                        await twin.publish("2", wait_replicas=1)
                assert queue.counts().queued == 3

                # No other node has a replica.
                for each in (queue, twin):
                    slots = cast("Any", each._connection._get_transport())._slots
                    slots._owners = [*slots._owners[8192:], *slots._owners[:8192]]
                eventually(lambda: confirmed(queue, "3", 1))
                assert await twin.publish("4", wait_replicas=1) is Published.QUEUED

        _follows_ask(cluster, home)
    finally:
        cluster.stop()
        if replica is not None:
            replica.stop()


def _follows_ask(cluster: ClusterStore, home: PortServer) -> None:
    """While a slot moves to the node with the replica, one that has nothing yet is served there."""
    before = (cluster.nodes.index(home) + 2) % 3
    tag = next(b"%d" % n for n in range(99) if _number(cluster, key_slot(b"%d" % n)) == before)
    key = b"single{%s}" % tag
    with _migrating(cluster, key_slot(tag)), closing(resolve(cluster.url).transport(Role.COMMAND)) as transport:
        transport.send(("SMEMBERS", key))
        assert transport.send_together((("SADD", key, 1), ("WAIT", 1, 1000))) == [1, 1]


# -- failovers


@pytest.fixture
def mortal() -> Iterator[ReplicatedStore]:
    """One whose primaries may be killed, one after the other, some seconds apart.

    They keep files: one that came back empty could be made the primary again by a Sentinel that has not looked yet.
    """
    store = ReplicatedStore(valkey_binary(), "--appendonly", "yes", down_ms=1000)
    for sentinel in store.sentinels:
        with sentinel.client() as client:
            client.execute_command("SENTINEL", "SET", store.SERVICE, "failover-timeout", 2000)
    yield store
    store.stop()


class Publisher(threading.Thread):
    """Publishes new IDs, notes which of them both replicas confirmed, and goes on after whatever happens."""

    def __init__(self, store: ReplicatedStore, number: int) -> None:
        super().__init__()
        self.confirmed: list[str] = []
        self.unsure = 0
        self.is_over = threading.Event()
        self._url = store.url
        self._number = number

    def run(self) -> None:
        with Queue("q", redis=self._url) as queue:
            for number in range(10**6):
                if self.is_over.wait(0.001):  # for others to have a turn on few cores
                    return
                ids = [f"{self._number}.{number}.{part}" for part in range(5)]
                try:
                    queue.publish_many(ids, wait_replicas=2)
                    self.confirmed += ids
                except OutcomeUnknown:
                    self.unsure += 1
                except StoreUnreachable:
                    continue


@pytest.mark.timeout(60 + 15 * FAILOVERS)
def test_f36_over_failovers_no_confirmed_id_is_lost_and_none_is_stuck(mortal: ReplicatedStore, short: None) -> None:
    ran: set[str] = set()

    def work(job: Job) -> None:
        ran.add(job.id)

    publishers = [Publisher(mortal, number) for number in range(3)]
    with Queue("q", redis=mortal.url) as queue, WorkerPool(queue, work, concurrency=10, options=QUICK) as pool:
        for publisher in publishers:
            publisher.start()
        try:
            for _ in range(FAILOVERS):
                _fail_over(mortal, publishers)
        finally:
            for publisher in publishers:
                publisher.is_over.set()
                publisher.join()
        eventually(lambda: _is_drained(queue))
        eventually(lambda: pool.status().error is None)
        eventually(lambda: _is_drained(queue) and queue.counts().failed == 0, despite=(StoreUnreachable,))

    assert {id for publisher in publishers for id in publisher.confirmed} - ran == set()


def _fail_over(store: ReplicatedStore, publishers: list[Publisher]) -> None:
    """Cut the primary off from its replicas and kill it, wait for another, and bring the killed one back as a replica.

    What it took in between is lost.
    """
    before = [len(publisher.confirmed) for publisher in publishers]

    def is_going_on() -> bool:
        more = (len(publisher.confirmed) > n + 50 for publisher, n in zip(publishers, before, strict=True))
        return _is_whole(store) and all(more)

    eventually(is_going_on)
    old = store.primary
    for replica in store.replicas():
        with replica.client() as client:
            client.replicaof("127.0.0.1", free_port())
    taken = [publisher.unsure for publisher in publishers]
    eventually(lambda: all(publisher.unsure > n for publisher, n in zip(publishers, taken, strict=True)))
    old.kill()
    eventually(lambda: old.port not in store.named())
    old.start()


def _is_whole(store: ReplicatedStore) -> bool:
    """Whether all agree on the primary, and both others are its replicas; the Sentinels would see to it later."""
    ports = {*store.named()}
    primary = next(server for server in store.servers if server.port in ports)
    with primary.client() as client:
        if len(ports) > 1 or client.info("replication")["role"] != "master":
            return False
        for server in store.servers:
            with server.client() as other:
                if server is not primary and other.info("replication").get("master_port") != primary.port:
                    other.replicaof("127.0.0.1", primary.port)
        return bool(client.info("replication")["connected_slaves"] == 2)


def _is_drained(queue: Queue) -> bool:
    try:
        return queue.counts().committed == 0
    except (OutcomeUnknown, StoreUnreachable):
        return False
