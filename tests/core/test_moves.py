"""Every move of the table, from every state it may start in to every state it may end in: the whole keyspace before and
after. And every move from every other state: refused, nothing changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from convoy_core import Counts, Jammed, Outcome, PoolOptions, Published, State, StoreDamaged, Tally
from convoy_core.models import Then
from convoy_core.moves.call import of
from convoy_core.moves.recovering import DEPARTED_MS, LATE_MS, expired_leases, reclaim, recover, unregistered_holders
from convoy_core.moves.working import (
    Pulse,
    Renewal,
    Round,
    Settlement,
    SuspectPolicy,
    exchange,
    fence,
    promote,
    register,
    renew,
    sweep,
    unregister,
    unregister_safely,
)
from convoy_core.options import BATCH
from convoy_core.states import MOVES
from convoy_core.worker.heartbeat import Heartbeat
from tests.core.keyspace import ALIVE, DAY, LEASE, NOW, SECOND, T0, Keyspace, W, World, claim, failure
from tests.servers import RealServer

PAST = NOW - 100_000
OLD = str(PAST)
DUE = NOW + 60_000

QUEUED: Keyspace = {"queued": ["a"], "committed": {"a"}, "published": {"a": OLD}}
DELAYED: Keyspace = {"delayed": {"a": NOW - 1}, "committed": {"a"}, "published": {"a": OLD}}
RUNNING: Keyspace = {
    "committed": {"a"},
    "processing": {"a": SECOND - 100},
    "started": {"a": PAST},
    "owner": {"a": f"{W}:1@{PAST}"},
    "published": {"a": OLD},
}
MINE: Keyspace = {**ALIVE, **RUNNING}
YOUNG: Keyspace = {name: value for name, value in RUNNING.items() if name != "started"}
"""No heartbeat has seen it yet."""
LONG_OVER = NOW - LATE_MS
ORPHANED: Keyspace = {"workers": {W: LONG_OVER}, **RUNNING}
"""Its worker's lease has run out, so long ago that nothing can be handed to it any more."""
DEPARTED: Keyspace = {"departed": {W: NOW}}
"""It has been struck off just now."""
GUARDED: Keyspace = {**ALIVE, "started": {"a": PAST}, "owner": {"a": f"{W}:1@{PAST}"}}
"""Running here; a Node jam guard has dropped what Node knows of."""
FOREIGN: Keyspace = {"committed": {"a"}, "processing": {"a": SECOND - 100}}
"""A Node worker runs it."""
RECORD = '{"at":1.5,"error":"boom"}'
FAILED: Keyspace = {"failed": {"a": 2}, "failure": {"a": RECORD}}

NEW_RECORD = f'{{"at":{SECOND}.000,"error":"boom"}}'
REMEMBERED: Keyspace = {
    "payload": {"a": "sload"},
    "attempts": {"a": "1"},
    "failures": {"a": "4"},
    "crashes": {"a": "1"},
    "failure": {"a": RECORD},
}
LOG = f"errorLog.{DAY}"
NO_CLAIM = Round([], "open", [])


@dataclass(frozen=True)
class Case:
    """One way through the table."""

    path: str
    """`move: source -> target`, as in the table; empty for what the table does not tell of."""
    title: str
    before: Keyspace
    act: Callable[[World], object]
    answer: object
    after: Keyspace


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


def _seen(id: str = "a", start: int = PAST) -> Jammed:
    return Jammed(id, start / 1000, 100.0, None, False)


def _free(then: Then, *, skip_live: bool = False) -> Callable[[World], object]:
    return lambda world: world.queue.free_jammed([_seen()], then=then, skip_live=skip_live)


def _answers(**options: object) -> Callable[[World], object]:
    return lambda world: next(world.queue.publish_chunks(["a"], **options)).answers()  # type: ignore[arg-type] # any of them


PUBLISHED = {"totals": {"published": "1"}}

PUBLISH = [
    Case(
        "publish: absent -> queued",
        "publish queues an absent ID",
        {},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["a"], "committed": {"a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "publish: absent -> queued",
        "publish queues behind what is there",
        {"queued": ["x"], "committed": {"x"}},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["x", "a"], "committed": {"x", "a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "publish: absent -> queued",
        "publish to the front keeps the order of its IDs",
        {"queued": ["x"], "committed": {"x"}},
        lambda world: world.queue.publish_many(["a", "b"], front=True),
        Tally(published=2),
        {
            "queued": ["a", "b", "x"],
            "committed": {"x", "a", "b"},
            "published": {"a": T0, "b": T0},
            "totals": {"published": "2"},
        },
    ),
    Case(
        "publish: absent -> delayed",
        "publish with a delay",
        {},
        lambda world: world.queue.publish("a", delay_s=60),
        Published.DELAYED,
        {"delayed": {"a": DUE}, "committed": {"a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "publish: absent -> queued",
        "publish stores the payload",
        {},
        lambda world: world.queue.publish("a", payload={"n": 1}),
        Published.QUEUED,
        {
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "payload": {"a": 'j{"n":1}'},
            **PUBLISHED,
        },
    ),
    Case(
        "publish: failed -> queued",
        "publish of a failed ID remembers how often it failed and why",
        FAILED,
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            **PUBLISHED,
        },
    ),
    Case(
        "publish: failed -> delayed",
        "publish of a failed ID with a delay",
        {**FAILED, "payload": {"a": "sold"}},
        lambda world: world.queue.publish("a", delay_s=60),
        Published.DELAYED,
        {
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            **PUBLISHED,
        },
    ),
    Case(
        "publish: absent -> queued",
        "F53 publish of an absent ID drops what a Node client left behind",
        {**REMEMBERED, "rerun": {"a"}},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["a"], "committed": {"a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "publish: absent -> queued",
        "publish twice in one chunk accepts the first",
        {},
        lambda world: next(world.queue.publish_chunks(["a", "b", "a"])).answers(),
        [Published.QUEUED, Published.QUEUED, Published.ALREADY_QUEUED],
        {
            "queued": ["a", "b"],
            "committed": {"a", "b"},
            "published": {"a": T0, "b": T0},
            "totals": {"published": "2", "refused": "1"},
        },
    ),
    Case(
        "publish: absent -> delayed",
        "publish twice in one delayed chunk",
        {},
        lambda world: next(world.queue.publish_chunks(["a", "a"], delay_s=60)).answers(),
        [Published.DELAYED, Published.ALREADY_DELAYED],
        {
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": T0},
            "totals": {"published": "1", "refused": "1"},
        },
    ),
]

CLAIM_ONE: Callable[[World], object] = lambda world: world.exchange(want=1)  # noqa: E731 - read like the others


def _numbered(last: int) -> Keyspace:
    """What a claim notes, so that no number is given twice."""
    return {f"worker:{W}": {"number": str(last)}}


CLAIMED: Keyspace = {
    **ALIVE,
    **_numbered(7),
    "committed": {"a"},
    "processing": {"a": SECOND},
    "owner": {"a": f"{W}:7@{NOW}"},
}


def _asking_for_b(kept: int) -> Callable[[World], Round]:
    return lambda world: world.exchange(want=1, suspects=SuspectPolicy(kept=kept, first=True, named=b"b"))


STARTED: Keyspace = {**_numbered(7), "processing": {"a": SECOND}, "owner": {"a": f"{W}:7@{NOW}"}}

CLAIM = [
    Case(
        "claim: queued -> processing",
        "claim takes the head of the list",
        {**ALIVE, "queued": ["a", "b"], "committed": {"a", "b"}},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, "queued": ["b"], "committed": {"a", "b"}},
    ),
    Case(
        "claim: queued -> processing",
        "claim numbers the IDs in order",
        {**ALIVE, "queued": ["a", "b"], "committed": {"a", "b"}},
        lambda world: world.exchange(want=5),
        Round([], "open", [claim("a", 7), claim("b", 8)]),
        {
            **ALIVE,
            **_numbered(11),
            "committed": {"a", "b"},
            "processing": {"a": SECOND, "b": SECOND},
            "owner": {"a": f"{W}:7@{NOW}", "b": f"{W}:8@{NOW}"},
        },
    ),
    Case(
        "claim: queued -> processing",
        "F1 claim takes what BLMOVE handed over first",
        {**ALIVE, f"claim:{W}": ["a"], "queued": ["b"], "committed": {"a", "b"}},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, "queued": ["b"], "committed": {"a", "b"}},
    ),
    Case(
        "claim: queued -> processing",
        "F2 claim gives the surplus of the claim list back to the head",
        {**ALIVE, f"claim:{W}": ["a", "b", "c"], "queued": ["d"], "committed": {"a", "b", "c", "d"}},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, "queued": ["b", "c", "d"], "committed": {"a", "b", "c", "d"}},
    ),
    Case(
        "claim: queued -> processing",
        "F28 a worker that can spare the time takes an ID whose worker died twice before others, and alone",
        {**ALIVE, f"claim:{W}": ["a", "b"], "queued": ["c"], "committed": {"a", "b", "c"}, "crashes": {"b": "2"}},
        lambda world: world.exchange(want=3, suspects=SuspectPolicy(first=True)),
        Round([], "alone", [claim("b", 7, crashes=2)]),
        {
            **ALIVE,
            **_numbered(9),
            "queued": ["a", "c"],
            "committed": {"a", "b", "c"},
            "processing": {"b": SECOND},
            "owner": {"b": f"{W}:7@{NOW}"},
            "crashes": {"b": "2"},
        },
    ),
    Case(
        "claim: queued -> processing",
        "F28 an idle worker takes an ID whose worker died twice where nothing else is queued",
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "crashes": {"a": "2"}},
        lambda world: world.exchange(want=3),
        Round([], "alone", [claim("a", 7, crashes=2)]),
        {**CLAIMED, **_numbered(9), "crashes": {"a": "2"}},
    ),
    Case(
        "set_apart: queued -> delayed",
        "F69 IDs whose worker died twice are set apart, and others flow past them",
        {**ALIVE, "queued": ["b", "a", "c"], "committed": {"a", "b", "c"}, "crashes": {"a": "1", "b": "2", "c": "5"}},
        lambda world: world.exchange(want=3),
        Round([], "open", [claim("a", 7, crashes=1)], [b"b", b"c"]),
        {
            **CLAIMED,
            **_numbered(9),
            "committed": {"a", "b", "c"},
            "delayed": {"b": NOW + LEASE, "c": NOW + LEASE},
            "crashes": {"a": "1", "b": "2", "c": "5"},
        },
    ),
    Case(
        "set_apart: queued -> delayed",
        "F69 an ID whose worker died twice is set apart by a worker that keeps another",
        {**ALIVE, "queued": ["a", "b"], "committed": {"a", "b"}, "crashes": {"a": "2"}},
        lambda world: world.exchange(want=1, suspects=SuspectPolicy(kept=1, first=True)),
        Round([], "open", [], [b"a"]),
        {
            **ALIVE,
            **_numbered(7),
            "queued": ["b"],
            "committed": {"a", "b"},
            "delayed": {"a": NOW + LEASE},
            "crashes": {"a": "2"},
        },
    ),
    Case(
        "claim: delayed -> processing",
        "F69 a drained worker takes the ID that it asks for by name, and gives back what was handed over to it",
        {
            **ALIVE,
            f"claim:{W}": ["b"],
            "queued": ["c"],
            "delayed": {"a": NOW + 1000},
            "committed": {"a", "b", "c"},
            "crashes": {"a": "2"},
        },
        lambda world: world.exchange(want=3, suspects=SuspectPolicy(first=True, named=b"a")),
        Round([], "alone", [claim("a", 7, crashes=2)]),
        {
            **CLAIMED,
            **_numbered(9),
            "queued": ["b", "c"],
            "committed": {"a", "b", "c"},
            "crashes": {"a": "2"},
        },
    ),
    Case(
        "",
        "F69 a round that claims nothing takes no ID by name, under a number that the next would use again",
        {**ALIVE, "delayed": {"a": NOW + 1000}, "committed": {"a"}, "crashes": {"a": "2"}},
        lambda world: world.exchange(suspects=SuspectPolicy(first=True, named=b"a")),
        Round([], "open", []),
        {**ALIVE, "delayed": {"a": NOW + 1000}, "committed": {"a"}, "crashes": {"a": "2"}},
    ),
    *(
        Case(
            "claim: queued -> processing",
            f"F69 a worker that asks for an ID by name gets others where {why}",
            {**ALIVE, "queued": ["a"], "committed": {"a", "b"}, "crashes": {"b": "2"}, **state},
            _asking_for_b(kept),
            Round([], "open", [claim("a", 7)]),
            {**ALIVE, "committed": {"a", "b"}, "crashes": {"b": "2"}, **joined},
        )
        for why, kept, state, joined in (
            ("it keeps one", 1, {"delayed": {"b": NOW}}, {**STARTED, "delayed": {"b": NOW}}),
            ("another has taken it", 0, {}, STARTED),
            (
                "a Node worker runs it",
                0,
                {"delayed": {"b": NOW}, "processing": {"b": SECOND}},
                {**STARTED, "delayed": {"b": NOW}, "processing": {"a": SECOND, "b": SECOND}},
            ),
        )
    ),
    Case(
        "claim: queued -> processing",
        "F9 claim adopts an ID that is not committed, and counts it",
        {**ALIVE, "queued": ["a"]},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, "totals": {"adopted": "1"}},
    ),
    Case(
        "claim: queued -> processing",
        "F8 claim merges a copy of our running ID into a rerun",
        {**MINE, "queued": ["a", "b"], "committed": {"a", "b"}},
        lambda world: world.exchange(want=2),
        Round([], "open", [claim("b", 7)]),
        {
            **MINE,
            **_numbered(8),
            "committed": {"a", "b"},
            "processing": {"a": SECOND - 100, "b": SECOND},
            "owner": {"a": f"{W}:1@{PAST}", "b": f"{W}:7@{NOW}"},
            "rerun": {"a"},
            "totals": {"merged": "1"},
        },
    ),
    Case(
        "",
        "F8 claim parks a copy of an ID that a Node worker runs",
        {**ALIVE, **FOREIGN, "queued": ["a"]},
        CLAIM_ONE,
        NO_CLAIM,
        {**ALIVE, **FOREIGN, **_numbered(7), "delayed": {"a": NOW + LEASE}, "totals": {"merged": "1"}},
    ),
    Case(
        "claim: queued -> processing",
        "F8 claim of two copies runs one, and once more",
        {**ALIVE, "queued": ["a", "a"], "committed": {"a"}},
        lambda world: world.exchange(want=2),
        Round([], "open", [claim("a", 7)]),
        {**CLAIMED, **_numbered(8), "rerun": {"a"}, "totals": {"merged": "1"}},
    ),
    Case(
        "claim: queued -> processing",
        "F54 claim carries along the failures that a Node publisher left",
        {**ALIVE, **QUEUED, "failed": {"a": 3, "b": 1}},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7, failures=3)]),
        {**CLAIMED, "published": {"a": OLD}, "failed": {"b": 1}, "failures": {"a": "3"}},
    ),
    Case(
        "claim: queued -> processing",
        "claim hands over all that is remembered",
        {**ALIVE, **QUEUED, **REMEMBERED},
        CLAIM_ONE,
        Round([], "open", [claim("a", 7, attempts=1, failures=4, crashes=1, payload=b"sload")]),
        {**CLAIMED, "published": {"a": OLD}, **REMEMBERED},
    ),
    Case(
        "",
        "F4 claim that arrives twice claims nothing the second time",
        {**ALIVE, **QUEUED, **_numbered(7)},
        CLAIM_ONE,
        Round([], "repeated", []),
        {**ALIVE, **QUEUED, **_numbered(7)},
    ),
    Case(
        "",
        "claim of nothing changes nothing",
        {**ALIVE, **QUEUED},
        lambda world: world.exchange(want=0),
        NO_CLAIM,
        {**ALIVE, **QUEUED},
    ),
    Case(
        "",
        "claim by a worker that is not registered is refused",
        QUEUED,
        CLAIM_ONE,
        Round([], "gone", []),
        QUEUED,
    ),
    Case(
        "",
        "claim with a lapsed lease is refused",
        {**QUEUED, "workers": {W: NOW}},
        CLAIM_ONE,
        Round([], "lapsed", []),
        {**QUEUED, "workers": {W: NOW}, **_numbered(7)},
    ),
    Case(
        "",
        "claim while paused gives back what was handed over",
        {**ALIVE, "paused": OLD, f"claim:{W}": ["a", "b"], "queued": ["c"], "committed": {"a", "b", "c"}},
        CLAIM_ONE,
        Round([], "paused", []),
        {**ALIVE, "paused": OLD, "queued": ["a", "b", "c"], "committed": {"a", "b", "c"}, **_numbered(7)},
    ),
]

COMPLETE = [
    Case(
        "complete: processing -> absent",
        "complete forgets all about the ID",
        {**MINE, **REMEMBERED},
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "totals": {"done": "1"}},
    ),
    Case(
        "complete: processing -> absent",
        "complete of an ID that a Node jam guard dropped",
        GUARDED,
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "totals": {"done": "1"}},
    ),
    Case(
        "complete: processing -> queued",
        "F25 complete with a rerun queues it once more, with a clean record and its payload",
        {**MINE, **REMEMBERED, "rerun": {"a"}, "queued": ["x"]},
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {
            **ALIVE,
            "queued": ["x", "a"],
            "committed": {"a"},
            "published": {"a": T0},
            "payload": {"a": "sload"},
            "totals": {"done": "1"},
        },
    ),
    Case(
        "complete: processing -> queued",
        "F50 complete with a rerun of an ID that a Node jam guard dropped commits it again",
        {**GUARDED, "rerun": {"a"}},
        lambda world: world.exchange(completed=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "published": {"a": T0}, "totals": {"done": "1"}},
    ),
    Case(
        "",
        "F21 complete with a stale token changes nothing",
        MINE,
        lambda world: world.exchange(completed=[claim("a", 2)]),
        Round([2], "open", []),
        {**MINE, "totals": {"stale": "1"}},
    ),
]

FAIL = [
    Case(
        "fail: processing -> failed",
        "F26 fail without a retry is as redis-convoy's, with a record",
        {**MINE, "payload": {"a": "sload"}, "crashes": {"a": "1"}, "attempts": {"a": "1"}, LOG: ["older"]},
        lambda world: world.exchange(failed=[(claim("a"), failure())]),
        NO_CLAIM,
        {
            **ALIVE,
            "failed": {"a": 1},
            "failure": {"a": NEW_RECORD},
            "payload": {"a": "sload"},
            LOG: ["boom", "older"],
            "totals": {"failed": "1"},
        },
    ),
    Case(
        "fail: processing -> failed",
        "fail adds to the failures remembered",
        {**MINE, "failures": {"a": "4"}},
        lambda world: world.exchange(failed=[(claim("a"), failure())]),
        NO_CLAIM,
        {**ALIVE, "failed": {"a": 5}, "failure": {"a": NEW_RECORD}, LOG: ["boom"], "totals": {"failed": "1"}},
    ),
    Case(
        "fail: processing -> delayed",
        "fail with a retry left waits, and counts the attempt",
        {**MINE, "attempts": {"a": "1"}, "failures": {"a": "4"}},
        lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=60_000))]),
        NO_CLAIM,
        {
            **ALIVE,
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": OLD},
            "attempts": {"a": "2"},
            "failures": {"a": "5"},
            "failure": {"a": NEW_RECORD},
            LOG: ["boom"],
            "totals": {"retried": "1"},
        },
    ),
    Case(
        "fail: processing -> delayed",
        "F50 fail with a retry of an ID that a Node jam guard dropped commits it again",
        GUARDED,
        lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=60_000))]),
        NO_CLAIM,
        {
            **ALIVE,
            "delayed": {"a": DUE},
            "committed": {"a"},
            "attempts": {"a": "1"},
            "failures": {"a": "1"},
            "failure": {"a": NEW_RECORD},
            LOG: ["boom"],
            "totals": {"retried": "1"},
        },
    ),
    Case(
        "fail: processing -> queued",
        "F25 fail with a rerun queues it with a fresh retry budget, even if a retry was left",
        {**MINE, "rerun": {"a"}, "attempts": {"a": "1"}, "failures": {"a": "4"}},
        lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=60_000))]),
        NO_CLAIM,
        {
            **ALIVE,
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "5"},
            "failure": {"a": NEW_RECORD},
            LOG: ["boom"],
            "totals": {"failed": "1"},
        },
    ),
    Case(
        "",
        "F21 fail with a stale token changes nothing",
        MINE,
        lambda world: world.exchange(failed=[(claim("a", 2), failure())]),
        Round([2], "open", []),
        {**MINE, "totals": {"stale": "1"}},
    ),
]

DEFER_IT: Callable[[World], object] = lambda world: world.exchange(deferred=[(claim("a"), 60_000)])  # noqa: E731 - as above

DEFER = [
    Case(
        "defer: processing -> delayed",
        "defer waits, charges nothing and forgets nothing",
        {**MINE, **REMEMBERED},
        DEFER_IT,
        NO_CLAIM,
        {
            **ALIVE,
            **REMEMBERED,
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": OLD},
            "totals": {"deferred": "1"},
        },
    ),
    Case(
        "defer: processing -> delayed",
        "F50 defer of an ID that a Node jam guard dropped commits it again",
        GUARDED,
        DEFER_IT,
        NO_CLAIM,
        {**ALIVE, "delayed": {"a": DUE}, "committed": {"a"}, "totals": {"deferred": "1"}},
    ),
    Case(
        "defer: processing -> queued",
        "F25 defer with a rerun queues it at once",
        {**MINE, "rerun": {"a"}},
        DEFER_IT,
        NO_CLAIM,
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "published": {"a": T0}, "totals": {"deferred": "1"}},
    ),
    Case(
        "",
        "F21 defer with a stale token changes nothing",
        MINE,
        lambda world: world.exchange(deferred=[(claim("a", 2), 60_000)]),
        Round([2], "open", []),
        {**MINE, "totals": {"stale": "1"}},
    ),
    Case(
        "complete: processing -> absent",
        "complete by a handler that gave it up counts as discarded",
        {**MINE, **REMEMBERED},
        lambda world: world.exchange(discarded=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "totals": {"discarded": "1"}},
    ),
    Case(
        "complete: processing -> queued",
        "F25 complete by a handler that gave it up honours a rerun",
        {**MINE, "rerun": {"a"}},
        lambda world: world.exchange(discarded=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "published": {"a": T0}, "totals": {"discarded": "1"}},
    ),
    Case(
        "fail: processing -> failed",
        "F21 F30 fail of an ID lost and claimed again counts the present claim alone",
        MINE,
        lambda world: world.exchange(failed=[(claim("a", 0), failure("late")), (claim("a", 1), failure())]),
        Round([0], "open", []),
        {
            **ALIVE,
            "failed": {"a": 1},
            "failure": {"a": NEW_RECORD},
            LOG: ["boom"],
            "totals": {"failed": "1", "stale": "1"},
        },
    ),
    Case(
        "defer: processing -> delayed",
        "F21 F30 defer of an ID lost and claimed again counts the present claim alone",
        MINE,
        lambda world: world.exchange(deferred=[(claim("a", 1), 60_000), (claim("a", 0), 5)]),
        Round([0], "open", []),
        {
            **ALIVE,
            "delayed": {"a": DUE},
            "committed": {"a"},
            "published": {"a": OLD},
            "totals": {"deferred": "1", "stale": "1"},
        },
    ),
]

RELEASED: Keyspace = {"committed": {"a"}, "published": {"a": OLD}, "totals": {"released": "1"}}

RELEASE = [
    Case(
        "release: processing -> queued",
        "release puts it at the head, unharmed",
        {**MINE, **REMEMBERED, "queued": ["x"]},
        lambda world: world.exchange(released=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, **REMEMBERED, **RELEASED, "queued": ["a", "x"]},
    ),
    Case(
        "release: processing -> queued",
        "release of several keeps their order at the head",
        {
            **ALIVE,
            "queued": ["x"],
            "committed": {"a", "b", "x"},
            "processing": {"a": SECOND, "b": SECOND},
            "started": {"a": NOW, "b": NOW},
            "owner": {"a": f"{W}:1@{NOW}", "b": f"{W}:2@{NOW}"},
        },
        lambda world: world.exchange(released=[claim("a"), claim("b", 2)]),
        NO_CLAIM,
        {**ALIVE, "queued": ["a", "b", "x"], "committed": {"a", "b", "x"}, "totals": {"released": "2"}},
    ),
    Case(
        "release: processing -> queued",
        "F25 release satisfies a rerun: the run to come is the one asked for",
        {**MINE, "rerun": {"a"}},
        lambda world: world.exchange(released=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, **RELEASED, "queued": ["a"]},
    ),
    Case(
        "release: processing -> queued",
        "F50 release of an ID that a Node jam guard dropped commits it again",
        GUARDED,
        lambda world: world.exchange(released=[claim("a")]),
        NO_CLAIM,
        {**ALIVE, "queued": ["a"], "committed": {"a"}, "totals": {"released": "1"}},
    ),
    Case(
        "",
        "F21 release with a stale token changes nothing",
        MINE,
        lambda world: world.exchange(released=[claim("a", 2)]),
        Round([2], "open", []),
        {**MINE, "totals": {"stale": "1"}},
    ),
]

BEATEN = {f"worker:{W}": {"done": "5", "failed": "2", "running": "1"}}


def _beat(world: World) -> Renewal:
    return world.run(renew(world.keys, W, LEASE, Pulse(5, 2, [(b"a", 1)]), [(b"a", 1)]))


RENEW = [
    Case(
        "renew: processing -> processing",
        "renew moves the lease and the score, not the start",
        {**MINE, "workers": {W: NOW + 1}, "meta": {"schema": "1", "epoch": "e"}},
        _beat,
        Renewal("e", 0, []),
        {**MINE, **BEATEN, "processing": {"a": SECOND}, "meta": {"schema": "1", "epoch": "e"}},
    ),
    Case(
        "renew: processing -> processing",
        "F50 the first renew of a run notes its true start, which the score is no more",
        {**ALIVE, **YOUNG},
        _beat,
        Renewal("", 0, []),
        {**ALIVE, **YOUNG, **BEATEN, "processing": {"a": SECOND}, "started": {"a": PAST}},
    ),
    Case(
        "renew: processing -> processing",
        "F50 renew puts back what a Node jam guard dropped",
        GUARDED,
        _beat,
        Renewal("", 0, []),
        {**GUARDED, **BEATEN, "committed": {"a"}, "processing": {"a": SECOND}},
    ),
    Case(
        "",
        "F21 renew reports a claim on an ID that is another's, and leaves it alone",
        {**MINE, "owner": {"a": f"bb:1@{NOW}"}},
        _beat,
        Renewal("", 0, [1]),
        {**MINE, **BEATEN, "owner": {"a": f"bb:1@{NOW}"}},
    ),
    Case(
        "",
        "renew of a worker that is not registered changes nothing",
        RUNNING,
        _beat,
        Renewal(None, 0, []),
        RUNNING,
    ),
]

RECOVER_IT: Callable[[World], object] = lambda world: world.drive(recover(world.keys, W, 3))  # noqa: E731 - as above

RECOVER = [
    Case(
        "recover: processing -> queued",
        "recover puts it at the head and counts a crash",
        {**ORPHANED, f"worker:{W}": {"host": "h"}, "queued": ["x"], "attempts": {"a": "1"}},
        RECOVER_IT,
        {"a": "queued"},
        {
            **DEPARTED,
            "queued": ["a", "x"],
            "committed": {"a"},
            "published": {"a": OLD},
            "attempts": {"a": "1"},
            "crashes": {"a": "1"},
            "totals": {"recovered": "1"},
        },
    ),
    Case(
        "recover: processing -> queued",
        "F10 recover keeps the old order, the claim list behind and uncharged",
        {
            "workers": {W: LONG_OVER},
            f"claim:{W}": ["c", "d"],
            "queued": ["x"],
            "committed": {"a", "b", "c", "d", "x"},
            "processing": {"a": SECOND, "b": SECOND},
            "started": {"a": NOW, "b": NOW},
            "owner": {"a": f"{W}:2@{NOW}", "b": f"{W}:1@{NOW}", "y": f"bb:1@{NOW}"},
        },
        RECOVER_IT,
        {"b": "queued", "a": "queued"},
        {
            **DEPARTED,
            "queued": ["b", "a", "c", "d", "x"],
            "committed": {"a", "b", "c", "d", "x"},
            "owner": {"y": f"bb:1@{NOW}"},
            "crashes": {"a": "1", "b": "1"},
            "totals": {"recovered": "2"},
        },
    ),
    Case(
        "recover: processing -> queued",
        "F25 recover satisfies a rerun: the run to come is the one asked for",
        {**ORPHANED, "rerun": {"a"}},
        RECOVER_IT,
        {"a": "queued"},
        {
            **DEPARTED,
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": OLD},
            "crashes": {"a": "1"},
            "totals": {"recovered": "1"},
        },
    ),
    Case(
        "recover: processing -> queued",
        "F50 recover of an ID that a Node jam guard dropped commits it again",
        {**GUARDED, "workers": {W: LONG_OVER}},
        RECOVER_IT,
        {"a": "queued"},
        {**DEPARTED, "queued": ["a"], "committed": {"a"}, "crashes": {"a": "1"}, "totals": {"recovered": "1"}},
    ),
    Case(
        "recover: processing -> queued",
        "recover takes from a worker that is no longer registered",
        RUNNING,
        RECOVER_IT,
        {"a": "queued"},
        {
            **DEPARTED,
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": OLD},
            "crashes": {"a": "1"},
            "totals": {"recovered": "1"},
        },
    ),
    Case(
        "recover: processing -> failed",
        "F28 recover for the third time fails it, with the reason",
        {**ORPHANED, "crashes": {"a": "2"}, "failures": {"a": "4"}, "attempts": {"a": "1"}, "payload": {"a": "sx"}},
        RECOVER_IT,
        {"a": "failed"},
        {
            **DEPARTED,
            "failed": {"a": 5},
            "failure": {"a": f'{{"at":{SECOND}.000,"error":"its worker died 3 times in a row"}}'},
            "payload": {"a": "sx"},
            LOG: ["its worker died 3 times in a row"],
            "totals": {"recovered": "1", "failed": "1"},
        },
    ),
    Case(
        "recover: processing -> queued",
        "F25 recover for the third time honours a rerun",
        {**ORPHANED, "crashes": {"a": "2"}, "rerun": {"a"}},
        RECOVER_IT,
        {"a": "queued"},
        {
            **DEPARTED,
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "crashes": {"a": "3"},
            "failure": {"a": f'{{"at":{SECOND}.000,"error":"its worker died 3 times in a row"}}'},
            "totals": {"recovered": "1"},
        },
    ),
    Case(
        "",
        "F12 recover leaves a worker alone that is alive after all",
        {**MINE, f"claim:{W}": ["b"]},
        RECOVER_IT,
        {},
        {**MINE, f"claim:{W}": ["b"]},
    ),
    Case(
        "",
        "F21 recover leaves an ID alone that was claimed anew meanwhile",
        {**RUNNING, "owner": {"a": f"bb:9@{NOW}"}},
        lambda world: world.run(of("recover", world.keys, (W, 3, "", "1", "a", f"{W}:1"), list)),
        [b"dead"],
        {**DEPARTED, **RUNNING, "owner": {"a": f"bb:9@{NOW}"}},
    ),
]

JAMMED_RECORD = f'{{"at":{SECOND}.000,"error":"jammed: it had been processing for too long"}}'
FREED: Keyspace = {"queued": ["a"], "committed": {"a"}, "totals": {"jammed": "1"}}
LOCK = f"lock:clearJammedJobs:{SECOND - SECOND % 5}"
OLD_LOCK = f"lock:clearJammedJobs:{SECOND - SECOND % 5 - 5}"

JAM_GUARD = [
    Case(
        "jam_guard: processing -> queued",
        "jam guard requeues at the end and counts a crash",
        {**MINE, "queued": ["x"], "committed": {"a", "x"}},
        _free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {
            **ALIVE,
            **FREED,
            "queued": ["x", "a"],
            "committed": {"a", "x"},
            "published": {"a": OLD},
            "crashes": {"a": "1"},
        },
    ),
    Case(
        "jam_guard: processing -> queued",
        "jam guard frees what a Node worker held",
        FOREIGN,
        _free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {**FREED, "crashes": {"a": "1"}},
    ),
    Case(
        "jam_guard: processing -> queued",
        "F50 jam guard of an ID that a Node jam guard dropped commits it again",
        GUARDED,
        _free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {**ALIVE, **FREED, "crashes": {"a": "1"}},
    ),
    Case(
        "jam_guard: processing -> queued",
        "F25 jam guard satisfies a rerun by requeueing",
        {**MINE, "rerun": {"a"}},
        _free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {**ALIVE, **FREED, "published": {"a": OLD}, "crashes": {"a": "1"}},
    ),
    Case(
        "jam_guard: processing -> queued",
        "F25 jam guard that fails IDs honours a rerun",
        {**MINE, "rerun": {"a"}},
        _free(Then.FAIL),
        {"a": Outcome.QUEUED},
        {**ALIVE, **FREED, "published": {"a": T0}},
    ),
    Case(
        "jam_guard: processing -> queued",
        "F25 F50 jam guard that discards IDs honours a rerun, after Node's dropped it too",
        {**GUARDED, "rerun": {"a"}},
        _free(Then.DISCARD),
        {"a": Outcome.QUEUED},
        {**ALIVE, **FREED, "published": {"a": T0}},
    ),
    Case(
        "jam_guard: processing -> failed",
        "F28 jam guard for the third time fails it",
        {**MINE, "crashes": {"a": "2"}},
        _free(Then.REQUEUE),
        {"a": Outcome.FAILED},
        {
            **ALIVE,
            "failed": {"a": 1},
            "failure": {"a": f'{{"at":{SECOND}.000,"error":"jammed 3 times in a row"}}'},
            LOG: ["jammed 3 times in a row"],
            "totals": {"jammed": "1", "failed": "1"},
        },
    ),
    Case(
        "jam_guard: processing -> failed",
        "jam guard fails IDs",
        {**MINE, "failures": {"a": "4"}, "crashes": {"a": "1"}, "payload": {"a": "sx"}},
        _free(Then.FAIL),
        {"a": Outcome.FAILED},
        {
            **ALIVE,
            "failed": {"a": 5},
            "failure": {"a": JAMMED_RECORD},
            "payload": {"a": "sx"},
            LOG: ["jammed"],
            "totals": {"jammed": "1", "failed": "1"},
        },
    ),
    Case(
        "jam_guard: processing -> absent",
        "jam guard discards IDs, as redis-convoy",
        {**MINE, **REMEMBERED},
        _free(Then.DISCARD),
        {"a": Outcome.DISCARDED},
        {**ALIVE, "totals": {"jammed": "1"}},
    ),
    Case(
        "",
        "jam guard leaves an ID alone that started anew since it was seen",
        {**MINE, "owner": {"a": f"{W}:1@{PAST + 1}"}},
        _free(Then.DISCARD),
        {"a": Outcome.GONE},
        {**MINE, "owner": {"a": f"{W}:1@{PAST + 1}"}},
    ),
    Case(
        "",
        "jam guard leaves a live holder alone when asked to",
        MINE,
        _free(Then.DISCARD, skip_live=True),
        {"a": Outcome.HELD},
        MINE,
    ),
    Case(
        "jam_guard: processing -> queued",
        "jam guard frees a dead holder's ID although live ones are left out",
        ORPHANED,
        _free(Then.REQUEUE, skip_live=True),
        {"a": Outcome.QUEUED},
        {"workers": {W: LONG_OVER}, **FREED, "published": {"a": OLD}, "crashes": {"a": "1"}},
    ),
    Case(
        "",
        "F55 jam guard leaves all to the Node guard whose lock it sees",
        {**FOREIGN, LOCK: "1"},
        _free(Then.DISCARD),
        {"a": Outcome.LOCKED},
        {**FOREIGN, LOCK: "1"},
    ),
    Case(
        "jam_guard: processing -> absent",
        "F55 jam guard does not care for the lock of five seconds ago",
        {**FOREIGN, OLD_LOCK: "1"},
        _free(Then.DISCARD),
        {"a": Outcome.DISCARDED},
        {OLD_LOCK: "1", "totals": {"jammed": "1"}},
    ),
]

OPERATOR = [
    Case(
        "promote: delayed -> queued",
        "promote queues what is due, first due first",
        {"delayed": {"a": NOW, "b": NOW - 5, "c": NOW + 7}, "queued": ["x"], "committed": {"a", "b", "c", "x"}},
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (2, 0.007),
        {"delayed": {"c": NOW + 7}, "queued": ["x", "b", "a"], "committed": {"a", "b", "c", "x"}},
    ),
    Case(
        "promote: delayed -> queued",
        "promote stops at its limit, and the next is due at once",
        {"delayed": {"a": NOW, "b": NOW - 5}, "committed": {"a", "b"}},
        lambda world: world.run(promote(world.keys, 1, LEASE)),
        (1, 0.0),
        {"delayed": {"a": NOW}, "queued": ["b"], "committed": {"a", "b"}},
    ),
    Case(
        "promote: delayed -> queued",
        "F69 promote puts IDs that were set apart back at the head",
        {
            "delayed": {"a": NOW, "b": NOW - 5, "c": NOW - 4},
            "queued": ["x"],
            "committed": {"a", "b", "c", "x"},
            "crashes": {"b": "2", "a": "1", "c": "9"},
        },
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (3, None),
        {
            "queued": ["b", "c", "x", "a"],
            "committed": {"a", "b", "c", "x"},
            "crashes": {"b": "2", "a": "1", "c": "9"},
        },
    ),
    Case(
        "promote: delayed -> queued",
        "promote commits a copy whose Node run has ended",
        {"delayed": {"a": NOW}},
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (1, None),
        {"queued": ["a"], "committed": {"a"}},
    ),
    Case(
        "",
        "F8 promote lets a copy wait on while a Node worker runs the ID",
        {**FOREIGN, "delayed": {"a": NOW}},
        lambda world: world.run(promote(world.keys, 10, LEASE)),
        (0, 15.0),
        {**FOREIGN, "delayed": {"a": NOW + LEASE}},
    ),
    Case(
        "requeue: failed -> queued",
        "requeue keeps the payload and what went wrong",
        {**FAILED, "payload": {"a": "sx"}, "attempts": {"a": "1"}, "crashes": {"a": "1"}, "queued": ["x"]},
        lambda world: world.queue.requeue(["a"]),
        {"a": Outcome.QUEUED},
        {
            "queued": ["x", "a"],
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            "payload": {"a": "sx"},
            "totals": {"requeued": "1"},
        },
    ),
    Case(
        "",
        "requeue clears a stale failure of an ID that a Node client queued again",
        {**FAILED, "queued": ["a"], "committed": {"a"}},
        lambda world: world.queue.requeue(["a"]),
        {"a": Outcome.ALREADY_COMMITTED},
        {"queued": ["a"], "committed": {"a"}, "failures": {"a": "2"}, "failure": {"a": RECORD}},
    ),
    Case(
        "requeue: failed -> queued",
        "requeue of the same ID twice queues it once, and says so",
        FAILED,
        lambda world: world.queue.requeue(["a", "a"]),
        {"a": Outcome.QUEUED},
        {
            "queued": ["a"],
            "committed": {"a"},
            "published": {"a": T0},
            "failures": {"a": "2"},
            "failure": {"a": RECORD},
            "totals": {"requeued": "1"},
        },
    ),
    Case(
        "requeue: failed -> queued",
        "requeue of all takes every failed ID, fewest failures first",
        {"failed": {"a": 2, "b": 1}},
        lambda world: world.queue.requeue_all(),
        {"b": Outcome.QUEUED, "a": Outcome.QUEUED},
        {
            "queued": ["b", "a"],
            "committed": {"a", "b"},
            "published": {"a": T0, "b": T0},
            "failures": {"a": "2", "b": "1"},
            "totals": {"requeued": "2"},
        },
    ),
    Case(
        "discard: queued -> absent",
        "discard of a queued ID",
        {**QUEUED, **REMEMBERED, "queued": ["x", "a"], "committed": {"a", "x"}},
        lambda world: world.queue.discard(["a"], state=State.QUEUED),
        {"a": Outcome.DISCARDED},
        {"queued": ["x"], "committed": {"x"}, "totals": {"discarded": "1"}},
    ),
    Case(
        "discard: delayed -> absent",
        "discard of a delayed ID",
        {**DELAYED, **REMEMBERED},
        lambda world: world.queue.discard(["a"], state=State.DELAYED),
        {"a": Outcome.DISCARDED},
        {"totals": {"discarded": "1"}},
    ),
    Case(
        "discard: failed -> absent",
        "discard of a failed ID",
        {**FAILED, "payload": {"a": "sx"}},
        lambda world: world.queue.discard(["a"], state=State.FAILED),
        {"a": Outcome.DISCARDED},
        {"totals": {"discarded": "1"}},
    ),
    Case(
        "discard: failed -> absent",
        "discard of the same ID twice discards it once, and says so",
        FAILED,
        lambda world: world.queue.discard(["a", "a"], state=State.FAILED),
        {"a": Outcome.DISCARDED},
        {"totals": {"discarded": "1"}},
    ),
    Case(
        "",
        "discard of a failed ID that a Node client queued again leaves it queued",
        {"failed": {"a": 2}, "queued": ["a"], "committed": {"a"}},
        lambda world: world.queue.discard(["a"], state=State.FAILED),
        {"a": Outcome.DISCARDED},
        {"queued": ["a"], "committed": {"a"}, "totals": {"discarded": "1"}},
    ),
    Case(
        "",
        "F8 discard of a second copy leaves the running ID its commitment and its payload",
        {**MINE, "queued": ["a"], "payload": {"a": "sx"}},
        lambda world: world.queue.discard(["a"], state=State.QUEUED),
        {"a": Outcome.DISCARDED},
        {**MINE, "payload": {"a": "sx"}, "totals": {"discarded": "1"}},
    ),
    Case(
        "",
        "F8 discard of a parked copy leaves the Node worker's ID committed",
        {**FOREIGN, "delayed": {"a": NOW}},
        lambda world: world.queue.discard(["a"], state=State.DELAYED),
        {"a": Outcome.DISCARDED},
        {**FOREIGN, "totals": {"discarded": "1"}},
    ),
    Case(
        "discard: queued -> absent",
        "F25 discard leaves no rerun mark behind",
        {**QUEUED, "rerun": {"a"}},
        lambda world: world.queue.discard(["a"], state=State.QUEUED),
        {"a": Outcome.DISCARDED},
        {"totals": {"discarded": "1"}},
    ),
]

DUPLICATES = [
    Case(
        "",
        "publish of a queued ID is refused",
        QUEUED,
        lambda world: world.queue.publish("a", payload=1, rerun=True),
        Published.ALREADY_QUEUED,
        {**QUEUED, "totals": {"refused": "1"}},
    ),
    Case(
        "",
        "publish of a delayed ID is refused",
        DELAYED,
        lambda world: world.queue.publish("a", payload=1, rerun=True),
        Published.ALREADY_DELAYED,
        {**DELAYED, "totals": {"refused": "1"}},
    ),
    Case(
        "",
        "publish of an ID that was just handed over counts as queued",
        {"claim:aa": ["a"], "committed": {"a"}},
        lambda world: world.queue.publish("a"),
        Published.ALREADY_QUEUED,
        {"claim:aa": ["a"], "committed": {"a"}, "totals": {"refused": "1"}},
    ),
    Case(
        "",
        "publish of a running ID is refused",
        MINE,
        lambda world: world.queue.publish("a", payload=1),
        Published.PROCESSING,
        {**MINE, "totals": {"refused": "1"}},
    ),
    Case(
        "",
        "F25 publish of a running ID can ask for a rerun, with a payload for it",
        MINE,
        lambda world: world.queue.publish("a", payload=1, rerun=True),
        Published.WILL_RERUN,
        {**MINE, "rerun": {"a"}, "payload": {"a": "j1"}, "totals": {"refused": "1"}},
    ),
    Case(
        "",
        "F25 publish of what a Node worker runs can ask for a rerun as well",
        FOREIGN,
        lambda world: world.queue.publish("a", payload=1, rerun=True),
        Published.WILL_RERUN,
        {**FOREIGN, "rerun": {"a"}, "payload": {"a": "j1"}, "totals": {"refused": "1"}},
    ),
    Case(
        "",
        "F8 publish of an ID with a parked copy leaves it in one place",
        {"delayed": {"a": NOW + 5}},
        lambda world: world.queue.publish("a"),
        Published.QUEUED,
        {"queued": ["a"], "committed": {"a"}, "published": {"a": T0}, **PUBLISHED},
    ),
    Case(
        "",
        "F8 jam guard of an ID with a parked copy leaves it in one place",
        {**FOREIGN, "delayed": {"a": NOW + 5}},
        _free(Then.REQUEUE),
        {"a": Outcome.QUEUED},
        {**FREED, "crashes": {"a": "1"}},
    ),
]

ABOUT: dict[str, str | int] = {"host": "h", "pid": 5}
HELLO: Callable[[World], object] = lambda world: world.run(register(world.keys, W, LEASE, "new", ABOUT))  # noqa: E731 - as above
HERE: Keyspace = {**ALIVE, f"worker:{W}": {"since": T0, "host": "h", "pid": "5"}}

WORKERS = [
    Case(
        "",
        "F13 register registers a worker, before it holds anything",
        {},
        HELLO,
        "new",
        {**HERE, "meta": {"schema": "1", "epoch": "new"}},
    ),
    Case(
        "",
        "F43 register answers the epoch that the store has",
        {"meta": {"schema": "1", "epoch": "old"}},
        HELLO,
        "old",
        {**HERE, "meta": {"schema": "1", "epoch": "old"}},
    ),
    Case(
        "",
        "bye gives back what was handed over, and signs off",
        {
            **HERE,
            f"worker:{W}": {"number": "7"},
            f"claim:{W}": ["a", "b"],
            "queued": ["x"],
            "committed": {"a", "b", "x"},
        },
        lambda world: world.run(unregister(world.keys, W, 7)),
        True,
        {**DEPARTED, "queued": ["a", "b", "x"], "committed": {"a", "b", "x"}},
    ),
    Case(
        "",
        "F63 unregister changes nothing at a store that has come back older than the fence",
        {**HERE, f"worker:{W}": {"number": "6"}, f"claim:{W}": ["a"], "committed": {"a"}},
        lambda world: world.run(unregister(world.keys, W, 7)),
        False,
        {**HERE, f"worker:{W}": {"number": "6"}, f"claim:{W}": ["a"], "committed": {"a"}},
    ),
    Case("", "bye twice", DEPARTED, lambda world: world.run(unregister(world.keys, W, 7)), True, DEPARTED),
    Case(
        "",
        "F64 unregister of a worker that is off the roll already gives back what a late wait has brought",
        {f"claim:{W}": ["a"], "queued": ["x"], "committed": {"a", "x"}},
        lambda world: world.run(unregister(world.keys, W, 7)),
        True,
        {"queued": ["a", "x"], "committed": {"a", "x"}},
    ),
    Case(
        "",
        "F63 who holds nothing signs off",
        {**HERE, f"worker:{W}": {"number": "6"}, "owner": {"a": f"bb:1@{NOW}"}},
        lambda world: world.drive(unregister_safely(world.keys, W, 7)),
        True,
        {**DEPARTED, "owner": {"a": f"bb:1@{NOW}"}},
    ),
    Case(
        "",
        "F63 who holds something by the store's word stays on the roll",
        {**MINE, f"worker:{W}": {"number": "6"}},
        lambda world: world.drive(unregister_safely(world.keys, W, 7)),
        False,
        {**MINE, f"worker:{W}": {"number": "7"}},
    ),
    Case(
        "",
        "F64 a claim of a worker off the roll gives back what a late wait has brought, in order",
        {f"claim:{W}": ["a", "b"], "queued": ["x"], "committed": {"a", "b", "x"}},
        lambda world: world.exchange(want=1).word,
        "gone",
        {"queued": ["a", "b", "x"], "committed": {"a", "b", "x"}},
    ),
    Case(
        "",
        "F64 reclaim gives back what late waits have brought to workers off the roll, and forgets those of long ago",
        {
            "workers": {"bb": NOW + LEASE},
            "departed": {W: NOW - DEPARTED_MS, "bb": NOW - 1, "cc": NOW},
            f"claim:{W}": ["a", "b"],
            "claim:bb": ["c"],
            "claim:cc": ["d"],
            "queued": ["x"],
            "committed": {"a", "b", "c", "d", "x"},
        },
        lambda world: world.run(reclaim(world.keys, 0)),
        (0, 3),
        {
            "workers": {"bb": NOW + LEASE},
            "departed": {"bb": NOW - 1, "cc": NOW},
            "claim:bb": ["c"],
            "queued": ["d", "a", "b", "x"],
            "committed": {"a", "b", "c", "d", "x"},
        },
    ),
    Case("", "reclaim finds nothing", DEPARTED, lambda world: world.run(reclaim(world.keys, 0)), (0, 0), DEPARTED),
    Case(
        "",
        "F63 unregistered_holders names who holds something and is not on the roll",
        {
            "workers": {W: NOW - 1},
            "owner": {"a": f"{W}:1@{NOW}", "b": f"bb:1@{NOW}", "c": f"bb:2@{NOW}", "d": "garbage"},
        },
        lambda world: world.run(unregistered_holders(world.keys, 0)),
        (0, ["bb"]),
        {
            "workers": {W: NOW - 1},
            "owner": {"a": f"{W}:1@{NOW}", "b": f"bb:1@{NOW}", "c": f"bb:2@{NOW}", "d": "garbage"},
        },
    ),
    Case(
        "",
        "unregistered_holders where nothing is held",
        {},
        lambda world: world.run(unregistered_holders(world.keys, 0)),
        (0, []),
        {},
    ),
    Case(
        "",
        "F12 silent names the workers whose lease is over",
        {"workers": {W: NOW - 1, "bb": NOW, "cc": NOW + 1}},
        lambda world: world.run(expired_leases(world.keys)),
        (NOW / 1000, [W, "bb"]),
        {"workers": {W: NOW - 1, "bb": NOW, "cc": NOW + 1}},
    ),
    Case("", "pause notes since when", {}, lambda world: world.queue.pause(), True, {"paused": T0}),
    Case("", "pause twice changes nothing", {"paused": OLD}, lambda world: world.queue.pause(), False, {"paused": OLD}),
    Case("", "resume", {"paused": OLD}, lambda world: world.queue.resume(), True, {}),
    Case("", "resume twice", {}, lambda world: world.queue.resume(), False, {}),
]


def _dry_discard(state: State) -> Callable[[World], object]:
    return lambda world: world.queue.discard(["a", "x"], state=state, dry_run=True)


GONE = {"a": Outcome.DISCARDED, "x": Outcome.GONE}

DRY = [
    Case("", "dry publish of an absent ID", {}, _answers(dry_run=True), [Published.QUEUED], {}),
    Case("", "dry publish of a failed ID", FAILED, _answers(dry_run=True, delay_s=1), [Published.DELAYED], FAILED),
    Case("", "dry publish of a queued ID", QUEUED, _answers(dry_run=True), [Published.ALREADY_QUEUED], QUEUED),
    Case("", "dry publish of a delayed ID", DELAYED, _answers(dry_run=True), [Published.ALREADY_DELAYED], DELAYED),
    Case("", "dry publish of a running ID", MINE, _answers(dry_run=True), [Published.PROCESSING], MINE),
    Case(
        "",
        "dry publish with a rerun",
        MINE,
        _answers(dry_run=True, rerun=True, payload="x"),
        [Published.WILL_RERUN],
        MINE,
    ),
    Case(
        "",
        "dry requeue",
        FAILED,
        lambda world: world.queue.requeue(["a", "x"], dry_run=True),
        {"a": Outcome.QUEUED, "x": Outcome.GONE},
        FAILED,
    ),
    Case("", "dry discard of a queued ID", QUEUED, _dry_discard(State.QUEUED), GONE, QUEUED),
    Case("", "dry discard of a delayed ID", DELAYED, _dry_discard(State.DELAYED), GONE, DELAYED),
    Case("", "dry discard of a failed ID", FAILED, _dry_discard(State.FAILED), GONE, FAILED),
]

CASES = [
    *PUBLISH,
    *CLAIM,
    *COMPLETE,
    *FAIL,
    *DEFER,
    *RELEASE,
    *RENEW,
    *RECOVER,
    *JAM_GUARD,
    *OPERATOR,
    *DUPLICATES,
    *WORKERS,
    *DRY,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_whole_keyspace_after(world: World, case: Case) -> None:
    world.seed(case.before)

    answer = case.act(world)

    assert answer == case.answer
    assert world.state() == case.after


def test_every_path_of_the_table_has_a_case() -> None:
    paths = {
        f"{move.name}: {source} -> {target}"
        for move in MOVES.values()
        for source in move.sources
        for target in move.targets
    }

    assert {case.path for case in CASES} - {""} == paths


# -- refused from every other state

PLACES: dict[State, Keyspace] = {
    State.ABSENT: ALIVE,
    State.QUEUED: {**ALIVE, **QUEUED},
    State.DELAYED: {**ALIVE, **DELAYED},
    State.PROCESSING: MINE,
    State.FAILED: {**ALIVE, **FAILED},
}

ACTS: dict[str, Callable[[World], object]] = {
    "publish": lambda world: world.queue.publish("a"),
    "promote": lambda world: world.run(promote(world.keys, 10, LEASE)),
    "claim": CLAIM_ONE,
    "set_apart": lambda world: world.exchange(want=1, suspects=SuspectPolicy(kept=1)),
    "renew": _beat,
    "complete": lambda world: world.exchange(completed=[claim("a")]),
    "fail": lambda world: world.exchange(failed=[(claim("a"), failure(retry_ms=5))]),
    "defer": lambda world: world.exchange(deferred=[(claim("a"), 5)]),
    "release": lambda world: world.exchange(released=[claim("a")]),
    "recover": lambda world: world.run(of("recover", world.keys, ("dd", 3, "1", "a", f"{W}:1"), list)),
    "jam_guard": lambda world: world.queue.free_jammed([_seen()], then=Then.DISCARD),
    "requeue": lambda world: world.queue.requeue(["a"]),
    "discard": lambda world: [
        world.queue.discard(["a"], state=state) for state in (State.QUEUED, State.DELAYED, State.FAILED)
    ],
}
COUNTED = {
    "publish": {"refused": "1"},
    "complete": {"stale": "1"},
    "fail": {"stale": "1"},
    "defer": {"stale": "1"},
    "release": {"stale": "1"},
}


@pytest.mark.parametrize(
    ("name", "state"),
    [(move.name, state) for move in MOVES.values() for state in State if state not in move.sources],
)
def test_refused_from_every_other_state(world: World, name: str, state: State) -> None:
    before = {**PLACES[state], **BEATEN}
    world.seed(before)

    ACTS[name](world)

    counted: Keyspace = {"totals": COUNTED[name]} if name in COUNTED else {}
    if name in ("claim", "set_apart"):
        counted = {f"worker:{W}": {**BEATEN[f"worker:{W}"], "number": "7"}}
    assert world.state() == {**before, **counted}


def test_there_is_an_act_for_every_move() -> None:
    assert ACTS.keys() == MOVES.keys()


@pytest.mark.parametrize("state", [State.QUEUED, State.DELAYED, State.FAILED])
def test_discard_looks_in_the_named_state_only(world: World, state: State) -> None:
    for place in set(State) - {state}:
        world.seed(PLACES[place])

        outcomes = world.queue.discard(["a"], state=state)

        assert outcomes == {"a": Outcome.GONE}
        assert world.state() == PLACES[place]


# -- what one keyspace does not tell


def test_f30_one_stale_token_in_an_exchange_spoils_nothing_else(world: World) -> None:
    held = {"done": 1, "late": 2, "bad": 3, "late2": 4, "back": 5, "late3": 6}
    world.seed(
        ALIVE,
        {
            "queued": ["new"],
            "committed": {*held, "new"},
            "processing": dict.fromkeys(held, SECOND),
            "started": dict.fromkeys(held, NOW),
            "owner": {id: f"{'bb' if 'late' in id else W}:{n}@{NOW}" for id, n in held.items()},
        },
    )

    answer = world.exchange(
        completed=[claim("late", 2), claim("done", 1)],
        failed=[(claim("late2", 4), failure()), (claim("bad", 3), failure())],
        released=[claim("late3", 6), claim("back", 5)],
        want=1,
    )

    late = {"late", "late2", "late3"}
    holders = {"late": "bb:2", "late2": "bb:4", "late3": "bb:6", "back": f"{W}:7"}
    assert answer == Round([2, 4, 6], "open", [claim("back", 7)])
    assert world.state() == {
        **ALIVE,
        **_numbered(7),
        "queued": ["new"],
        "committed": {*late, "back", "new"},
        "processing": dict.fromkeys([*late, "back"], SECOND),
        "started": dict.fromkeys(late, NOW),
        "owner": {id: f"{token}@{NOW}" for id, token in holders.items()},
        "failed": {"bad": 1},
        "failure": {"bad": NEW_RECORD},
        LOG: ["boom"],
        "totals": {"done": "1", "failed": "1", "released": "1", "stale": "3"},
    }


def test_f26_the_error_log_lives_a_day_and_cuts_its_lines(world: World) -> None:
    world.seed(MINE)

    world.exchange(failed=[(claim("a"), failure("x" * 2000))])

    assert world.client.ttl(f"cv:q:{LOG}") == 86_400
    assert world.client.lrange(f"cv:q:{LOG}", 0, -1) == [b"x" * 1024]


@pytest.mark.parametrize("retry_ms", [None, 5000])
@pytest.mark.parametrize(
    ("message", "line", "kept"),
    [
        ("x" * 9000, "x" * 1024, "x" * 512),
        ("\u00e4" * 9000, "\u00e4" * 512, "\u00e4" * 256),
        ("a" + "\u00e4" * 9000, "a" + "\u00e4" * 511, "a" + "\u00e4" * 255),
        ("a\U0001f69a" * 9000, "a\U0001f69a" * 204 + "a", "a\U0001f69a" * 102 + "a"),
    ],
)
def test_f26_whatever_a_client_says_of_a_failure_a_record_and_a_line_have_their_bounds(
    world: World, message: str, line: str, kept: str, retry_ms: int | None
) -> None:
    world.seed(MINE)

    world.exchange(failed=[(claim("a"), failure(message, retry_ms))])

    state = world.state()
    assert state[LOG] == [line]
    record = state["failure"]
    assert isinstance(record, dict)
    assert json.loads(record["a"]) == {"at": SECOND, "error": kept}


def test_f26_the_error_log_keeps_its_newest_ten_thousand_lines(world: World) -> None:
    world.seed(MINE, {LOG: [f"old {n}" for n in range(12_000)]})

    world.exchange(failed=[(claim("a"), failure())])

    log = world.state()[LOG]
    assert log == ["boom", *(f"old {n}" for n in range(9_999))]


@pytest.mark.parametrize(
    ("now", "day"), [(DAY * 1000, DAY), (DAY * 1000 - 1, DAY - 86_400), (DAY * 1000 + 86_399_999, DAY)]
)
def test_f26_the_error_log_turns_over_at_midnight_utc(world: World, now: int, day: int) -> None:
    world.seed(RUNNING, {"workers": {W: now + 1}})
    world.queue._connection.now_ms = now

    world.exchange(failed=[(claim("a"), failure())])

    assert world.state()[f"errorLog.{day}"] == ["boom"]


def test_hello_refuses_a_queue_of_another_schema_and_changes_nothing(world: World) -> None:
    before: Keyspace = {"meta": {"schema": "2", "epoch": "old"}}
    world.seed(before)

    with pytest.raises(StoreDamaged, match=r"schema 2, and this release knows 1"):
        HELLO(world)

    assert world.state() == before


def test_f10_recover_of_more_than_one_chunk_keeps_the_order(world: World) -> None:
    ids = [f"{n:04}" for n in range(1200)]
    world.seed(
        {
            "workers": {W: LONG_OVER},
            "queued": ["y"],
            f"claim:{W}": ["x"],
            "committed": {*ids, "x", "y"},
            "processing": dict.fromkeys(ids, SECOND),
            "started": dict.fromkeys(ids, NOW),
            "owner": {id: f"{W}:{n}@{NOW}" for n, id in enumerate(ids, start=1)},
        }
    )

    moved = RECOVER_IT(world)

    assert moved == dict.fromkeys(ids, "queued")
    assert world.state() == {
        "queued": [*ids, "x", "y"],
        "committed": {*ids, "x", "y"},
        "crashes": dict.fromkeys(ids, "1"),
        **DEPARTED,
        "totals": {"recovered": "1200"},
    }


MANY = [f"{n:05}" for n in range(10_000)]


def test_f13_a_worker_just_dead_stays_on_the_roll_since_a_wait_may_still_hand_it_an_id(world: World) -> None:
    world.seed({**ORPHANED, "workers": {W: LONG_OVER + 1}})

    RECOVER_IT(world)
    world.client.rpush(f"cv:q:claim:{W}", "late")
    world.client.sadd("cv:q:committed", "late")
    assert world.run(expired_leases(world.keys))[1] == [W]
    world.queue._connection.now_ms = NOW + 1
    RECOVER_IT(world)

    assert world.state()["queued"] == ["late", "a"]
    assert world.run(expired_leases(world.keys))[1] == []
    assert world.queue.workers() == []


def test_f2_a_heartbeat_tells_of_what_was_handed_over_late(world: World) -> None:
    world.seed({**ALIVE, f"claim:{W}": ["late", "later"], "committed": {"late", "later"}})

    assert world.run(renew(world.keys, W, LEASE, Pulse(0, 0, []), ())).waiting == 2


@pytest.mark.parametrize("hindrance", ["paused", "lapsed"])
def test_f4_a_claim_that_was_refused_claims_nothing_when_it_arrives_again(world: World, hindrance: str) -> None:
    world.seed({**ALIVE, "queued": ["a"], "committed": {"a"}, f"worker:{W}": {"since": T0}})
    request = exchange(world.keys, W, Settlement(), 4, 101, LEASE)
    if hindrance == "paused":
        world.queue.pause()
    else:
        world.queue._connection.now_ms = NOW + LEASE

    assert world.run(request).word == hindrance
    world.queue.resume()
    world.queue._connection.now_ms = NOW
    assert world.run(request).word == "repeated"
    assert world.queue.counts() == Counts(queued=1, committed=1)


def test_f64_reclaims_get_around_in_slices(world: World) -> None:
    workers = [f"{n:04x}" for n in range(2 * BATCH + 1)]
    world.seed({"departed": {worker: NOW - DEPARTED_MS + n // BATCH for n, worker in enumerate(workers)}})
    skips, returned = [0], 0
    for worker in workers:
        world.client.rpush(f"cv:q:claim:{worker}", worker)
    world.client.sadd("cv:q:committed", *workers)

    for _ in range(3):
        skip, n = world.run(reclaim(world.keys, skips[-1]))
        skips.append(skip)
        returned += n

    # The first slice was old enough to be forgotten, and so the second stood where it had been.
    assert skips == [0, 0, BATCH, 0]
    assert returned == len(workers)
    assert world.queue.counts() == Counts(queued=returned, committed=returned)
    assert world.client.zcard("cv:q:departed") == BATCH + 1


def test_f63_strays_are_looked_for_in_slices(world: World) -> None:
    world.seed({"owner": {str(n): f"{n % 3}:{n}@{NOW}" for n in range(5 * BATCH)}, "workers": {"0": NOW}})
    cursor, found = world.run(unregistered_holders(world.keys, 0))
    slices = 1
    while cursor:
        cursor, more = world.run(unregistered_holders(world.keys, cursor))
        found += more
        slices += 1

    assert 3 < slices < 10
    assert set(found) == {"1", "2"}


def test_f2_a_worker_in_doubt_signs_off_but_stays_on_the_roll(world: World) -> None:
    world.seed({**ALIVE, f"claim:{W}": ["b"], "committed": {"b"}})

    world.run(unregister(world.keys, W, 0, is_in_doubt=True))

    assert world.state() == {"workers": {W: NOW}, "queued": ["b"], "committed": {"b"}}
    assert world.run(expired_leases(world.keys))[1] == [W]


def test_f3_a_claim_that_arrives_after_the_fence_claims_nothing(world: World) -> None:
    world.seed({**ALIVE, "queued": ["a"], "committed": {"a"}, f"worker:{W}": {"number": "3"}})
    late = exchange(world.keys, W, Settlement(), 5, 4, LEASE)

    world.run(fence(world.keys, W, 9))

    assert world.run(late).word == "repeated"
    assert world.queue.counts() == Counts(queued=1, committed=1)
    assert world.run(exchange(world.keys, W, Settlement(), 5, 9, LEASE)).word == "open"


@pytest.mark.parametrize(
    "act", [RECOVER_IT, lambda world: world.run(unregister(world.keys, W, 0))], ids=["recover", "unregister"]
)
def test_f7_f10_a_claim_list_of_any_length_comes_back_in_order(world: World, act: Callable[[World], object]) -> None:
    world.seed({"workers": {W: LONG_OVER}, f"claim:{W}": MANY, "committed": set(MANY)})

    act(world)

    assert world.state() == {**DEPARTED, "queued": MANY, "committed": set(MANY)}


def test_f7_a_claim_from_a_claim_list_of_any_length_loses_nothing(world: World) -> None:
    world.seed({**ALIVE, f"claim:{W}": MANY, "committed": set(MANY)})

    CLAIM_ONE(world)

    state = world.state()
    assert state.get("queued") == MANY[1:]
    assert state.get("processing") == {MANY[0]: SECOND}


def test_renew_of_more_than_one_chunk_shows_all_that_run(world: World) -> None:
    held = {str(n): f"{W}:{n}@{NOW}" for n in range(1, 701)}
    world.seed(ALIVE, {"owner": held})
    beats = Heartbeat(
        world.queue._connection,
        world.keys,
        W,
        PoolOptions(),
        lambda: Pulse(0, 0, [(id.encode(), int(id)) for id in held]),
        lambda renewal, run_id: None,
    )

    beats.run_once()

    assert world.queue.workers()[0].running == 700


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
    assert world.state() == {**ALIVE, **_numbered(3), "totals": {"done": "2", "refused": "2"}}


SWEEP: Callable[[World], object] = lambda world: world.run(sweep(world.keys, (), 1000))  # noqa: E731 - as above


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

    assert world.state() == {**FAILED, "failed": {"a": 4}, "payload": {"a": "sload"}}


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
        "failures": {"a": "4"},
        "crashes": {"a": "1"},
        "failure": {"a": RECORD},
    }


def test_f25_a_claim_of_what_node_published_meanwhile_is_the_run_that_was_asked_for(world: World) -> None:
    world.seed(ALIVE, {"queued": ["a"], "committed": {"a"}, "rerun": {"a"}})

    world.exchange(completed=world.exchange(want=1).claims, number=8)

    assert world.state() == {**ALIVE, **_numbered(7), "totals": {"done": "1"}}


def test_f53_sweeps_get_around_in_slices(world: World) -> None:
    gone = [str(n) for n in range(3_000)]
    world.seed({"published": {**dict.fromkeys(gone, OLD), "a": OLD}, "committed": {"a"}, "queued": ["a"]})

    stops, slices = world.run(sweep(world.keys, (), 500)), 1
    while any(stops):
        stops, slices = world.run(sweep(world.keys, stops, 500)), slices + 1

    assert 3 <= slices <= 20
    assert world.state() == {"published": {"a": OLD}, "committed": {"a"}, "queued": ["a"]}


def test_f52_f53_a_node_publish_after_a_sweep_gets_nothing_that_an_earlier_run_left(world: World) -> None:
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
