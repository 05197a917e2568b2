"""Absorbed requests: what a refused publish leaves, what the run is told, and when it is forgotten."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import Published, Record, State, Tally
from convoy_core.moves.absorbed import NOTHING, Absorbed, absorbed, first_asked
from convoy_core.moves.working import sweep
from tests.moves.cases import DELAYED, FAILED, FOREIGN, MINE, OLD, PAST, QUEUED, Case
from tests.moves.keyspace import ALIVE, NOW, T0, Keyspace, W, World, claim, failure

REFUSED: Keyspace = {"totals": {"refused": "1"}}
ONE = "1"
AGAIN: Keyspace = {**ALIVE, "queued": ["a"], "committed": {"a"}, "published": {"a": T0}, "totals": {"done": "1"}}

CASES = [
    Case(
        "",
        "a publish of a queued ID is counted for its run",
        QUEUED,
        lambda world: world.queue.publish("a"),
        Published.ALREADY_QUEUED,
        {**QUEUED, "requests": {"a": ONE}, **REFUSED},
    ),
    Case(
        "",
        "a publish of a delayed ID is counted, and the time of the first is kept",
        {**DELAYED, "requests": {"a": "4 7"}},
        lambda world: world.queue.publish("a", rerun=True),
        Published.ALREADY_DELAYED,
        {**DELAYED, "requests": {"a": "5 7"}, **REFUSED},
    ),
    Case(
        "",
        "a publish of a running ID is absorbed by its run",
        {**MINE, "requests": {"a": "4 7"}},
        lambda world: world.queue.publish("a"),
        Published.PROCESSING,
        {**MINE, "requests": {"a": "5 7"}, **REFUSED},
    ),
    Case(
        "",
        "a publish of what a Node worker runs is absorbed by its run",
        FOREIGN,
        lambda world: world.queue.publish("a"),
        Published.PROCESSING,
        {**FOREIGN, "requests": {"a": ONE}, **REFUSED},
    ),
    Case(
        "",
        "publishes with a rerun are counted for the next run",
        {**MINE, "requests": {"a": "4 7"}},
        lambda world: world.queue.publish_many(["a", "a"], rerun=True),
        Tally(will_rerun=2),
        {**MINE, "rerun": {"a"}, "requests": {"a": f"4 7 2 {T0}"}, "totals": {"refused": "2"}},
    ),
    Case(
        "",
        "what was asked for before a run began is not counted for the run after it",
        {**MINE, "requests": {"a": "4 7 3 8"}},
        lambda world: world.queue.publish("a", rerun=True),
        Published.WILL_RERUN,
        {**MINE, "rerun": {"a"}, "requests": {"a": f"7 7 1 {T0}"}, **REFUSED},
    ),
    Case(
        "",
        "publishes of one ID in one chunk are counted for the first of them",
        {},
        lambda world: world.queue.publish_many(["a", "b", "a", "a"]),
        Tally(published=2, waiting=2),
        {
            "queued": ["a", "b"],
            "committed": {"a", "b"},
            "published": {"a": T0, "b": T0},
            "requests": {"a": "2"},
            "totals": {"published": "2", "refused": "2"},
        },
    ),
    Case(
        "",
        "a publish of an absent ID begins with one",
        {"requests": {"a": "4 7"}},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["a"], "committed": {"a"}, "published": {"a": T0}, "totals": {"published": "1"}},
    ),
    Case(
        "",
        "an entry that is none of ours counts as nothing",
        {**QUEUED, "requests": {"a": "many"}},
        lambda world: world.queue.publish("a"),
        Published.ALREADY_QUEUED,
        {**QUEUED, "requests": {"a": ONE}, **REFUSED},
    ),
    Case(
        "",
        "dry publish counts nothing",
        QUEUED,
        lambda world: [chunk.answers() for chunk in world.queue.publish_chunks(["a"], dry_run=True)],
        [[Published.ALREADY_QUEUED]],
        QUEUED,
    ),
    Case(
        "",
        "a run that ends takes its requests with it",
        {**MINE, "requests": {"a": "4 7"}},
        lambda world: world.exchange(completed=[claim("a")]).stale,
        [],
        {**ALIVE, "totals": {"done": "1"}},
    ),
    Case(
        "",
        "the run after it stands for those who asked for it",
        {**MINE, "rerun": {"a"}, "requests": {"a": "4 7 3 8"}},
        lambda world: world.exchange(completed=[claim("a")]).stale,
        [],
        {**AGAIN, "requests": {"a": "2 8"}},
    ),
    Case(
        "",
        "the run after it stands for one if one asked for it",
        {**MINE, "rerun": {"a"}, "requests": {"a": "4 7 1 8"}},
        lambda world: world.exchange(completed=[claim("a")]).stale,
        [],
        AGAIN,
    ),
    Case(
        "",
        "a run that will be tried again keeps its requests",
        {**MINE, "requests": {"a": "4 7"}},
        lambda world: world.exchange(deferred=[(claim("a"), 5)]).stale,
        [],
        {
            **ALIVE,
            "delayed": {"a": NOW + 5},
            "committed": {"a"},
            "published": {"a": OLD},
            "requests": {"a": "4 7"},
            "totals": {"deferred": "1"},
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


@pytest.mark.parametrize(
    ("entry", "requests", "first"),
    [
        ("4", 5, PAST / 1000),
        ("4 7", 5, 0.007),
        (f"4 {NOW}", 5, PAST / 1000),
        (f"0 {NOW} 2 {NOW}", 3, PAST / 1000),
        ("1 9000 2 8000", 4, 8.0),
        ("nonsense", 1, None),
    ],
)
def test_a_claim_says_for_how_many_a_run_stands_and_since_when(
    world: World, entry: str, requests: int, first: float | None
) -> None:
    world.seed(ALIVE, {"queued": ["b", "a"], "committed": {"a", "b"}, "published": {"a": OLD, "b": OLD}})
    world.client.hset("cv:q:requests", "a", entry)

    claims = world.exchange(want=2).claims

    assert [(claim.requests, claim.first_asked_at) for claim in claims] == [(1, None), (requests, first)]


def test_an_id_whose_publish_has_no_time_tells_its_run_what_else_is_known(world: World) -> None:
    world.seed(ALIVE, {"queued": ["a"], "committed": {"a"}, "requests": {"a": "1 5000"}})

    (taken,) = world.exchange(want=1).claims

    assert (taken.requests, taken.first_asked_at) == (2, 5.0)


def test_a_claim_of_many_that_makes_tables_of_flat_lists_leaves_the_entries(world: World) -> None:
    ids = [f"{n}" for n in range(40)]
    world.seed(ALIVE, {"queued": ids, "committed": set(ids), "requests": {"7": "4 7"}})

    claims = world.exchange(want=40).claims

    assert {each.raw_id: each.requests for each in claims if each.requests > 1} == {b"7": 5}
    assert world.state()["requests"] == {"7": "4 7"}
    assert world.state()[f"worker:{W}"] == {"number": "46"}


def test_show_tells_the_requests_for_the_run_that_goes_on_from_those_for_the_next(world: World) -> None:
    world.seed({**MINE, "rerun": {"a"}, "requests": {"a": "4 7 3 8"}})
    running = world.queue.show("a")
    world.client.delete("cv:q:rerun")
    merged = world.queue.show("a")

    assert (running.requests, running.first_asked, running.rerun_requests) == (5, 0.007, 3)
    assert (merged.requests, merged.first_asked, merged.rerun_requests) == (8, 0.007, 0)


GIVEN_UP: list[tuple[str, Keyspace, Callable[[World], object]]] = [
    ("fails for good", MINE, lambda world: world.exchange(failed=[(claim("a"), failure())])),
    ("is discarded", QUEUED, lambda world: world.queue.discard(["a"], state=State.QUEUED)),
    ("was finished by Node", {}, lambda world: world.drive(sweep(world.keys, (), 10))),
    ("was failed by Node", FAILED, lambda world: world.drive(sweep(world.keys, (), 10))),
    ("is requeued", FAILED, lambda world: world.queue.requeue(["a"])),
    ("is repaired", ALIVE, lambda world: world.queue.repair(world.queue.check(grace_s=0).faults)),
]


@pytest.mark.parametrize(("title", "before", "act"), GIVEN_UP, ids=[title for title, _, _ in GIVEN_UP])
def test_nothing_is_kept_of_an_id_that(
    world: World, title: str, before: Keyspace, act: Callable[[World], object]
) -> None:
    world.seed(before, {"requests": {"a": "4 7"}})

    act(world)

    assert "requests" not in world.state()


def test_an_id_that_moves_to_another_store_keeps_its_requests(world: World) -> None:
    world.seed({**QUEUED, "requests": {"a": "4 7"}})
    dumped = list(world.queue.dump(State.QUEUED))
    world.seed({})

    world.queue.restore([Record.from_json(record.as_json()) for record in dumped])

    assert (dumped[0].requests, dumped[0].first_asked) == (5, 0.007)
    assert world.state()["requests"] == {"a": "4 7"}


def test_entries_are_read() -> None:
    assert absorbed(None) is NOTHING
    assert absorbed(b"x") is NOTHING
    assert absorbed(b"1 2000 3 1000") == Absorbed(1, 1.0, 3)
    assert absorbed(b"1 0") == absorbed(b"1") == Absorbed(1, None, 0)
    assert first_asked(absorbed(b"1 0"), None) is None
