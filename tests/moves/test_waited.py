"""How long an ID has been in line is told with its claim, and costs the store no command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convoy_core import Queue, State
from convoy_core.moves.working import Pulse, promote, renew
from tests.moves.keyspace import ALIVE, LEASE, NOW, Keyspace, W, World, claim, commands, failure
from tests.servers import RealServer


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


def waits(world: World, want: int = 1, number: int = 7) -> dict[str, float | None]:
    """What a claim tells."""
    return {each.raw_id.decode(): each.waited_s for each in world.exchange(want=want, number=number).claims}


def line(*ids: str, **published: str) -> Keyspace:
    return {"queued": list(ids), "committed": set(ids), "published": published}


def test_a_claim_tells_how_long_its_id_was_in_line(world: World) -> None:
    world.seed(ALIVE, line("a", a=str(NOW - 2_500)))

    assert waits(world) == {"a": 2.5}


def test_it_is_told_where_rare_keys_are_as_well(world: World) -> None:
    world.seed(ALIVE, line("a", a=str(NOW - 2_500)), {"attempts": {"a": "1"}, "requests": {"a": "3"}})

    (seen,) = world.exchange(want=1).claims

    assert (seen.waited_s, seen.attempts, seen.requests) == (2.5, 1, 4)


def test_an_id_that_was_handed_over_has_waited_until_then(world: World) -> None:
    world.seed(ALIVE, line("next", next=str(NOW - 9_000), a=str(NOW - 2_000)), {f"claim:{W}": ["a"]})

    assert waits(world) == {"a": 2.0}


def test_of_several_the_first_counts_for_all(world: World) -> None:
    world.seed(ALIVE, line("a", "b", a=str(NOW - 3_000), b=str(NOW - 1_000)))

    assert waits(world, want=2) == {"a": 3.0, "b": 3.0}


@pytest.mark.parametrize(
    ("published", "waited_s"), [({}, None), ({"a": "soon"}, None), ({"a": "inf"}, None), ({"a": str(NOW + 99)}, 0.0)]
)
def test_what_is_not_known_is_not_told(world: World, published: dict[str, str], waited_s: float | None) -> None:
    world.seed(ALIVE, {"queued": ["a"], "committed": {"a"}}, {"published": published} if published else {})

    assert waits(world) == {"a": waited_s}


def test_if_another_is_claimed_first_nothing_is_told_of_it(world: World) -> None:
    world.seed(ALIVE, line("a", "b", a=str(NOW - 3_000), b=str(NOW - 1_000)), {"owner": {"a": f"dd:1@{NOW}"}})

    assert waits(world, want=2) == {"b": None}


def test_what_was_delayed_has_waited_since_it_was_due_and_was_published_when_it_was(world: World) -> None:
    world.seed(ALIVE)
    queue = world.queue
    queue.publish("later", delay_s=60)
    queue._connection.now_ms = NOW + 65_000
    world.run(promote(world.keys, 10, LEASE))
    listed, shown = queue.page(State.QUEUED).entries[0], queue.show("later")
    snapshot, dumped = queue.snapshot(), next(iter(queue.dump(State.QUEUED)))
    queue._connection.now_ms = NOW + 66_000
    world.client.zadd("cv:q:workers", {W: NOW + 99_000})

    assert waits(world) == {"later": 6.0}
    assert snapshot.oldest_queued_s == 5.0
    assert [listed.since, shown.published, dumped.published] == [NOW / 1000] * 3


def test_a_retry_has_waited_since_it_was_due(world: World) -> None:
    world.seed(ALIVE, line("a", a=str(NOW - 9_000)))
    world.exchange(want=1, number=1)
    world.exchange(failed=[(claim("a", 1), failure(retry_ms=1_000))])
    world.queue._connection.now_ms = NOW + 1_400
    world.run(promote(world.keys, 10, LEASE))

    assert waits(world) == {"a": 0.4}


@pytest.mark.parametrize(
    ("published", "waited_s"), [("-2500", 2.5), ("-9000.-400", 0.4), ("99", 0.0), ("soon", None), (None, None)]
)
def test_of_a_run_it_is_told_for_as_long_as_it_goes(
    world: World, published: str | None, waited_s: float | None
) -> None:
    def at(ms: str) -> str:
        return str(NOW + int(ms)) if ms.lstrip("-").isdigit() else ms

    entry = {} if published is None else {"published": {"a": ".".join(map(at, published.split(".")))}}
    world.seed(ALIVE, {"queued": ["a"], "committed": {"a"}}, entry)
    before = world.queue.show("a").waited_s
    world.exchange(want=1, number=1)
    world.queue._connection.now_ms = NOW + 5_000

    assert (before, world.queue.show("a").waited_s) == (None, waited_s)


def test_a_requeue_that_has_been_deferred_since_is_not_undone(world: World) -> None:
    world.seed(ALIVE, {"failed": {"a": 1}})
    queue = Queue("q", redis=world.server.url)
    queue._connection.now_ms = NOW
    queue.requeue(["a"])
    world.exchange(want=1, number=1)
    world.exchange(deferred=[(claim("a", 1), 5)])
    world.queue._connection.now_ms = NOW + 5
    world.run(promote(world.keys, 10, LEASE))
    (act,) = queue.audit()

    queue.undo(act)

    assert queue.show("a").state is State.QUEUED
    queue.close()


def test_it_costs_no_command(world: World) -> None:
    world.seed(ALIVE, line("a", a=str(NOW - 3_000)))
    world.exchange()  # the script is known

    sent = commands(world.client, lambda: world.exchange(want=1))

    assert sent == {
        "evalsha": 1, "exists": 1, "hget": 4, "hmget": 1, "hset": 2, "lindex": 1, "lpop": 1, "lrange": 1, "sadd": 1,
        "sismember": 1, "zadd": 1, "zmscore": 1, "zscore": 2,
    }, "as before the waits were told, but for a LINDEX where there was an LLEN"  # fmt: skip


def test_a_heartbeat_tells_whether_the_lease_had_run_out(world: World) -> None:
    def beat() -> bool:
        return world.run(renew(world.keys, W, LEASE, Pulse(0, 0, []), ())).had_lapsed

    world.seed(ALIVE)
    in_time = beat()
    world.queue._connection.now_ms = NOW + LEASE

    assert (in_time, beat(), beat()) == (False, True, False)
