"""Taking back what dead workers held, and what was handed to them late."""

from __future__ import annotations

import pytest

from convoy_core import Counts
from convoy_core.moves.call import of
from convoy_core.moves.recovering import DEPARTED_MS, reclaim, unregistered_holders
from convoy_core.options import BATCH
from tests.moves.cases import DEPARTED, GUARDED, LOG, LONG_OVER, MINE, OLD, ORPHANED, RECOVER_IT, RUNNING, Case
from tests.moves.keyspace import NOW, SECOND, T0, W, World

CASES = [
    Case(
        "recover: processing -> queued",
        "recover puts it at the head and counts a crash",
        {**ORPHANED, f"worker:{W}": {"host": "h"}, "queued": ["x"], "attempts": {"a": "1"}},
        RECOVER_IT,
        {"a": "queued"},
        {
            **DEPARTED,
            "queued": ["a", "x"],
            "committed": {"a"},
            "published": {"a": OLD},
            "attempts": {"a": "1"},
            "crashes": {"a": "1"},
            "totals": {"recovered": "1"},
        },
    ),
    Case(
        "recover: processing -> queued",
        "F10 recover keeps the old order, the claim list behind and uncharged",
        {
            "workers": {W: LONG_OVER},
            f"claim:{W}": ["c", "d"],
            "queued": ["x"],
            "committed": {"a", "b", "c", "d", "x"},
            "processing": {"a": SECOND, "b": SECOND},
            "started": {"a": NOW, "b": NOW},
            "owner": {"a": f"{W}:2@{NOW}", "b": f"{W}:1@{NOW}", "y": f"bb:1@{NOW}"},
        },
        RECOVER_IT,
        {"b": "queued", "a": "queued"},
        {
            **DEPARTED,
            "queued": ["b", "a", "c", "d", "x"],
            "committed": {"a", "b", "c", "d", "x"},
            "owner": {"y": f"bb:1@{NOW}"},
            "crashes": {"a": "1", "b": "1"},
            "totals": {"recovered": "2"},
        },
    ),
    Case(
        "recover: processing -> queued",
        "F25 recover satisfies a rerun: the run to come is the one asked for",
        {**ORPHANED, "rerun": {"a"}},
        RECOVER_IT,
        {"a": "queued"},
        {
            **DEPARTED,
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": OLD},
            "crashes": {"a": "1"},
            "totals": {"recovered": "1"},
        },
    ),
    Case(
        "recover: processing -> queued",
        "F50 recover of an ID that a Node jam guard dropped commits it again",
        {**GUARDED, "workers": {W: LONG_OVER}},
        RECOVER_IT,
        {"a": "queued"},
        {**DEPARTED, "queued": ["a"], "committed": {"a"}, "crashes": {"a": "1"}, "totals": {"recovered": "1"}},
    ),
    Case(
        "recover: processing -> queued",
        "recover takes from a worker that is no longer registered",
        RUNNING,
        RECOVER_IT,
        {"a": "queued"},
        {
            **DEPARTED,
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": OLD},
            "crashes": {"a": "1"},
            "totals": {"recovered": "1"},
        },
    ),
    Case(
        "recover: processing -> failed",
        "F28 recover for the third time fails it, with the reason",
        {**ORPHANED, "crashes": {"a": "2"}, "failures": {"a": "4"}, "attempts": {"a": "1"}, "payload": {"a": "sx"}},
        RECOVER_IT,
        {"a": "failed"},
        {
            **DEPARTED,
            "failed": {"a": 5},
            "failure": {"a": f'{{"at":{SECOND}.000,"error":"its worker died 3 times in a row"}}'},
            "payload": {"a": "sx"},
            LOG: ["its worker died 3 times in a row"],
            "totals": {"recovered": "1", "failed": "1"},
        },
    ),
    Case(
        "recover: processing -> queued",
        "F25 recover for the third time honours a rerun",
        {**ORPHANED, "crashes": {"a": "2"}, "rerun": {"a"}},
        RECOVER_IT,
        {"a": "queued"},
        {
            **DEPARTED,
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "crashes": {"a": "3"},
            "failure": {"a": f'{{"at":{SECOND}.000,"error":"its worker died 3 times in a row"}}'},
            "totals": {"recovered": "1"},
        },
    ),
    Case(
        "",
        "F12 recover leaves a worker alone that is alive after all",
        {**MINE, f"claim:{W}": ["b"]},
        RECOVER_IT,
        {},
        {**MINE, f"claim:{W}": ["b"]},
    ),
    Case(
        "",
        "F21 recover leaves an ID alone that was claimed anew meanwhile",
        {**RUNNING, "owner": {"a": f"bb:9@{NOW}"}},
        lambda world: world.run(of("recover", world.keys, (W, 3, "", "1", "a", f"{W}:1"), list)),
        [b"dead"],
        {**DEPARTED, **RUNNING, "owner": {"a": f"bb:9@{NOW}"}},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


def test_f10_recover_of_more_than_one_chunk_keeps_the_order(world: World) -> None:
    ids = [f"{n:04}" for n in range(1200)]
    world.seed(
        {
            "workers": {W: LONG_OVER},
            "queued": ["y"],
            f"claim:{W}": ["x"],
            "committed": {*ids, "x", "y"},
            "processing": dict.fromkeys(ids, SECOND),
            "started": dict.fromkeys(ids, NOW),
            "owner": {id: f"{W}:{n}@{NOW}" for n, id in enumerate(ids, start=1)},
        }
    )

    moved = RECOVER_IT(world)

    assert moved == dict.fromkeys(ids, "queued")
    assert world.state() == {
        "queued": [*ids, "x", "y"],
        "committed": {*ids, "x", "y"},
        "crashes": dict.fromkeys(ids, "1"),
        **DEPARTED,
        "totals": {"recovered": "1200"},
    }


def test_f64_reclaims_get_around_in_slices(world: World) -> None:
    workers = [f"{n:04x}" for n in range(2 * BATCH + 1)]
    world.seed({"departed": {worker: NOW - DEPARTED_MS + n // BATCH for n, worker in enumerate(workers)}})
    skips, returned = [0], 0
    for worker in workers:
        world.client.rpush(f"cv:q:claim:{worker}", worker)
    world.client.sadd("cv:q:committed", *workers)

    for _ in range(3):
        skip, n = world.run(reclaim(world.keys, skips[-1]))
        skips.append(skip)
        returned += n

    # The first slice was old enough to be forgotten, and so the second stood where it had been.
    assert skips == [0, 0, BATCH, 0]
    assert returned == len(workers)
    assert world.queue.counts() == Counts(queued=returned, committed=returned)
    assert world.client.zcard("cv:q:departed") == BATCH + 1


def test_f63_strays_are_looked_for_in_slices(world: World) -> None:
    world.seed({"owner": {str(n): f"{n % 3}:{n}@{NOW}" for n in range(5 * BATCH)}, "workers": {"0": NOW}})
    cursor, found = world.run(unregistered_holders(world.keys, 0))
    slices = 1
    while cursor:
        cursor, more = world.run(unregistered_holders(world.keys, cursor))
        found += more
        slices += 1

    assert 3 < slices < 10
    assert set(found) == {"1", "2"}
