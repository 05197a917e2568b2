"""IDs are bytes at heart, payloads come back as they went in, and no two publishers get the same answer."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from convoy_core import Fleet, Job, Published, Queue, State, Tally
from convoy_core.jobs import Claim
from convoy_core.models import Then
from tests.moves.keyspace import ALIVE, NOW, SECOND, W, World, claim, failure, seed
from tests.servers import RealServer


@pytest.fixture
def world(each_store: RealServer) -> Iterator[World]:
    """An empty queue, on Valkey and on Redis."""
    world = World(each_store)
    yield world
    world.close()


ALL_BYTES = [bytes([n]).decode("utf-8", "surrogateescape") for n in range(256)]
STRANGE = [
    *ALL_BYTES,
    bytes(range(256)).decode("utf-8", "surrogateescape"),
    b"\xff\xfe".decode("utf-8", "surrogateescape"),
    b"\xed\xa0\x80".decode("utf-8", "surrogateescape"),  # half a surrogate pair, as some encoders write it
    b"\xc3".decode("utf-8", "surrogateescape"),
    "1",
    "-1",
    "1e3",
    "1.0",
    "nan",
    "a:b:c",
    "cv:q:queued",
    " ",
    "a b",
    '{"json": [1, "x"]}',
    "{tag}",
    "日本語",
    "👩‍👩‍👧‍👦",
    "\u202eright to left",
    "\x1b[2J",
    "[red]markup[/]",
    "%s%d",
    "'; DROP TABLE",
    "-rf",
    "--",
    "*",
    "?",
    "\\",
    "x" * 16_384,
    "ü" * 8_192,
]


def test_s1_every_byte_survives_every_operation(world: World) -> None:
    ids = list(dict.fromkeys(STRANGE))
    raw_ids = [id.encode("utf-8", "surrogateescape") for id in ids]
    world.seed(ALIVE)
    queue = world.queue

    assert queue.publish_many(ids) == Tally(published=len(ids))
    assert world.client.lrange("cv:q:queued", 0, -1) == raw_ids
    assert world.client.smembers("cv:q:committed") == set(raw_ids)
    assert [entry.id for entry in queue.entries(State.QUEUED)] == ids
    assert {entry.id for entry in queue.entries(None)} == set(ids)
    assert [queue.show(id).state for id in ids] == [State.QUEUED] * len(ids)
    assert [queue.publish(id) for id in ids] == [Published.ALREADY_QUEUED] * len(ids)

    claims = world.exchange(want=500, number=1).claims
    assert [Job(each, "q", W).id for each in claims] == ids
    assert {entry.id for entry in queue.entries(State.PROCESSING)} == set(ids)
    assert {row.id for row in queue.jammed(idle_s=0)} == set(ids)

    world.exchange(failed=[(each, failure()) for each in claims])
    assert {entry.id for entry in queue.entries(State.FAILED)} == set(ids)
    assert [queue.show(id).failures for id in ids] == [1] * len(ids)
    assert set(queue.requeue(ids).values()) == {"queued"}
    assert queue.discard(ids[:300], state=State.QUEUED).keys() == set(ids[:300])
    assert [entry.id for entry in queue.entries(State.QUEUED)] == ids[300:]


def test_s1_a_jam_guard_frees_any_id(world: World) -> None:
    ids = list(dict.fromkeys(STRANGE))
    world.seed(ALIVE, {"processing": dict.fromkeys(ids, SECOND - 50), "committed": set(ids)})

    freed = world.queue.free_jammed(world.queue.jammed(idle_s=5), then=Then.DISCARD)

    assert freed == dict.fromkeys(ids, "discarded")
    assert world.queue.counts().committed == 0


@pytest.mark.parametrize(
    ("id", "text"), [(42, "42"), (0, "0"), (-7, "-7"), (10**30, "1" + "0" * 30), (2**53 + 1, "9007199254740993")]
)
def test_s1_an_integer_becomes_text(world: World, id: int, text: str) -> None:
    assert world.queue.publish(id) is Published.QUEUED
    assert world.queue.publish(text) is Published.ALREADY_QUEUED
    assert world.client.lrange("cv:q:queued", 0, -1) == [text.encode()]


def test_s5_an_id_has_up_to_16_kib(world: World) -> None:
    id = "x" * 16_384
    world.seed(ALIVE)

    world.queue.publish(id)

    assert world.queue.show(id).id == id
    assert world.exchange(want=1).claims == [claim(id, 7)]


LOOK_ALIKES = [
    ("a", "а"),  # noqa: RUF001 - Cyrillic, on purpose
    ("é", unicodedata.normalize("NFD", "é")),
    ("\u00c5", "\u212b"),  # the letter and the sign for the unit
    ("ﬁ", "fi"),
    ("1", "１"),  # noqa: RUF001 - full width, on purpose
    ("a", "A"),
    ("ß", "ss"),
    ("a", "a "),
    ("a", "a\u200b"),
    ("a", "a\n"),
    ("1", "01"),
    ("1", "1.0"),
]


@pytest.mark.parametrize(("one", "other"), LOOK_ALIKES)
def test_s6_look_alikes_are_different_ids(world: World, one: str, other: str) -> None:
    assert world.queue.publish(one) is Published.QUEUED
    assert world.queue.publish(other) is Published.QUEUED
    assert world.queue.counts().queued == 2


# -- payloads

PAYLOADS: list[Any] = [
    b"",
    b"x",
    bytes(range(256)),
    b"jnull",
    "",
    "text",
    "ünï 日本 \0",
    b"\xff".decode("utf-8", "surrogateescape"),
    "j1",
    0,
    1,
    -1.5,
    10**40,
    True,
    False,
    [],
    {},
    {"n": [1, None, "ü", {"deep": [[[]]]}]},
    ["\ud800"],
    b"x" * 1_048_576,
    "x" * 1_048_576,
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: repr(payload)[:30])
def test_a_payload_comes_back_as_it_went_in(world: World, payload: Any) -> None:
    world.seed(ALIVE)

    world.queue.publish("a", payload=payload)

    shown = world.queue.show("a")
    (handed,) = world.exchange(want=1).claims
    for found in (shown.payload, Job(handed, "q", W).payload):
        assert found == payload
        assert type(found) is type(payload)
    assert shown.payload_bytes is not None


def test_no_payload_is_none_and_takes_no_room(world: World) -> None:
    world.queue.publish("a")

    assert (world.queue.show("a").payload, world.queue.show("a").payload_bytes) == (None, None)
    assert not world.client.exists("cv:q:payload")


HOSTILE = [
    b"",
    b"j",
    b"j{",
    b"j" + b"[" * 200_000,
    b"j" + b'{"a":' * 100_000,
    b"j" + b"1" * 100_000,
    b"jNaN",
    b"j\xff\xfe",
    b"s\xff",
    b"x",
    b"\x80\x04\x95",  # how a pickle begins
    b"cos\nsystem\n(S'true'\ntR.",
    b'j{"__reduce__": "os.system", "task": "os.system", "handler": "os:system"}',
    b"j!!python/object/apply:os.system ['true']",
    b"\0" * 1_000,
]


@pytest.mark.parametrize("content", HOSTILE, ids=lambda content: repr(content[:24]))
def test_s7_a_hostile_payload_is_only_data(world: World, content: bytes) -> None:
    world.seed(ALIVE, {"queued": ["a"], "committed": {"a"}})
    world.client.hset("cv:q:payload", "a", content)

    shown = world.queue.show("a").payload
    (handed,) = world.exchange(want=1).claims

    assert Job(handed, "q", W).payload == shown or shown != shown  # noqa: PLR0124 - NaN
    assert shown is None or isinstance(shown, bytes | str | int | float | list | dict)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"[" * 200_000,
        b'{"error":' + b"[" * 50_000,
        b'{"error":null,"at":"x","traceback":5,"worker":[],"attempt":{},"seconds":"1"}',
        b'{"error":{"a":1},"at":1e999,"attempt":1e999,"seconds":NaN}',
        b'{"error":"\xff\xfe"}',
        b'{"error":"\\ud800"}',
    ],
    ids=lambda record: repr(record[:30]),
)
def test_s7_a_hostile_record_of_a_failure_is_only_data(world: World, record: bytes) -> None:
    world.seed({"failed": {"a": 1}})
    world.client.hset("cv:q:failure", "a", record)

    found = world.queue.show("a").failure
    (entry,) = world.queue.page(State.FAILED).entries

    assert entry.id == "a"
    assert entry.error is None or isinstance(entry.error, str)
    assert entry.since is None or isinstance(entry.since, float)
    if found is not None:
        assert isinstance(found.error, str)
        assert all(value is None or isinstance(value, str) for value in (found.traceback, found.worker))
        numbers = (found.at, found.attempt, found.seconds)
        assert all(value is None or type(value) in (int, float) for value in numbers)
        json.dumps(numbers, allow_nan=False)


@pytest.mark.parametrize("score", ["inf", "-inf", "1e300", "-5", "0.5", "4294967296"])
def test_s7_f19_any_score_can_be_looked_at(world: World, score: str) -> None:
    world.seed({"committed": {"a", "b"}})
    for key in ("failed", "processing", "delayed", "started", "workers"):
        world.client.zadd(f"cv:q:{key}", {"a": float(score)})
    world.client.hset("cv:q:owner", "a", "a:1")

    world.queue.snapshot()
    world.queue.show("a")
    world.queue.workers()
    world.queue.jammed(idle_s=1)
    for state in (State.DELAYED, State.PROCESSING, State.FAILED):
        assert [entry.id for entry in world.queue.page(state).entries] == ["a"]


@pytest.mark.parametrize("value", ["", "abc", "inf", "nan", "-1", "1e999", "9" * 400, "\udcff"])
def test_s7_any_count_and_time_can_be_looked_at(world: World, value: str) -> None:
    hashes = ["published", "attempts", "failures", "crashes", "owner", "failure", "payload"]
    world.seed({"queued": ["a"], "committed": {"a"}, "workers": {W: NOW}}, {key: {"a": value} for key in hashes})
    fields = ["host", "pid", "handler", "concurrency", "since", "running", "done", "failed"]
    seed(world.client, {f"worker:{W}": dict.fromkeys(fields, value), "totals": {"done": value}})

    details = world.queue.show("a")
    snapshot = world.queue.snapshot()
    (worker,) = world.queue.workers()
    (entry,) = world.queue.page(State.QUEUED).entries

    assert (details.attempt >= 1, details.failures >= 0, details.crashes >= 0) == (True, True, True)
    assert snapshot.counts.queued == 1
    assert (worker.id, entry.id) == (W, "a")
    assert worker.running >= 0


def test_s8_a_job_shows_its_payload_and_runs_nothing() -> None:
    job = Job(Claim(b"a", 1, raw_payload=b'j{"handler":"os:system"}'), "q", W)

    assert job.payload == {"handler": "os:system"}


# -- many publishers


def test_f57_a_hundred_threads_publish_the_same_ids_and_each_is_accepted_once(world: World) -> None:
    ids = [str(n) for n in range(50)]
    answers: list[Published] = []
    start = threading.Barrier(100)

    def publish(nth: int) -> None:
        start.wait()
        answers.extend(world.queue.publish(id) for id in ids[nth:] + ids[:nth])

    threads = [threading.Thread(target=publish, args=(nth,)) for nth in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(answers) == {Published.QUEUED: 50, Published.ALREADY_QUEUED: 4_950}
    assert sorted(world.client.lrange("cv:q:queued", 0, -1)) == sorted(id.encode() for id in ids)


def test_f57_publishers_in_bulk_accept_each_id_once_between_them(world: World) -> None:
    ids = [str(n) for n in range(2_000)]
    tallies: list[Tally] = []
    threads = [threading.Thread(target=lambda: tallies.append(world.queue.publish_many(ids))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(tallies, Tally()) == Tally(published=2_000, waiting=14_000)
    assert world.queue.counts().queued == 2_000


@pytest.mark.parametrize("cut_at", [0, 1, 499, 500, 501, 999, 1_000, 1_200])
def test_f59_a_bulk_publish_cut_short_can_be_run_again(world: World, cut_at: int) -> None:
    ids = [str(n) for n in range(1_200)]

    def cut() -> Iterator[str]:
        yield from ids[:cut_at]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.queue.publish_many(cut())
    tally = world.queue.publish_many(ids)

    sent = cut_at // 500 * 500
    assert tally == Tally(published=1_200 - sent, waiting=sent)
    assert world.client.lrange("cv:q:queued", 0, -1) == [id.encode() for id in ids]


def test_f59_a_stream_is_read_no_further_ahead_than_a_chunk(world: World) -> None:
    read = 0

    def endless() -> Iterator[int]:
        nonlocal read
        while True:
            read += 1
            yield read

    chunks = world.queue.publish_chunks(endless())
    next(chunks)
    next(chunks)

    assert read == 1_000


# Other libraries' threads are at work here, but none of them holds a lock of ours.
forks = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


@forks
def test_f60_a_forked_child_has_a_connection_of_its_own(world: World, raw: redis.Redis) -> None:
    context = multiprocessing.get_context("fork")
    wrong = context.Value("i", 0)
    queue, fleet = world.queue, Fleet(redis=world.server.url)
    queue.publish("before")
    fleet.ping()

    def child(nth: int) -> None:
        for n in range(100):
            id = f"{nth}-{n}"
            answers = (queue.publish(id), queue.show(id).id, fleet.queue("q").show(id).id)
            if answers != (Published.QUEUED, id, id):
                with wrong.get_lock():
                    wrong.value += 1

    children = [context.Process(target=child, args=(nth,)) for nth in range(4)]
    for each in children:
        each.start()
    for n in range(100):
        id = f"parent-{n}"
        assert (queue.publish(id), queue.show(id).id) == (Published.QUEUED, id)
    for each in children:
        each.join()
    fleet.close()

    assert [each.exitcode for each in children] == [0, 0, 0, 0]
    assert wrong.value == 0
    assert queue.counts().queued == 501


@forks
def test_f60_a_child_that_closes_leaves_the_parents_connection_alone(world: World) -> None:
    context = multiprocessing.get_context("fork")
    world.queue.publish("a")

    child = context.Process(target=world.queue.close)
    child.start()
    child.join()

    assert child.exitcode == 0
    assert world.queue.publish("a") is Published.ALREADY_QUEUED


@forks
def test_f60_a_ready_made_client_is_not_shared_with_a_child(each_store: RealServer) -> None:
    context = multiprocessing.get_context("fork")
    client = each_store.client()
    queue = Queue("q", redis=client)
    queue.publish("a")
    client_id = client.client_id()

    def child() -> None:
        os._exit(int(client.client_id() == client_id or queue.publish("a") is not Published.ALREADY_QUEUED))

    process = context.Process(target=child)
    process.start()
    process.join()

    client.close()
    assert process.exitcode == 0
