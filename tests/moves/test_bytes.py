"""Batches of long IDs and large payloads: each script is given a number of bytes as well as a number of IDs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import MAX_ID_BYTES, Jammed, Outcome, State, Tally
from convoy_core.moves.recovering import recover
from convoy_core.options import BATCH_BYTES
from tests.moves.keyspace import NOW, SECOND, Keyspace, World, commands

LONG = [f"{n:03}".ljust(MAX_ID_BYTES, ".") for n in range(40)]
"""IDs as long as they may be; a script takes 16 of them."""
AT_ONCE = BATCH_BYTES // MAX_ID_BYTES

FAILED: Keyspace = {"failed": dict.fromkeys(LONG, 1)}
HELD: Keyspace = {
    "owner": {id: f"dd:{n}@{NOW - 60_000}" for n, id in enumerate(LONG)},
    "processing": dict.fromkeys(LONG, SECOND - 60),
    "committed": {*LONG},
}


def scripts(world: World, act: Callable[[], object]) -> int:
    """How many scripts the store ran for `act`."""
    sent = commands(world.client, act)
    return sum(n for name, n in sent.items() if name.startswith("eval"))


def act_of(world: World, name: str) -> Callable[[], object]:
    """A batch of 40 long IDs."""
    jammed = [Jammed(id, (NOW - 60_000) / 1000, 60, "dd", False) for id in LONG]
    return {
        "publish": lambda: world.queue.publish_many(LONG),
        "dry publish": lambda: [*world.queue.publish_chunks(LONG, dry_run=True)],
        "requeue": lambda: world.queue.requeue(LONG),
        "discard": lambda: world.queue.discard(LONG, state=State.FAILED),
        "free jammed": lambda: world.queue.free_jammed(jammed),
        "recover": lambda: world.drive(recover(world.keys, "dd", 3, [(id.encode(), n) for n, id in enumerate(LONG)])),
    }[name]


@pytest.mark.parametrize("name", ["publish", "dry publish", "requeue", "discard", "free jammed", "recover"])
def test_a_script_is_given_no_more_than_its_share_of_bytes(world: World, name: str) -> None:
    before = {} if "publish" in name else HELD if name in ("free jammed", "recover") else FAILED
    world.seed(before)
    act = act_of(world, name)
    act()  # so that the script is known
    world.seed(before)

    # The last call of a recovery, with no ID, unregisters the worker.
    assert scripts(world, act) == 3 + (name == "recover")


def test_many_large_payloads_are_published_one_by_one(world: World) -> None:
    world.queue.publish("known")

    n = scripts(world, lambda: world.queue.publish_many([*"abcde"], payload=b"x" * BATCH_BYTES))

    assert n == 5
    assert world.client.lrange("cv:q:queued", 0, -1) == [b"known", *map(str.encode, "abcde")]
    assert [world.client.hstrlen("cv:q:payload", id) for id in "abcde"] == [BATCH_BYTES + 1] * 5


def test_the_parts_of_a_batch_are_answered_as_the_whole(world: World) -> None:
    world.queue.publish_many(LONG[10:20])
    mixed = ["a", *LONG[:20], "b", "c", *LONG[:1]]

    chunks = [*world.queue.publish_chunks(mixed)]

    assert [id for chunk in chunks for id in chunk.ids] == mixed
    assert [len(chunk.ids) for chunk in chunks] == [AT_ONCE, 24 - AT_ONCE]
    assert sum((chunk.tally for chunk in chunks), Tally()) == Tally(published=13, waiting=11)
    assert world.client.lrange("cv:q:queued", 0, -1) == [
        id.encode() for id in (*LONG[10:20], "a", *LONG[:10], "b", "c")
    ]


def test_recovered_ids_keep_their_order_across_scripts(world: World) -> None:
    world.seed(HELD, {"queued": ["waiting"]})

    moved = world.drive(recover(world.keys, "dd", 3, [(id.encode(), n) for n, id in enumerate(LONG)]))

    assert moved == dict.fromkeys(LONG, "queued")
    assert world.client.lrange("cv:q:queued", 0, -1) == [*map(str.encode, LONG), b"waiting"]


def test_each_long_id_of_a_batch_has_its_own_outcome(world: World) -> None:
    world.seed({"failed": dict.fromkeys(LONG[::2], 1)})

    outcomes = world.queue.requeue(LONG)

    assert outcomes == {id: Outcome.GONE if n % 2 else Outcome.QUEUED for n, id in enumerate(LONG)}
