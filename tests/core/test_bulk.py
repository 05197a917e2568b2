"""Publishing in bulk: each chunk is sent before the reply to the one before it has been read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import pytest
import redis

from convoy_core import AsyncQueue, Counts, InvalidID, OutcomeUnknown, Queue, StoreDamaged, Tally
from tests.servers import RealServer
from tests.waiting import eventually

CHUNK = 500


def blocking(url: str, ids: Iterable[str]) -> Tally:
    """Publish them with a Queue."""
    with Queue("q", redis=url) as queue:
        return queue.publish_many(ids)


def awaited(url: str, ids: Iterable[str]) -> Tally:
    """The same with an AsyncQueue."""

    async def publish() -> Tally:
        async with AsyncQueue("q", redis=url) as queue:
            return await queue.publish_many(ids)

    return asyncio.run(publish())


Publish = Callable[[str, Iterable[str]], Tally]
both = pytest.mark.parametrize("publish", [blocking, awaited])


def ids(n: int) -> list[str]:
    """Of that many chunks."""
    return [f"id{number}" for number in range(n * CHUNK)]


def interrupted(store: RealServer, chunks: int, at: int, act: Callable[[redis.Redis], object]) -> Iterator[str]:
    """The same, but `act` is done before the first ID after `at` chunks."""
    with store.client() as client:
        for number, id in enumerate(ids(chunks)):
            if number == at * CHUNK:
                act(client)
            yield id


def queued(store: RealServer) -> list[bytes]:
    """The list as the store has it."""
    with store.client() as client:
        found: list[bytes] = client.lrange("cv:q:queued", 0, -1)
        return found


@both
@pytest.mark.parametrize("chunks", [0, 1, 2, 3, 7])
def test_all_arrive_once_and_in_order(store: RealServer, publish: Publish, chunks: int) -> None:
    assert publish(store.url, ids(chunks)) == Tally(published=chunks * CHUNK)
    assert publish(store.url, ids(chunks)) == Tally(waiting=chunks * CHUNK)
    assert queued(store) == [id.encode() for id in ids(chunks)]


@both
def test_the_next_chunk_is_sent_before_the_reply_to_the_last_is_read(store: RealServer, publish: Publish) -> None:
    """Whoever asks for the fourth chunk finds the third one published, though nobody has asked what became of it."""
    seen: list[int] = []

    def watch(client: redis.Redis) -> None:
        eventually(lambda: client.llen("cv:q:queued") == 3 * CHUNK)
        seen.append(client.llen("cv:q:queued"))

    assert publish(store.url, interrupted(store, 4, 3, watch)) == Tally(published=4 * CHUNK)
    assert seen == [3 * CHUNK]


@both
def test_an_id_that_cannot_be_stops_it_and_what_went_before_stays(store: RealServer, publish: Publish) -> None:
    with pytest.raises(InvalidID):
        publish(store.url, [*ids(3), "", "after"])

    eventually(lambda: len(queued(store)) == 3 * CHUNK)


@both
def test_scripts_that_the_store_forgot_meanwhile_are_sent_again(store: RealServer, publish: Publish) -> None:
    forgetting = interrupted(store, 5, 2, lambda client: client.script_flush())

    assert publish(store.url, forgetting) == Tally(published=5 * CHUNK)
    assert sorted(queued(store)) == sorted(id.encode() for id in ids(5))


@both
def test_a_refusal_on_the_way_is_told_with_nothing_lost(store: RealServer, publish: Publish) -> None:
    damaging = interrupted(store, 5, 3, lambda client: client.set("cv:q:failed", "text"))

    with pytest.raises(StoreDamaged):
        publish(store.url, damaging)

    with store.client() as client:
        client.delete("cv:q:failed")
    total = len(queued(store))
    assert total in (2 * CHUNK, 3 * CHUNK)  # the third chunk was under way
    assert publish(store.url, ids(5)) == Tally(published=5 * CHUNK - total, waiting=total)


@both
def test_a_connection_cut_on_the_way_is_told_as_unknown_and_repeating_mends_it(
    store: RealServer, publish: Publish
) -> None:
    def cut(client: redis.Redis) -> None:
        eventually(lambda: client.llen("cv:q:queued") == 3 * CHUNK)
        client.client_kill_filter(_type="normal", skipme=True)

    with pytest.raises(OutcomeUnknown):
        publish(store.url, interrupted(store, 5, 3, cut))

    total = len(queued(store))
    assert publish(store.url, ids(5)) == Tally(published=5 * CHUNK - total, waiting=total)


@both
def test_an_error_of_the_callers_own_store_is_not_taken_for_ours(store: RealServer, publish: Publish) -> None:
    def failing() -> Iterator[str]:
        yield from ids(3)
        raise redis.ConnectionError("the caller's own")

    with pytest.raises(redis.ConnectionError, match="the caller's own"):
        publish(store.url, failing())


def test_a_reply_that_was_never_read_answers_no_other_request(store: RealServer) -> None:
    """The third chunk is held up by the store when the fourth turns out to be impossible."""

    def hold_up(client: redis.Redis) -> None:
        eventually(lambda: client.llen("cv:q:queued") == 2 * CHUNK)
        client.client_pause(60_000, all=False)

    impossible = chain(interrupted(store, 3, 2, hold_up), [""])

    with Queue("q", redis=store.url) as queue, store.client() as client:
        with pytest.raises(InvalidID):
            queue.publish_many(impossible)
        assert queue.counts() == Counts(queued=2 * CHUNK, committed=2 * CHUNK)
        client.client_unpause()
        queue.publish_many(ids(3))
        assert queue.counts() == Counts(queued=3 * CHUNK, committed=3 * CHUNK)
