"""Small sets and hashes, which the store keeps as flat lists, are made trees and tables of by claims."""

from __future__ import annotations

import pytest

from tests.moves.cases import OLD
from tests.moves.keyspace import ALIVE, NOW, SECOND, Keyspace, W, World

TABLES = {"processing": "skiplist", "owner": "hashtable"}
"""What is walked for every ID that begins or ends to run."""

REMEMBERED = {"committed": "hashtable", "published": "hashtable", "payload": "hashtable"}
"""What is walked for every ID besides."""

FEW, MANY, WHOLE = 3, 20, 100
"""Claims too small to change anything, claims that do so always, and how many IDs do so however they are claimed."""


def _queued(n: int) -> Keyspace:
    ids = [f"id{number}" for number in range(n)]
    return {
        **ALIVE,
        "queued": ids,
        "committed": {*ids},
        "published": dict.fromkeys(ids, OLD),
        "payload": dict.fromkeys(ids, "sx"),
    }


def _held(n: int, first: int) -> Keyspace:
    ids = [f"id{number}" for number in range(n)]
    return {
        **_queued(n),
        f"worker:{W}": {"number": str(first + n - 1)},
        "processing": dict.fromkeys(ids, SECOND),
        "owner": {id: f"{W}:{first + number}@{NOW}" for number, id in enumerate(ids)},
    } | {"queued": []}


def _encodings(world: World, *names: str) -> dict[str, str]:
    return {name: world.client.object("encoding", world.keys.named(name)).decode() for name in names}


@pytest.mark.parametrize("n", [MANY, WHOLE, 500])
def test_a_claim_of_many_leaves_no_flat_list(world: World, n: int) -> None:
    world.seed(_queued(n))

    world.exchange(want=n)

    assert _encodings(world, *TABLES, *REMEMBERED) == TABLES | REMEMBERED


def test_small_claims_leave_no_flat_list_after_a_hundred_ids(world: World) -> None:
    world.seed(_queued(WHOLE))

    for number in range(1, WHOLE + 1):
        world.exchange(want=1, number=number)

    assert _encodings(world, *TABLES, *REMEMBERED) == TABLES | REMEMBERED


def test_a_small_claim_is_spared_the_work(world: World) -> None:
    world.seed(_queued(FEW))

    world.exchange(want=FEW, number=7)

    assert "listpack" in _encodings(world, "owner")["owner"]


@pytest.mark.parametrize(("n", "first"), [(FEW, WHOLE), (MANY, 1), (500, 7)])
def test_nothing_but_the_ids_is_left_by_a_claim_that_brings_a_long_member(world: World, n: int, first: int) -> None:
    world.seed(_queued(n))

    claimed = world.exchange(want=n, number=first)

    assert [claim.number for claim in claimed.claims] == [*range(first, first + n)]
    assert world.state() == {name: value for name, value in _held(n, first).items() if value}


def test_a_claim_that_brings_a_long_member_counts_what_it_adopts_and_not_the_member(world: World) -> None:
    world.seed({**_queued(MANY), "committed": {"id0"}})

    world.exchange(want=MANY)

    assert world.state()["totals"] == {"adopted": str(MANY - 1)}


def test_what_a_restarted_server_has_made_flat_again_is_flat_no_longer_after_the_next_claims(world: World) -> None:
    world.seed(_held(MANY, 1), {"queued": ["next"], "committed": {"next"}})
    flat = _encodings(world, *TABLES)

    world.exchange(want=1, number=WHOLE)

    assert all("listpack" in encoding for encoding in flat.values())
    assert _encodings(world, *TABLES) == TABLES
