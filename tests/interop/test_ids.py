"""IDs of every kind go from Node clients to ours and back, and arrive as they were."""

from __future__ import annotations

import pytest

from convoy_core import FaultKind, Isolated, PoolOptions, Repaired, State, WorkerPool
from tests.interop.stage import GRACE_S, Stage

IDS = {
    "digits": "42",
    "zeros": "007",
    "spaces": " a  b ",
    "lines": "a\nb\r\nc\0d",
    "JSON": '{"user": 42, "tags": ["a"]}',
    "glob": "cv:*?[a]",
    "protocol": "*3\r\n$3\r\nDEL",
    "a name of JavaScript": "__proto__",
    "accents": "Zoë",
    "accents apart": "Zoe\u0308",
    "emoji": "🚚🏳️\u200d🌈",
    "right to left": "\u202eabc",
    "very long": "x" * 20_000,
}
"""The last is longer than ours may publish."""

LONG = IDS["very long"]


@pytest.mark.parametrize("kind", IDS)
def test_an_id_from_node_arrives_as_it_was(stage: Stage, kind: str) -> None:
    id, seen = IDS[kind], list[str]()

    answers = [stage.node("node").ask("add", id), stage.node("node2").ask("add", id)]
    WorkerPool(stage.queue, lambda job: seen.append(job.id), options=PoolOptions(burst=True)).run()

    assert answers == ["accepted", "committed"]
    assert seen == [id]
    assert stage.left() == {}


@pytest.mark.parametrize("kind", [kind for kind in IDS if kind != "very long"])
def test_an_id_from_ours_arrives_as_it_was(stage: Stage, kind: str) -> None:
    id, node = IDS[kind], stage.node("node")

    stage.queue.publish(id)
    answer = node.ask("add", id)
    node.ask("work")
    event = node.event()
    node.ask("finish", id)

    assert answer == "committed"
    assert event == ("began", id)
    assert stage.left() == {"published": {id}}


def test_numbers_are_their_digits_on_both_sides(stage: Stage) -> None:
    answers = [
        stage.node("node").ask("add", 42),
        stage.queue.publish(42),
        stage.queue.publish(43),
        stage.node("node").ask("add", 43),
    ]

    assert answers == ["accepted", "already_queued", "queued", "committed"]


def test_an_empty_id_is_refused_by_both(stage: Stage) -> None:
    assert stage.node("node").ask("add", "") == "refused: Jobs must have an ID"
    assert stage.left() == {}


def test_f47_a_ghost_with_an_id_longer_than_ours_is_repaired_with_the_others(stage: Stage) -> None:
    for name, id in (("node", LONG), ("node2", "short")):
        stage.node(name).ask("set_trap", "die", "rpush")
        assert stage.node(name).ask("add", id) == "dead"

    check = stage.queue.check(grace_s=GRACE_S)
    repaired = stage.queue.repair(check.faults)

    assert {(fault.kind, fault.id) for fault in check.faults} == {(FaultKind.MISSING, id) for id in (LONG, "short")}
    assert {*repaired.values()} == {Repaired.QUEUED}
    assert {*stage.left()["queued"]} == {LONG, "short"}


def test_a_jam_guard_frees_ids_longer_than_ours_with_the_others(stage: Stage) -> None:
    for name, id in (("node", LONG), ("node2", "short")):
        stage.node(name).ask("add", id)
        stage.node(name).ask("work")
        stage.node(name).event()
        stage.client.zincrby("cv:q:processing", -60, id)

    freed = stage.queue.jam_guard(idle_s=30)

    assert {*freed} == {LONG, "short"}
    assert {*stage.left()["queued"]} == {LONG, "short"}


def test_an_id_longer_than_ours_runs_in_a_child_process(stage: Stage) -> None:
    stage.node("node").ask("add", LONG)

    status = WorkerPool(
        stage.queue, Isolated("tests.handlers.handlers_to_isolate:leave_alone"), options=PoolOptions(burst=True)
    ).run()

    assert (status.done, status.failed) == (1, 0)
    assert stage.left() == {}


def test_what_failed_with_an_id_longer_than_ours_is_listed_and_discarded(stage: Stage) -> None:
    node = stage.node("node")
    node.ask("add", LONG)
    node.ask("work")
    node.event()
    node.ask("fail", LONG, "boom")

    listed = stage.queue.page(State.FAILED).total
    discarded = stage.queue.discard_all(State.FAILED)

    assert (listed, discarded) == (1, 1)
    assert stage.left() == {"errorLog": ["boom"]}
