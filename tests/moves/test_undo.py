"""Undoing: a requeue is taken back for those IDs that have not run; pauses and limits, if nobody acted since."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from convoy_core import (
    AuditEntry,
    Face,
    InvalidOption,
    Operator,
    Outcome,
    Queue,
    QueueLimits,
    State,
    Undo,
    Undone,
)
from convoy_core.moves.call import per_id
from tests.moves.cases import FAILED, QUEUED, RECORD, Case
from tests.moves.keyspace import ALIVE, T0, Keyspace, World, failure
from tests.servers import RealServer

ANN = Operator("ann@desk", Face.COMMAND_LINE, operation="op1")
BOB = Operator("bob@desk", operation="op2")


def withdraw(world: World, *ids: str, at: str = T0, dry_run: bool = False) -> dict[str, Outcome]:
    """What undoing a requeue asks of the store for each ID."""
    raw = [id.encode() for id in ids]
    return world.drive(per_id("withdraw", world.keys, ("", at), raw, Outcome, dry_run=dry_run, size=100))


REQUEUED: Keyspace = {
    "queued": ["x", "a", "y"],
    "committed": {"x", "a", "y"},
    "published": {"x": "5", "a": T0, "y": "7"},
    "failures": {"a": "2"},
    "failure": {"a": RECORD},
}
BACK: Keyspace = {
    "queued": ["x", "y"],
    "committed": {"x", "y"},
    "published": {"x": "5", "y": "7"},
    "failed": {"a": 2},
    "failure": {"a": RECORD},
}
GONE = {"a": Outcome.GONE}


def _untouched(name: str, before: Keyspace) -> Case:
    return Case("", name, before, lambda world: withdraw(world, "a"), GONE, before)


CASES = [
    Case(
        "withdraw: queued -> failed",
        "withdraw puts back what waits as it was requeued, with its count and its error",
        REQUEUED,
        lambda world: withdraw(world, "a", "x", "z"),
        {"a": Outcome.FAILED, "x": Outcome.GONE, "z": Outcome.GONE},
        BACK,
    ),
    Case(
        "",
        "a dry run of withdraw answers the same and changes nothing",
        REQUEUED,
        lambda world: withdraw(world, "a", "x", dry_run=True),
        {"a": Outcome.FAILED, "x": Outcome.GONE},
        REQUEUED,
    ),
    _untouched("withdraw leaves alone what has failed once more and waits again", {**REQUEUED, "attempts": {"a": "1"}}),
    _untouched("withdraw leaves alone what a worker has died with", {**REQUEUED, "crashes": {"a": "1"}}),
    _untouched("withdraw leaves alone what somebody has asked for since", {**REQUEUED, "requests": {"a": "1"}}),
    _untouched("withdraw leaves alone what has ended and was published anew", {**ALIVE, **QUEUED}),
    _untouched("withdraw leaves alone what is failed again", FAILED),
]


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """A queue on which Ann acts, on Valkey and on Redis."""
    world = World(each_store)
    world.queue._operator = ANN
    yield world
    world.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


def act(world: World, does: Callable[[Queue], object]) -> AuditEntry:
    """What the audit has kept of this."""
    does(world.queue)
    return world.queue.audit()[-1]


# -- a requeue


def test_a_requeue_is_undone_for_those_that_have_not_run(world: World) -> None:
    world.seed(ALIVE, {"failed": {"a": 2, "b": 1, "c": 1, "d": 1}})
    done = act(world, lambda queue: queue.requeue(["a", "b", "c", "d", "x"]))
    world.exchange(want=1)
    world.queue.publish("b")
    world.queue.cancel(["c"])

    would = world.queue.undo(done, dry_run=True)
    before = world.state()
    answer = world.queue.undo(done)

    outcomes = dict.fromkeys("abcd", Outcome.GONE) | {"d": Outcome.FAILED}
    assert before["queued"] == ["b", "d"]
    assert would == answer == Undone(Undo.UNDONE, outcomes)
    assert world.queue.audit()[-1].verb == "withdraw"
    assert world.state()["failed"] == {"d": 1}
    assert world.queue.undo(done).answer is Undo.UNCHANGED


def test_the_ids_of_a_requeue_are_known_whatever_becomes_of_them(world: World) -> None:
    world.seed(ALIVE, {"failed": {str(n): 1 for n in range(1100)}})
    done = act(world, lambda queue: queue.requeue(map(str, range(1100))))
    taken = world.exchange(want=2)
    world.exchange(completed=[taken.claims[0]], failed=[(taken.claims[1], failure())])

    ids = world.queue.requeued(done)

    assert sorted(ids, key=int) == [str(n) for n in range(1100)]
    assert world.client.ttl("cv:q:requeued") == 604_800


def test_each_requeue_has_its_own_ids(world: World) -> None:
    world.seed({"failed": {"a": 1, "b": 1}})
    first = act(world, lambda queue: queue.requeue(["a"]))
    world.queue._operator = BOB
    second = act(world, lambda queue: queue.requeue(["b"]))

    assert (world.queue.requeued(first), world.queue.requeued(second)) == (["a"], ["b"])


def test_of_a_requeue_that_is_forgotten_nothing_is_undone(world: World) -> None:
    world.seed({"failed": {"a": 1}})
    done = act(world, lambda queue: queue.requeue(["a"]))
    world.client.delete("cv:q:requeued")

    assert world.queue.undo(done) == Undone(Undo.UNKNOWN)
    assert world.queue.counts().queued == 1


def test_long_ids_are_forgotten_rather_than_kept_at_any_price(world: World) -> None:
    ids = [f"{n:016383d}" for n in range(6)]
    world.seed({"failed": dict.fromkeys(ids, 1)})
    done = act(world, lambda queue: queue.requeue(ids))

    assert len(world.queue.requeued(done)) == 4
    assert Outcome.GONE not in world.queue.undo(done).outcomes.values()


# -- the queue as a whole

WHOLE: dict[str, tuple[Callable[[Queue], object], Callable[[Queue], object], Callable[[Queue], object]]] = {
    "pause": (lambda _: None, lambda queue: queue.pause(), lambda queue: queue.snapshot().paused),
    "resume": (lambda queue: queue.pause(), lambda queue: queue.resume(), lambda queue: queue.snapshot().paused),
    "limit": (
        lambda queue: queue.set_limits(concurrency=7, rate=5, period_s=60, burst=2),
        lambda queue: queue.set_limits(concurrency=9),
        lambda queue: queue.limits(),
    ),
    "first limit": (lambda _: None, lambda queue: queue.set_limits(rate=5), lambda queue: queue.limits()),
    "lift": (lambda queue: queue.set_limits(rate=3), lambda queue: queue.set_limits(), lambda queue: queue.limits()),
}


@pytest.mark.parametrize("name", WHOLE)
def test_an_act_on_a_queue_is_undone(world: World, name: str) -> None:
    prepare, does, look = WHOLE[name]
    world.queue._operator = BOB
    prepare(world.queue)
    before = look(world.queue)
    world.queue._operator = ANN
    done = act(world, does)

    would = world.queue.undo(done, dry_run=True)
    assert look(world.queue) != before
    answer = world.queue.undo(done)

    assert would == answer == Undone(Undo.UNDONE)
    assert look(world.queue) == before


@pytest.mark.parametrize("name", WHOLE)
def test_an_act_is_not_undone_after_somebody_has_acted_so_since(world: World, name: str) -> None:
    prepare, does, look = WHOLE[name]
    prepare(world.queue)
    done = act(world, does)
    world.queue._operator = BOB
    if name in ("pause", "resume"):
        WHOLE["pause" if name == "resume" else "resume"][1](world.queue)
        does(world.queue)
    else:
        world.queue.set_limits(concurrency=1)
    now = look(world.queue)

    assert world.queue.undo(done, dry_run=True) == world.queue.undo(done) == Undone(Undo.OVERTAKEN)
    assert look(world.queue) == now


def test_what_somebody_without_a_name_has_undone_is_left_alone(world: World) -> None:
    done = act(world, lambda queue: queue.pause())
    world.queue._operator = Operator("")
    world.queue.resume()

    assert world.queue.undo(done) == Undone(Undo.UNCHANGED)


def test_a_change_of_limits_is_kept_with_what_was_before(world: World) -> None:
    world.queue.set_limits(concurrency=7, rate=5, period_s=60, burst=2)
    world.queue.set_limits(rate=9, burst=1)

    (entry,) = world.queue.audit()

    assert (entry.before, entry.after) == (QueueLimits(), QueueLimits(None, 9, 1.0, 1))


def test_only_what_can_be_undone_is(world: World) -> None:
    world.seed({"queued": ["a"], "committed": {"a"}})
    done = act(world, lambda queue: queue.discard(["a"], state=State.QUEUED))

    with pytest.raises(InvalidOption, match="act is a 'discard'; only limit and pause and requeue and resume can be"):
        world.queue.undo(done)
    with pytest.raises(InvalidOption, match="act is a 'discard'; only requeue can be"):
        world.queue.requeued(done)
