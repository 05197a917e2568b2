"""Every parameter of the public API refuses what it cannot mean, at once and by its name.

The rows are made from the signatures: a new parameter that no kind below describes fails here.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

import convoy_core
from convoy_core import (
    AsyncFleet,
    AsyncQueue,
    AuditEntry,
    Command,
    ConvoyError,
    DelayPolicy,
    Durability,
    EmbeddedServer,
    Fleet,
    InvalidOption,
    Isolated,
    Jammed,
    PayloadPolicy,
    PoolOptions,
    Queue,
    Record,
    State,
    Tracing,
    WorkerPool,
    check_handler,
    check_prefix,
    check_queue_name,
    chunked,
    decode_id,
    describe_store,
    encode_id,
    erase_scratch,
    load_handler,
)
from tests.moves.keyspace import sent_since_reset
from tests.servers import RealServer

HUGE = 10**5000
"""More digits than Python writes out."""
WORDS: list[Any] = ["3", b"3", [3], {}, object]
NO_NUMBER: list[Any] = [*WORDS, None, True, math.nan, math.inf, -math.inf, -1, -0.5, HUGE, timedelta(seconds=-1)]


class Kind(NamedTuple):
    """What parameters of one kind must refuse, and what they are called in the sentence."""

    bad: list[Any]
    says: str = ""
    """Empty: the parameter's own name."""


SECONDS = Kind([*NO_NUMBER, 10**9, timedelta.max])
SECONDS_OR_NONE = Kind([value for value in SECONDS.bad if value is not None])
ABOVE_ZERO = Kind([*SECONDS.bad, 0, timedelta()])
WHOLE = Kind([*NO_NUMBER, 1.5, 1.0, timedelta(1)])
FROM_ONE = Kind([*WHOLE.bad, 0, False])
TIME = Kind([*WORDS, True, math.nan, math.inf, -1, -0.5, timedelta(1)])
FLAG = Kind([*WORDS, None, 0, 1, "", "yes", math.nan])
STATE = Kind(["queued", b"queued", 1, True, math.nan, [], object()])
THEN = Kind(["requeue", None, True, State.QUEUED, 1])
ID = Kind([None, True, 1.5, b"42", [], "", "x" * 16_385, HUGE], "job ID")
NAME = Kind([None, 5, True, b"q", "", "x" * 201, []], "queue")
PREFIX = Kind([5, True, b"cv:", "", "a b", []], "prefix")
IDS = Kind(["abc", b"abc", 5, None, True, math.nan])
STORE = Kind([5, True, b"redis://localhost", math.nan, [], object()])

KINDS: dict[str, Kind] = {
    "id": ID,
    "ids": IDS,
    "names": Kind([value for value in IDS.bad if value is not None]),
    "entries": Kind([*IDS.bad, ["42"], [None], [Jammed("x", math.nan, 1, None, False)]], "entr"),
    "faults": Kind([*IDS.bad, ["42"], [None]], "faults"),
    "records": Kind([*IDS.bad, ["42"], [None], [Record("x", attempts=-1)]]),
    "progress": Kind([5, "text", True, []]),
    "name": NAME,
    "redis": STORE,
    "prefix": PREFIX,
    "read_only": FLAG,
    "payload": Kind([math.nan, {1, 2}, object(), "\ud800"], "payload"),
    "delay_s": SECONDS,
    "jam_after_s": SECONDS,
    "idle_s": SECONDS,
    "for_s": ABOVE_ZERO,
    "keep_bytes": Kind([*FROM_ONE.bad, 65_535, 2**30 + 1]),
    "ahead": FLAG,
    "front": FLAG,
    "payload_policy": Kind(["replace", None, True, State.QUEUED, DelayPolicy.KEEP]),
    "delay_policy": Kind(["later", None, True, State.QUEUED, PayloadPolicy.KEEP]),
    "rerun": FLAG,
    "dry_run": FLAG,
    "skip_live": FLAG,
    "wait_replicas": WHOLE,
    "max_crashes": FROM_ONE,
    "start": WHOLE,
    "limit": Kind([*FROM_ONE.bad, 501]),
    "state": STATE,
    "then": THEN,
    "queue": Kind(["name", None, 5, Queue], "queue"),
    "handler": Kind(["f", None, 5, []]),
    "operator": Kind(["ann", 5, True, [], object()]),
    "tracing": Kind(["on", 5, True, [], object(), Tracing]),
    "keep": Kind([5, "file", True, [], object()]),
    "provider": Kind(["global", 5, True, [], object()]),
    "job": Kind([]),
    "act": Kind([None, 5, "requeue", True, {}, [], object()]),
    "operation": Kind([5, True, None, [], object(), b"one", "x" * 201]),
    "since_s": SECONDS_OR_NONE,
    "last_s": SECONDS,
    "registered": FLAG,
    "after": Kind([5, True, b"1-1", "x", "-", "1", ["1-1"]]),
    "n": Kind([*FROM_ONE.bad, 101]),
    "first_failure": FLAG,
    "concurrency": Kind([*FROM_ONE.bad, 10_001]),
    "job_timeout": Kind([value for value in ABOVE_ZERO.bad if value is not None]),
    "hooks": Kind([5, "text", [5], None], "hook"),
    "retries": WHOLE,
    "options": Kind(["burst", 5, True, {}, PoolOptions]),
    "grace_s": SECONDS_OR_NONE,
    "group": Kind([None, 5, True, b"0a1b2c3d", "", "0A1B2C3D", "0a1b2c3d4"]),
    "lease_s": ABOVE_ZERO,
    "beat_s": ABOVE_ZERO,
    "backoff_s": ABOVE_ZERO,
    "backoff_cap_s": ABOVE_ZERO,
    "defer_s": ABOVE_ZERO,
    "watchdog_s": ABOVE_ZERO,
    "allow_eviction": FLAG,
    "burst": FLAG,
    "words": Kind([None, 5, True, b"true", "", [], [5], ["a\0b"], "'"], ""),
    "path": Kind([None, 5, True, b"a:b", ""], ""),
    "who": Kind([5, True, None, b"n", [], "", "x" * 256]),
    "version": Kind([5, True, b"1", [], "", "x", "1.4rc1", "1..4", "1." * 60]),
    "version_label": Kind([5, True, None, b"1", [], "x" * 101]),
    "owner": Kind([5, True, b"n", [], "x" * 201]),
    "runbook": Kind([5, True, b"https://a", [], "wiki", "javascript:x", "https://" + "x" * 1000]),
    "note": Kind([5, True, b"n", [], "x" * 1001]),
    "here": FLAG,
    "elsewhere": FLAG,
    "output": Kind([value for value in WHOLE.bad if value is not None]),
    "existing": FLAG,
    "raw": Kind([None, 5, "text", []]),
    "items": Kind([value for value in IDS.bad if value is not None]),
    "size": FROM_ONE,
    "url": STORE,
    "directory": Kind(["/tmp", b"/tmp", 5, True, []]),
    "durability": Kind(["always", None, True, 1]),
    "timeout_s": SECONDS,
    "fleet": Kind([None, 5, "text", Fleet]),
    "since": TIME,
    "until": TIME,
}
SPECIAL: dict[tuple[str, str], Kind] = {
    # None has a meaning of its own there: the committed set.
    ("discard", "state"): Kind([*STATE.bad, None, State.PROCESSING, State.ABSENT]),
    ("discard_all", "state"): Kind([*STATE.bad, None, State.PROCESSING, State.ABSENT], ""),
    ("Tracing", "ids"): FLAG,
    ("trace", "id"): Kind([value for value in ID.bad if value is not None], "job ID"),
    ("failure_groups", "limit"): Kind([value for value in FROM_ONE.bad if value is not None]),
    ("discard_all", "limit"): Kind([value for value in FROM_ONE.bad if value is not None]),
    ("PoolOptions", "grace_s"): ABOVE_ZERO,
    ("set_limits", "concurrency"): Kind([value for value in FROM_ONE.bad if value is not None]),
    ("set_limits", "rate"): Kind([value for value in [*FROM_ONE.bad, 10**6 + 1] if value is not None]),
    ("set_limits", "period_s"): Kind([*ABOVE_ZERO.bad, 0.0001, 32 * 86_400]),
    ("set_limits", "burst"): Kind([*[value for value in FROM_ONE.bad if value is not None], 10**6 + 1, 5]),
    ("acknowledge", "for_s"): Kind([*ABOVE_ZERO.bad, 367 * 86_400]),
    ("acknowledge", "words"): Kind([*IDS.bad, [5], ["a,b"], [""], ["x"] * 21], "words"),
    ("acknowledge", "note"): Kind([5, True, None, b"n", [], "x" * 1001]),
    ("wait", "timeout_s"): SECONDS_OR_NONE,
    ("requeue_trial", "timeout_s"): SECONDS_OR_NONE,
    ("describe_store", "url"): Kind([*STORE.bad, ""], "URL"),
}
"""Where a name's kind depends on who asks."""
UNNAMED = {
    ("discard", "state"),
    ("discard_all", "state"),
    ("Command", "words"),
    ("Isolated", "path"),
    ("load_handler", "path"),
}
"""Sentences of their own, which speak of the thing itself."""

GOOD: dict[str, Any] = {
    "for_s": 60,
    "version": "1.4",
    "who": "h",
    "id": "new",
    "ids": ["new"],
    "concurrency": 1,
    "entries": [],
    "faults": [],
    "group": "0a1b2c3d",
    "act": AuditEntry("q", 5.0, 5.0, "ann", "library", "requeue", {}, (), "", "op", "1-1"),
    "records": [],
    "state": State.QUEUED,
    "idle_s": 0,
    "last_s": 60,
    "names": ["q"],
    "name": "q",
    "handler": print,
    "words": "true",
    "path": "examples.trucks:crush",
    "prefix": "cv:",
    "raw": b"42",
    "items": [],
    "fleet": Fleet(redis="redis://localhost:1", prefix="cv-demo:"),
}
"""One value for each argument that must be given."""


class Row(NamedTuple):
    """One parameter, and how to call what takes it."""

    owner: str
    method: str
    parameter: str
    call: Callable[[Any, dict[str, Any]], Any]
    """With the object that has the method (None where one is made) and the arguments."""


def _make(owner: Callable[..., Any], _: Any, given: dict[str, Any]) -> Any:
    return owner(**given)


def _call(method: str, target: Any, given: dict[str, Any]) -> Any:
    return getattr(target, method)(**given)


def _rows() -> Iterator[Row]:
    for owner in (*CLASSES, *FUNCTIONS):
        for name in inspect.signature(owner).parameters:
            if name != "_connection":  # a fleet's, for its own queues
                yield Row(owner.__name__, owner.__name__, name, partial(_make, owner))
        if owner in FUNCTIONS or owner in (Command, Isolated, PoolOptions):
            continue
        for method, function in inspect.getmembers(owner, inspect.isfunction):
            if method.startswith("_"):
                continue
            for name in [*inspect.signature(function).parameters][1:]:
                yield Row(owner.__name__, method, name, partial(_call, method))


CLASSES: list[Any] = [
    Queue,
    AsyncQueue,
    Fleet,
    AsyncFleet,
    WorkerPool,
    PoolOptions,
    Command,
    Isolated,
    EmbeddedServer,
    Tracing,
]
FUNCTIONS: list[Any] = [
    check_handler,
    check_prefix,
    check_queue_name,
    chunked,
    decode_id,
    describe_store,
    encode_id,
    erase_scratch,
    load_handler,
]
ROWS = list(_rows())
NEVER_MADE_BY_USERS = {
    "Cancelled",
    "Chunk",
    "DelayPolicy",
    "Durability",
    "Face",
    "FaultKind",
    "Histogram",
    "Job",
    "Level",
    "Outcome",
    "PayloadPolicy",
    "PoolState",
    "PoolStatus",
    "Published",
    "Repaired",
    "Restored",
    "State",
    "Then",
    "Undo",
}
ANSWERS_FOR_ANYTHING = {"is_coroutine_handler"}
"""What is no coroutine function is none, whatever it is."""


def test_everything_public_that_takes_arguments_has_its_rows() -> None:
    takers = {name for name in convoy_core.__all__ if _is_called(getattr(convoy_core, name))}
    records = {name for name in convoy_core.__all__ if dataclasses.is_dataclass(getattr(convoy_core, name))}
    errors = {
        name
        for name in convoy_core.__all__
        if isinstance(getattr(convoy_core, name), type) and issubclass(getattr(convoy_core, name), Exception)
    }

    rest = takers - (records - {"PoolOptions"}) - errors - NEVER_MADE_BY_USERS - ANSWERS_FOR_ANYTHING

    assert rest == {row.owner for row in ROWS}


def _is_called(named: object) -> bool:
    """Limits are not, and neither are types that only annotations name."""
    return inspect.isclass(named) or inspect.isfunction(named)


@pytest.fixture
async def targets(store: RealServer, tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """One object of each kind, connected where it connects, so that whatever is sent would be a command of ours."""
    queue, fleet = Queue("q", redis=store.url), Fleet(redis=store.url)
    awaited, awaited_fleet = AsyncQueue("q", redis=store.url), AsyncFleet(redis=store.url)
    queue.publish("there")
    fleet.queues()
    await awaited.counts()
    await awaited_fleet.ping()
    pool = WorkerPool(queue, print)
    server = EmbeddedServer(tmp_path / "store", Durability.EVERYSEC)
    yield {
        "Queue": queue,
        "Fleet": fleet,
        "AsyncQueue": awaited,
        "AsyncFleet": awaited_fleet,
        "WorkerPool": pool,
        "EmbeddedServer": server,
    }
    queue.close()
    fleet.close()
    await awaited.close()
    await awaited_fleet.close()


def _arguments(row: Row, targets: dict[str, Any]) -> dict[str, Any]:
    """What must be given besides, and a store where one is asked for."""
    owner = globals()[row.owner]
    taken = inspect.signature(owner if row.method == row.owner else getattr(owner, row.method)).parameters
    known = {**GOOD, "queue": targets["Queue"]}
    given = {
        name: known[name]
        for name, taken_as in taken.items()
        if name != "self" and taken_as.default is inspect.Parameter.empty
    }
    return given | ({"redis": targets["Queue"]._connection.store.url} if "redis" in taken else {})


async def _outcome(row: Row, targets: dict[str, Any], value: Any, **beside: Any) -> str:
    """What its refusal says; for anything else, that it was not refused."""
    try:
        result = row.call(targets.get(row.owner), {**_arguments(row, targets), **beside, row.parameter: value})
        if inspect.isasyncgen(result):
            [item async for item in result]
        elif inspect.isawaitable(result):
            await result
        elif inspect.isgenerator(result):
            list(result)
    except ConvoyError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the fault looked for: one that is none of ours
        return f"NOT REFUSED BUT RAISED {type(error).__name__}: {error}"
    return "NOT REFUSED"


METHODS = sorted({(row.owner, row.method) for row in ROWS})


@pytest.mark.parametrize(("owner", "method"), METHODS)
async def test_a_parameter_refuses_what_it_cannot_mean_and_is_named(
    targets: dict[str, Any], raw: redis.Redis, owner: str, method: str
) -> None:
    rows = [row for row in ROWS if (row.owner, row.method) == (owner, method)]
    raw.config_resetstat()

    said = [(row, repr_of(value), await _outcome(row, targets, value)) for row in rows for value in _kind_of(row).bad]

    wrong = [(row.parameter, value, says) for row, value, says in said if not _is_named_in(row, says)]
    assert wrong == []
    assert sent_since_reset(raw) == {}


def _kind_of(row: Row) -> Kind:
    return SPECIAL.get((row.method, row.parameter)) or KINDS[row.parameter]


def _is_named_in(row: Row, says: str) -> bool:
    is_unnamed = (row.method, row.parameter) in UNNAMED
    name = "" if is_unnamed else _kind_of(row).says or row.parameter
    return "NOT REFUSED" not in says and name in says and says.endswith(".")


EXAMPLES: list[tuple[str, Callable[[Queue], object]]] = [
    (
        "concurrency is 1.5; it must be a whole number from 1 to 10,000.",
        lambda queue: WorkerPool(queue, print, concurrency=1.5),  # type: ignore[arg-type]  # as all of these
    ),
    (
        "retries is '3'; it must be a whole number from 0 up.",
        lambda queue: WorkerPool(queue, print, retries="3"),  # type: ignore[arg-type]
    ),
    (
        "job_timeout is '5'; it must be a number of seconds above 0 and up to 30 years, or a timedelta.",
        lambda queue: WorkerPool(queue, print, job_timeout="5"),  # type: ignore[arg-type]
    ),
    (
        "state is 'queued'; it must be a State, like State.QUEUED, or None.",
        lambda queue: queue.page("queued"),  # type: ignore[arg-type]
    ),
    ("ids is 'abc'; it must be an iterable of job IDs, like a list.", lambda queue: queue.publish_many("abc")),
    (
        "queue is 'name'; it must be a Queue or an AsyncQueue.",
        lambda _: WorkerPool("name", print),  # type: ignore[arg-type]
    ),
]


@pytest.mark.parametrize(("says", "act"), EXAMPLES, ids=[says.partition(";")[0] for says, _ in EXAMPLES])
def test_a_wrong_argument_is_refused_in_one_sentence(
    store: RealServer, says: str, act: Callable[[Queue], object]
) -> None:
    with Queue("q", redis=store.url) as queue, pytest.raises(InvalidOption) as refusal:
        act(queue)

    assert str(refusal.value) == says


def repr_of(value: object) -> str:
    """For the report; Python does not write out the longest number."""
    return "HUGE" if value is HUGE else repr(value)[:60]


@pytest.mark.parametrize("value", [timedelta(seconds=90), 90, 90.0])
async def test_a_timedelta_is_taken_wherever_seconds_are(targets: dict[str, Any], value: Any) -> None:
    rows = [row for row in ROWS if row.parameter.endswith("_s") or row.parameter == "job_timeout"]
    said = []
    for row in rows:
        beside: dict[str, Any] = {"lease_s": 900} if row.parameter == "beat_s" else {}
        beside |= {"ids": ["nowhere"]} if row.method == "wait" else {}
        said.append((row.owner, row.method, row.parameter, await _outcome(row, targets, value, **beside)))

    assert {outcome for *_, outcome in said} == {"NOT REFUSED"}, said
    assert len(rows) >= 20
    assert PoolOptions(lease_s=value).lease_s == 90.0
    assert targets["Queue"].page(State.DELAYED).total >= 1
