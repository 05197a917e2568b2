"""The heartbeat."""

from __future__ import annotations

import pytest

from convoy_core import PoolOptions
from convoy_core.moves.working import (
    Pulse,
    Renewal,
    renew,
)
from convoy_core.worker.heartbeat import Heartbeat
from tests.moves.cases import BEATEN, GUARDED, MINE, PAST, RUNNING, Case, beat
from tests.moves.keyspace import ALIVE, LEASE, NOW, SECOND, Keyspace, W, World

YOUNG: Keyspace = {name: value for name, value in RUNNING.items() if name != "started"}
"""No heartbeat has seen it yet."""


CASES = [
    Case(
        "renew: processing -> processing",
        "renew moves the lease and the score, not the start",
        {**MINE, "workers": {W: NOW + 1}, "meta": {"schema": "1", "epoch": "e"}},
        beat,
        Renewal("e", 0, []),
        {**MINE, **BEATEN, "processing": {"a": SECOND}, "meta": {"schema": "1", "epoch": "e"}},
    ),
    Case(
        "renew: processing -> processing",
        "F50 the first renew of a run notes its true start, which the score is no more",
        {**ALIVE, **YOUNG},
        beat,
        Renewal("", 0, []),
        {**ALIVE, **YOUNG, **BEATEN, "processing": {"a": SECOND}, "started": {"a": PAST}},
    ),
    Case(
        "renew: processing -> processing",
        "F50 renew puts back what a Node jam guard dropped",
        GUARDED,
        beat,
        Renewal("", 0, []),
        {**GUARDED, **BEATEN, "committed": {"a"}, "processing": {"a": SECOND}},
    ),
    Case(
        "",
        "F21 renew reports a claim on an ID that is another's, and leaves it alone",
        {**MINE, "owner": {"a": f"bb:1@{NOW}"}},
        beat,
        Renewal("", 0, [1]),
        {**MINE, **BEATEN, "owner": {"a": f"bb:1@{NOW}"}},
    ),
    Case(
        "",
        "renew of a worker that is not registered changes nothing",
        RUNNING,
        beat,
        Renewal(None, 0, []),
        RUNNING,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


def test_f2_a_heartbeat_tells_of_what_was_handed_over_late(world: World) -> None:
    world.seed({**ALIVE, f"claim:{W}": ["late", "later"], "committed": {"late", "later"}})

    assert world.run(renew(world.keys, W, LEASE, Pulse(0, 0, []), ())).waiting == 2


def test_renew_of_more_than_one_chunk_shows_all_that_run(world: World) -> None:
    held = {str(n): f"{W}:{n}@{NOW}" for n in range(1, 701)}
    world.seed(ALIVE, {"owner": held})
    beats = Heartbeat(
        world.queue._connection,
        world.keys,
        W,
        PoolOptions(),
        lambda: Pulse(0, 0, [(id.encode(), int(id)) for id in held]),
        lambda renewal, run_id: None,
    )

    beats.run_once()

    assert world.queue.workers()[0].running == 700


def test_a_heartbeat_of_several_chunks_tells_once_what_was_counted(world: World) -> None:
    held = {str(n): f"{W}:{n}@{NOW}" for n in range(1, 1_201)}
    world.seed(ALIVE, {"owner": held})
    pulse = Pulse(0, 0, [(id.encode(), int(id)) for id in held], None, "1 5 2 7 3")
    options = PoolOptions()
    beats = Heartbeat(world.queue._connection, world.keys, W, options, lambda: pulse, lambda renewal, run_id: None)

    beats.run_once()

    five = world.queue.durations()[0]
    assert (five.waits.count, five.runs.count) == (2, 3)
