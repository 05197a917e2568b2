"""Node processes that are killed, at each of their steps and at any moment: what the doctor finds then, and repairs."""

from __future__ import annotations

import random
import threading

import pytest

from convoy_core import FaultKind, PoolOptions, Queue, QueueCheck, WorkerPool
from tests.cli.conftest import Convoy
from tests.interop.stage import GRACE_S, Stage
from tests.waiting import patient

BURST = PoolOptions(burst=True)


def _run_all(queue: Queue) -> list[str]:
    seen: list[str] = []
    WorkerPool(queue, lambda job: seen.append(job.id), options=BURST).run()
    return sorted(seen)


def _ghosts(queue: Queue) -> list[str]:
    faults = queue.check(grace_s=GRACE_S).faults
    assert {fault.kind for fault in faults} <= {FaultKind.MISSING}
    return sorted(fault.id for fault in faults)


@pytest.mark.parametrize(
    ("step", "ghosts", "left"),
    [
        ("sadd", [], []),
        ("rpush", ["a"], ["a"]),
    ],
)
def test_f47_a_publisher_dies_before_a_step(stage: Stage, step: str, ghosts: list[str], left: list[str]) -> None:
    stage.node("node").ask("set_trap", "die", step)
    assert stage.node("node").ask("add", "a") == "dead"

    found = _ghosts(stage.queue)
    stage.queue.repair(stage.queue.check(grace_s=GRACE_S).faults)

    assert found == ghosts
    assert stage.queue.check(grace_s=GRACE_S).is_sound
    assert _run_all(stage.queue) == left
    assert stage.left() == {}


@pytest.mark.parametrize(
    ("step", "ghosts", "jammed", "runs"),
    [
        ("zadd", ["a"], [], ["a"]),  # taken from the list, and not yet processing
        ("multi", [], ["a"], ["a"]),  # its run is over, and not yet written down
        ("zincrby", [], [], []),  # failed, and not yet counted: the ID is absent
    ],
)
def test_f47_a_worker_dies_before_a_step(
    stage: Stage, step: str, ghosts: list[str], jammed: list[str], runs: list[str]
) -> None:
    node = stage.node("node")
    node.ask("add", "a")
    node.ask("set_trap", "die", step)
    if step == "zadd":
        node.tell("work")
    else:
        node.ask("work")
        node.event()
        node.tell("fail", "a", "boom")
    node.end()

    found = _ghosts(stage.queue)
    stage.queue.repair(stage.queue.check(grace_s=GRACE_S).faults)
    freed = stage.queue.jam_guard(idle_s=0)

    assert (found, freed) == (ghosts, jammed)
    assert stage.queue.check(grace_s=GRACE_S).is_sound
    assert _run_all(stage.queue) == runs
    assert stage.left() == {}


def test_f47_the_command_finds_and_repairs_a_ghost_and_then_finds_nothing(stage: Stage) -> None:
    convoy = Convoy(stage.store.url)
    stage.node("node").ask("set_trap", "die", "rpush")
    stage.node("node").ask("add", "a")
    look = ("doctor", "q", "--grace", f"{GRACE_S}s")

    ids = [convoy(*look, "-o", "ids").stdout, convoy(*look, "--fix", "--yes", "-o", "ids").stdout]
    ids.append(convoy(*look, "-o", "ids").stdout)

    assert ids == ["a\n", "a\n", ""]
    assert stage.left() == {"queued": ["a"], "committed": {"a"}}


def test_f47_a_live_node_client_between_two_commands_is_no_ghost(stage: Stage) -> None:
    node = stage.node("node")
    node.ask("set_trap", "hold", "rpush")
    node.tell("add", "a")
    node.event()
    has_looked = threading.Event()
    checks: list[QueueCheck] = []

    def told(done: int, total: int) -> None:
        if done == total:
            has_looked.set()

    def check() -> None:
        checks.append(stage.queue.check(grace_s=1.0, progress=told))

    looking = threading.Thread(target=check)
    looking.start()
    assert has_looked.wait(patient())
    node.tell("go_on")
    looking.join()

    assert [check.faults for check in checks] == [()]


@pytest.mark.parametrize("seed", range(3))
def test_f47_whatever_node_processes_die_at_is_repaired_and_nothing_accepted_is_lost(stage: Stage, seed: int) -> None:
    """They publish and work until they are killed at random moments; ours publish and work beside them."""
    chance = random.Random(seed)
    accepted: set[str] = set()
    ran: set[str] = set()
    names = [f"node{n}" for n in range(4)]
    with WorkerPool(stage.queue, lambda job: ran.add(job.id), concurrency=2):
        for number, name in enumerate(names):
            node = stage.node(name)
            if number % 2:
                node.ask("work_through")
            ids = [f"{number}.{n}" for n in range(60)]
            for id in ids:
                node.tell("add", id)
                stage.queue.publish(f"ours.{id}")
                accepted.add(f"ours.{id}")
            lifetime = chance.randrange(60)
            assert {node.answer() for _ in range(lifetime)} <= {"accepted"}, f"seed {seed}"
            node.kill()
            accepted |= {*ids[:lifetime]}
    for name in names:
        ran |= {id for _, id in stage.node(name).events_before_its_end()}

    repaired = stage.queue.repair(stage.queue.check(grace_s=GRACE_S).faults)
    stage.queue.jam_guard(idle_s=0)
    ran |= {*_run_all(stage.queue)}

    assert {fault.kind for fault in repaired} <= {FaultKind.MISSING, FaultKind.LEFTOVER}, f"seed {seed}"
    assert stage.queue.check(grace_s=GRACE_S).is_sound, f"seed {seed}"
    assert stage.left() == {}, f"seed {seed}"
    assert accepted - ran == set(), f"seed {seed}"
