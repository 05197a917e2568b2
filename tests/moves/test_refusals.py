"""What is refused before anything is sent, in a sentence that says what was wrong and what is allowed."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from convoy_core import (
    AsyncQueue,
    AuditEntry,
    Fault,
    FaultKind,
    Fleet,
    InvalidID,
    InvalidInput,
    InvalidOption,
    InvalidPayload,
    InvalidQueueName,
    Jammed,
    PoolOptions,
    Queue,
    ReadOnly,
    Record,
    State,
    StoreDamaged,
    WorkerPool,
)
from tests.moves.keyspace import commands, sent_since_reset
from tests.servers import RealServer
from tests.waiting import eventually


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    """A queue whose connection stands, so that whatever is sent would be a command of ours."""
    with Queue("q", redis=store.url) as queue:
        queue.publish("there")
        yield queue


def _refused(queue: Queue, raw: redis.Redis, error: type[InvalidInput], says: str, act: Callable[[], object]) -> None:
    def refuse() -> None:
        with pytest.raises(error, match=re.escape(says)):
            act()

    assert commands(raw, refuse) == {}
    assert queue.counts().committed == 1


# -- IDs

BAD_IDS = [
    ("", "A job ID must not be empty."),
    ("x" * 16_385, "A job ID has 16,385 bytes; at most 16,384 are allowed."),
    ("ü" * 8_193, "A job ID has 16,386 bytes; at most 16,384 are allowed."),
    (None, "A job ID must be text or an integer, not NoneType."),
    (True, "A job ID must be text or an integer, not bool."),
    (1.5, "A job ID must be text or an integer, not float."),
    (b"42", "A job ID must be text or an integer, not bytes."),
    (["42"], "A job ID must be text or an integer, not list."),
    ("\ud800", "A job ID holds half of a surrogate pair, which no text can hold."),
]
WITH_AN_ID: dict[str, Callable[[Queue, Any], object]] = {
    "publish": lambda queue, id: queue.publish(id),
    "publish_many": lambda queue, id: queue.publish_many(["new", id]),
    "dry publish": lambda queue, id: list(queue.publish_chunks(["new", id], dry_run=True)),
    "show": lambda queue, id: queue.show(id),
    "requeue": lambda queue, id: queue.requeue(["there", id]),
    "discard queued": lambda queue, id: queue.discard(["there", id], state=State.QUEUED),
    "cancel": lambda queue, id: queue.cancel(["there", id]),
    "discard failed": lambda queue, id: queue.discard(["there", id], state=State.FAILED),
}


@pytest.mark.parametrize(("id", "says"), BAD_IDS, ids=lambda value: repr(value)[:24])
@pytest.mark.parametrize("name", WITH_AN_ID)
def test_an_id_is_checked_before_anything_is_sent(
    queue: Queue, raw: redis.Redis, name: str, id: object, says: str
) -> None:
    _refused(queue, raw, InvalidID, says, lambda: WITH_AN_ID[name](queue, id))


@pytest.mark.parametrize("bad", [("", "empty"), (None, "NoneType")])
def test_f59_a_bad_id_far_down_a_stream_keeps_the_chunks_before_it(queue: Queue, bad: tuple[Any, str]) -> None:
    ids: list[Any] = [str(n) for n in range(1_100)]
    ids[1_050] = bad[0]
    done: list[int] = []

    with pytest.raises(InvalidID, match=bad[1]):
        done.extend(len(chunk.ids) for chunk in queue.publish_chunks(ids))

    assert done == [500, 500]
    assert queue.counts().queued == 1_001


def test_a_refusal_comes_after_the_answers_to_what_had_been_sent_by_then(queue: Queue, raw: redis.Redis) -> None:
    said: list[int] = []

    def ids() -> Iterator[str]:
        for n in range(2_000):
            if n == 600:
                raw.rename("cv:q:queued", "cv:q:away")
                raw.set("cv:q:queued", "no list")
            elif n == 1_100:
                eventually(lambda: raw.info("errorstats"))
                raw.rename("cv:q:away", "cv:q:queued")
            yield str(n)

    raw.config_resetstat()
    with pytest.raises(StoreDamaged):
        said.extend(chunk.tally.published for chunk in queue.publish_chunks(ids(), ahead=True))

    assert said == [500, 500], "the first chunk and the third, which the store took"
    assert queue.counts().queued == 1_001


# -- queue names and prefixes


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "A queue's name must be text and not empty, not ''."),
        (5, "A queue's name must be text and not empty, not 5."),
        (None, "A queue's name must be text and not empty, not None."),
        (b"q", "A queue's name must be text and not empty, not b'q'."),
        ("x" * 201, "A queue name has at most 200 bytes."),
        ("a b", "'a b' is no queue name; use letters, digits, '_', '.', '-', ':' and at most one '{tag}'."),
        *((name, f"{name!r} is no queue name") for name in ("*", "a*", "[a]", "a?", "{", "}", "{}", "a{}b{c}", "x}{y")),
        *(
            (name, f"{name!r} is no queue name")
            for name in ("a\n", "\n", "a\0", "ü", "a/b", "{a}{b}", "{a*}", "\udcff")
        ),
        ("\ud800", "is no queue name"),
    ],
)
def test_s15_f41_a_name_that_could_reach_other_keys_is_refused(store: RealServer, name: Any, says: str) -> None:
    with pytest.raises(InvalidQueueName, match=re.escape(says)):
        Queue(name, redis=store.url)


@pytest.mark.parametrize("name", ["a", "A-b_c.d", "a:b:c", "a{b}c", "{a}", "{a:b}", "..", "a:queued", "1", "x" * 200])
def test_s15_f41_a_harmless_name_is_taken(store: RealServer, name: str) -> None:
    with Queue(name, redis=store.url) as queue:
        assert queue.name == name


@pytest.mark.parametrize(("name", "says"), [("", "must be text and not empty"), ("x" * 201, "at most 200 bytes")])
def test_s15_a_fleet_opens_any_name_but_an_empty_or_endless_one(store: RealServer, name: str, says: str) -> None:
    with Fleet(redis=store.url) as fleet, pytest.raises(InvalidQueueName, match=says):
        fleet.queue(name)


@pytest.mark.parametrize("prefix", ["", "cv*", "a b", "x" * 101, "{cv}", "cv:\n", "ü:"])
def test_s15_a_prefix_that_could_reach_other_keys_is_refused(store: RealServer, prefix: str) -> None:
    says = re.escape(f"{prefix!r} is no key prefix; use 1 to 100 letters, digits, '_', '.', '-' and ':'.")

    with pytest.raises(InvalidOption, match=says):
        Fleet(redis=store.url, prefix=prefix)
    with pytest.raises(InvalidOption, match=says):
        Queue("q", redis=store.url, prefix=prefix)


def test_s15_a_prefix_from_the_environment_is_checked_as_well(
    store: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVOY_PREFIX", "cv*")

    with pytest.raises(InvalidOption, match=re.escape("'cv*' is no key prefix")):
        Queue("q", redis=store.url)


# -- payloads


class Unwritable:
    """No JSON value."""


def _deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"x" * 1_048_577, "A payload has 1,048,577 bytes; at most 1,048,576 are allowed."),
        ("x" * 1_048_577, "A payload has 1,048,577 bytes; at most 1,048,576 are allowed."),
        (["x" * 1_048_576], "A payload has 1,048,580 bytes; at most 1,048,576 are allowed."),
        (Unwritable(), "A payload must be bytes, text or a JSON value: Object of type Unwritable is not JSON"),
        ({"a": b"x"}, "A payload must be bytes, text or a JSON value: Object of type bytes is not JSON"),
        ({1, 2}, "A payload must be bytes, text or a JSON value: Object of type set is not JSON"),
        (math.nan, "A payload must be bytes, text or a JSON value: Out of range float"),
        ([math.inf], "A payload must be bytes, text or a JSON value: Out of range float"),
        (_deep(100_000), "A payload must be bytes, text or a JSON value: maximum recursion depth"),
        ("\ud800", "A payload"),
    ],
    ids=lambda value: repr(type(value).__name__) if not isinstance(value, str) else value[:24],
)
def test_a_payload_is_checked_before_anything_is_sent(queue: Queue, raw: redis.Redis, payload: Any, says: str) -> None:
    _refused(queue, raw, InvalidPayload, says, lambda: queue.publish("new", payload=payload))


# -- options

BAD_OPTIONS: list[tuple[str, str, Callable[[Queue], object]]] = [
    (
        "delay and front",
        "to the front or with a delay, not both",
        lambda queue: queue.publish("x", delay_s=1, front=True),
    ),
    ("negative delay", "delay_s is -1; it must be", lambda queue: queue.publish("x", delay_s=-1)),
    ("endless delay", "delay_s is inf; it must be", lambda queue: queue.publish("x", delay_s=math.inf)),
    ("no delay", "delay_s is nan; it must be", lambda queue: queue.publish("x", delay_s=math.nan)),
    ("no IDs, bad delay", "delay_s is -1; it must be", lambda queue: queue.publish_many([], delay_s=-1)),
    ("idle", "idle_s is -1; it must be", lambda queue: queue.jammed(idle_s=-1)),
    ("guard's idle", "idle_s is -1; it must be", lambda queue: queue.jam_guard(idle_s=-1)),
    ("snapshot", "jam_after_s is -1; it must be", lambda queue: queue.snapshot(jam_after_s=-1)),
    (
        "page start",
        "start is -1; it must be a whole number from 0 up.",
        lambda queue: queue.page(None, start=-1),
    ),
    (
        "page of none",
        "limit is 0; it must be a whole number from 1 to 500.",
        lambda queue: queue.page(State.QUEUED, limit=0),
    ),
    (
        "page of too many",
        "limit is 501; it must be a whole number from 1 to 500.",
        lambda queue: queue.page(State.QUEUED, limit=501),
    ),
    ("page of absent", "Absent IDs are nowhere", lambda queue: queue.page(State.ABSENT)),
    ("dump of absent", "Absent IDs are nowhere", lambda queue: list(queue.dump(State.ABSENT))),
    ("entries of absent", "Absent IDs are nowhere", lambda queue: list(queue.entries(State.ABSENT))),
    (
        "discard processing",
        "Only queued, delayed and failed IDs can be discarded, not processing ones.",
        lambda queue: queue.discard(["x"], state=State.PROCESSING),
    ),
    ("discard absent", "can be discarded, not absent ones", lambda queue: queue.discard([], state=State.ABSENT)),
    ("crashes", "max_crashes", lambda queue: queue.free_jammed([Jammed("x", 1, 1, None, False)], max_crashes=0)),
]


@pytest.mark.parametrize(("title", "says", "act"), BAD_OPTIONS, ids=[title for title, _, _ in BAD_OPTIONS])
def test_an_option_is_checked_before_anything_is_sent(
    queue: Queue, raw: redis.Redis, title: str, says: str, act: Callable[[Queue], object]
) -> None:
    _refused(queue, raw, InvalidOption, says, lambda: act(queue))


@pytest.mark.parametrize("name", ["lease_s", "beat_s", "grace_s", "backoff_s", "backoff_cap_s", "max_crashes"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_pool_options_have_ranges(name: str, value: float) -> None:
    options: dict[str, Any] = {name: value}

    with pytest.raises(InvalidOption, match=f"{name} is {value!r}; it must be"):
        PoolOptions(**options)


def test_a_lease_lasts_three_beats() -> None:
    with pytest.raises(InvalidOption, match="beat_s is 6 and lease_s 15; the lease must last at least three beats"):
        PoolOptions(beat_s=6)

    assert PoolOptions(beat_s=5).lease_s == 15


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"concurrency": 0}, "concurrency is 0"),
        ({"concurrency": -1}, "concurrency is -1"),
        ({"concurrency": 10_001}, "concurrency is 10001; it must be a whole number from 1 to 10,000."),
        ({"job_timeout": 0}, "job_timeout is 0"),
        ({"job_timeout": -1.0}, "job_timeout is -1"),
        ({"retries": -1}, "retries is -1"),
    ],
)
def test_a_pools_arguments_have_ranges(queue: Queue, raw: redis.Redis, options: dict[str, Any], says: str) -> None:
    _refused(queue, raw, InvalidOption, says, lambda: WorkerPool(queue, print, **options))


def test_s1_a_ready_made_client_that_decodes_is_refused(store: RealServer, raw: redis.Redis) -> None:
    client = redis.Redis(unix_socket_path=str(store.socket), decode_responses=True)

    with pytest.raises(InvalidOption, match="must have decode_responses off, since job IDs may be any bytes"):
        Queue("q", redis=client)


async def test_s1_a_ready_made_asyncio_client_that_decodes_is_refused(store: RealServer) -> None:
    client = redis.asyncio.Redis(unix_socket_path=str(store.socket), decode_responses=True)

    with pytest.raises(InvalidOption, match="must have decode_responses off, since job IDs may be any bytes"):
        AsyncQueue("q", redis=client)


# -- read-only

ARGUMENTS: dict[str, Any] = {
    "id": "new",
    "ids": ["new"],
    "entries": [Jammed("there", 1, 1, None, False)],
    "faults": [Fault(FaultKind.MISSING, "there")],
    "records": [Record("new")],
    "state": State.QUEUED,
    "idle_s": 0,
    "for_s": 60,
    "names": ["q"],
    "version": "1.4",
    "who": "h",
    "name": "q",
    "group": "0a1b2c3d",
    "act": AuditEntry("q", 5.0, 5.0, "ann", "library", "requeue", {}, (), "", "op", "1-1"),
}
"""One value for each argument that some method insists on."""
LOOKING = {
    "audit",
    "close",
    "counts",
    "dump",
    "errors",
    "entries",
    "failure_groups",
    "find",
    "check",
    "check_server",
    "server_info",
    "ids_of_group",
    "jammed",
    "durations",
    "histories",
    "history",
    "limits",
    "page",
    "id_page",
    "ping",
    "queue",
    "queues",
    "recording",
    "requeued",
    "show",
    "snapshot",
    "states",
    "trace",
    "wait",
    "workers",
}
"""Methods that only read. Every other method must be refused by a read-only connection."""


def _methods(kind: type) -> list[str]:
    return [name for name, member in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")]


def _call(target: object, name: str, arguments: dict[str, Any]) -> Any:
    method = getattr(target, name)
    needed = {
        parameter.name: arguments[parameter.name]
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is parameter.empty
    }
    result = method(**needed)
    return list(result) if inspect.isgenerator(result) else result


WRITING = [name for name in _methods(Queue) if name not in LOOKING]


def test_every_method_is_known_to_read_or_to_write() -> None:
    writing = {
        "quiet",
        "unquiet",
        "set_lowest_version",
        "acknowledge",
        "describe",
        "end_acknowledgement",
        "cancel",
        "discard",
        "discard_all",
        "free_jammed",
        "jam_guard",
        "pause",
        "publish",
        "publish_chunks",
        "publish_many",
        "record",
        "repair",
        "requeue",
        "requeue_all",
        "restore",
        "restore_chunks",
        "requeue_trial",
        "resume",
        "stop_recording",
        "set_limits",
        "undo",
    }

    assert set(WRITING) == writing
    assert set(_methods(Fleet)) - LOOKING == {"note_history"}


def test_s14_a_read_only_fleet_keeps_no_history(store: RealServer) -> None:
    with Fleet(redis=store.url, read_only=True) as fleet, pytest.raises(ReadOnly):
        fleet.note_history(["q"])


@pytest.fixture
def viewer(queue: Queue, store: RealServer) -> Iterator[Queue]:
    """The same queue through a read-only connection that stands."""
    with Queue("q", redis=store.url, read_only=True) as viewer:
        viewer.counts()
        yield viewer


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize(
    "arguments", [ARGUMENTS, {**ARGUMENTS, "ids": [], "entries": [], "faults": [], "records": []}], ids=["some", "none"]
)
def test_s14_a_read_only_queue_refuses_every_method_that_writes(
    viewer: Queue, raw: redis.Redis, name: str, arguments: dict[str, Any]
) -> None:
    def refuse() -> None:
        with pytest.raises(ReadOnly, match=r"This connection is read-only; nothing was sent\."):
            _call(viewer, name, arguments)

    assert commands(raw, refuse) == {}


@pytest.mark.parametrize("name", [name for name in _methods(Queue) if name in LOOKING - {"close"}])
def test_s14_a_read_only_queue_can_be_looked_at(viewer: Queue, raw: redis.Redis, name: str) -> None:
    sent = commands(raw, lambda: _call(viewer, name, ARGUMENTS))

    assert {word for word in sent if word.startswith("eval")} <= {"evalsha_ro", "eval_ro"}


def test_s14_a_read_only_queue_can_try_things(viewer: Queue) -> None:
    assert viewer.requeue(["x"], dry_run=True)
    assert viewer.cancel(["there"], dry_run=True)
    assert viewer.discard(["there"], state=State.QUEUED, dry_run=True)
    assert list(viewer.publish_chunks(["x"], dry_run=True))
    assert viewer.counts().committed == 1


def test_s14_the_queues_of_a_read_only_fleet_are_read_only(queue: Queue, store: RealServer) -> None:
    with Fleet(redis=store.url, read_only=True) as fleet, pytest.raises(ReadOnly):
        fleet.queue("q").publish("new")

    assert queue.counts().committed == 1


@pytest.fixture
async def async_viewer(queue: Queue, store: RealServer) -> AsyncIterator[AsyncQueue]:
    """The same queue through a read-only asyncio connection that stands."""
    async with AsyncQueue("q", redis=store.url, read_only=True) as viewer:
        await viewer.counts()
        yield viewer


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize(
    "arguments", [ARGUMENTS, {**ARGUMENTS, "ids": [], "entries": [], "faults": [], "records": []}], ids=["some", "none"]
)
async def test_s14_a_read_only_async_queue_refuses_every_method_that_writes(
    async_viewer: AsyncQueue, raw: redis.Redis, name: str, arguments: dict[str, Any]
) -> None:
    raw.config_resetstat()

    with pytest.raises(ReadOnly, match=r"This connection is read-only; nothing was sent\."):
        await _awaited(_call(async_viewer, name, arguments))

    assert sent_since_reset(raw) == {}


async def _awaited(result: Any) -> Any:
    return [item async for item in result] if inspect.isasyncgen(result) else await result
