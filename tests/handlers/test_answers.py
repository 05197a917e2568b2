"""What a handler returns or raises, of whatever type: at worst its own run has failed, and says why (F68)."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial, wraps
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convoy_core import (
    Command,
    Discard,
    InvalidOption,
    Isolated,
    Job,
    PoolOptions,
    PoolState,
    Queue,
    Retry,
    State,
    WorkerPool,
)
from convoy_core.handlers.functions import Handler
from convoy_core.jobs import Claim, Failed, Verdict
from convoy_core.moves.working import Settlement
from convoy_core.worker.settling import settle
from tests.handlers import handlers_to_isolate
from tests.servers import RealServer

BURST = PoolOptions(lease_s=1.5, beat_s=0.3, grace_s=5, burst=True)
HERE = "tests.handlers.handlers_to_isolate"


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


def errors(queue: Queue) -> dict[str, str]:
    return {id: failure.error for id in ids_failed(queue) if (failure := queue.show(id).failure) is not None}


def ids_failed(queue: Queue) -> list[str]:
    return [entry.id for entry in queue.entries(State.FAILED)]


class Hostile:
    """Nothing can be asked of it."""

    def __repr__(self) -> str:
        raise SystemExit(9)

    def __getattribute__(self, name: str) -> Any:
        raise KeyboardInterrupt

    def __eq__(self, other: object) -> bool:
        raise GeneratorExit

    __hash__ = None  # type: ignore[assignment]  # that is the test


class Sly(Retry):
    """A Retry that tells nothing."""

    def __getattribute__(self, name: str) -> Any:
        raise LookupError("after_s is not to be had")


class Text(str):
    """A text whose methods are not those of text."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        raise RuntimeError("no")

    def __getitem__(self, part: Any) -> str:
        raise RuntimeError("no")


class Odd(Exception):
    """An exception whose text is odd."""

    def __str__(self) -> str:
        return Text("odd")


def _raise(error: BaseException) -> Any:
    raise error


A_NUMBER = "; it must be a number of seconds below a billion, or a timedelta"
NOTHING_RAN = (
    ", of which nothing has run; it must be a plain function that returns when the work is done, or an `async def`"
)


async def _coroutine() -> None:
    """Never awaited."""


GENERATOR = (n for n in range(3))

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "nan": (lambda: Retry(math.nan), f"the handler returned Retry(nan){A_NUMBER}"),
    "inf": (lambda: Retry(math.inf), f"the handler returned Retry(inf){A_NUMBER}"),
    "-inf": (lambda: Retry(-math.inf), f"the handler returned Retry(-inf){A_NUMBER}"),
    "text": (lambda: Retry("5"), f"the handler returned Retry('5'){A_NUMBER}"),  # type: ignore[arg-type]
    "bool": (lambda: Retry(True), f"the handler returned Retry(True){A_NUMBER}"),
    "too far": (lambda: Retry(1e9), f"the handler returned Retry(1000000000.0){A_NUMBER}"),
    "too long": (lambda: Retry("x" * 10**6), f"the handler returned Retry('{'x' * 199}...){A_NUMBER}"),  # type: ignore[arg-type]
    "hostile": (
        lambda: Retry(Hostile()),  # type: ignore[arg-type]
        "KeyboardInterrupt",
    ),
    "sly": (Sly, "LookupError: after_s is not to be had"),
    "class": (lambda: Retry, "the handler returned the class Retry; it must return a call of it"),
    "discard class": (lambda: Discard, "the handler returned the class Discard; it must return a call of it"),
    "generator": (lambda: GENERATOR, f"the handler returned {GENERATOR!r}{NOTHING_RAN}"),
    "odd error": (lambda: _raise(Odd()), "Odd: odd"),
}
RIGHT: dict[str, tuple[Callable[[], object], State]] = {
    "later": (lambda: Retry(5), State.DELAYED),
    "a while": (lambda: Retry(timedelta(minutes=1)), State.DELAYED),
    "some time": (lambda: Retry(None), State.DELAYED),
    "just missed": (lambda: Retry(-0.3), State.DELAYED),
    "dropped": (lambda: Discard("no such truck"), State.ABSENT),
    "dropped for a number": (lambda: Discard(404), State.ABSENT),  # type: ignore[arg-type]
    "dropped for nobody knows what": (lambda: Discard(Hostile()), State.ABSENT),  # type: ignore[arg-type]
    "an error as a value": (lambda: ValueError("x"), State.ABSENT),
    "hostile": (Hostile, State.ABSENT),
    "many": (lambda: ["x"] * 10**6, State.ABSENT),
}


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
def test_a_wrong_answer_fails_its_own_run_and_says_what_was_wrong(queue: Queue, kind: str) -> None:
    def work(job: Job) -> object:
        return WRONG[job.id][0]() if job.id in WRONG else None

    async def work_async(job: Job) -> object:
        return work(job)

    queue.publish_many([*WRONG, "fine"])
    status = WorkerPool(queue, work if kind == "thread" else work_async, concurrency=3, options=BURST).run()

    assert (status.state, status.error, status.done) == (PoolState.STOPPED, None, 1)
    assert errors(queue) == {name: sentence for name, (_, sentence) in WRONG.items()}
    assert queue.workers() == []


def test_a_coroutine_that_nobody_awaits_is_no_success(queue: Queue) -> None:
    queue.publish("a")

    WorkerPool(queue, lambda job: _coroutine(), options=BURST).run()

    assert errors(queue)["a"].startswith("the handler returned <coroutine object _coroutine at ")


def test_odd_answers_that_can_be_understood_mean_what_they_say(queue: Queue) -> None:
    queue.publish_many(RIGHT)
    status = WorkerPool(queue, lambda job: RIGHT[job.id][0](), options=BURST).run()

    assert (status.state, status.failed) == (PoolState.STOPPED, 0)
    states = {id: queue.show(id).state for id in RIGHT}
    # What is due at once may have been queued already.
    assert states.pop("just missed") in (State.DELAYED, State.QUEUED, State.ABSENT)
    assert states == {id: state for id, (_, state) in RIGHT.items() if id != "just missed"}


SAID = {
    "Retry(90, 'somebody writes to it')": "asked to be called again in 90 s: somebody writes to it",
    "Retry()": "asked to be called again",
    "Discard('it is gone')": "was discarded: it is gone",
    "Discard()": "was discarded",
}
"""What a handler returns, and what the log says of it."""


@pytest.mark.parametrize(
    "handler", [handlers_to_isolate.answer, Isolated(f"{HERE}:answer")], ids=["function", "isolated"]
)
def test_the_log_says_in_words_what_a_run_has_asked_for(
    queue: Queue, caplog: pytest.LogCaptureFixture, handler: Handler
) -> None:
    for answer in SAID:
        queue.publish(answer, payload=answer)
    caplog.set_level(logging.INFO, "convoy_core")

    WorkerPool(queue, handler, options=BURST).run()

    said = [message for message in caplog.messages if " asked " in message or "discarded" in message]
    assert sorted(said) == sorted(f"queue q: {id!r} {words}" for id, words in SAID.items())


def test_the_log_quotes_what_a_command_says_that_asks_to_be_called_again(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    queue.publish("a")
    caplog.set_level(logging.INFO, "convoy_core")

    WorkerPool(queue, Command(["sh", "-c", "echo somebody writes to it >&2; exit 75"]), options=BURST).run()

    assert "queue q: 'a' asked to be called again: somebody writes to it" in caplog.messages


def test_a_wrong_answer_uses_up_a_retry_as_any_failure_does(queue: Queue) -> None:
    attempts: list[int] = []

    def work(job: Job) -> object:
        attempts.append(job.attempt)
        return Retry(math.nan) if job.attempt < 3 else None

    queue.publish("a")
    options = PoolOptions(lease_s=1.5, beat_s=0.3, backoff_s=0.001, burst=True)
    while queue.counts().committed:
        WorkerPool(queue, work, retries=5, options=options).run()

    assert attempts == [1, 2, 3]


NUMBERS = st.one_of(st.floats(), st.integers(), st.booleans(), st.decimals(), st.fractions(), st.timedeltas())
PLAIN = st.one_of(
    NUMBERS, st.none(), st.text(), st.binary(), st.sampled_from([Text("5"), Retry, Discard, object, asyncio])
)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.builds(Retry, inner) | st.builds(Discard, inner))
ANSWERS = st.one_of(st.builds(Retry, VALUES), st.builds(Discard, VALUES), VALUES)
FEW = settings(
    max_examples=15, suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture]
)


def settle_all(
    queue: Queue, handler: Callable[[Job], Any], n: int, payloads: Sequence[str | bytes] | None = None
) -> None:
    """Work on `n` IDs; each must end in some state, with a sentence if it has failed, and the pool in good order."""
    for i in range(n):
        queue.publish(i, payload=None if payloads is None else payloads[i])

    status = WorkerPool(queue, handler, concurrency=2, options=BURST).run()

    assert (status.state, status.error, status.running) == (PoolState.STOPPED, None, ())
    assert status.done + status.failed + status.deferred + status.discarded >= n
    assert (queue.counts().processing, queue.workers()) == (0, [])
    assert all(errors(queue).values())
    for state in (State.FAILED, State.DELAYED):
        queue.discard_all(state)


@FEW
@given(st.lists(st.tuples(ANSWERS, st.booleans()), min_size=1, max_size=20))
def test_no_answer_ends_the_pool(queue: Queue, answers: list[tuple[object, bool]]) -> None:
    left = list(answers)

    def work(job: Job) -> object:
        answer, is_raised = left.pop() if left else (None, False)
        if is_raised:
            raise LookupError(answer)
        return answer

    settle_all(queue, work, len(answers))


EXPRESSIONS = st.recursive(
    st.one_of(NUMBERS, st.none(), st.text(), st.binary(), st.just(Retry()).map(repr)),
    lambda inner: st.lists(inner) | st.builds(Retry, inner) | st.builds(Discard, inner),
).map(repr)
LINES = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["failed", "traceback", "retry", "discard", "done", "began", "ready"]),
                inner,
                max_size=3,
            )
        ),
    ).map(lambda value: json.dumps(value).encode() + b"\n"),
)


@settings(FEW, max_examples=3)
@given(st.lists(EXPRESSIONS | LINES, min_size=1, max_size=6))
def test_no_answer_of_a_child_ends_the_pool(queue: Queue, payloads: list[str | bytes]) -> None:
    settle_all(queue, Isolated(f"{HERE}:answer"), len(payloads), payloads)


DONE_TWICE = b'{"done": true}\n'
ODD_LINES = {
    "nan": b'{"retry": NaN}\n',
    "text": b'{"retry": "5"}\n',
    "no text": b'{"discard": 404}\n',
    "no JSON": b"Segmentation fault\n",
    "deep": b"[" * 100_000 + b"\n",
    "huge": b"x" * 1_000_000 + b"\n",
    "huge error": json.dumps({"failed": "\0" * 10_000, "traceback": "\0" * 10_000}).encode() + b"\n",
}


def test_an_odd_line_of_a_child_fails_its_own_run_and_says_what_was_wrong(queue: Queue) -> None:
    for name, line in ODD_LINES.items():
        queue.publish(name, payload=line)
    queue.publish_many(["fine", "too"], payload="None")

    status = WorkerPool(queue, Isolated(f"{HERE}:answer"), options=BURST).run()

    ended = "the handler's process was ended, since it sent what is no answer: "
    assert (status.state, status.error, status.done) == (PoolState.STOPPED, None, 2)
    found = errors(queue)
    assert set(found.pop("huge error")) == {"\0"}
    assert found == {
        "nan": f"the handler returned Retry(nan){A_NUMBER}",
        "text": f"the handler returned Retry('5'){A_NUMBER}",
        "no text": ended + "{'discard': 404}",
        "no JSON": ended + "b'Segmentation fault\\n'",
        "deep": ended + repr(ODD_LINES["deep"])[:200],
        "huge": ended + "b'a line without an end'",
    }


def test_a_line_too_many_is_not_taken_for_the_answer_of_the_next_run(queue: Queue) -> None:
    queue.publish("one line too many", payload=DONE_TWICE)
    queue.publish("next", payload="1 / 0")

    WorkerPool(queue, Isolated(f"{HERE}:answer"), options=BURST).run()

    assert errors(queue) == {"next": "ZeroDivisionError: division by zero"}


@pytest.mark.parametrize(
    "value",
    [Retry(math.nan), Retry(math.inf), Retry("5"), Failed("\udcff", "{}", None), Failed(None, "{}", None)],  # type: ignore[arg-type]
)
def test_a_result_that_cannot_be_encoded_fails_that_run(value: Verdict) -> None:
    settlement = Settlement()

    counted = settle(settlement, Claim(b"a", 1), value, defer_s=1)

    assert isinstance(counted, Failed)
    assert counted.message == "the pool could not write down how the run ended"
    assert settlement == Settlement(failed=[(Claim(b"a", 1), counted)], costly=1)


class LocalPools:
    """Callables of many kinds, bound and not."""

    def work(self, job: Job) -> None:
        """Take the job."""

    def two(self, job: Job, lane: int) -> None:
        """Want too much."""

    def __call__(self, job: Job) -> None:
        """Take the job."""


def _nothing() -> None: ...


def _keyword(job: Job, *, lane: int) -> None: ...


def _default(job: Job, lane: int = 3) -> None: ...


async def _any(*args: object, **options: object) -> None: ...


def _named(*, job: Job) -> None: ...


def _two(job: Job, lane: int) -> None: ...


@wraps(_two)
def _wrapping(job: Job) -> None: ...


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        (_nothing, "too many positional arguments"),
        (_named, "too many positional arguments"),
        (_two, "missing a required argument: 'lane'"),
        (_keyword, "missing a required (keyword-only )?argument: 'lane'"),  # Python 3.12 says of which kind
        (LocalPools.work, "missing a required argument: 'job'"),
        (LocalPools().two, "missing a required argument: 'lane'"),
        (partial(_default, 1, 2), "too many positional arguments"),  # type: ignore[arg-type]  # that is the test
    ],
)
def test_a_handler_that_does_not_take_exactly_one_job_is_refused_at_the_start(
    queue: Queue, handler: Any, why: str
) -> None:
    with pytest.raises(InvalidOption, match=f"^The handler .* cannot be called with a job alone: {why}.$"):
        WorkerPool(queue, handler)


@pytest.mark.parametrize(
    "handler",
    [
        _default,
        _any,
        _wrapping,
        LocalPools(),
        LocalPools().work,
        partial(_two, lane=3),
        partial(_default),
        print,
        dict,
        Mock(),
    ],
)
def test_a_handler_that_may_fit_is_accepted(queue: Queue, handler: Any) -> None:
    assert WorkerPool(queue, handler).status().state is PoolState.IDLE


def test_an_isolated_handler_of_two_parameters_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidOption, match="cannot be called with a job alone"):
        Isolated(f"{__name__}:_two")
