"""Sweeping what Node workers have finished."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core.moves.working import (
    sweep,
)
from tests.moves.cases import DELAYED, FAILED, FOREIGN, GUARDED, MINE, OLD, QUEUED, RECORD, REMEMBERED, numbered
from tests.moves.keyspace import ALIVE, SECOND, T0, Keyspace, W, World, claim

SWEEP: Callable[[World], object] = lambda world: world.drive(sweep(world.keys, (), 1000))  # noqa: E731 - as above


@pytest.mark.parametrize(
    "before",
    [
        QUEUED,
        DELAYED,
        MINE,
        GUARDED,
        {**FOREIGN, "published": {"a": OLD}, "rerun": {"a"}},
        {"processing": {"a": SECOND - 100}, "rerun": {"a"}},
        {f"claim:{W}": ["a"], "committed": {"a"}, "published": {"a": OLD}},
    ],
    ids=["queued", "delayed", "ours", "guarded", "theirs", "dropped while theirs", "handed over"],
)
def test_f53_a_sweep_leaves_alone_what_is_somewhere(world: World, before: Keyspace) -> None:
    whole = {**REMEMBERED, **before}
    world.seed(whole)

    SWEEP(world)

    assert world.state() == whole


def test_f52_f53_a_sweep_forgets_what_a_node_worker_finished(world: World) -> None:
    world.seed(REMEMBERED, {"published": {"a": OLD}})

    SWEEP(world)

    assert world.state() == {}


@pytest.mark.parametrize("mark", [*REMEMBERED, "published"])
def test_f76_a_sweep_forgets_each_mark_that_stands_alone(world: World, mark: str) -> None:
    world.seed({**REMEMBERED, "published": {"a": OLD}}, ALIVE)
    world.client.delete(*(f"cv:q:{other}" for other in (*REMEMBERED, "published") if other != mark))

    SWEEP(world)

    assert world.state() == ALIVE


def test_f76_a_sweep_leaves_of_what_failed_at_node_only_what_is_shown(world: World) -> None:
    world.seed(REMEMBERED, FAILED, {"published": {"a": OLD}, "failures": {"a": "4"}})

    SWEEP(world)

    assert world.state() == {**FAILED, "failed": {"a": 4 + 2}, "payload": {"a": "sload"}}


def test_f25_a_sweep_queues_what_was_to_run_again_after_a_node_workers_run(world: World) -> None:
    world.seed(REMEMBERED, {"published": {"a": OLD}, "rerun": {"a"}})

    SWEEP(world)
    SWEEP(world)

    assert world.state() == {
        "queued": ["a"],
        "committed": {"a"},
        "published": {"a": T0},
        "payload": {"a": "sload"},
    }


def test_f25_a_sweep_queues_it_as_well_when_that_run_has_failed(world: World) -> None:
    world.seed(REMEMBERED, FAILED, {"rerun": {"a"}})

    SWEEP(world)

    assert world.state() == {
        "queued": ["a"],
        "committed": {"a"},
        "published": {"a": T0},
        "payload": {"a": "sload"},
        "failures": {"a": "6"},
        "crashes": {"a": "1"},
        "failure": {"a": RECORD},
    }


def test_f25_a_claim_of_what_node_published_meanwhile_is_the_run_that_was_asked_for(world: World) -> None:
    world.seed(ALIVE, {"queued": ["a"], "committed": {"a"}, "rerun": {"a"}})

    world.exchange(completed=world.exchange(want=1).claims, number=8)

    assert world.state() == {**ALIVE, **numbered(7), "totals": {"done": "1"}}


def test_f53_sweeps_get_around_in_slices(world: World) -> None:
    gone = [str(n) for n in range(3_000)]
    world.seed({"published": {**dict.fromkeys(gone, OLD), "a": OLD}, "committed": {"a"}, "queued": ["a"]})

    stops, slices = world.drive(sweep(world.keys, (), 500)), 1
    while any(stops):
        stops, slices = world.drive(sweep(world.keys, stops, 500)), slices + 1

    assert 3 <= slices <= 20
    assert world.state() == {"published": {"a": OLD}, "committed": {"a"}, "queued": ["a"]}


@pytest.mark.parametrize("mark", [*REMEMBERED])
def test_f76_a_sweep_finds_a_mark_however_much_is_remembered_in_the_keys_before(world: World, mark: str) -> None:
    busy = {f"{n}": OLD for n in range(1_200)}
    whole: Keyspace = {"published": busy, "attempts": busy, "crashes": busy, "committed": {*busy}, "queued": [*busy]}
    world.seed(whole)
    world.client.hset(f"cv:q:{mark}", "a", "1")

    stops = world.drive(sweep(world.keys, (), 500))
    while any(stops):
        stops = world.drive(sweep(world.keys, stops, 500))

    assert world.state() == whole


def test_f52_f53_a_node_publish_after_a_sweep_inherits_nothing_from_an_earlier_run(world: World) -> None:
    world.seed(ALIVE)
    world.queue.publish("a", payload="secret")
    node = world.client
    node.lpop("cv:q:queued")
    node.srem("cv:q:committed", "a")
    node.hset("cv:q:attempts", "a", "2")
    SWEEP(world)
    node.sadd("cv:q:committed", "a")
    node.rpush("cv:q:queued", "a")

    claims = world.exchange(want=1).claims

    assert claims == [claim("a", 7)]
