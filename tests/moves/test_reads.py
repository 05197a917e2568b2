"""Reading: counts, snapshots, pages, one ID, workers and jammed entries.

Reads cost the store almost nothing, however long a queue is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from convoy_core import (
    Counts,
    Details,
    Entry,
    Failure,
    Fleet,
    Jammed,
    Page,
    Published,
    Queue,
    Snapshot,
    State,
    StoreDamaged,
    WorkerInfo,
)
from convoy_core.jobs import Claim
from convoy_core.moves.call import of
from convoy_core.moves.recovering import held_claims
from convoy_core.moves.working import promote
from convoy_core.options import BATCH, SMALL_BATCH
from tests.moves.keyspace import (
    ALIVE,
    LEASE,
    NOW,
    SECOND,
    Keyspace,
    W,
    World,
    claim,
    commands,
    failure,
    seed,
    sent_since_reset,
)
from tests.servers import RealServer
from tests.waiting import patient

AT = NOW / 1000


@pytest.fixture
def world(store: RealServer) -> Iterator[World]:
    """An empty queue on Valkey."""
    world = World(store)
    yield world
    world.close()


@pytest.fixture
def fleet(world: World) -> Iterator[Fleet]:
    """All queues of the same store, at the same instant."""
    with Fleet(redis=world.server.url) as fleet:
        fleet._connection.now_ms = NOW
        yield fleet


MIXED: Keyspace = {
    "queued": ["q1", "q2"],
    "delayed": {"d2": NOW + 9_000, "d1": NOW - 1_000},
    "committed": {"q1", "q2", "d1", "d2", "ours", "older", "theirs", "theirs2"},
    "processing": {"ours": SECOND, "older": SECOND, "theirs": SECOND - 50, "theirs2": SECOND - 40},
    "started": {"ours": NOW - 2_500, "older": NOW - 99_000},
    "owner": {"ours": f"{W}:2@{NOW - 2_500}", "older": f"dd:1@{NOW - 99_000}"},
    "failed": {"f1": 1, "f2": 3},
    "failure": {"f2": '{"at":1699999990.5,"error":"ValueError: no\\nsecond line"}'},
    "published": {"q1": str(NOW - 7_000), "ours": str(NOW - 9_000)},
    "workers": {W: NOW + LEASE, "dd": NOW - 1_000},
    "totals": {"done": "12", "published": "30"},
}


# -- counts and snapshots


def test_counts(world: World) -> None:
    world.seed(MIXED)

    assert world.queue.counts() == Counts(queued=2, committed=8, processing=4, failed=2, delayed=2)


def test_counts_of_a_queue_that_nobody_made(world: World) -> None:
    assert world.queue.counts() == Counts()


@pytest.mark.parametrize(("committed", "drift"), [({"a"}, 0), ({"a", "b"}, 1), ({"a", "b", "c"}, 2)])
def test_f47_drift_counts_ghosts(world: World, committed: set[str], drift: int) -> None:
    world.seed({"queued": ["a"], "committed": committed})

    assert world.queue.counts().drift == drift


def test_a_snapshot_tells_all_ages_by_the_stores_clock(world: World) -> None:
    world.seed(MIXED, {"paused": str(NOW)})

    snapshot = world.queue.snapshot(jam_after_s=45)

    assert snapshot == Snapshot(
        queue="q",
        at=AT,
        counts=Counts(queued=2, committed=8, processing=4, failed=2, delayed=2),
        paused=True,
        workers=1,
        silent=1,
        jammed=2,
        oldest_queued_s=7.0,
        oldest_processing_s=99.0,
        next_due_s=-1.0,
        totals={"done": 12, "published": 30},
        held=2,
    )


def test_f19_ages_come_from_the_store_and_not_from_this_machine(world: World) -> None:
    world.queue._connection.now_ms = None
    world.queue.publish("a")

    snapshot = world.queue.snapshot()

    seconds, micros = world.client.time()
    assert snapshot.oldest_queued_s is not None
    assert 0 <= snapshot.oldest_queued_s < 60
    assert abs(snapshot.at - (seconds + micros / 1e6)) < 60


def test_a_snapshot_of_an_empty_queue(world: World) -> None:
    assert world.queue.snapshot() == Snapshot(
        queue="q",
        at=AT,
        counts=Counts(),
        paused=False,
        workers=0,
        silent=0,
        jammed=0,
        oldest_queued_s=None,
        oldest_processing_s=None,
        next_due_s=None,
    )


def test_the_oldest_run_is_never_shown_older_than_it_is(world: World) -> None:
    world.seed({"processing": {"a": SECOND}, "owner": {"a": f"{W}:1@{NOW + 900}"}, "committed": {"a"}})
    world.queue._connection.now_ms = NOW + 900

    assert world.queue.snapshot().oldest_processing_s == 0


def test_a_queue_whose_first_id_node_published_shows_no_age(world: World) -> None:
    world.seed({"queued": ["a"], "committed": {"a"}})

    assert world.queue.snapshot().oldest_queued_s is None


def test_a_hundred_queues_are_one_round_trip(world: World, fleet: Fleet) -> None:
    names = [f"q{n}" for n in range(100)]
    for n, name in enumerate(names):
        seed(world.client, {f"cv:{name}:queued": [str(i) for i in range(n + 1)]})
    fleet.snapshot(names)

    sent = commands(world.client, lambda: fleet.snapshot(names))

    assert sent["evalsha_ro"] == 1
    assert not sent.keys() & {"eval", "evalsha", "eval_ro", "smembers", "scan", "multi"}
    assert [row.counts.queued for row in fleet.snapshot(names)] == list(range(1, 101))


def test_a_snapshot_asks_for_no_type_and_for_few_commands_a_queue(world: World, fleet: Fleet) -> None:
    """A wrong type is learned from the error of the command that meets it."""
    seed(world.client, {f"cv:{name}:queued": ["a"] for name in "abcd"})
    fleet.snapshot([*"abcd"])

    sent = commands(world.client, lambda: fleet.snapshot([*"abcd"]))

    assert "type" not in sent
    assert sum(sent.values()) <= 4 * 15 + 2


def test_a_snapshot_of_no_queue(fleet: Fleet) -> None:
    assert fleet.snapshot([]) == []


@pytest.mark.parametrize("names", [[], ["q"]])
def test_a_snapshot_shows_what_was_registered_since_in_one_round_trip_more(
    world: World, fleet: Fleet, names: list[str]
) -> None:
    world.queue.publish("a")
    fleet.queue("new").publish("b")

    found = fleet.snapshot(names, registered=True)

    assert [(one.queue, one.counts.queued) for one in found] == [
        *((name, 1) for name in names),
        *((name, 1) for name in ("new", "q") if name not in names),
    ]
    fleet.snapshot(["new", "q"], registered=True)
    sent = commands(world.client, lambda: fleet.snapshot(["new", "q"], registered=True))
    assert (sent["evalsha_ro"], sent["smembers"]) == (1, 1)


def test_s21_a_damaged_queue_is_reported_and_breaks_no_other(world: World, fleet: Fleet) -> None:
    seed(world.client, {"cv:bad:committed": "x", "cv:good:queued": ["a"], "cv:good:committed": {"a"}})

    good, bad, empty = fleet.snapshot(["good", "bad", "empty"])

    assert (good.counts, good.damage) == (Counts(queued=1, committed=1), None)
    assert (bad.counts, bad.damage) == (
        Counts(),
        "The key cv:bad:committed holds a string, where Convoy keeps a set.",
    )
    assert (empty.counts, empty.damage) == (Counts(), None)


def test_s21_totals_that_are_no_numbers_are_zero(world: World) -> None:
    world.seed({"totals": {"done": "x", "failed": "inf", "published": "nan", "jammed": "1e999", "stale": "5"}})

    assert world.queue.snapshot().totals == {"done": 0, "failed": 0, "published": 0, "jammed": 0, "stale": 5}


# -- pages


def _page(*entries: Entry, total: int | None = None, following: int | None = None) -> Page:
    return Page(entries, len(entries) if total is None else total, following, AT)


def test_a_page_of_queued_ids_is_in_line_order(world: World) -> None:
    world.seed(MIXED)

    assert world.queue.page(State.QUEUED) == _page(Entry("q1", State.QUEUED, since=AT - 7), Entry("q2", State.QUEUED))


def test_a_page_of_delayed_ids_starts_with_the_first_due(world: World) -> None:
    world.seed(MIXED)

    assert world.queue.page(State.DELAYED) == _page(
        Entry("d1", State.DELAYED, due=AT - 1), Entry("d2", State.DELAYED, due=AT + 9)
    )


def test_a_page_of_running_ids_shows_ours_by_true_start_and_then_nodes(world: World) -> None:
    world.seed(MIXED)

    assert world.queue.page(State.PROCESSING) == _page(
        Entry("older", State.PROCESSING, since=AT - 99, worker="dd"),
        Entry("ours", State.PROCESSING, since=AT - 2.5, worker=W),
        Entry("theirs", State.PROCESSING, since=AT - 50),
        Entry("theirs2", State.PROCESSING, since=AT - 40),
    )


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_small_pages_of_running_ids_miss_and_repeat_nothing(world: World, limit: int) -> None:
    world.seed(MIXED)
    seen: list[str] = []

    start: int | None = 0
    while start is not None:
        page = world.queue.page(State.PROCESSING, start=start, limit=limit)
        assert len(page.entries) <= limit
        seen += [entry.id for entry in page.entries]
        start = page.next

    assert seen == ["older", "ours", "theirs", "theirs2"]


def test_a_page_of_failed_ids_shows_the_first_line_of_the_error(world: World) -> None:
    world.seed(MIXED)

    assert world.queue.page(State.FAILED) == _page(
        Entry("f1", State.FAILED, failures=1),
        Entry("f2", State.FAILED, since=1699999990.5, failures=3, error="ValueError: no"),
    )


def test_a_page_of_the_committed_set_tells_no_state(world: World) -> None:
    world.seed(MIXED)

    page = world.queue.page(None)

    assert sorted(page.entries, key=lambda entry: entry.id) == [Entry(id, None) for id in sorted(MIXED["committed"])]
    assert (page.total, page.next) == (8, None)


@pytest.mark.parametrize("state", [State.QUEUED, State.DELAYED, State.PROCESSING, State.FAILED, None])
def test_a_page_of_ids_has_those_of_the_page_and_nothing_else_is_read(world: World, state: State | None) -> None:
    world.seed(MIXED)
    for start in range(3):
        page = world.queue.page(state, start=start, limit=2)
        ids = world.queue.id_page(state, start=start, limit=2)

        assert ids.ids == tuple(entry.id for entry in page.entries)
        assert (ids.total, ids.next, ids.at) == (page.total, page.next, page.at)
    looked_up = commands(world.client, lambda: world.queue.id_page(state))
    assert looked_up.keys().isdisjoint({"hmget", "hget"})


@pytest.mark.parametrize("state", [State.QUEUED, State.DELAYED, State.PROCESSING, State.FAILED, None])
def test_a_page_of_nothing(world: World, state: State | None) -> None:
    assert world.queue.page(state) == _page()


@pytest.mark.parametrize("state", [State.QUEUED, State.DELAYED, State.PROCESSING, State.FAILED])
def test_a_page_beyond_the_end(world: World, state: State) -> None:
    world.seed(MIXED)

    page = world.queue.page(state, start=100)

    assert (page.entries, page.next) == ((), None)


def test_s5_a_page_shows_no_more_than_16_kib_of_a_foreign_id(world: World) -> None:
    world.client.rpush("cv:q:queued", b"x" * 1_000_000)

    (entry,) = world.queue.page(State.QUEUED).entries

    assert len(entry.id) == 16 * 1024


def test_f54_a_page_shows_what_node_counted_anew_with_what_is_remembered(world: World) -> None:
    world.seed({"failed": {"a": 1, "b": 1}, "failures": {"a": "2"}})

    page = world.queue.page(State.FAILED)

    assert {entry.id: entry.failures for entry in page.entries} == {"a": 3, "b": 1}
    assert (world.queue.show("a").failures, world.queue.show("b").failures) == (3, 1)


def test_s5_a_page_shows_no_more_than_500_characters_of_an_error(world: World) -> None:
    world.seed({"failed": {"a": 1}, "failure": {"a": '{"error":"' + "x" * 9_000 + '"}'}})

    (entry,) = world.queue.page(State.FAILED).entries

    assert entry.error == "x" * 500


def test_entries_reads_on_to_the_end(world: World) -> None:
    ids = [str(n) for n in range(1_234)]
    world.seed({"queued": ids, "committed": set(ids)})

    assert [entry.id for entry in world.queue.entries(State.QUEUED)] == ids
    assert {entry.id for entry in world.queue.entries(None)} == set(ids)


# -- one ID


def _details(id: str, state: State, publish_would: Published, **known: object) -> Details:
    return Details(
        id=id,
        queue="q",
        state=state,
        at=AT,
        is_committed=state.is_committed,
        publish_would=publish_would,
        **known,  # type: ignore[arg-type] # any of its fields
    )


SHOWN = [
    _details("nobody", State.ABSENT, Published.QUEUED),
    _details("q1", State.QUEUED, Published.ALREADY_QUEUED, position=0, published=AT - 7),
    _details("q2", State.QUEUED, Published.ALREADY_QUEUED, position=1),
    _details("d1", State.DELAYED, Published.ALREADY_DELAYED, due=AT - 1),
    _details(
        "ours",
        State.PROCESSING,
        Published.PROCESSING,
        published=AT - 9,
        started=AT - 2.5,
        waited_s=6.5,
        worker=W,
        worker_is_live=True,
        token=f"{W}:2",
    ),
    _details(
        "older",
        State.PROCESSING,
        Published.PROCESSING,
        started=AT - 99,
        worker="dd",
        worker_is_live=False,
        token="dd:1",
    ),
    _details("theirs", State.PROCESSING, Published.PROCESSING, started=AT - 50),
    _details("f1", State.FAILED, Published.QUEUED, failures=1),
    _details(
        "f2",
        State.FAILED,
        Published.QUEUED,
        failures=3,
        failure=Failure("ValueError: no\nsecond line", at=1699999990.5, what="ValueError: no"),
    ),
]


@pytest.mark.parametrize("details", SHOWN, ids=lambda details: details.id)
def test_show(world: World, details: Details) -> None:
    world.seed(MIXED)

    assert world.queue.show(details.id) == details


def test_show_of_what_is_committed_and_in_no_place_says_that_it_is_missing(world: World) -> None:
    world.seed({"committed": {"a", "b"}, "failed": {"b": 2}, "queued": ["x"], **ALIVE, f"claim:{W}": ["y"]})

    found = [world.queue.show(id) for id in ("a", "b")]

    assert [(row.state, row.is_missing, row.publish_would) for row in found] == [
        (State.ABSENT, True, Published.ALREADY_QUEUED),
        (State.FAILED, True, Published.ALREADY_QUEUED),
    ]


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"queued": ["a"], "committed": {"a"}},
        {**ALIVE, f"claim:{W}": ["a"], "committed": {"a"}},
        {"delayed": {"a": NOW}, "committed": {"a"}},
        {"processing": {"a": SECOND}, "committed": {"a"}},
        {"failed": {"a": 1}},
    ],
    ids=lambda before: " ".join(before) or "nowhere",
)
def test_show_of_what_is_somewhere_or_absent_never_says_that_it_is_missing(world: World, before: Keyspace) -> None:
    world.seed(before)

    assert not world.queue.show("a").is_missing


def test_show_tells_all_that_is_remembered(world: World) -> None:
    world.seed(
        MIXED,
        {
            "attempts": {"ours": "2"},
            "failures": {"ours": "7"},
            "crashes": {"ours": "1"},
            "rerun": {"ours"},
            "payload": {"ours": 'j{"n":1}'},
            "failure": {
                "ours": '{"at":5,"error":"e","traceback":"t","worker":"aa","attempt":2,"seconds":1.5}',
            },
        },
    )

    assert world.queue.show("ours") == _details(
        "ours",
        State.PROCESSING,
        Published.PROCESSING,
        published=AT - 9,
        started=AT - 2.5,
        waited_s=6.5,
        worker=W,
        worker_is_live=True,
        token=f"{W}:2",
        attempt=3,
        failures=7,
        crashes=1,
        rerun=True,
        failure=Failure("e", 5, "t", "aa", 2, 1.5, "e"),
        payload={"n": 1},
        payload_bytes=7,
    )


def test_show_looks_no_deeper_than_100_000(world: World) -> None:
    world.client.eval(
        "for n = 1, 100001 do redis.call('RPUSH', KEYS[1], n) redis.call('SADD', KEYS[2], n) end",
        2,
        "cv:q:queued",
        "cv:q:committed",
    )

    assert world.queue.show("100000").position == 99_999
    assert world.queue.show("100001") == _details("100001", State.QUEUED, Published.ALREADY_QUEUED)


GUARDED: Keyspace = {**ALIVE, "started": {"a": NOW}, "owner": {"a": f"{W}:1@{NOW}"}}


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"queued": ["a"], "committed": {"a"}},
        {"claim:aa": ["a"], "committed": {"a"}},
        {"delayed": {"a": NOW}, "committed": {"a"}},
        {"failed": {"a": 1}},
        {"failed": {"a": 1}, "queued": ["a"], "committed": {"a"}},
        {"processing": {"a": SECOND}, "committed": {"a"}},
        {"processing": {"a": SECOND}, "committed": {"a"}, "delayed": {"a": NOW}},
        {**GUARDED, "processing": {"a": SECOND}, "committed": {"a"}},
        GUARDED,
        {"delayed": {"a": NOW}},
        {"processing": {"a": SECOND}},
        {"committed": {"a"}},
        {"queued": ["a"]},
    ],
    ids=lambda before: " ".join(before) or "nowhere",
)
def test_show_predicts_what_publish_answers(world: World, before: Keyspace) -> None:
    world.seed(before)

    foretold = world.queue.show("a").publish_would

    assert world.queue.publish("a") is foretold


def test_find_looks_in_every_queue(world: World, fleet: Fleet) -> None:
    seed(
        world.client,
        {
            "cv:one:queued": ["a"],
            "cv:one:committed": {"a"},
            "cv:two:failed": {"a": 2},
            "cv:three:queued": ["b"],
            "cv:three:committed": {"b"},
        },
    )

    found = fleet.find("a")

    assert [(details.queue, details.state) for details in found] == [
        ("one", State.QUEUED),
        ("two", State.FAILED),
    ]
    assert [details.queue for details in fleet.find("a", ["two", "three"])] == ["two"]
    assert fleet.find("nowhere") == []


def test_s21_find_says_which_queue_is_damaged(world: World, fleet: Fleet) -> None:
    seed(world.client, {"cv:bad:committed": "x", "cv:good:committed": {"a"}})

    with pytest.raises(StoreDamaged, match="cv:bad:committed"):
        fleet.find("a", ["good", "bad"])


# -- workers and what is jammed


def test_workers(world: World) -> None:
    world.seed(
        {
            "workers": {W: NOW + 5_000, "dd": NOW - 2_000},
            f"worker:{W}": {
                "host": "h",
                "pid": "5",
                "handler": "m:f",
                "concurrency": "10",
                "since": str(NOW - 9_000),
                "running": "3",
                "done": "7",
                "failed": "1",
            },
        }
    )

    silent, live = world.queue.workers()

    assert silent == WorkerInfo("dd", "q", "", None, "", None, None, -2.0, 0, 0, 0)
    assert live == WorkerInfo(W, "q", "h", 5, "m:f", 10, AT - 9, 5.0, 3, 7, 1)
    assert (silent.is_live, live.is_live) == (False, True)


def test_the_workers_of_many_queues_each_with_what_it_has_held_the_longest(world: World, fleet: Fleet) -> None:
    young = {f"{name}:2@{NOW - 500}": name for name in (W, "dd")}
    world.seed(
        {
            "workers": {"dd": NOW - 2_000, "idle": NOW + 4_000, W: NOW + 5_000},
            f"worker:{W}": {"host": "h", "running": "3"},
            "worker:dd": {"host": "g", "running": "1"},
            "started": {"a": NOW - 9_000, "b": NOW - 8_000},
            "processing": {
                "a": SECOND,
                "b": SECOND,
                "node": SECOND - 50,
                **{f"new-{n}": SECOND for n in young.values()},
            },
            "owner": {
                "a": f"{W}:1@{NOW - 9_000}",
                "b": f"{W}:1@{NOW - 8_000}",
                **{f"new-{name}": entry for entry, name in young.items()},
            },
            "barred": {"host:h": str(NOW)},
            "cv:other:workers": {"only": NOW + 1_000},
            "cv:bad:workers": {"x"},
        }
    )
    fleet._connection.now_ms = NOW

    silent, idle, live, other = fleet.workers(["q", "bad", "none", "other"])

    assert [one.worker.id for one in (silent, idle, live, other)] == ["dd", "idle", W, "only"]
    assert [[run.id for run in one.runs] for one in (silent, idle, live, other)] == [
        ["new-dd"],
        [],
        ["a", "b", f"new-{W}"],
        [],
    ]
    assert live.runs[0] == Entry("a", State.PROCESSING, AT - 9, worker=W)
    assert live.runs[2].since == AT - 0.5
    assert (live.at, live.worker.is_quiet, silent.worker.is_live, other.worker.queue) == (AT, True, False, "other")


def test_the_workers_of_a_hundred_queues_are_one_round_trip_that_looks_at_few_runs(world: World, fleet: Fleet) -> None:
    names = [f"q{n}" for n in range(100)]
    ids = [f"job-{n:04}" for n in range(600)]
    held = {id: f"{W}:1@{NOW - 5000 + n}" for n, id in enumerate(ids)}
    for name in names:
        key = f"cv:{name}:"
        seed(world.client, {f"{key}workers": {W: NOW + 5_000}, f"{key}worker:{W}": {"running": "600"}})
        seed(world.client, {f"{key}started": {id: NOW - 5000 + n for n, id in enumerate(ids)}, f"{key}owner": held})
        seed(world.client, {f"{key}processing": dict.fromkeys(ids, SECOND)})
    fleet.workers(names)

    sent = commands(world.client, lambda: fleet.workers(names))
    found = fleet.workers(names)

    assert sent["evalsha_ro"] == 1
    assert sum(sent.values()) <= 100 * 7 + 2, "one piece of runs a queue"
    assert [[run.id for run in one.runs] for one in found] == [ids[:20]] * 100


def test_a_queue_of_very_many_pools_is_described_in_slices(world: World, fleet: Fleet) -> None:
    ids = [f"{n:032}" for n in range(450)]
    world.seed({"workers": {id: NOW + n for n, id in enumerate(ids)}, "cv:other:workers": {"only": NOW}})
    fleet._connection.now_ms = NOW

    found = fleet.workers(["q", "other"])

    assert sorted(one.worker.id for one in found) == sorted([*ids, "only"])
    assert {one.at for one in found} == {AT}


def test_jammed_shows_the_oldest_first_and_who_is_alive(world: World) -> None:
    world.seed(MIXED)

    assert world.queue.jammed(idle_s=2) == [
        Jammed("older", AT - 99, 99.0, "dd", False),
        Jammed("theirs", AT - 50, 50.0, None, False),
        Jammed("theirs2", AT - 40, 40.0, None, False),
        Jammed("ours", AT - 2.5, 2.5, W, True),
    ]


def test_f50_jammed_goes_by_the_true_start_not_by_the_score_the_heartbeat_moves(world: World) -> None:
    world.seed(MIXED)

    assert [row.id for row in world.queue.jammed(idle_s=60)] == ["older"]


def test_jammed_shows_a_run_of_ours_once_whose_score_no_heartbeat_has_moved(world: World) -> None:
    old = {"a": SECOND - 100}
    world.seed({"processing": old, "owner": {"a": f"dd:1@{NOW - 99_500}"}, "committed": {"a"}})

    assert world.queue.jammed(idle_s=5) == [Jammed("a", AT - 99.5, 99.5, "dd", False)]
    assert world.queue.snapshot(jam_after_s=5).jammed == 1
    assert [entry.id for entry in world.queue.page(State.PROCESSING).entries] == ["a"]


def test_a_run_that_no_heartbeat_has_seen_is_as_old_as_its_owner_entry_says_to_the_millisecond(world: World) -> None:
    """Its score, cut to the second, would make it a second older."""
    world.seed({"processing": {"a": SECOND}, "owner": {"a": f"{W}:1@{NOW + 900}"}, "committed": {"a"}})
    world.queue._connection.now_ms = NOW + 1_400

    (entry,) = world.queue.page(State.PROCESSING).entries
    assert (entry.since, entry.worker) == (AT + 0.9, W)
    assert world.queue.show("a").started == AT + 0.9
    for idle_s, jammed in ((0.5, 1), (0.501, 0)):
        assert len(world.queue.jammed(idle_s=idle_s)) == jammed
        assert world.queue.snapshot(jam_after_s=idle_s).jammed == jammed


def test_jammed_reads_more_than_500(world: World) -> None:
    ours = {f"o{n:03}": NOW - 10_000 - n for n in range(700)}
    theirs = {f"t{n:03}": SECOND - 10 - n for n in range(700)}
    world.seed({"started": ours, "processing": {**dict.fromkeys(ours, SECOND), **theirs}})

    rows = world.queue.jammed(idle_s=5)

    assert [row.start for row in rows] == sorted([*(start / 1000 for start in ours.values()), *theirs.values()])
    assert {row.id for row in rows} == ours.keys() | theirs.keys()
    assert len(rows) == 1400


def test_jammed_omits_recent_runs(world: World) -> None:
    world.seed(MIXED)

    assert world.queue.jammed(idle_s=100) == []


def test_jam_guard_frees_what_jammed_shows(world: World) -> None:
    world.seed(MIXED)

    freed = world.queue.jam_guard(idle_s=2, skip_live=True)

    assert freed == ["older", "theirs", "theirs2"]
    assert world.queue.jammed(idle_s=2) == [Jammed("ours", AT - 2.5, 2.5, W, True)]


def test_holdings_are_all_that_one_worker_holds_in_the_order_it_claimed(world: World) -> None:
    others = {f"o{n}": f"{W}b:{n}@{NOW}" for n in range(2_000)}
    world.seed({"owner": {"x": f"{W}:12@{NOW}", "a": f"{W}:3@{NOW}", "y": f"bb:1@{NOW}", **others}})

    assert world.drive(held_claims(world.keys, [W])) == {W: [(b"a", 3), (b"x", 12)]}


# -- which queues there are


def test_queues_are_those_registered_and_those_that_only_node_clients_made(world: World, fleet: Fleet) -> None:
    world.queue.publish("a")
    seed(
        world.client,
        {
            "cv:node:queued": ["a"],
            "cv:old:failed": {"a": 1},
            "cv:a:b:c:committed": {"a"},
            "cv:jobs{tag}:processing": {"a": 1},
            "cv:my queue!:committed": {"a"},
            "cv:*:queued": ["a"],
            "cv:a:queued:queued": ["a"],
            "cv:x:errorLog.86400": ["boom"],
            "cv:y:lock:clearJammedJobs:5": "1",
            "cv:z:claim:aa": ["a"],
            "cv:gone": "1",
        },
    )
    world.client.rpush("other:x:queued", "a")

    assert fleet.queues() == ["*", "a:b:c", "a:queued", "jobs{tag}", "my queue!", "node", "old", "q", "x"]


def test_s15_every_queue_that_is_found_can_be_looked_at(world: World, fleet: Fleet) -> None:
    names = ["*", "a*", "{", "x}{y", "a:queued", "..", "new\nline", "my queue!", "\udcff", "ünï"]
    for n, name in enumerate(names, start=1):
        ids = [str(i) for i in range(n)]
        seed(world.client, {f"cv:{name}:queued": ids, f"cv:{name}:committed": set(ids)})

    found = fleet.queues()

    assert sorted(found) == sorted(names)
    assert [row.counts.queued for row in fleet.snapshot(names)] == list(range(1, len(names) + 1))
    assert [fleet.queue(name).counts().queued for name in names] == list(range(1, len(names) + 1))
    assert {details.queue for details in fleet.find("0")} == set(names)
    fleet.queue("*").publish("new")
    fleet.queue("a*").discard(["0"], state=State.QUEUED)
    assert [row.counts.queued for row in fleet.snapshot(names)] == [2, 1, *range(3, len(names) + 1)]


def test_only_queues_of_the_configured_prefix_are_found(world: World) -> None:
    for key in ("cv:mine:queued", "app.v1:theirs:queued", "appXv1:no:queued"):
        world.client.rpush(key, "a")

    with Fleet(redis=world.server.url, prefix="app.v1:") as fleet:
        assert fleet.queues() == ["theirs"]


def test_ping_takes_a_round_trip(fleet: Fleet) -> None:
    assert 0 < fleet.ping() < 60


# -- at length

MILLION = 1_000_000
_BUILD = """
local function each_thousand(n, act)
  for first = 1, n, 1000 do
    local numbers = {}
    for i = 0, 999 do numbers[i + 1] = first + i end
    act(numbers)
  end
end

local function add(key, command, numbers, value)
  local parts = {}
  for _, n in ipairs(numbers) do
    for _, part in ipairs(value(n)) do parts[#parts + 1] = part end
  end
  redis.call(command, 'cv:q:' .. key, unpack(parts))
end

local record = '{"at":1699999990.5,"error":"ValueError: no","traceback":"' .. string.rep('x', 300) .. '"}'

each_thousand(tonumber(ARGV[1]), function(numbers)
  local function id(n) return string.format('%07d', n) end
  add('queued', 'RPUSH', numbers, function(n) return { id(n) } end)
  add('committed', 'SADD', numbers, function(n) return { id(n) } end)
  add('published', 'HSET', numbers, function(n) return { id(n), 1699999999000 + n } end)
end)
each_thousand(tonumber(ARGV[2]), function(numbers)
  add('failed', 'ZADD', numbers, function(n) return { n % 7 + 1, 'f' .. n } end)
  add('failure', 'HSET', numbers, function(n) return { 'f' .. n, record } end)
end)
each_thousand(tonumber(ARGV[3]), function(numbers)
  add('delayed', 'ZADD', numbers, function(n) return { 1700000000000 - n, 'd' .. n } end)
  add('processing', 'ZADD', numbers, function(n) return { 1700000000, 'p' .. n } end)
  add('committed', 'SADD', numbers, function(n) return { 'p' .. n, 'd' .. n } end)
  add('started', 'ZADD', numbers, function(n) return { 1699990000000 + n, 'p' .. n } end)
  add('owner', 'HSET', numbers, function(n) return { 'p' .. n, 'aa:' .. n .. '@' .. 1699990000000 + n } end)
end)
for n = 1, 200 do redis.call('ZADD', 'cv:q:processing', 1699000000 + n, 'node' .. n) end
redis.call('ZADD', 'cv:q:workers', 1700000015000, 'aa')
"""


def _build(server: RealServer, queued: int, failed: int, processing: int) -> None:
    with redis.Redis(unix_socket_path=str(server.socket), socket_timeout=patient(120)) as client:
        client.config_set("busy-reply-threshold", 120_000)
        client.eval(_BUILD, 0, queued, failed, processing)


@pytest.fixture(scope="module")
def long(valkey_server: RealServer) -> Iterator[RealServer]:
    """A server of its own with 1,000,000 IDs queued, 100,000 failed, 10,000 delayed and 10,200 processing."""
    server = RealServer(valkey_server.binary)
    _build(server, MILLION, 100_000, 10_000)
    yield server
    server.stop()


def _ids(pattern: str, first: int, size: int = BATCH) -> list[str]:
    return [pattern.format(n) for n in range(first, first + size)]


def _claims(first: int, size: int) -> list[Claim]:
    return [claim(f"p{n}", n) for n in range(first, first + size)]


def _recover(world: World) -> object:
    held = [part for run in _claims(1_301, SMALL_BATCH) for part in (run.raw_id, f"{W}:{run.number}")]
    return world.run(of("recover", world.keys, ("dd", 1, "", *held), list))


def _last_page(state: State) -> Callable[[World], object]:
    return lambda world: world.queue.page(state, start=world.queue.page(state, limit=1).total - BATCH, limit=BATCH)


ACTS_AT_LENGTH: dict[str, Callable[[World], object]] = {
    "counts": lambda world: world.queue.counts(),
    "snapshot": lambda world: world.queue.snapshot(),
    "snapshot, all jammed": lambda world: world.queue.snapshot(jam_after_s=0),
    "page, queued": lambda world: world.queue.page(State.QUEUED, limit=BATCH),
    "page, queued, last": _last_page(State.QUEUED),
    "page, delayed": lambda world: world.queue.page(State.DELAYED, limit=BATCH),
    "page, failed": _last_page(State.FAILED),
    "page, processing": lambda world: world.queue.page(State.PROCESSING, limit=BATCH),
    "page, processing, last": _last_page(State.PROCESSING),
    "page, committed": lambda world: world.queue.page(None, limit=BATCH),
    "show": lambda world: world.queue.show("0004000"),
    "show, running": lambda world: world.queue.show("p77"),
    "workers": lambda world: world.queue.workers(),
    "jammed": lambda world: world.queue.jammed(idle_s=900_000),
    "publish": lambda world: world.queue.publish_many(_ids("new{}", 1)),
    "publish, front": lambda world: world.queue.publish_many(_ids("front{}", 1), front=True),
    "publish, failed": lambda world: world.queue.publish_many(_ids("f{}", 1)),
    "claim": lambda world: world.exchange(want=BATCH, number=2_000_000),
    "requeue": lambda world: world.queue.requeue(_ids("f{}", 501)),
    "discard, failed": lambda world: world.queue.discard(_ids("f{}", 1_001), state=State.FAILED),
    "discard, queued": lambda world: world.queue.discard(["0002000"], state=State.QUEUED),
    "dry discard, queued": lambda world: world.queue.discard(["0002001"], state=State.QUEUED, dry_run=True),
    "complete": lambda world: world.exchange(completed=_claims(1, BATCH)),
    "release": lambda world: world.exchange(released=_claims(501, BATCH)),
    "fail": lambda world: world.exchange(failed=[(run, failure()) for run in _claims(1_001, SMALL_BATCH)]),
    "retry": lambda world: world.exchange(failed=[(run, failure("x", 5)) for run in _claims(1_101, SMALL_BATCH)]),
    "defer": lambda world: world.exchange(deferred=[(run, 5) for run in _claims(1_201, SMALL_BATCH)]),
    "recover": _recover,
    "promote": lambda world: world.run(promote(world.keys, BATCH, LEASE)),
    "jam guard": lambda world: world.queue.jam_guard(idle_s=900_000),
}
SEARCHES = {"lpos", "lrem"}
"""Commands whose cost grows with the list. Only a search for one ID may need one, and once."""
WHOLE = {"keys", "smembers", "hkeys", "hvals", "sort", "sunion", "sinter", "sdiff"}
"""Commands that read all there is."""


def test_f32_s19_what_a_call_costs_the_store_does_not_grow_with_the_queue(store: RealServer, long: RealServer) -> None:
    # How long that takes is measured in benchmarks; here no machine is too busy to tell.
    _build(store, 5_000, 3_000, 2_000)
    short_world, long_world = World(store), World(long)
    costs: dict[str, list[dict[str, int]]] = {}

    for name, act in ACTS_AT_LENGTH.items():
        costs[name] = [_cost(world, act) for world in (short_world, long_world)]

    short_world.close()
    long_world.close()
    assert {name: pair for name, pair in costs.items() if pair[0] != pair[1]} == {}
    assert {name for name, (cost, _) in costs.items() if cost.keys() & WHOLE} == set()
    assert {name: cost.keys() & SEARCHES for name, (cost, _) in costs.items() if cost.keys() & SEARCHES} == {
        "show": {"lpos"},
        "dry discard, queued": {"lpos"},
        "discard, queued": {"lrem"},
    }
    assert max(sum(cost.values()) for cost, _ in costs.values()) < 30 * SMALL_BATCH


def _cost(world: World, act: Callable[[World], object]) -> dict[str, int]:
    cost = commands(world.client, lambda: act(world))
    # Whether a text is known by now, and that a connection was idle, is no matter of length. A scan answers with a few
    # more or less than it was asked for, whatever the length.
    return {name: n for name, n in cost.items() if name not in ("eval", "eval_ro", "ping", "type", "sscan", "hscan")}


def test_s19_no_page_of_running_ids_looks_through_all_that_have_had_a_heartbeat(store: RealServer) -> None:
    _build(store, 0, 0, 12_000)
    world = World(store)
    late = [f"late{n}" for n in range(3)]
    world.client.zadd("cv:q:processing", dict.fromkeys(late, SECOND + 1))
    seen: list[str] = []
    looked: list[int] = []

    start: int | None = 0
    while start is not None:
        world.client.config_resetstat()
        page = world.queue.page(State.PROCESSING, start=start, limit=BATCH)
        looked.append(sent_since_reset(world.client)["zrange"])
        seen += [entry.id for entry in page.entries]
        start = page.next
    world.close()

    assert seen == [f"p{n}" for n in range(1, 12_001)] + [f"node{n}" for n in range(1, 201)] + late
    assert max(looked) < 25


def test_s19_jammed_finds_each_of_its_pages_by_rank(store: RealServer) -> None:
    _build(store, 0, 0, 3_000)
    world = World(store)
    found: list[int] = []

    cost = commands(world.client, lambda: found.append(len(world.queue.jammed(idle_s=0))))

    world.close()
    assert found == [3_200]
    assert "zrangebyscore" not in cost  # which goes over all that it is to skip


def test_s19_paging_through_a_million_loads_no_more_than_a_page(long: RealServer) -> None:
    world = World(long)
    try:
        first = world.queue.page(State.QUEUED, start=10_000, limit=200)
        last = world.queue.page(State.QUEUED, start=first.total - 100, limit=500)
        some = world.queue.page(None, limit=100)
    finally:
        world.close()

    assert len(first.entries) == 200
    assert first.total > 990_000
    assert first.next == 10_200
    assert len(last.entries) == 100
    assert last.next is None
    assert len(some.entries) < 1_000
    assert some.next is not None


def test_the_jam_guard_frees_a_foreign_entry_whose_score_has_a_fraction(store: RealServer, raw: redis.Redis) -> None:
    raw.zadd("cv:q:processing", {"node's": 1_700_000_000.4567})
    raw.sadd("cv:q:committed", "node's")
    with Queue("q", redis=store.url) as queue:
        assert queue.jam_guard(idle_s=5) == ["node's"]


def test_a_key_whose_name_is_no_queue_name_hides_no_queue(fleet: Fleet, raw: redis.Redis) -> None:
    """One such key of another application kept everybody from everything."""
    of_bytes = b"\xff" * 200
    raw.rpush(b"cv:" + b"x" * 201 + b":queued", "a")
    raw.rpush(b"cv:" + of_bytes + b":queued", "a")
    raw.sadd("cv:queues", b"", b"y" * 201)
    fleet.queue("fine").publish("a")

    names = fleet.queues()

    assert names == ["fine", "\udcff" * 200]
    assert [one.counts.queued for one in fleet.snapshot(names)] == [1, 1]
    assert [one.queue for one in fleet.snapshot([], registered=True)] == ["fine"]
