"""Cancelling what waits, asking what runs to end, and how such runs end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convoy_core import Cancelled, Fault, FaultKind, Outcome, Repaired, Then
from convoy_core.moves.working import Pulse, Renewal, Round, renew, sweep
from tests.moves.cases import (
    BEATEN,
    DELAYED,
    FAILED,
    FOREIGN,
    GUARDED,
    LONG_OVER,
    MINE,
    NO_CLAIM,
    OLD,
    ORPHANED,
    QUEUED,
    RECOVER_IT,
    REMEMBERED,
    Case,
    beat,
    free,
)
from tests.moves.keyspace import ALIVE, LEASE, NOW, SECOND, T0, Keyspace, W, World, claim, commands, failure

MARK: Keyspace = {"cancelling": {"a": f"{W}:1"}}
MARKED: Keyspace = {**MINE, **MARK}
"""It runs, and has been asked to end."""
OLD_MARK: Keyspace = {**MINE, "cancelling": {"a": "bb:1"}}
"""What a pool of an older release has left behind, which knows no marks."""
OVER: Keyspace = {**ALIVE, "totals": {"cancelled": "1"}}
AGAIN: Keyspace = {**OVER, "queued": ["a"], "committed": {"a"}, "published": {"a": T0}}
ENDED_SO = Round([], "open", [], cancelled=[1])


def cancelled(*ids: str, dry_run: bool = False) -> Callable[[World], object]:
    return lambda world: world.queue.cancel(ids, dry_run=dry_run)


CASES = [
    Case(
        "cancel: queued -> absent",
        "cancel of a queued ID forgets all about it",
        {**QUEUED, **REMEMBERED, "queued": ["x", "a"], "committed": {"a", "x"}},
        cancelled("a"),
        {"a": Cancelled.CANCELLED},
        {"queued": ["x"], "committed": {"x"}, "totals": {"cancelled": "1"}},
    ),
    Case(
        "cancel: queued -> absent",
        "cancel of an ID that was handed to a worker and not claimed",
        {**ALIVE, f"claim:{W}": ["x", "a"], "committed": {"a", "x"}, "published": {"a": OLD}},
        cancelled("a"),
        {"a": Cancelled.CANCELLED},
        {**OVER, f"claim:{W}": ["x"], "committed": {"x"}},
    ),
    Case(
        "cancel: queued -> absent",
        "cancel of an ID that was handed to a worker that has been unregistered",
        {"departed": {W: NOW}, f"claim:{W}": ["a"], "committed": {"a"}},
        cancelled("a"),
        {"a": Cancelled.CANCELLED},
        {"departed": {W: NOW}, "totals": {"cancelled": "1"}},
    ),
    Case(
        "cancel: delayed -> absent",
        "cancel of a delayed ID",
        {**DELAYED, **REMEMBERED},
        cancelled("a"),
        {"a": Cancelled.CANCELLED},
        {"totals": {"cancelled": "1"}},
    ),
    Case(
        "cancel: delayed -> absent",
        "F69 cancel of a suspect that waits apart",
        {**DELAYED, "crashes": {"a": "2"}},
        cancelled("a"),
        {"a": Cancelled.CANCELLED},
        {"totals": {"cancelled": "1"}},
    ),
    Case(
        "",
        "cancel of a running ID marks its run, and leaves all else alone",
        {**MINE, **REMEMBERED, "rerun": {"a"}},
        cancelled("a", "a"),
        {"a": Cancelled.CANCELLING},
        {**MINE, **REMEMBERED, **MARK, "rerun": {"a"}},
    ),
    Case(
        "",
        "F50 cancel of a running ID that a Node jam guard dropped",
        GUARDED,
        cancelled("a"),
        {"a": Cancelled.CANCELLING},
        {**GUARDED, **MARK},
    ),
    Case(
        "",
        "F8 cancel of a running ID leaves its second copy, which is a rerun",
        {**MINE, "queued": ["a"]},
        cancelled("a"),
        {"a": Cancelled.CANCELLING},
        {**MINE, **MARK, "queued": ["a"]},
    ),
    Case("", "cancel leaves to Node what it runs", FOREIGN, cancelled("a"), {"a": Cancelled.NODE}, FOREIGN),
    Case("", "cancel of a failed ID", FAILED, cancelled("a"), {"a": Cancelled.FAILED}, FAILED),
    Case("", "cancel of an absent ID", {}, cancelled("a"), {"a": Cancelled.ABSENT}, {}),
    Case(
        "",
        "F47 cancel of an ID that a Node client is just queueing",
        {"committed": {"a"}},
        cancelled("a"),
        {"a": Cancelled.MISSING},
        {"committed": {"a"}},
    ),
    Case(
        "abort: processing -> absent",
        "a run that was asked to end and was cancelled is forgotten",
        {**MARKED, **REMEMBERED},
        lambda world: world.exchange(cancelled=[claim("a")]),
        ENDED_SO,
        OVER,
    ),
    Case(
        "abort: processing -> absent",
        "a run that was asked to end and has failed is cancelled, whatever retries are left",
        {**MARKED, **REMEMBERED},
        lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=5))]),
        ENDED_SO,
        OVER,
    ),
    Case(
        "abort: processing -> absent",
        "a run that was asked to end is not called again later",
        MARKED,
        lambda world: world.exchange(deferred=[(claim("a"), 5)]),
        ENDED_SO,
        OVER,
    ),
    Case(
        "abort: processing -> absent",
        "a run that was asked to end and is given back is not queued",
        MARKED,
        lambda world: world.exchange(released=[claim("a")]),
        ENDED_SO,
        OVER,
    ),
    Case(
        "abort: processing -> absent",
        "F63 a cancelled run ends so although the store has come back without the mark",
        MINE,
        lambda world: world.exchange(cancelled=[claim("a")]),
        NO_CLAIM,
        OVER,
    ),
    Case(
        "abort: processing -> queued",
        "F25 a cancelled run with a rerun queues it once more, and keeps what went wrong before",
        {**MARKED, **REMEMBERED, "rerun": {"a"}},
        lambda world: world.exchange(cancelled=[claim("a")]),
        ENDED_SO,
        {**AGAIN, **{name: value for name, value in REMEMBERED.items() if name != "attempts"}},
    ),
    Case(
        "complete: processing -> absent",
        "a run that was asked to end and went well is done",
        MARKED,
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "totals": {"done": "1"}},
    ),
    Case(
        "complete: processing -> absent",
        "a run that was asked to end and whose handler drops the ID has dropped it",
        MARKED,
        lambda world: world.exchange(discarded=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "totals": {"discarded": "1"}},
    ),
    Case(
        "release: processing -> queued",
        "a mark of an older run says nothing about this one",
        OLD_MARK,
        lambda world: world.exchange(released=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, **QUEUED, "totals": {"released": "1"}},
    ),
    Case(
        "",
        "F21 a cancelled run with a stale token changes nothing",
        MARKED,
        lambda world: world.exchange(cancelled=[claim("a", 2)]),
        Round([2], "open", [], cancelled=[1]),
        {**MARKED, "totals": {"stale": "1"}},
    ),
    Case(
        "",
        "an exchange tells its worker which of its runs have been asked to end, and of no others",
        {**MARKED, "cancelling": {"a": f"{W}:1", "b": "bb:1", "c": f"{W}{W}:7"}},
        lambda world: world.exchange(),
        ENDED_SO,
        {**MARKED, "cancelling": {"a": f"{W}:1", "b": "bb:1", "c": f"{W}{W}:7"}},
    ),
    Case(
        "renew: processing -> processing",
        "renew tells its worker which of its runs have been asked to end",
        MARKED,
        beat,
        Renewal("", 0, [], [1]),
        {**MARKED, **BEATEN, "processing": {"a": SECOND}},
    ),
    Case(
        "renew: processing -> processing",
        "renew does not tell of an older run",
        OLD_MARK,
        beat,
        Renewal("", 0, []),
        {**OLD_MARK, **BEATEN, "processing": {"a": SECOND}},
    ),
    Case(
        "recover: processing -> absent",
        "recover ends a run that was asked to end, and charges no crash",
        {**ORPHANED, **MARK, **REMEMBERED},
        RECOVER_IT,
        {"a": "cancelled"},
        {"departed": {W: NOW}, "totals": {"recovered": "1", "cancelled": "1"}},
    ),
    Case(
        "recover: processing -> queued",
        "F25 recover of a run that was asked to end honours a rerun",
        {**ORPHANED, **MARK, "rerun": {"a"}, "queued": ["x"], "committed": {"a", "x"}},
        RECOVER_IT,
        {"a": "queued"},
        {
            "departed": {W: NOW},
            "queued": ["x", "a"],
            "committed": {"a", "x"},
            "published": {"a": T0},
            "totals": {"recovered": "1", "cancelled": "1"},
        },
    ),
    *(
        Case(
            "jam_guard: processing -> absent",
            f"jam guard that is to {then} ends a run that was asked to end as cancelled",
            MARKED,
            free(then),
            {"a": Outcome.DISCARDED},
            {**ALIVE, "totals": {"jammed": "1", "cancelled": "1"}},
        )
        for then in Then
    ),
    Case(
        "jam_guard: processing -> queued",
        "F25 jam guard of a run that was asked to end honours a rerun",
        {**MARKED, "rerun": {"a"}},
        free(Then.FAIL),
        {"a": Outcome.QUEUED},
        {**AGAIN, "totals": {"jammed": "1", "cancelled": "1"}},
    ),
]


ORPHAN = Fault(FaultKind.ORPHANED, "a")
CASES += [
    Case(
        "",
        "a repair of an orphan that was asked to end ends it",
        {**ORPHANED, **MARK, **REMEMBERED},
        lambda world: world.queue.repair([ORPHAN]),
        {ORPHAN: Repaired.FORGOTTEN},
        {"workers": {W: LONG_OVER}, "totals": {"recovered": "1", "cancelled": "1"}},
    ),
    Case(
        "",
        "F25 a repair of an orphan that was asked to end honours a rerun",
        {**ORPHANED, **MARK, "rerun": {"a"}},
        lambda world: world.queue.repair([ORPHAN]),
        {ORPHAN: Repaired.QUEUED},
        {**AGAIN, "workers": {W: LONG_OVER}, "totals": {"recovered": "1", "cancelled": "1"}},
    ),
    Case(
        "",
        "F53 the sweep removes a mark whose run has ended without it",
        {**MARK, "published": {"a": OLD}},
        lambda world: world.drive(sweep(world.keys, (), 100)),
        [0] * 10,
        {},
    ),
    Case(
        "",
        "F53 the sweep removes the mark of a failed ID, and leaves that failed",
        {**FAILED, **MARK},
        lambda world: world.drive(sweep(world.keys, (), 100)),
        [0] * 10,
        FAILED,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_move_leaves_exactly_these_keys(world: World, case: Case) -> None:
    case.check(world)


@pytest.mark.parametrize("rest", [{}, QUEUED, FAILED], ids=["absent", "queued", "failed"])
def test_a_mark_without_a_run_is_found_and_cleared(world: World, rest: Keyspace) -> None:
    world.seed(MARK, rest)
    left = Fault(FaultKind.LEFTOVER, "a")

    assert world.queue.check(grace_s=0).faults == (left,)
    assert world.queue.repair([left]) == {left: Repaired.FORGOTTEN}
    assert world.state() == rest


def test_the_details_of_an_id_say_that_its_run_has_been_asked_to_end(world: World) -> None:
    world.seed(MARKED)
    asked = world.queue.show("a").cancelling
    world.seed(OLD_MARK)

    assert (asked, world.queue.show("a").cancelling) == (True, False)


def test_where_nothing_was_cancelled_an_exchange_asks_nothing_about_it(world: World) -> None:
    """Also where other keys are there that most queues lack: no type is asked for once all have been found."""
    world.seed(MINE)
    world.exchange()

    sent = commands(world.client, world.exchange)

    assert (sent["exists"], sent["type"]) == (2, 1)
    assert "hrandfield" not in sent


def test_a_large_number_of_marks_is_told_in_part_and_to_the_heartbeat_in_full(world: World) -> None:
    tokens = {str(n): f"{W}:{n}" for n in range(1, 501)}
    world.seed({**ALIVE, "cancelling": tokens, "owner": {id: f"{token}@{NOW}" for id, token in tokens.items()}})
    held = [(id.encode(), int(id)) for id in tokens]

    told = world.exchange().cancelled
    renewal = world.run(renew(world.keys, W, LEASE, Pulse(0, 0, held), held))

    assert len({*told}) == 100
    assert renewal.cancelled == [*range(1, 501)]
