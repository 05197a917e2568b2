"""Replicas may be behind: whatever of ours looks or decides asks a primary, on every store that has replicas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from redis.crc import key_slot

from convoy_core import Fleet, Job, Queue, State, WorkerPool
from convoy_tui.dashboard.source import LiveSource
from tests.cli.conftest import Convoy
from tests.servers import ClusterStore, PortServer, RealServer, ReplicatedStore, valkey_binary
from tests.topology.test_faces import QUICK
from tests.waiting import eventually


@pytest.fixture
def cluster_with_replica() -> Iterator[tuple[str, RealServer, RealServer]]:
    """Its URL, the node that has the queue `q`, and that one's replica."""
    cluster = ClusterStore(valkey_binary())
    try:
        home = cluster.nodes[key_slot(b"q") * 3 // 16384]
        cluster.add_replica(home)
        replica = cluster.nodes[-1]
        # Only then could a client be tempted: whichever node it asks names the replica, and that one has the data.
        eventually(lambda: all(_names(node, replica) for node in cluster.nodes))
        yield cluster.url, home, replica
    finally:
        cluster.stop()


def _names(node: RealServer, replica: PortServer) -> bool:
    with node.client() as client:
        ranges = client.execute_command("CLUSTER", "SLOTS")
    return any(server[1] == replica.port for _, _, *servers in ranges for server in servers)


@pytest.mark.parametrize("way", ["by the primary's URL", "by the Sentinels"])
async def test_f42_beside_two_replicas_nothing_of_ours_asks_one(replicated: ReplicatedStore, way: str) -> None:
    primary, replicas = replicated.primary, replicated.replicas()
    url = replicated.url if way == "by the Sentinels" else f"redis://127.0.0.1:{primary.port}"
    for server in (primary, *replicas):
        _reset(server)

    await _use_everything(url)

    assert [_asked(replica) for replica in replicas] == [set(), set()]
    assert _asked(primary) >= {"evalsha", "evalsha_ro", "zmscore"}


async def test_f42_in_a_cluster_nothing_of_ours_asks_a_replica(
    cluster_with_replica: tuple[str, RealServer, RealServer],
) -> None:
    url, home, replica = cluster_with_replica
    for server in (home, replica):
        _reset(server)

    await _use_everything(url)

    assert _asked(replica) == set()
    assert _asked(home) >= {"evalsha", "evalsha_ro", "zmscore"}


async def _use_everything(url: str) -> None:
    """A publisher, a pool, every look, the dashboard's source and the command line; some of them may only read."""

    def work(job: Job) -> None:
        if job.id == "bad":
            raise ValueError(job.id)

    with Queue("q", redis=url) as queue, Fleet(redis=url, read_only=True) as fleet:
        queue.publish_many([*range(50), "bad"], payload="cargo")
        queue.publish("later", delay_s=60)
        with WorkerPool(queue, work, concurrency=4, options=QUICK):
            eventually(lambda: queue.counts().committed == 1)
            queue.publish("woken")
            eventually(lambda: queue.snapshot().totals["done"] == 51)
            for reader in (queue, fleet.queue("q")):
                assert [len(reader.page(state).entries) for state in [*State][1:]] == [0, 1, 0, 1]
                assert reader.show("bad").state is State.FAILED
                assert len(reader.workers()) == 1
                assert reader.jammed(idle_s=1) == []
            assert fleet.queues() == ["q"]
            assert len(fleet.snapshot(["q"])) == 1
            assert [found.queue for found in fleet.find("bad")] == ["q"]
        assert queue.requeue(["bad"], dry_run=True)
        assert queue.requeue_all()

    source = LiveSource(url=url, read_only=True)
    await source.discover()
    assert [one.queue for one in (await source.look()).snapshots] == ["q"]
    await source.close()
    convoy = Convoy(url)
    assert convoy.json("status")["queues"][0]["queued"] == 1
    assert convoy("list", "q", "--state", "queued", "-o", "ids").stdout == "bad\n"


def _reset(server: RealServer) -> None:
    with server.client() as client:
        client.config_resetstat()


def _asked(server: RealServer) -> set[str]:
    """Which reads and scripts a server has been sent since; a primary sends its replicas nothing but writes."""
    with server.client() as client:
        names = [name.removeprefix("cmdstat_") for name in client.info("commandstats")]
        return {name for name in names if name.startswith(("eval", "fcall", "script")) or _is_read(client, name)}


def _is_read(client: redis.Redis, name: str) -> bool:
    (about,) = client.execute_command("COMMAND", "INFO", name).values()  # type: ignore[no-untyped-call]  # redis-py left it without types
    return about is not None and "readonly" in about["flags"]
