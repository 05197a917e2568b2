"""The network connections beneath a queue: how many were opened, and what becomes of them."""

from __future__ import annotations

from contextlib import suppress

import redis

from convoy_core import AsyncQueue, Queue
from convoy_core.connect import resolve
from convoy_core.errors import OutcomeUnknown
from convoy_core.fetch import Fetch
from convoy_core.worker_calls import Settlement, exchange
from tests.servers import RealServer


def hang_up(raw: redis.Redis) -> None:
    """Cut all connections of ours."""
    for link in raw.client_list():
        if link["name"].startswith("convoy:"):
            raw.client_kill_filter(_id=link["id"])


# --- how many were opened


def test_each_connection_opened_anew_is_counted(store: RealServer, raw: redis.Redis) -> None:
    with Queue("q", redis=store.url) as queue:
        before = queue.connection.opened
        queue.counts()
        queue.counts()
        first = queue.connection.opened
        hang_up(raw)
        with suppress(OutcomeUnknown):  # the store may have hung up in the midst of it
            queue.counts()
        queue.counts()

        assert (before, first, queue.connection.opened) == (0, 1, 2)


async def test_each_connection_opened_anew_is_counted_by_the_awaited_twin(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        before = queue.connection.opened
        await queue.counts()
        await queue.counts()
        first = queue.connection.opened
        hang_up(raw)
        with suppress(OutcomeUnknown):
            await queue.counts()
        await queue.counts()

        assert (before, first, queue.connection.opened) == (0, 1, 2)


def test_a_ready_made_clients_own_connections_are_not_counted(store: RealServer) -> None:
    with store.client() as client:
        queue = Queue("q", redis=client)
        queue.counts()

        assert queue.connection.opened == 0


async def test_a_waiting_places_own_connection_is_counted_by_itself(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        keys = queue.connection.keyspace.queue("q")
        fetch = Fetch(resolve(store.url), queue.connection, keys, "w" * 32)
        claim = exchange(keys, "w" * 32, Settlement(), 0, 1, 0)
        raw.rpush("cv:q:queued", "1", "2")
        before = fetch.opened
        await fetch.wait(claim)
        first = fetch.opened
        hang_up(raw)
        with suppress(OutcomeUnknown):  # now, or with the new connection
            await fetch.wait(claim)
        with suppress(OutcomeUnknown):
            await fetch.wait(claim)

        assert (before, first, fetch.opened) == (0, 1, 2)
        assert queue.connection.opened == 0
        await fetch.close()
