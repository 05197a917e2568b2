"""Many at once: several Node processes and ours publish and work on one queue side by side."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from convoy_core import Counts, FaultKind, Published, WorkerPool
from tests.cli.conftest import Convoy
from tests.interop.stage import GRACE_S, Stage
from tests.waiting import eventually

IDS = [str(n) for n in range(200)]


def test_each_id_is_accepted_once_between_node_and_ours(each_stage: Stage) -> None:
    nodes = [each_stage.node(f"node{n}") for n in range(3)]

    for id in IDS:
        for node in nodes:
            node.tell("add", id)
    ours = [each_stage.queue.publish(id) for id in IDS]
    theirs = [[node.answer() for _ in IDS] for node in nodes]

    for n, id in enumerate(IDS):
        answers = [ours[n] is Published.QUEUED, *(answers[n] == "accepted" for answers in theirs)]
        assert sum(answers) == 1, id
    assert each_stage.queue.counts() == Counts(queued=len(IDS), committed=len(IDS))
    assert {*each_stage.left()["queued"]} == {*IDS}


def test_each_id_runs_once_between_node_and_ours(each_stage: Stage) -> None:
    nodes = [each_stage.node(f"node{n}") for n in range(2)]
    ran: Counter[str] = Counter()
    has_run = threading.Lock()

    def count(id: str) -> None:
        with has_run:
            ran[id] += 1

    for node in nodes:
        node.ask("work_through")
    with WorkerPool(each_stage.queue, lambda job: count(job.id), concurrency=2):
        for id in IDS:
            each_stage.queue.publish(id)
            nodes[0].tell("add", f"node.{id}")
        for _ in IDS:
            nodes[0].answer()
        eventually(lambda: each_stage.queue.counts() == Counts())
    shares = [len(ran)]
    for node in nodes:
        node.end()
        events = [id for _, id in node.events_before_its_end()]
        ran.update(events)
        shares.append(len(events))

    assert ran == Counter([*IDS, *(f"node.{id}" for id in IDS)]), shares
    faults = each_stage.queue.check(grace_s=GRACE_S).faults
    assert {fault.kind for fault in faults} <= {FaultKind.LEFTOVER}


@pytest.mark.parametrize("side", ["node", "ours"])
def test_the_other_side_goes_on_after_the_store_was_restarted(each_stage: Stage, side: str) -> None:
    """Every connection is cut: redis-convoy ends over a wait that is cut short, and others of its kind take over."""
    each_stage.act("node work")
    each_stage.act("node waits")
    each_stage.act("pool starts")
    each_stage.act("pool waits")

    each_stage.client.client_kill_filter(_type="normal", skipme=True)
    error = each_stage.act("node ends")
    each_stage.act("node2 work")
    each_stage.act("node2 waits")
    if side == "node":
        each_stage.act("pool stops")
        each_stage.act("ours publish a")
        each_stage.act("node2 began a")
        each_stage.act("node2 finish a")
    else:
        each_stage.act("node2 killed")
        each_stage.act("node3 add a")
        each_stage.act("pool began a")
        each_stage.act("pool finish a")

    assert "TypeError" in error
    assert each_stage.queue.counts() == Counts()


def test_f55_ours_waits_for_the_lock_that_a_guard_of_node_has_left(stage: Stage) -> None:
    def jam() -> None:
        """Somebody runs what is too long, while a guard of Node's has just found nothing."""
        stage.act("node began a")
        stage.act("node2 clear 30")
        stage.act("store age a 60")
        locks = stage.client.keys("cv:q:lock:*")  # one for each 5 s
        assert locks
        for lock in locks:
            stage.client.pexpire(lock, 300)  # and not 5 s, for the test's sake

    stage.act("node add a")
    stage.act("node work")
    jam()
    freed = stage.queue.jam_guard(idle_s=30)
    stage.act("node finish a")
    jam()
    result = Convoy(stage.store.url)("jam-guard", "q", "--idle", "30s", "-o", "ids")

    assert freed == ["a"]
    assert (result.exit_code, result.stdout) == (0, "a\n"), result.stderr
