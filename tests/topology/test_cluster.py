"""A Cluster: one queue lives whole in one slot, and each command goes to the node that has it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing, contextmanager
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from convoy_core import (
    AsyncFleet,
    AsyncQueue,
    Fleet,
    InvalidQueueName,
    OutcomeUnknown,
    Published,
    Queue,
    StoreRefused,
    StoreUnreachable,
    WorkerPool,
)
from convoy_core.moves.keys import TYPES, Keyspace
from convoy_core.store.clients import Role, resolve
from tests.servers import ClusterStore, PortServer, RealServer, valkey_binary
from tests.topology.test_faces import QUICK, is_waiting
from tests.waiting import eventually

# -- slots


@pytest.mark.parametrize(
    ("name", "shares"),
    [("a{b}c", True), ("{a}", True), ("{}", False), ("x}{y", False), ("a{}b{c}", False), ("a", False)],
)
def test_f41_the_keys_of_a_name_as_it_stands_share_a_slot_only_with_a_tag_in_it(name: str, shares: bool) -> None:
    keys = Keyspace("cv:").queue(name, existing=True)

    assert (len({key_slot(keys.named(kind)) for kind in TYPES}) == 1) is shares


@pytest.mark.parametrize("name", ["a", "a:queued", "queues", "...", "a-b_c", "0", "x" * 200])
def test_f41_in_a_cluster_convoys_own_braces_keep_every_queue_in_one_slot(name: str) -> None:
    keys = Keyspace("cv:", braces=True).queue(name)
    slots = {key_slot(keys.named(kind)) for kind in TYPES} | {key_slot(keys.claim_list("ab" * 16))}

    assert len(slots) == 1
    assert {Keyspace("cv:", braces=True).queue_of(keys.named(kind)) for kind in ("queued", "failed")} == {name}


@pytest.mark.parametrize("name", ["a{b}c", "{a}", "{}", "x}{y", "a{}b{c}", "}", "{"])
@pytest.mark.parametrize("existing", [False, True])
def test_f41_a_name_with_braces_of_its_own_is_refused_in_a_cluster(name: str, existing: bool) -> None:
    keyspace = Keyspace("cv:", braces=True)

    with pytest.raises(InvalidQueueName):
        keyspace.queue(name, existing=existing)
    assert keyspace.queue_of(f"cv:{{{name}}}:queued".encode()) is None
    assert keyspace.queue_of(b"cv:plain:queued") is None


def test_f41_every_key_of_a_queue_hashes_to_one_slot(cluster: ClusterStore) -> None:
    def work(job: object) -> None:
        raise ValueError(job)

    with Queue("trucks", redis=cluster.url) as queue:
        queue.publish_many(range(50), payload="x")
        queue.publish("later", delay_s=60)
        with WorkerPool(queue, work, concurrency=5, options=QUICK):
            eventually(lambda: queue.counts().failed == 50)
            queue.publish_many(range(60, 70))
            queue.pause()
            queue.requeue(["1"])
            found = _slots(cluster)

    registry = key_slot(b"cv:queues")
    assert found.pop(registry) == {(_number(cluster, registry), b"cv:queues")}
    ((slot, keys),) = found.items()
    assert {node for node, _ in keys} == {_number(cluster, slot)}
    assert {key.rpartition(b"}:")[2].partition(b":")[0].decode() for _, key in keys} >= {
        "queued", "committed", "failed", "delayed", "workers", "worker", "payload", "paused", "totals", "meta"
    }  # fmt: skip


def _slots(cluster: ClusterStore) -> dict[int, set[tuple[int, bytes]]]:
    found = defaultdict(set)
    for number, node in enumerate(cluster.nodes):
        with node.client() as client:
            for key in client.scan_iter(count=1000):
                found[key_slot(key)].add((number, key))
    return found


def _number(cluster: ClusterStore, slot: int) -> int:
    """Which node has that slot."""
    with cluster.nodes[0].client() as client:
        port = next(
            node[1] for first, last, node, *_ in client.execute_command("CLUSTER", "SLOTS") if first <= slot <= last
        )
    return next(number for number, node in enumerate(cluster.nodes) if node.port == port)


# -- which node


def test_a_snapshot_of_many_queues_is_one_read_per_queue(cluster: ClusterStore) -> None:
    names = [f"q{number}" for number in range(20)]
    with Fleet(redis=cluster.url, read_only=True) as fleet:
        fleet.snapshot(names)
        _reset(cluster)

        fleet.snapshot(names)

    assert {name: n for name, n in _calls(cluster).items() if "eval" in name} == {"evalsha_ro": 20}


def test_f33_scripts_that_a_node_does_not_know_are_sent_in_full(cluster: ClusterStore) -> None:
    with Fleet(redis=cluster.url) as fleet:
        for name in "abcdef":
            assert fleet.queue(name).publish("1") is Published.QUEUED
        for node in cluster.nodes:
            with node.client() as client:
                client.script_flush()

        assert [fleet.queue(name).publish("1") for name in "abcdef"] == [Published.ALREADY_QUEUED] * 6
        assert [one.counts.queued for one in fleet.snapshot([*"abcdef"])] == [1] * 6


async def test_tasks_and_threads_that_publish_at_the_same_moment_are_all_answered(cluster: ClusterStore) -> None:
    async with AsyncQueue("q", redis=cluster.url) as queue:
        said = await asyncio.gather(*(queue.publish(n, payload=n % 5) for n in range(60)))
    with Queue("q", redis=cluster.url) as blocking, ThreadPoolExecutor(20) as threads:
        said += threads.map(lambda n: blocking.publish(n, payload=n % 5), range(50, 120))

        assert Counter(said) == {Published.QUEUED: 120, Published.ALREADY_QUEUED: 10}
        assert blocking.counts().queued == 120


def test_nothing_but_our_own_commands_is_sent_and_no_server_is_asked_to_parse_them(cluster: ClusterStore) -> None:
    _reset(cluster)

    with Fleet(redis=cluster.url) as fleet:
        fleet.queue("a").publish("1")
        fleet.queues()
        fleet.snapshot(["a", "b"])

    assert set(_calls(cluster)) <= {
        "hello", "client|setname", "client|setinfo", "cluster|slots", "sadd", "smembers", "scan", "eval", "evalsha",
        "eval_ro", "evalsha_ro",
    } | INSIDE  # fmt: skip


INSIDE = {
    "type", "time", "exists", "smismember", "hget", "hlen", "hset", "hdel", "sismember", "sadd", "srem", "rpush",
    "zadd", "zrem", "llen", "scard", "zcard", "zcount", "zrangebyscore", "zrange", "hgetall", "lindex", "hmget",
    "zmscore", "zscore", "hincrby",
}  # fmt: skip


def _reset(cluster: ClusterStore) -> None:
    for node in cluster.nodes:
        with node.client() as client:
            client.config_resetstat()


def _calls(cluster: ClusterStore) -> dict[str, int]:
    calls: dict[str, int] = defaultdict(int)
    for node in cluster.nodes:
        with node.client() as client:
            for name, stats in client.info("commandstats").items():
                calls[name.removeprefix("cmdstat_")] += stats["calls"]
    return {name: n for name, n in calls.items() if name not in {"config|resetstat", "info", "ping"}}


@contextmanager
def _migrating(cluster: ClusterStore, slot: int) -> Iterator[None]:
    """Start to move a slot to the next node; moved at the end, with its keys."""
    source = _number(cluster, slot)
    target = (source + 1) % 3
    with cluster.nodes[source].client() as old, cluster.nodes[target].client() as new:
        old_id, new_id = (_say(client, "CLUSTER", "MYID") for client in (old, new))
        _say(new, "CLUSTER", "SETSLOT", slot, "IMPORTING", old_id)
        _say(old, "CLUSTER", "SETSLOT", slot, "MIGRATING", new_id)
        try:
            yield
        finally:
            _move(cluster, slot, old, cluster.nodes[target], new_id)


def _say(client: redis.Redis, *command: object) -> Any:
    return client.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py left this one without types


def _move(cluster: ClusterStore, slot: int, old: redis.Redis, target: PortServer, new_id: bytes) -> None:
    while keys := _say(old, "CLUSTER", "GETKEYSINSLOT", slot, 100):
        _say(old, "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
    for node in (target, *cluster.nodes):
        with node.client() as client:
            _say(client, "CLUSTER", "SETSLOT", slot, "NODE", new_id)


def test_a_queue_that_moves_to_another_node_is_followed_by_all_that_use_it(cluster: ClusterStore) -> None:
    ran: list[str] = []
    with Fleet(redis=cluster.url) as fleet, Queue("moving", redis=cluster.url) as queue:
        queue.publish("1")
        with WorkerPool(queue, lambda job: ran.append(job.id), options=QUICK) as pool:
            eventually(lambda: ran == ["1"])
            lease = queue.workers()[0].lease_ends_in_s

            # Some keys here and some there: no script can run, and nothing is half done.
            with _migrating(cluster, key_slot(b"moving")), pytest.raises(StoreUnreachable, match="moving these keys"):
                queue.publish_many(["2", "3"])
            queue.publish("4")

            eventually(lambda: "4" in ran)
            eventually(lambda: is_waiting(queue) and pool.status().error is None)
            # The heartbeat has followed as well: without it this lease would be shorter by now.
            eventually(lambda: 0 < lease - 0.5 < queue.workers()[0].lease_ends_in_s)
        assert ran == ["1", "4"]
        assert [one.counts.committed for one in fleet.snapshot(["moving"])] == [0]


async def test_ask_is_followed_over_one_connection(cluster: ClusterStore) -> None:
    store = resolve(cluster.url)
    key, table = b"single{ask}", b"table{ask}"
    async with AsyncFleet(redis=store.url) as fleet, aclosing(store.async_transport(Role.COMMAND)) as awaited:
        await asyncio.gather(*(awaited.send(("SMEMBERS", b"%d" % n)) for n in range(40)))

        with _migrating(cluster, key_slot(b"ask")), closing(store.transport(Role.COMMAND)) as blocking:
            found = await asyncio.gather(*(awaited.send(("SADD", key, n)) for n in range(40)))
            assert blocking.send(("SADD", key, 40)) == 1
            # This key is nowhere yet, so that ASK is said.
            assert blocking.send(("HSCAN", table, 0)) == await awaited.send(("HSCAN", table, 0)) == [b"0", []]

        assert sum(found) == 40
        assert set(await awaited.send(("SMEMBERS", key))) == {b"%d" % n for n in range(41)}
        assert await fleet.queues() == []


# -- what fails


def test_f38_a_node_that_is_gone_takes_its_queues_with_it_and_no_others(cluster: ClusterStore) -> None:
    gone = cluster.nodes[2]
    names = {
        number: next(f"q{n}" for n in range(99) if _number(cluster, key_slot(b"q%d" % n)) == number)
        for number in range(3)
    }
    with Fleet(redis=cluster.url) as fleet:
        for name in names.values():
            fleet.queue(name).publish("1")
        _need_all_slots(cluster, "no")  # else all nodes refuse, as soon as they have noticed
        gone.kill()

        with pytest.raises(StoreUnreachable, match="No store answers at redis\\+cluster"):
            fleet.queue(names[2]).publish("2")
        assert [fleet.queue(names[number]).publish("2") for number in (0, 1)] == [Published.QUEUED] * 2

        gone.start()
        eventually(lambda: all(cluster.is_ready(node) for node in cluster.nodes))
        _need_all_slots(cluster, "yes")
        assert fleet.queue(names[2]).publish("2") is Published.QUEUED


def _need_all_slots(cluster: ClusterStore, word: str) -> None:
    for node in cluster.nodes:
        with node.client() as client:
            client.config_set("cluster-require-full-coverage", word)


def test_f36_when_a_node_dies_its_replica_takes_over_and_the_pool_goes_on_there() -> None:
    ran: set[str] = set()
    cluster = ClusterStore(valkey_binary())
    try:
        with Queue("q", redis=cluster.url) as queue:
            home = cluster.nodes[_number(cluster, key_slot(b"q"))]
            cluster.add_replica(home)
            queue.publish_many(range(500))
            # WAIT of another connection than the one that wrote waits for nothing.
            with cluster.nodes[-1].client() as replica:
                replica.readonly()
                eventually(lambda: replica.llen("cv:{q}:queued") == 500)
            with WorkerPool(queue, lambda job: ran.add(job.id), concurrency=5, options=QUICK) as pool:
                eventually(lambda: ran)

                home.kill()

                eventually(lambda: _published(queue, "after"))
                eventually(lambda: "after" in ran)
                eventually(lambda: queue.counts().committed == 0)
                eventually(lambda: is_waiting(queue))
                eventually(lambda: pool.status().error is None)
            assert ran >= {*map(str, range(500))}
    finally:
        cluster.stop()


def _published(queue: Queue, id: str) -> bool:
    try:
        queue.publish(id)
    except (StoreUnreachable, OutcomeUnknown):
        return False
    return True


def test_f38_a_cluster_by_the_url_of_one_server_and_the_reverse_are_explained(
    cluster: ClusterStore, store: RealServer
) -> None:
    node = next(
        node for number, node in enumerate(cluster.nodes) if number != _number(cluster, key_slot(b"cv:q:queued"))
    )
    with (
        Queue("q", redis=f"redis://127.0.0.1:{node.port}") as one,
        pytest.raises(StoreRefused, match=r"belongs to a Cluster. Give its URL, like redis\+cluster://"),
    ):
        one.publish("1")

    lone = PortServer(store.binary)
    with (
        Queue("q", redis=f"redis+cluster://127.0.0.1:{lone.port}") as queue,
        pytest.raises(StoreRefused, match=r"is no Cluster\. Give a single server's URL"),
    ):
        queue.publish("1")
    lone.stop()


def test_f41_queues_of_a_cluster_take_no_braces_in_their_names(cluster: ClusterStore) -> None:
    with pytest.raises(InvalidQueueName, match="cannot name a queue in a Cluster"):
        Queue("{a}", redis=cluster.url)
