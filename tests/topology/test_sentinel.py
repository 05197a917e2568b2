"""Sentinel: when the primary changes, everything goes on at the new one."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import aclosing, closing, suppress
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.sentinel

from convoy_core import (
    ConvoyError,
    Fleet,
    InvalidOption,
    Job,
    OutcomeUnknown,
    Queue,
    StoreRefused,
    StoreUnreachable,
    WorkerPool,
)
from convoy_core.store.clients import Role, resolve
from convoy_core.store.sentinel_client import primary_awaited
from tests.servers import ReplicatedStore, free_port, valkey_binary
from tests.topology.test_faces import QUICK, is_waiting
from tests.waiting import eventually, patient


@pytest.fixture
def mortal() -> Iterator[ReplicatedStore]:
    """One whose primary may be killed."""
    store = ReplicatedStore(valkey_binary(), down_ms=1000)
    yield store
    store.stop()


def test_f36_when_the_primary_dies_under_load_the_pool_goes_on_and_no_replicated_id_is_lost(
    mortal: ReplicatedStore,
) -> None:
    ran: set[str] = set()
    replicated: list[str] = []
    is_over = threading.Event()
    first = mortal.primary

    def work(job: Job) -> None:
        ran.add(job.id)

    def publish() -> None:
        """Straight to the primary, over one connection, so that WAIT speaks of these IDs."""
        with (
            suppress(ConvoyError, redis.RedisError),
            redis.Redis(port=first.port, single_connection_client=True) as client,
            Queue("q", redis=client) as queue,
        ):
            for number in range(10**6):
                ids = [f"{number}.{part}" for part in range(20)]
                queue.publish_many(ids)
                if client.wait(1, 1000) >= 1:
                    replicated.extend(ids)
        is_over.set()

    with Queue("q", redis=mortal.url) as queue, WorkerPool(queue, work, concurrency=10, options=QUICK) as pool:
        publisher = threading.Thread(target=publish)
        publisher.start()
        eventually(lambda: len(replicated) > 1000 and len(ran) > 500)

        first.kill()

        assert is_over.wait(patient())
        publisher.join()
        eventually(lambda: mortal.primary is not first)  # the Sentinels may need a second vote
        eventually(lambda: _published(queue, "after"))
        eventually(lambda: "after" in ran)
        # On a busy machine the Sentinels may take the new primary for dead as well, for a moment.
        eventually(lambda: queue.counts().committed == 0, despite=(StoreUnreachable,))
        missing = {*replicated} - ran
        lease = eventually(lambda: _lease_ends_in_s(queue), despite=(StoreUnreachable,))
        eventually(lambda: _lease_ends_in_s(queue) > min(lease, 2.9) - 0.5, despite=(StoreUnreachable,))
        eventually(lambda: is_waiting(queue), despite=(StoreUnreachable,))
        eventually(lambda: pool.status().error is None)

    assert missing == set()


def _lease_ends_in_s(queue: Queue) -> float:
    return queue.workers()[0].lease_ends_in_s


def _published(queue: Queue, id: str) -> bool:
    try:
        queue.publish(id)
    except (StoreUnreachable, OutcomeUnknown):
        return False
    return True


def test_f36_a_primary_that_becomes_a_replica_is_left_by_every_connection(replicated: ReplicatedStore) -> None:
    ran: list[str] = []
    with Queue("q", redis=replicated.url) as queue, Fleet(redis=replicated.url) as fleet:
        queue.publish("1")
        with WorkerPool(queue, lambda job: ran.append(job.id), options=QUICK) as pool:
            eventually(lambda: ran == ["1"])
            old = replicated.primary
            with replicated.sentinels[0].client() as sentinel:
                sentinel.execute_command("SENTINEL", "FAILOVER", replicated.SERVICE)
            eventually(lambda: replicated.primary is not old)
            new = replicated.primary
            with old.client() as client:
                # As the Sentinels will do in some seconds, but without cutting anybody's connection.
                client.replicaof("127.0.0.1", new.port)

            eventually(lambda: _published(queue, "2"))
            eventually(lambda: "2" in ran)
            eventually(lambda: pool.status().error is None)
            with new.client() as client:
                eventually(lambda: len(_roles(client)) == 3)
        assert fleet.queues() == ["q"]
        assert queue.counts().committed == 0


def _roles(client: redis.Redis) -> set[str]:
    names = (link["name"] for link in client.client_list())
    return {name.split(":")[1] for name in names if name.startswith("convoy:")}


def test_a_replica_given_as_the_store_is_refused_in_a_sentence(replicated: ReplicatedStore) -> None:
    replica = replicated.replicas()[0]
    with Queue("q", redis=f"redis://127.0.0.1:{replica.port}") as queue:
        with pytest.raises(StoreRefused, match=r"is a replica and takes no writes\. Give the URL of the primary"):
            queue.publish("1")
        assert queue.counts().queued == 0


def test_the_sentinels_own_login_is_asked_for_where_they_want_one(replicated: ReplicatedStore) -> None:
    sentinel = replicated.sentinels[0]
    with sentinel.client() as client:
        client.execute_command("ACL", "SETUSER", "ann", "on", ">pw", "+ping", "+sentinel|masters", "+acl|setuser")
    with replicated.primary.client() as client:
        client.execute_command("ACL", "SETUSER", "ann", "on", ">pw", "+@all", "~*", "&*")
    url = f"redis+sentinel://ann:pw@127.0.0.1:{sentinel.port}/{replicated.SERVICE}"
    with sentinel.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "off")

    with Queue("q", redis=url) as queue, pytest.raises(StoreUnreachable, match="whether they want the login, too"):
        queue.publish("1")
    with Queue("q", redis=f"{url}?sentinel_login=yes") as queue:
        queue.publish("1")
        assert queue.counts().queued == 1

    with redis.Redis(port=sentinel.port, username="ann", password="pw") as client:
        client.execute_command("ACL", "SETUSER", "default", "on", "nopass")


@pytest.mark.parametrize("service", ["main", "other"])
def test_f38_sentinels_that_name_no_primary_are_explained(replicated: ReplicatedStore, service: str) -> None:
    url = (
        replicated.url.replace("/main", "/other")
        if service == "other"
        else f"redis+sentinel://127.0.0.1:{free_port()}/main"
    )

    with Queue("q", redis=url) as queue, pytest.raises(StoreUnreachable, match=r"^No Sentinel of redis\+sentinel://"):
        queue.publish("1")


async def test_ready_made_clients_of_many_servers_are_refused(replicated: ReplicatedStore) -> None:
    sentinel: Any = redis.sentinel.Sentinel  # redis-py left this one without types
    made: list[Any] = [
        sentinel([("127.0.0.1", 1)]).master_for("main"),
        redis.asyncio.RedisCluster("127.0.0.1", 1),
    ]

    for client in made:
        with pytest.raises(InvalidOption, match="give a URL"):
            Queue("q", redis=client)


async def test_every_role_goes_to_the_primary(replicated: ReplicatedStore) -> None:
    store = resolve(replicated.url)
    for role in Role:
        with closing(store.transport(role)) as blocking:
            assert blocking.send(("ROLE",))[0] == b"master"
        async with aclosing(store.async_transport(role)) as awaited:
            assert (await awaited.send(("ROLE",)))[0] == b"master"


async def test_f36_when_one_connection_learns_of_a_new_primary_the_others_leave_the_old_one_too() -> None:
    """The old one is left alive and writable, as in the seconds before the Sentinels demote it."""
    mortal = ReplicatedStore(valkey_binary())
    try:
        store, old = resolve(mortal.url), mortal.primary
        port = ("CONFIG", "GET", "port")
        with closing(store.transport(Role.COMMAND)) as blocking:
            async with (
                aclosing(store.async_transport(Role.COMMAND)) as twin,
                aclosing(store.async_transport(Role.WAIT)) as other,
            ):
                assert blocking.send(port) == await twin.send(port) == {b"port": b"%d" % old.port}
                with mortal.sentinels[0].client() as sentinel:
                    sentinel.execute_command("SENTINEL", "FAILOVER", mortal.SERVICE)
                eventually(lambda: {*mortal.named()} == {mortal.primary.port} != {old.port})
                new = {b"port": b"%d" % mortal.primary.port}

                assert await other.send(port) == new
                assert blocking.send(port) == await twin.send(port) == new
    finally:
        mortal.stop()


async def test_a_look_for_the_primary_that_is_cancelled_leaves_no_connection_open(replicated: ReplicatedStore) -> None:
    """By a time limit and then by a stop, as a pool's own may be, at any moment of it."""
    hosts = tuple(("127.0.0.1", sentinel.port) for sentinel in replicated.sentinels)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for moment in range(80):
            for turns in range(4):
                looking = asyncio.create_task(primary_awaited(hosts, replicated.SERVICE, 1, {}))
                await asyncio.sleep(moment * 50e-6)
                looking.cancel()
                for _ in range(turns):
                    await asyncio.sleep(0)
                looking.cancel()
                await asyncio.wait([looking])
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        gc.collect()

    assert [str(warning.message) for warning in seen if warning.category is ResourceWarning] == []
