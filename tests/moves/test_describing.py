"""What operators say about a queue: read with the snapshot, over by the store's clock, and free where it is not."""

from __future__ import annotations

import pytest

from convoy_core import About, Acknowledgement, InvalidOption, Operator, StoreDamaged
from tests.moves.keyspace import NOW, World, commands

ANN = Operator("ann@laptop", operation="op")


@pytest.fixture(autouse=True)
def by_ann(world: World) -> None:
    world.queue._operator = ANN


def known(world: World) -> Acknowledgement | None:
    return world.queue.snapshot().about.acknowledged


def test_an_acknowledgement_is_in_the_snapshot_with_all_that_was_said(world: World) -> None:
    answers = [
        world.queue.acknowledge(for_s=60, note="they know", words=["NO WORKERS", "STALLED"]),
        world.queue.acknowledge(for_s=120, note="they know", words=["NO WORKERS", "STALLED"]),
    ]

    found = known(world)
    assert answers == [False, True]
    assert found == Acknowledgement(NOW / 1000 + 120, NOW / 1000, "ann@laptop", "they know", ("NO WORKERS", "STALLED"))
    assert [found.covers(word) for word in ("NO WORKERS", "STALLED", "FAILING")] == [True, True, False]


def test_without_words_it_covers_whatever_comes(world: World) -> None:
    world.queue.acknowledge(for_s=60)

    found = known(world)

    assert found is not None
    assert found.covers("JAMMED")
    assert found.covers("FAILING")


@pytest.mark.parametrize(("later_ms", "holds"), [(0, True), (59_999, True), (60_000, False), (90_000, False)])
def test_it_ends_by_itself_by_the_clock_of_the_store(world: World, later_ms: int, holds: bool) -> None:
    world.queue.acknowledge(for_s=60, words=["BEHIND"])

    world.queue._connection.now_ms = NOW + later_ms

    assert (known(world) is not None) is holds
    assert world.queue.acknowledge(for_s=1) is holds


def test_it_is_taken_back_once(world: World) -> None:
    world.queue.describe(owner="team trucks")
    world.queue.acknowledge(for_s=60, note="n", words=["BEHIND"])

    answers = [world.queue.end_acknowledgement(), world.queue.end_acknowledgement()]

    assert answers == [True, False]
    assert world.state()["about"] == {"owner": "team trucks"}


def test_one_that_is_over_is_cleared_away_and_nothing_was_taken_back(world: World) -> None:
    world.queue.acknowledge(for_s=60)
    world.queue._connection.now_ms = NOW + 60_000

    assert world.queue.end_acknowledgement() is False
    assert "about" not in world.state()


def test_a_description_is_kept_field_by_field_and_taken_away_by_an_empty_text(world: World) -> None:
    answers = [
        world.queue.describe(owner="team trucks", runbook="https://wiki.example/trucks"),
        world.queue.describe(note="paid by the mile"),
        world.queue.describe(owner="team trucks"),
        world.queue.describe(),
        world.queue.describe(owner="", note="bought"),
    ]

    assert answers == [True, True, False, False, True]
    assert world.queue.snapshot().about == About("", "https://wiki.example/trucks", "bought")


def test_an_acknowledgement_and_a_description_leave_each_other_alone(world: World) -> None:
    world.queue.acknowledge(for_s=60, note="the provider is down")
    world.queue.describe(note="paid by the mile")

    about = world.queue.snapshot().about

    assert about.acknowledged is not None
    assert (about.note, about.acknowledged.note) == ("paid by the mile", "the provider is down")


def test_each_is_kept_in_the_audit_with_the_note_for_its_reason(world: World) -> None:
    world.queue.acknowledge(for_s=60, note="they know")
    world.queue.end_acknowledgement()
    world.queue.end_acknowledgement()
    world.queue.describe(owner="team trucks", note="n")
    world.queue.describe(owner="team trucks")

    acts = world.queue.audit()

    assert [(act.verb, act.who, act.reason, dict(act.outcomes)) for act in acts] == [
        ("ack", "ann@laptop", "they know", {"acknowledged": 1}),
        ("unack", "ann@laptop", "", {"ended": 1}),
        ("describe", "ann@laptop", "", {"owner": 1, "note": 1}),
    ]


def test_a_snapshot_asks_for_it_only_where_there_is_something(world: World) -> None:
    def looked() -> int:
        return commands(world.client, world.queue.snapshot)["hgetall"]

    world.queue.publish("1")
    before = looked()

    world.queue.describe(owner="team trucks")

    assert (before, looked()) == (1, 3)  # of the totals, and then of what is said and what bars workers


def test_what_another_client_wrote_there_ends_nothing(world: World) -> None:
    world.client.hset("cv:q:about", mapping={b"owner": b"\xff", b"until": b"soon", b"words": b"x", b"more": b"1"})

    assert world.queue.snapshot().about == About(owner="�")


def test_a_key_of_a_wrong_type_is_damage(world: World) -> None:
    world.client.set("cv:q:about", "x")

    damage = world.queue.snapshot().damage
    with pytest.raises(StoreDamaged, match="about"):
        world.queue.describe(owner="a")

    assert damage == "The key cv:q:about holds a string, where Convoy keeps a hash."


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"for_s": 367 * 86_400}, "for_s is 31708800; it must be a time of at most 366 days."),
        ({"for_s": 60, "words": ["a,b"]}, "A word of words is 'a,b'; it must be a health word, like 'NO WORKERS'."),
        ({"for_s": 60, "words": ["x"] * 21}, "it must be at most 20 health words."),
        ({"for_s": 60, "note": "x" * 1001}, "it must be text of at most 1,000 characters."),
    ],
)
def test_an_acknowledgement_that_cannot_be_is_refused_in_a_sentence(
    world: World, given: dict[str, object], says: str
) -> None:
    with pytest.raises(InvalidOption) as refused:
        world.queue.acknowledge(**given)  # type: ignore[arg-type]

    assert str(refused.value).endswith(says)
    assert world.state() == {}


@pytest.mark.parametrize("runbook", ["wiki", "javascript:alert(1)", "https://", "https:// x", "https://a b"])
def test_a_runbook_is_an_address(world: World, runbook: str) -> None:
    with pytest.raises(InvalidOption, match="it must be an address that begins with https:// or http://"):
        world.queue.describe(runbook=runbook)
