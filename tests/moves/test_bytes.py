"""Batches of long IDs and large payloads: each script is given a number of bytes as well as a number of IDs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from convoy_core import MAX_ID_BYTES, Fleet, Jammed, Outcome, PoolOptions, Queue, State, Tally, WorkerPool
from convoy_core.jobs import Claim, Job
from convoy_core.moves.discarding import PASSED
from convoy_core.moves.looking import POOLS, SLICE, snapshots
from convoy_core.moves.recovering import held_claims, recover, unregistered_holders
from convoy_core.moves.scripts import load
from convoy_core.moves.working import Pulse, SuspectPolicy, promote, sweep
from convoy_core.options import BATCH, BATCH_BYTES
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.worker.claims import Claims
from convoy_core.worker.heartbeat import Heartbeat
from convoy_core.worker.maintenance import Maintenance
from convoy_core.worker.runs import Plan
from tests.moves.keyspace import ALIVE, LEASE, NOW, SECOND, Keyspace, W, World, commands
from tests.waiting import patient

LONG = [f"{n:03}".ljust(MAX_ID_BYTES, ".") for n in range(40)]
"""IDs as long as they may be; a script takes 16 of them."""
AT_ONCE = BATCH_BYTES // MAX_ID_BYTES

FAILED: Keyspace = {"failed": dict.fromkeys(LONG, 1)}
DELAYED: Keyspace = {"delayed": {id: NOW - 60 + n for n, id in enumerate(LONG)}, "committed": {*LONG}}
HELD: Keyspace = {
    "owner": {id: f"dd:{n}@{NOW - 60_000}" for n, id in enumerate(LONG)},
    "processing": dict.fromkeys(LONG, SECOND - 60),
    "committed": {*LONG},
}


def scripts(world: World, act: Callable[[], object]) -> int:
    """How many scripts the store ran for `act`."""
    sent = commands(world.client, act)
    return sum(n for name, n in sent.items() if name.startswith("eval"))


def act_of(world: World, name: str) -> Callable[[], object]:
    """A batch of 40 long IDs."""
    jammed = [Jammed(id, (NOW - 60_000) / 1000, 60, "dd", False) for id in LONG]
    return {
        "publish": lambda: world.queue.publish_many(LONG),
        "dry publish": lambda: [*world.queue.publish_chunks(LONG, dry_run=True)],
        "requeue": lambda: world.queue.requeue(LONG),
        "discard": lambda: world.queue.discard(LONG, state=State.FAILED),
        "free jammed": lambda: world.queue.free_jammed(jammed),
        "recover": lambda: world.drive(recover(world.keys, "dd", 3, [(id.encode(), n) for n, id in enumerate(LONG)])),
    }[name]


@pytest.mark.parametrize("name", ["publish", "dry publish", "requeue", "discard", "free jammed", "recover"])
def test_a_script_is_given_no_more_than_its_share_of_bytes(world: World, name: str) -> None:
    before = {} if "publish" in name else HELD if name in ("free jammed", "recover") else FAILED
    world.seed(before)
    act = act_of(world, name)
    act()  # so that the script is known
    world.seed(before)

    # The last call of a recovery, with no ID, unregisters the worker.
    assert scripts(world, act) == 3 + (name == "recover")


def test_many_large_payloads_are_published_one_by_one(world: World) -> None:
    world.queue.publish("known")

    n = scripts(world, lambda: world.queue.publish_many([*"abcde"], payload=b"x" * BATCH_BYTES))

    assert n == 5
    assert world.client.lrange("cv:q:queued", 0, -1) == [b"known", *map(str.encode, "abcde")]
    assert [world.client.hstrlen("cv:q:payload", id) for id in "abcde"] == [BATCH_BYTES + 1] * 5


def test_the_parts_of_a_batch_are_answered_as_the_whole(world: World) -> None:
    world.queue.publish_many(LONG[10:20])
    mixed = ["a", *LONG[:20], "b", "c", *LONG[:1]]

    chunks = [*world.queue.publish_chunks(mixed)]

    assert [id for chunk in chunks for id in chunk.ids] == mixed
    assert [len(chunk.ids) for chunk in chunks] == [AT_ONCE, 24 - AT_ONCE]
    assert sum((chunk.tally for chunk in chunks), Tally()) == Tally(published=13, waiting=11)
    assert world.client.lrange("cv:q:queued", 0, -1) == [
        id.encode() for id in (*LONG[10:20], "a", *LONG[:10], "b", "c")
    ]


def test_recovered_ids_keep_their_order_across_scripts(world: World) -> None:
    world.seed(HELD, {"queued": ["waiting"]})

    moved = world.drive(recover(world.keys, "dd", 3, [(id.encode(), n) for n, id in enumerate(LONG)]))

    assert moved == dict.fromkeys(LONG, "queued")
    assert world.client.lrange("cv:q:queued", 0, -1) == [*map(str.encode, LONG), b"waiting"]


def test_each_long_id_of_a_batch_has_its_own_outcome(world: World) -> None:
    world.seed({"failed": dict.fromkeys(LONG[::2], 1)})

    outcomes = world.queue.requeue(LONG)

    assert outcomes == {id: Outcome.GONE if n % 2 else Outcome.QUEUED for n, id in enumerate(LONG)}


# -- claims


def test_a_claim_of_long_ids_ends_by_their_bytes_and_says_that_there_are_more(world: World) -> None:
    world.seed(ALIVE, {"queued": LONG, "committed": {*LONG}})
    taken = [world.exchange(want=BATCH, number=number) for number in (1, 1_001, 2_001, 3_001)]

    assert [len(answer.claims) for answer in taken] == [AT_ONCE, AT_ONCE, len(LONG) - 2 * AT_ONCE, 0]
    assert [answer.word for answer in taken] == ["more", "more", "open", "open"]
    assert [claim.raw_id.decode() for answer in taken for claim in answer.claims] == LONG
    assert [claim.number for claim in taken[1].claims] == [*range(1_001, 1_001 + AT_ONCE)]


def test_a_claim_pays_for_no_more_than_the_first_of_long_ids_behind_short_ones(world: World) -> None:
    short = [str(n) for n in range(40)]
    world.seed(ALIVE, {"queued": [*short, *LONG], "committed": {*short, *LONG}})

    answer = world.exchange(want=BATCH)

    assert [claim.raw_id.decode() for claim in answer.claims] == [*short, *LONG][: 40 + AT_ONCE - 1]
    assert world.client.lrange("cv:q:queued", 0, -1) == [id.encode() for id in LONG[AT_ONCE - 1 :]]


def test_a_claim_carries_no_more_payloads_than_its_share_of_bytes(world: World) -> None:
    ids = [str(n) for n in range(60)]
    large = "s" + 50_000 * "x"
    world.seed(
        ALIVE, {"queued": ids, "committed": {*ids}, "payload": {id: large if int(id) > 9 else "sx" for id in ids}}
    )

    answer = world.exchange(want=BATCH)

    assert [claim.raw_id.decode() for claim in answer.claims] == ids[:15]
    assert answer.word == "more"
    assert world.client.lrange("cv:q:queued", 0, -1) == [id.encode() for id in ids[15:]]
    assert world.client.zcard("cv:q:processing") == 15


def test_an_id_that_a_claim_gives_back_is_not_marked_by_its_copy(world: World) -> None:
    """The copy was taken for a rerun of it, since it was to run."""
    large = "b" + "x" * BATCH_BYTES
    world.seed(
        {
            **ALIVE,
            "queued": ["first", "twice", "twice"],
            "committed": {"first", "twice"},
            "payload": {"first": large, "twice": large},
        }
    )

    world.exchange(want=3)

    state = world.state()
    assert state["queued"] == ["twice"]
    assert "rerun" not in state


@pytest.mark.parametrize(
    ("queued", "policy", "left"),
    [
        # Innocent IDs that go back so that the suspect runs alone, and a suspect that is set apart.
        (["suspect", "a", "a"], SuspectPolicy(first=True), {"queued": ["a"]}),
        (["suspect", "suspect"], SuspectPolicy(kept=1), {"delayed": {"suspect": NOW + LEASE}}),
    ],
)
def test_f28_an_id_that_does_not_run_beside_a_suspect_is_not_marked_by_its_copy(
    world: World, queued: list[str], policy: SuspectPolicy, left: Keyspace
) -> None:
    world.seed({**ALIVE, "queued": queued, "committed": {*queued}, "crashes": {"suspect": "2"}})

    world.exchange(want=3, suspects=policy)

    state = world.state()
    assert left.items() <= state.items()
    assert "rerun" not in state


def test_a_payload_larger_than_the_share_is_carried_alone(world: World) -> None:
    world.seed(ALIVE, {"queued": ["a", "b"], "committed": {"a", "b"}, "payload": dict.fromkeys("ab", 300_000 * "x")})

    answer = world.exchange(want=2)

    assert [(claim.raw_id, len(claim.raw_payload or b"")) for claim in answer.claims] == [(b"a", 300_000)]
    assert answer.word == "more"


def test_a_pool_fills_its_slots_with_long_ids_before_any_of_them_has_ended(world: World) -> None:
    """A claim that was ended by its bytes does not look like the end of the queue."""
    world.seed({"queued": LONG, "committed": {*LONG}})
    running: list[str] = []
    all_run = asyncio.Event()

    async def handler(job: Job) -> None:
        running.append(job.id)
        if len(running) == len(LONG):
            all_run.set()
        async with asyncio.timeout(patient(5)):
            await all_run.wait()

    with Queue("q", redis=world.server.url) as queue:
        WorkerPool(queue, handler, concurrency=len(LONG), retries=0, options=PoolOptions(burst=True)).run()

    assert all_run.is_set()
    assert world.client.zcard("cv:q:failed") == 0


# -- listings


STARTED: Keyspace = {**HELD, "started": {id: NOW - 60_000 + n for n, id in enumerate(LONG[:20])}}
LISTED: dict[str, tuple[State | None, Keyspace]] = {
    "queued": (State.QUEUED, {"queued": LONG}),
    "delayed": (State.DELAYED, DELAYED),
    "failed": (State.FAILED, FAILED),
    "processing": (State.PROCESSING, HELD),
    "processing, some of them indexed": (State.PROCESSING, STARTED),
    "committed": (None, {"committed": {*LONG}}),
}


@pytest.mark.parametrize("name", LISTED)
def test_pages_of_long_ids_are_short_and_miss_none(world: World, name: str) -> None:
    state, keyspace = LISTED[name]
    world.seed(keyspace)
    pages = [world.queue.page(state, limit=BATCH)]

    while (start := pages[-1].next) is not None:
        pages.append(world.queue.page(state, start=start, limit=BATCH))

    assert sorted(entry.id for page in pages for entry in page.entries) == LONG
    # A scan of a set returns a whole bucket, and a page may begin with what is indexed and end with the rest.
    assert max(len(page.entries) for page in pages) <= 2 * AT_ONCE


def test_a_page_of_failed_ids_is_bounded_by_their_records(world: World) -> None:
    many = [f"{n:03}" for n in range(200)]
    record = '{"error":"boom","traceback":"' + 4000 * "x" + '"}'
    world.seed({"failed": dict.fromkeys(many, 1), "failure": dict.fromkeys(many, record)})

    page = world.queue.page(State.FAILED, limit=BATCH)

    assert 50 < len(page.entries) < 70
    assert [entry.id for entry in world.queue.entries(State.FAILED)] == many
    assert {entry.error for entry in page.entries} == {"boom"}


def test_a_page_of_the_error_log_is_bounded_by_bytes_across_both_days(world: World) -> None:
    today, yesterday = [f"{n} {'x' * 9_000}" for n in range(40)], [f"{n} {'y' * 9_000}" for n in range(40)]
    day = SECOND - SECOND % 86_400
    world.seed({f"errorLog.{day}": today, f"errorLog.{day - 86_400}": yesterday})
    pages = [world.queue.errors(limit=BATCH)]

    while (start := pages[-1].next) is not None:
        pages.append(world.queue.errors(start=start, limit=BATCH))

    assert [len(page.errors) for page in pages] == [29, 29, 22]
    assert [error.text for page in pages for error in page.errors] == [text[:4096] for text in [*today, *yesterday]]


@pytest.mark.parametrize("keyspace", [HELD, STARTED], ids=["by score", "indexed"])
def test_jammed_entries_with_long_ids_are_all_found(world: World, keyspace: Keyspace) -> None:
    world.seed(keyspace)

    found: list[list[Jammed]] = []
    n = scripts(world, lambda: found.append(world.queue.jammed(idle_s=5)))

    assert sorted(entry.id for entry in found[0]) == LONG
    assert n >= 3


# -- maintenance


def test_long_ids_that_are_due_are_promoted_in_parts(world: World) -> None:
    world.seed(DELAYED)

    moved, following = world.run(promote(world.keys, BATCH, LEASE))

    assert AT_ONCE - 1 <= moved <= AT_ONCE
    assert following == 0


async def test_maintenance_promotes_all_that_is_due_however_long(world: World) -> None:
    world.seed(DELAYED)
    connection = AsyncConnection(world.server.url, prefix=None, read_only=False)
    connection.now_ms = NOW

    await Maintenance(connection, world.keys, PoolOptions()).promote()

    await connection.close()
    assert world.client.lrange("cv:q:queued", 0, -1) == [id.encode() for id in LONG]


@pytest.mark.parametrize("state", [State.QUEUED, State.DELAYED, State.FAILED])
def test_discarding_a_whole_state_of_long_ids_goes_by_bytes(world: World, state: State) -> None:
    before: Keyspace = {"queued": LONG, "committed": {*LONG}} if state is State.QUEUED else {**DELAYED, **FAILED}
    world.seed(before)
    world.queue.discard_all(state)  # so that the scripts are known
    world.seed(before)
    gone: list[int] = []

    n = scripts(world, lambda: gone.append(world.queue.discard_all(state)))

    assert gone == [len(LONG)]
    assert n == 1 + 3  # how many there are, and three parts


def test_f53_a_sweep_of_long_ids_gets_around(world: World) -> None:
    old = dict.fromkeys(LONG, str(NOW - 99))
    world.seed({"published": old, "attempts": old, "payload": dict.fromkeys(LONG, "sx"), "rerun": {*LONG[:5]}})

    stops = world.drive(sweep(world.keys, (), BATCH))
    for _ in range(40):
        if world.state().keys() <= {"queued", "committed", "published"}:
            break
        stops = world.drive(sweep(world.keys, stops, BATCH))

    assert sorted(world.state()["queued"]) == LONG[:5]
    assert sorted(world.state()["published"]) == LONG[:5]


def test_f53_a_sweep_reads_no_payload(world: World) -> None:
    world.seed({"payload": {str(n): "s" + 100_000 * "x" for n in range(40)}})

    sent = commands(world.client, lambda: world.drive(sweep(world.keys, (), BATCH)))

    assert not sent.keys() & {"hscan", "hget", "hgetall", "hvals"}
    assert world.state() == {}


def test_what_a_publish_tidies_up_is_bounded_by_bytes(world: World) -> None:
    left = dict.fromkeys((f"{n:03}".ljust(MAX_ID_BYTES, ".") for n in range(200)), str(NOW - 99))
    world.seed({"published": left, "totals": {"published": "99"}})

    world.queue.publish("a")

    assert len(left) - world.client.hlen("cv:q:published") + 1 <= AT_ONCE + 1  # one of those looked at may be short


def test_all_claims_of_long_ids_are_found(world: World) -> None:
    world.seed(HELD)

    assert world.drive(held_claims(world.keys, ["dd"])) == {"dd": [(id.encode(), n) for n, id in enumerate(LONG)]}


def test_the_audit_of_long_ids_gets_around_in_slices(world: World) -> None:
    many = [f"{n:03}".ljust(MAX_ID_BYTES, ".") for n in range(200)]
    world.seed({"owner": {id: f"{n:04x}:1@{NOW}" for n, id in enumerate(many)}}, ALIVE)

    found: list[str] = []
    cursor = slices = 0
    while slices == 0 or cursor:
        cursor, some = world.run(unregistered_holders(world.keys, cursor))
        found += some
        slices += 1

    assert {*found} == {f"{n:04x}" for n in range(200)}
    assert slices >= 5


def test_a_heartbeat_renews_long_ids_in_parts(world: World) -> None:
    world.seed(ALIVE, {"owner": {id: f"{W}:{n}@{NOW}" for n, id in enumerate(LONG)}})
    held = [(id.encode(), n) for n, id in enumerate(LONG)]
    lost: list[int] = []
    beats = Heartbeat(
        world.queue._connection,
        world.keys,
        W,
        PoolOptions(),
        lambda: Pulse(0, 0, held),
        lambda renewal, run_id: lost.extend(renewal.lost),
    )
    beats.run_once()

    n = scripts(world, beats.run_once)

    assert n == 3
    assert lost == []
    assert world.client.zcard("cv:q:processing") == len(LONG)


async def test_a_pool_settles_long_ids_in_parts() -> None:
    async def handler(job: Job) -> None:
        """Never called."""

    plan = Plan("q", handler, 40, None, 0, PoolOptions())
    claims = Claims(plan, W, lambda: None)
    claims.decline([Claim(id.encode(), n) for n, id in enumerate(LONG)])
    parts = []

    while claims.has_results:
        settlement, taken = claims.take_results()
        claims.settle(taken, (), ())
        parts.append(len(settlement.released))

    claims.close()
    assert parts == [AT_ONCE, AT_ONCE, len(LONG) - 2 * AT_ONCE]


# -- snapshots


def test_a_snapshot_goes_in_slices_that_are_sent_together(world: World) -> None:
    names = [f"q{n}" for n in range(3 * SLICE + 1)]
    for n, name in enumerate(names):
        world.client.rpush(f"cv:{name}:queued", *range(n % 7 + 1))
    with Fleet(redis=world.server.url) as fleet:
        fleet.snapshot(names)

        found = fleet.snapshot(names)
        n = scripts(world, lambda: fleet.snapshot(names))

    assert [(one.queue, one.counts.queued) for one in found] == [(name, n % 7 + 1) for n, name in enumerate(names)]
    assert n == 4


def test_the_slices_of_a_snapshot_are_one_round_trip(world: World) -> None:
    names = [f"q{n}" for n in range(3 * SLICE + 1)]
    rounds = snapshots(world.queue._connection.keyspace, names, 5)

    calls = next(rounds)

    assert [len(call.keys) // len(load("snapshot").keys) for call in calls] == [SLICE, SLICE, SLICE, 1]


def test_a_slice_with_much_to_look_at_is_gone_on_with(world: World) -> None:
    """Nothing of a slice is left out when its script may look no further."""
    names = [f"q{n}" for n in range(30)]
    for n, name in enumerate(names):
        world.client.zadd(f"cv:{name}:processing", dict.fromkeys(LONG[:10], SECOND - 100 - n))
    with Fleet(redis=world.server.url) as fleet:
        fleet._connection.now_ms = NOW
        fleet.snapshot(names)

        found = fleet.snapshot(names, jam_after_s=60)
        n = scripts(world, lambda: fleet.snapshot(names, jam_after_s=60))

    assert [(one.queue, one.jammed, one.oldest_processing_s) for one in found] == [
        (name, 10, 100 + n) for n, name in enumerate(names)
    ]
    assert n > 5


def test_many_pools_are_described_in_parts(world: World) -> None:
    pools = [f"{n:04x}" for n in range(2 * POOLS + 1)]
    world.seed({"workers": {pool: NOW + n for n, pool in enumerate(pools)}, f"worker:{pools[-1]}": {"host": "last"}})
    world.queue.workers()

    found = world.queue.workers()
    n = scripts(world, world.queue.workers)

    assert [pool.id for pool in found] == pools
    assert [pool.host for pool in found if pool.host] == ["last"]
    assert n == 3


def test_discarding_passes_no_more_of_a_list_than_a_script_may(world: World) -> None:
    """To pass an entry of 16 KiB takes the store ten times as long as to pass a short one."""
    world.seed({"queued": [str(n) for n in range(2_000)], "committed": {*map(str, range(2_000))}})
    late = [str(n) for n in range(1_800, 2_000)]
    world.queue.discard(["0"], state=State.QUEUED)

    n = scripts(world, lambda: world.queue.discard(late, state=State.QUEUED))

    assert n >= 1 + len(late) * 1_800 // PASSED
    assert world.client.llen("cv:q:queued") == 1_799
