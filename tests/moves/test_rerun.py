"""A publish during a run."""

from __future__ import annotations

from tests.moves.cases import QUEUED, numbered
from tests.moves.keyspace import ALIVE, World


def test_f25_a_publish_during_a_run_ends_in_exactly_one_more_run(world: World) -> None:
    world.seed(ALIVE, QUEUED)
    runs = 0

    while claims := world.exchange(want=1, number=runs + 1).claims:
        runs += 1
        if runs == 1:
            world.queue.publish("a", rerun=True)
            world.queue.publish("a", rerun=True)
        world.exchange(completed=claims)

    assert runs == 2
    assert world.state() == {**ALIVE, **numbered(3), "totals": {"done": "2", "refused": "2"}}
