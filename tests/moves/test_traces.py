"""Contexts of traced publishes: which stay with an ID, which run is linked to which, and when they are forgotten."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import InvalidOption, Published, Record, State
from convoy_core.moves.publishing import PublishOptions, publish, publish_single, single, traced
from convoy_core.moves.traces import contexts
from convoy_core.moves.working import sweep
from tests.moves.cases import DELAYED, FAILED, FOREIGN, MINE, QUEUED, RECORD, Case
from tests.moves.keyspace import ALIVE, T0, Keyspace, World, claim, failure

A, B, C, D = (f"00-{digit * 32}-{digit * 16}-01" for digit in "abcd")
REFUSED: Keyspace = {"requests": {"a": "1"}, "totals": {"refused": "1"}}


def _publish(context: str, id: str = "a", *, rerun: bool = False) -> Callable[[World], Published]:
    return lambda world: world.run(publish_single(world.keys, traced(single(id, rerun=rerun), context)))


CASES = [
    Case(
        "publish: absent -> queued",
        "a traced publish leaves its context",
        {},
        _publish(A),
        Published.QUEUED,
        {**QUEUED, "published": {"a": T0}, "traces": {"a": A}, "totals": {"published": "1"}},
    ),
    Case(
        "",
        "a publish that is not traced leaves nothing, not even what a failed ID had",
        {**FAILED, "traces": {"a": A}},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {
            **QUEUED,
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            "totals": {"published": "1"},
        },
    ),
    Case(
        "",
        "an untraced publish that is absorbed leaves the contexts as they are",
        {**QUEUED, "traces": {"a": A}},
        lambda world: world.queue.publish("a"),
        Published.ALREADY_QUEUED,
        {**QUEUED, **REFUSED, "traces": {"a": A}},
    ),
    Case(
        "",
        "the first that is absorbed follows the one that was accepted",
        {**QUEUED, "traces": {"a": A}},
        _publish(B),
        Published.ALREADY_QUEUED,
        {**QUEUED, **REFUSED, "traces": {"a": f"{A} {B}"}},
    ),
    Case(
        "",
        "of those that are absorbed the first and the last are kept",
        {**DELAYED, "traces": {"a": f"{A} {B} {C}"}},
        _publish(D),
        Published.ALREADY_DELAYED,
        {**DELAYED, **REFUSED, "traces": {"a": f"{A} {B} {D}"}},
    ),
    Case(
        "",
        "a publish that arrives twice is kept once",
        {**QUEUED, "traces": {"a": f"{A} {B}"}},
        _publish(B),
        Published.ALREADY_QUEUED,
        {**QUEUED, **REFUSED, "traces": {"a": f"{A} {B}"}},
    ),
    Case(
        "",
        "the one that was accepted need not be traced",
        QUEUED,
        _publish(B),
        Published.ALREADY_QUEUED,
        {**QUEUED, **REFUSED, "traces": {"a": f"- {B}"}},
    ),
    Case(
        "",
        "what asks for a rerun is kept apart from what the run stands for that goes on",
        {**MINE, "traces": {"a": A}},
        _publish(B, rerun=True),
        Published.WILL_RERUN,
        {
            **MINE,
            "rerun": {"a"},
            "requests": {"a": f"0 0 1 {T0}"},
            "traces": {"a": f"{A}/{B}"},
            "totals": {"refused": "1"},
        },
    ),
    Case(
        "",
        "a mark after a run that had one itself begins anew",
        {**MINE, "traces": {"a": f"{A}/{B} {C}"}},
        _publish(D, rerun=True),
        Published.WILL_RERUN,
        {
            **MINE,
            "rerun": {"a"},
            "requests": {"a": f"0 0 1 {T0}"},
            "traces": {"a": f"{A} {B} {C}/{D}"},
            "totals": {"refused": "1"},
        },
    ),
    Case(
        "",
        "what else another client has written there is taken for the context of a publish",
        {**QUEUED, "traces": {"a": "x"}},
        _publish(B),
        Published.ALREADY_QUEUED,
        {**QUEUED, **REFUSED, "traces": {"a": f"x {B}"}},
    ),
    Case(
        "",
        "the run after it is linked to those that asked for it",
        {**MINE, "rerun": {"a"}, "traces": {"a": f"{A} {B}/{C} {D}"}},
        lambda world: world.exchange(completed=[claim("a")]).stale,
        [],
        {**ALIVE, **QUEUED, "published": {"a": T0}, "traces": {"a": f"{C} {D}"}, "totals": {"done": "1"}},
    ),
    Case(
        "",
        "a rerun that nobody traced has no context",
        {**MINE, "rerun": {"a"}, "traces": {"a": A}},
        lambda world: world.exchange(completed=[claim("a")]).stale,
        [],
        {**ALIVE, **QUEUED, "published": {"a": T0}, "totals": {"done": "1"}},
    ),
    Case(
        "",
        "a bulk publish leaves its context with each ID, and with one that it names twice once",
        QUEUED,
        lambda world: [world.run(call).answers() for call in publish(world.keys, ["a", "b", "b"], PublishOptions(), B)],
        [[Published.ALREADY_QUEUED, Published.QUEUED, Published.ALREADY_QUEUED]],
        {
            "queued": ["a", "b"],
            "committed": {"a", "b"},
            "published": {**QUEUED["published"], "b": T0},  # type: ignore[dict-item]
            "requests": {"a": "1", "b": "1"},
            "traces": {"a": f"- {B}", "b": B},
            "totals": {"published": "1", "refused": "2"},
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


@pytest.mark.parametrize(
    ("entry", "linked"),
    [
        (A, (A,)),
        (f"{A} {B} {C}", (A, B, C)),
        (f"- {B}", (B,)),
        (f"{A} {B}/{C} {D}", (A, B, D)),
        (f"x {B}", ()),
    ],
)
def test_a_claim_says_which_publishes_a_run_is_linked_to(world: World, entry: str, linked: tuple[str, ...]) -> None:
    world.seed(ALIVE, {"queued": ["b", "a"], "committed": {"a", "b"}, "traces": {"a": entry}})

    claims = world.exchange(want=2).claims

    assert [claim.traces for claim in claims] == [(), linked]


def test_show_tells_the_contexts(world: World) -> None:
    world.seed({**QUEUED, "traces": {"a": f"{A} {B}"}})

    assert world.queue.show("a").traces == (A, B)


KEPT: list[tuple[str, Keyspace, Callable[[World], object]]] = [
    ("fails for good", MINE, lambda world: world.exchange(failed=[(claim("a"), failure())])),
    ("will be tried again", MINE, lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=5))])),
    ("is deferred", MINE, lambda world: world.exchange(deferred=[(claim("a"), 5)])),
    ("is given back", MINE, lambda world: world.exchange(released=[claim("a")])),
    ("is requeued", FAILED, lambda world: world.queue.requeue(["a"])),
    ("has failed, and is swept", FAILED, lambda world: world.drive(sweep(world.keys, (), 10))),
    ("waits, while a check repairs", QUEUED, lambda world: world.queue.repair(world.queue.check(grace_s=0).faults)),
]


@pytest.mark.parametrize(("title", "before", "act"), KEPT, ids=[title for title, _, _ in KEPT])
def test_the_contexts_stay_with_an_id_that(
    world: World, title: str, before: Keyspace, act: Callable[[World], object]
) -> None:
    world.seed(before, {"traces": {"a": f"{A} {B} {C}"}})

    act(world)

    assert world.state()["traces"] == {"a": f"{A} {B} {C}"}


GIVEN_UP: list[tuple[str, Keyspace, Callable[[World], object]]] = [
    ("is done", MINE, lambda world: world.exchange(completed=[claim("a")])),
    ("is discarded", QUEUED, lambda world: world.queue.discard(["a"], state=State.QUEUED)),
    ("is discarded as failed", FAILED, lambda world: world.queue.discard(["a"], state=State.FAILED)),
    ("is cancelled", QUEUED, lambda world: world.queue.cancel(["a"])),
    ("was finished by Node", {}, lambda world: world.drive(sweep(world.keys, (), 10))),
    ("is repaired", ALIVE, lambda world: world.queue.repair(world.queue.check(grace_s=0).faults)),
]


@pytest.mark.parametrize(("title", "before", "act"), GIVEN_UP, ids=[title for title, _, _ in GIVEN_UP])
def test_nothing_is_kept_of_an_id_that(
    world: World, title: str, before: Keyspace, act: Callable[[World], object]
) -> None:
    world.seed(before, {"traces": {"a": f"{A} {B}"}})

    act(world)

    assert "traces" not in world.state()


@pytest.mark.parametrize(
    ("before", "state"), [(QUEUED, State.QUEUED), (FAILED, State.FAILED), (FOREIGN, State.PROCESSING)], ids=str
)
def test_an_id_that_moves_to_another_store_keeps_its_contexts(world: World, before: Keyspace, state: State) -> None:
    world.seed({**before, "traces": {"a": f"{A} {B} {C}"}})
    dumped = list(world.queue.dump(state))
    world.seed({})

    world.queue.restore([Record.from_json(record.as_json()) for record in dumped])

    assert world.state()["traces"] == {"a": f"{A} {B} {C}"}


def test_a_record_without_contexts_has_no_such_member_that_an_older_release_would_refuse() -> None:
    assert "traces" not in Record("a").as_json()


@pytest.mark.parametrize("bad", ["x", [A, "x"], [A, A, A, A], [5], {}, 5])
def test_a_record_with_anything_else_for_contexts_is_refused(bad: object) -> None:
    with pytest.raises(InvalidOption, match=r"traces is .* list of up to three traceparents"):
        Record.from_json({"id": "a", "traces": bad})


def test_entries_are_read() -> None:
    assert contexts(None) == contexts(b"") == contexts(b"x") == contexts(b"-/x") == ()
    assert contexts(f"{A} {A}".encode()) == (A,)
    assert contexts(f"- {B} {C}/{D} {A} {B}".encode()) == (B, C, D, A)
