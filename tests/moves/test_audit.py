"""The audit: what operators do is kept by the script that does it, and can be read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from convoy_core import (
    AsyncFleet,
    AuditEntry,
    Face,
    Fault,
    FaultKind,
    Fleet,
    InvalidOption,
    Jammed,
    Operator,
    Queue,
    State,
    StoreDamaged,
    Then,
    WorkerPool,
)
from convoy_core.moves import auditing, discarding, steering
from convoy_core.moves.working import register
from convoy_core.operators import NOBODY
from tests.moves.keyspace import ALIVE, LEASE, NOW, SECOND, Keyspace, W, World
from tests.servers import RealServer

ANN = Operator("ann@desk", Face.COMMAND_LINE, "flat tyres", "op1")
BOB = Operator("bob@desk", operation="op2")


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis, on which Ann acts."""
    world = World(each_store)
    act_as(world, ANN)
    yield world
    world.close()


def act_as(world: World, operator: Operator) -> None:
    """From here on this operator acts."""
    world.queue._operator = operator


def kept(world: World) -> list[str]:
    """The entries of the audit, each as one text."""
    entries = world.client.eval(RAW, 1, "cv:q:audit")
    return [" ".join(part.decode() for part in entry) for entry in entries]


RAW = """
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
for i, entry in ipairs(entries) do entries[i] = entry[2] end
return entries
"""
"""As redis-py reads an entry, no field comes twice."""


def written(operator: Operator, verb: str, outcomes: str, *ids: str, at: int = NOW) -> str:
    """An entry as the store holds it."""
    fields = ["by", operator.signature(), "verb", verb, "at", str(at), "outcomes", outcomes]
    return " ".join([*fields, *(part for id in ids for part in ("id", id))])


PLACES: Keyspace = {
    **ALIVE,
    "queued": ["q1", "q2"],
    "delayed": {"d1": NOW + 5},
    "failed": {"f1": 1, "f2": 2, "f3": 3},
    "committed": {"q1", "q2", "d1", "p1", "p2", "missing"},
    "processing": {"p1": SECOND - 100, "p2": SECOND - 50},
    "owner": {"p2": f"{W}:1@{NOW - 50_000}"},
}
JAMMED = [Jammed("p1", SECOND - 100, 100, None, False), Jammed("gone", SECOND - 100, 100, None, False)]

ACTS: dict[str, tuple[Callable[[Queue], object], str, str, tuple[str, ...]]] = {
    "requeue": (lambda queue: queue.requeue(["f2", "x", "f1"]), "requeue", "queued 2", ("f2", "f1")),
    "requeue to the front": (lambda queue: queue.requeue(["f2"], front=True), "requeue", "queued 1", ("f2",)),
    "requeue_all": (lambda queue: queue.requeue_all(), "requeue", "queued 3", ("f1", "f2", "f3")),
    "trial": (lambda queue: queue.requeue_trial(["f2", "f1"], timeout_s=0), "requeue", "queued 1", ("f2",)),
    "discard queued": (lambda queue: queue.discard(["q2", "x"], state=State.QUEUED), "discard", "discarded 1", ("q2",)),
    "discard failed": (lambda queue: queue.discard(["f1"], state=State.FAILED), "discard", "discarded 1", ("f1",)),
    "discard_all": (lambda queue: queue.discard_all(State.QUEUED), "discard", "discarded 2", ("q1", "q2")),
    "jam_guard requeue": (lambda queue: queue.free_jammed(JAMMED), "jam_guard", "queued 1", ("p1",)),
    "jam_guard fail": (lambda queue: queue.free_jammed(JAMMED, then=Then.FAIL), "jam_guard", "failed 1", ("p1",)),
    "jam_guard": (lambda queue: queue.jam_guard(idle_s=70), "jam_guard", "queued 1", ("p1",)),
    "repair": (lambda queue: queue.repair([Fault(FaultKind.MISSING, "missing")]), "repair", "queued 1", ("missing",)),
    "cancel": (
        lambda queue: queue.cancel(["f1", "p2", "p1", "q1", "x"]),
        "cancel",
        "cancelling 1 cancelled 1",
        ("p2", "q1"),
    ),
    "pause": (lambda queue: queue.pause(), "pause", "paused 1", ()),
    "quiet": (lambda queue: queue.quiet("h"), "quiet", "host 1", ("h",)),
    "quiet worker": (lambda queue: queue.quiet(W), "quiet", "worker 1", (W,)),
    "version": (lambda queue: queue.set_lowest_version("1.4"), "version", "set 1", ("1.4",)),
    "describe": (lambda queue: queue.describe(owner="a", note="b"), "describe", "owner 1 note 1", ()),
    "limit": (
        lambda queue: queue.set_limits(concurrency=5),
        "limit",
        "limited 1 before 0 0 0 0 after 5 0 0 0",
        (),
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_kept_by_the_script_that_does_it(world: World, name: str) -> None:
    act, verb, outcomes, ids = ACTS[name]
    world.seed(PLACES)

    act(world.queue)

    assert kept(world) == [written(ANN, verb, outcomes, *ids)]


@pytest.mark.parametrize("name", ACTS)
def test_the_audit_is_all_that_an_audited_act_does_besides(world: World, name: str) -> None:
    act = ACTS[name][0]
    world.seed(PLACES)
    act(world.queue)
    audited = world.state()
    act_as(world, NOBODY)
    world.seed(PLACES)

    act(world.queue)

    assert audited.pop("audit")
    assert ("requeued" in audited) is (ACTS[name][1] == "requeue")
    audited.pop("requeued", None)
    assert world.state() == audited


NOTHING: dict[str, Callable[[Queue], object]] = {
    "requeue": lambda queue: queue.requeue(["x", "q1"]),
    "dry requeue": lambda queue: queue.requeue(["f1"], dry_run=True),
    "discard": lambda queue: queue.discard(["x"], state=State.FAILED),
    "dry discard": lambda queue: queue.discard(["q1"], state=State.QUEUED, dry_run=True),
    "cancel": lambda queue: queue.cancel(["f1", "p1", "x"]),
    "dry cancel": lambda queue: queue.cancel(["q1", "p2"], dry_run=True),
    "jam_guard": lambda queue: queue.free_jammed(JAMMED[1:]),
    "jam_guard held": lambda queue: queue.free_jammed([Jammed("p2", SECOND - 50, 50, W, True)], skip_live=True),
    "repair": lambda queue: queue.repair([Fault(FaultKind.MISSING, "q1")]),
    "resume": lambda queue: queue.resume(),
    "limit": lambda queue: queue.set_limits(),
    "end acknowledgement": lambda queue: queue.end_acknowledgement(),
    "describe": lambda queue: queue.describe(owner=""),
    "quiet": lambda queue: queue.quiet("e" * 32),
    "unquiet": lambda queue: queue.unquiet("h"),
    "version": lambda queue: queue.set_lowest_version(None),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_changes_nothing_is_not_kept(world: World, name: str) -> None:
    world.seed(PLACES)

    NOTHING[name](world.queue)

    assert world.state() == PLACES


def test_a_worker_that_an_operator_has_launched_is_kept(world: World) -> None:
    world.seed({})

    world.run(register(world.keys, W, LEASE, "epoch", {"pid": 5}, by=ANN.signature()))

    assert kept(world) == [written(ANN, "work", "launched 1", W)]


@pytest.mark.parametrize(("operator", "entries"), [(ANN, 1), (None, 0)])
def test_a_pool_of_a_queue_that_was_given_an_operator_is_kept(
    store: RealServer, operator: Operator | None, entries: int
) -> None:
    with Queue("q", redis=store.url, operator=operator) as queue, WorkerPool(queue, print):
        acts = [(entry.verb, entry.who) for entry in queue.audit()]

    assert acts == [("work", "ann@desk")] * entries


def test_pause_and_resume_are_kept_once_each(world: World) -> None:
    world.seed({})

    for _ in range(2):
        world.queue.pause()
    for _ in range(2):
        world.queue.resume()

    assert kept(world) == [written(ANN, "pause", "paused 1"), written(ANN, "resume", "resumed 1")]


def test_lifting_limits_is_kept(world: World) -> None:
    world.seed({})

    world.queue.set_limits(rate=5)
    world.queue.set_limits()

    assert kept(world) == [written(ANN, "limit", "limited 1 lifted 1 before 0 0 0 0 after 0 0 0 0")]


def test_the_chunks_of_one_operation_are_one_entry(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "BATCH", 2)
    monkeypatch.setattr(discarding, "BATCH", 2)
    world.seed({"failed": {f"{n:02}": 1 for n in range(25)}})
    world.queue.requeue([f"{n:02}" for n in range(5)])
    world.queue._connection.now_ms = NOW + 60_000

    world.queue.requeue([f"{n:02}" for n in range(5, 16)])

    samples = [f"{n:02}" for n in range(10)]
    assert kept(world) == [written(ANN, "requeue", "queued 16", *samples)]


def test_what_the_same_operation_did_long_ago_is_an_entry_of_its_own(world: World) -> None:
    world.seed(PLACES)
    fields = ["by", ANN.signature(), "verb", "requeue", "at", "5", "outcomes", "queued 1", "id", "x"]
    add = "return redis.call('XADD', KEYS[1], ARGV[1], unpack(ARGV, 2))"
    world.client.eval(add, 1, "cv:q:audit", f"{NOW - 10_000}-0", *fields)

    world.queue.requeue(["f1"])

    assert kept(world) == [" ".join(fields), written(ANN, "requeue", "queued 1", "f1")]


def test_another_operator_another_verb_or_another_operation_makes_another_entry(world: World) -> None:
    world.seed(PLACES)
    world.queue.requeue(["f1"])
    act_as(world, BOB)
    world.queue.requeue(["f2"])
    world.queue.pause()
    world.queue.requeue(["f3"])

    assert kept(world) == [
        written(ANN, "requeue", "queued 1", "f1"),
        written(BOB, "requeue", "queued 1", "f2"),
        written(BOB, "pause", "paused 1"),
        written(BOB, "requeue", "queued 1", "f3"),
    ]


def test_each_call_is_an_operation_where_none_is_named(world: World) -> None:
    act_as(world, Operator("ann@desk"))
    world.seed(PLACES)

    for id in ("f1", "f2"):
        world.queue.requeue([id])

    operations = [json.loads(entry.split()[1])["operation"] for entry in kept(world)]
    assert len(set(operations)) == 2


def test_long_ids_are_left_out_of_the_samples(world: World) -> None:
    ids = ["a" * 600, "b" * 600, "c" * 400, "d"]
    world.seed({"failed": dict.fromkeys(ids, 1)})

    world.queue.requeue(ids)

    assert kept(world) == [written(ANN, "requeue", "queued 4", "a" * 600, "c" * 400, "d")]


def test_about_a_thousand_entries_are_kept(world: World) -> None:
    act_as(world, Operator("ann@desk"))
    world.seed({})
    with world.client.pipeline(transaction=False) as pipe:
        for n in range(1_500):
            pipe.xadd("cv:q:audit", {"by": "{}", "verb": "pause", "at": n, "outcomes": "paused 1"})
        pipe.execute()

    world.queue.pause()

    # Whole nodes of the stream leave at a time, of 100 entries.
    assert 1_000 <= world.client.xlen("cv:q:audit") < 1_100


def test_f31_an_audit_of_a_wrong_type_stops_an_act_before_it_writes(world: World) -> None:
    before = {**PLACES, "audit": "x"}
    world.seed(before)

    with pytest.raises(StoreDamaged, match="audit holds a string, where Convoy keeps a stream"):
        world.queue.requeue(["f1"])

    assert world.state() == before


def test_s13_an_act_of_a_user_who_may_not_write_the_audit_is_done_all_the_same(
    world: World, each_store: RealServer
) -> None:
    world.seed(PLACES)
    rules = ["on", ">pw", "~*", "+@all", "-xadd", "-xdel", "-xrevrange"]
    world.client.execute_command("ACL", "SETUSER", "old", *rules)  # type: ignore[no-untyped-call] # redis-py left it so

    with Queue("q", redis=each_store.url.replace("unix://", "unix://old:pw@"), operator=ANN) as queue:
        answer = queue.requeue(["f1"])
    world.client.acl_deluser("old")

    assert answer == {"f1": "queued"}
    assert kept(world) == []


# -- reading


def test_the_audit_of_a_queue_is_read_oldest_first(world: World) -> None:
    world.seed(PLACES)
    world.queue.requeue(["f1", "f2"])
    act_as(world, BOB)
    world.queue.pause()

    first, second = world.queue.audit()

    assert first == AuditEntry(
        "q", SECOND, first.until, "ann@desk", "command line", "requeue", {"queued": 2}, ("f1", "f2"), "flat tyres",
        "op1", first.place,
    )  # fmt: skip
    assert (first.count, second.verb, second.samples, second.face) == (2, "pause", (), "library")
    assert first.place < second.place


def test_the_audit_is_read_page_by_page_since_a_time_or_after_an_entry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.seed({})
    with world.client.pipeline(transaction=False) as pipe:
        for n in range(10):
            entry: Any = {"by": "{}", "verb": f"v{n}", "at": NOW - 10_000 + 1000 * n, "outcomes": "paused 1"}
            pipe.xadd("cv:q:audit", entry, id=f"{NOW - 10_000 + 1000 * n}-0")
        pipe.execute()
    monkeypatch.setattr(auditing, "PAGE", 3)

    everything = world.queue.audit()

    assert [entry.verb for entry in everything] == [f"v{n}" for n in range(10)]
    assert [entry.verb for entry in world.queue.audit(since_s=2.5)] == ["v8", "v9"]
    assert [entry.verb for entry in world.queue.audit(after=everything[6].place)] == ["v7", "v8", "v9"]
    assert world.queue.audit(since_s=0.5) == world.queue.audit(after=everything[-1].place) == []


def test_what_others_wrote_into_the_audit_breaks_nothing(world: World) -> None:
    world.seed({})
    for words in ("x y", "by no-JSON verb v at soon outcomes odd", "by [] verb w"):
        world.client.eval("return redis.call('XADD', KEYS[1], '*', unpack(ARGV))", 1, "cv:q:audit", *words.split())

    entries = world.queue.audit()

    told = [(entry.who, entry.verb, dict(entry.outcomes)) for entry in entries]
    assert told == [("", verb, {}) for verb in ("", "v", "w")]
    assert all(entry.at == entry.until for entry in entries)


async def test_the_audit_of_a_store_is_that_of_all_its_queues(store: RealServer) -> None:
    with Fleet(redis=store.url, operator=ANN) as fleet:
        for name in ("trucks", "vans"):
            fleet.queue(name).pause()
        fleet.queue("trucks").resume()
        found = fleet.audit()
        places = {(entry.queue, entry.verb): entry.place for entry in found}
        rest = fleet.audit(after={name: places[name, "pause"] for name in ("trucks", "vans")})
        vans = fleet.audit(["vans"], since_s=3600)

    async with AsyncFleet(redis=store.url) as awaited:
        same = await awaited.audit()
        queue_of_it = await awaited.queue("vans").audit()

    acts = [(entry.queue, entry.verb) for entry in found]
    assert sorted(acts) == [("trucks", "pause"), ("trucks", "resume"), ("vans", "pause")]
    assert [entry.at for entry in found] == sorted(entry.at for entry in found)
    assert [(entry.queue, entry.verb) for entry in rest] == [("trucks", "resume")]
    assert [entry.queue for entry in vans] == ["vans"]
    assert (same, queue_of_it) == (found, vans)


# -- who acts


def test_by_default_the_user_at_this_machine_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONVOY_OPERATOR", raising=False)
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    assert (Operator.here().who, Operator.here().face) == ("ann@desk", Face.LIBRARY)

    monkeypatch.setenv("CONVOY_OPERATOR", "the night shift")
    assert Operator.here(Face.DASHBOARD).who == "the night shift"
    assert Operator.here(who="bob").who == "bob"


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.delenv("CONVOY_OPERATOR", raising=False)
    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.getuid", lambda: 4711)

    assert Operator.here().who.startswith("4711@")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"who": 5}, "who is 5; it must be text of at most 200 characters."),
        ({"who": "x" * 201}, "it must be text of at most 200 characters."),
        ({"who": "x", "reason": "x" * 1001}, "it must be text of at most 1,000 characters."),
        ({"who": "x", "reason": "\ud800"}, "it must be text of at most 1,000 characters."),
        ({"who": "x", "face": "library"}, "face is 'library'; it must be a Face, like Face.LIBRARY."),
        ({"who": "x", "operation": None}, "operation is None; it must be text of at most 200 characters."),
    ],
)
def test_an_operator_that_cannot_be_is_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        Operator(**given)  # type: ignore[arg-type]  # as all of these

    assert str(refused.value).endswith(says)


@pytest.mark.parametrize("after", ["", "x", "-", "5", "$", "1-1-1", 5])
def test_a_place_that_cannot_be_is_refused(world: World, after: str) -> None:
    with pytest.raises(InvalidOption, match=r"after is .*; it must be the place of an entry, like 1700000000000-0"):
        world.queue.audit(after=after)


def test_what_a_queue_with_an_operation_does_is_one_entry(store: RealServer) -> None:
    with Fleet(redis=store.url, operator=BOB) as fleet:
        fleet.queue("q").publish_many(["a", "b", "c"])
        one = fleet.queue("q", operation="one")
        one.discard(["a"], state=State.QUEUED)
        one.discard(["b"], state=State.QUEUED)

        (entry,) = fleet.audit()

    assert (entry.who, entry.operation, entry.samples) == ("bob@desk", "one", ("a", "b"))
