"""Tracing by OpenTelemetry: the spans of publishes and runs, their links and attributes; it changes nothing else."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracerProvider, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from convoy_core import (
    AsyncFleet,
    AsyncQueue,
    Command,
    Fleet,
    Isolated,
    Job,
    PoolOptions,
    Published,
    Queue,
    StoreUnreachable,
    Tally,
    Tracing,
    WorkerPool,
)
from convoy_core.handlers import command
from tests.servers import RealServer
from tests.waiting import eventually

BURST = PoolOptions(burst=True)


class Traced:
    """OpenTelemetry that keeps all spans in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def tracing(self, *, ids: bool = True) -> Tracing:
        return Tracing(ids=ids, provider=self.provider)

    def spans(self, name: str) -> list[ReadableSpan]:
        """Those of that name that have ended, in the order of their ends."""
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def only(self, name: str) -> ReadableSpan:
        (span,) = self.spans(name)
        return span


@pytest.fixture
def traced() -> Traced:
    return Traced()


@pytest.fixture
def queue(store: RealServer, traced: Traced) -> Iterator[Queue]:
    with Fleet(redis=store.url, tracing=traced.tracing()) as fleet:
        yield fleet.queue("q")


def _ids(span: ReadableSpan) -> tuple[int, int]:
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def _text(span: ReadableSpan) -> str:
    """Its context, as W3C Trace Context writes it."""
    carrier: dict[str, str] = {}
    context = span.get_span_context()
    assert context is not None
    where = trace.set_span_in_context(trace.NonRecordingSpan(context))
    TraceContextTextMapPropagator().inject(carrier, where)
    return carrier["traceparent"]


def _links(span: ReadableSpan) -> list[tuple[int, int]]:
    assert all(link.context.is_remote for link in span.links)
    return [(link.context.trace_id, link.context.span_id) for link in span.links]


def _work(queue: Queue, handler: Any, traced: Traced, *, ids: bool = True, retries: int = 0, **how: Any) -> None:
    hooks = [traced.tracing(ids=ids).run]
    WorkerPool(queue, handler, hooks=hooks, retries=retries, options=BURST, **how).run()


def test_a_publish_and_its_run_are_two_linked_spans(queue: Queue, traced: Traced) -> None:
    tokens: list[str] = []
    queue.publish("42")

    _work(queue, lambda job: tokens.append(job.token), traced)

    sent, run = traced.only("publish q"), traced.only("process q")
    common = {"messaging.system": "convoy", "messaging.destination.name": "q", "messaging.message.id": "42"}
    assert sent.kind is SpanKind.PRODUCER
    assert dict(sent.attributes or {}) == {
        **common,
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.client.id": f"{os.uname().nodename}-{os.getpid()}",
    }
    assert run.kind is SpanKind.CONSUMER
    assert dict(run.attributes or {}) == {
        **common,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.client.id": tokens[0].partition(":")[0],
    }
    assert run.parent is None
    assert _links(run) == [_ids(sent)]
    assert sent.status.status_code is run.status.status_code is StatusCode.UNSET
    assert run.instrumentation_scope is not None
    assert run.instrumentation_scope.name == "convoy_core"
    assert run.instrumentation_scope.schema_url == "https://opentelemetry.io/schemas/1.44.0"


def test_a_run_is_linked_to_its_publish_and_to_the_first_and_the_last_that_it_has_absorbed(
    queue: Queue, traced: Traced
) -> None:
    for _ in range(4):
        queue.publish("42")

    _work(queue, print, traced)

    accepted, first, _, last = traced.spans("publish q")
    assert _links(traced.only("process q")) == [_ids(accepted), _ids(first), _ids(last)]


def test_what_is_published_in_a_span_is_in_its_trace_and_so_is_what_a_handler_begins(
    queue: Queue, traced: Traced
) -> None:
    tracer = traced.provider.get_tracer("of the program")

    def handle(job: Job) -> None:
        with tracer.start_as_current_span("inside"):
            pass
        if job.id == "1":
            queue.publish("2")

    with tracer.start_as_current_span("outside"):
        queue.publish("1")
        _work(queue, handle, traced)

    first, second = traced.spans("publish q")
    run, next_run = traced.spans("process q")
    assert [span.parent and span.parent.span_id for span in traced.spans("inside")] == [_ids(run)[1], _ids(next_run)[1]]
    assert first.parent is not None
    assert first.parent.span_id == _ids(traced.only("outside"))[1]
    assert second.parent is not None
    assert second.parent.span_id == _ids(run)[1]
    assert _links(next_run) == [_ids(second)]
    assert len({_ids(first)[0], _ids(run)[0], _ids(next_run)[0]}) == 3  # each run is a trace of its own


def test_many_are_published_in_one_span_whose_context_each_of_them_keeps(queue: Queue, traced: Traced) -> None:
    assert queue.publish_many(str(n) for n in range(700)) == Tally(published=700)

    sent = traced.only("publish q")
    assert (sent.attributes or {})["messaging.batch.message_count"] == 700
    assert "messaging.message.id" not in (sent.attributes or {})
    contexts = {queue.show(id).traces for id in ("0", "699")}
    assert contexts == {(_text(sent),)}


def test_a_caller_that_leaves_the_chunks_ends_their_span(queue: Queue, traced: Traced) -> None:
    chunks = queue.publish_chunks([str(n) for n in range(700)])
    next(chunks)
    assert not trace.get_current_span().get_span_context().is_valid  # it is not the caller's
    chunks.close()  # type: ignore[attr-defined]

    sent = traced.only("publish q")
    assert (sent.attributes or {})["messaging.batch.message_count"] == 500
    assert sent.status.status_code is StatusCode.UNSET


def test_a_dry_run_has_no_span(queue: Queue, traced: Traced) -> None:
    assert len(list(queue.publish_chunks(["1"], dry_run=True))) == 1

    assert traced.spans("publish q") == []


async def test_awaited_publishes_are_traced_alike(store: RealServer, traced: Traced) -> None:
    tracer = traced.provider.get_tracer("of the program")
    fleet = AsyncFleet(redis=store.url, tracing=traced.tracing())
    queue = fleet.queue("q")

    async def publish_in_a_span(name: str) -> Published:
        with tracer.start_as_current_span(name):
            return await queue.publish(name)

    await asyncio.gather(*map(publish_in_a_span, "abc"))
    await queue.publish_many(["d", "e"])
    chunks = [chunk async for chunk in queue.publish_chunks(["d", "f"])]
    ran: list[str] = []
    pool = WorkerPool(queue, _noted(ran), hooks=[traced.tracing().run], options=BURST)
    await pool.serve()

    spans = {
        str((span.attributes or {}).get("messaging.message.id", number)): span
        for number, span in enumerate(traced.spans("publish q"))
    }
    runs = {str((span.attributes or {})["messaging.message.id"]): span for span in traced.spans("process q")}
    assert len(chunks) == 1
    assert sorted(ran) == ["a", "b", "c", "d", "e", "f"]
    for id in "abc":
        parent = spans[id].parent
        assert parent is not None
        assert parent.span_id == _ids(traced.only(id))[1]
        assert _links(runs[id]) == [_ids(spans[id])]
    assert _links(runs["d"]) == [_ids(spans["3"]), _ids(spans["4"])]
    assert _links(runs["e"]) == [_ids(spans["3"])]
    assert _links(runs["f"]) == [_ids(spans["4"])]
    await fleet.close()


def _noted(ran: list[str]) -> Any:
    async def handle(job: Job) -> None:
        await asyncio.sleep(0)
        ran.append(job.id)

    return handle


def test_a_run_that_fails_says_by_what_and_its_next_attempt_has_the_same_links(queue: Queue, traced: Traced) -> None:
    def handle(job: Job) -> None:
        if job.attempt == 1:
            raise LookupError("no truck")

    queue.publish("42")
    options = PoolOptions(backoff_s=0.001)
    with WorkerPool(queue, handle, hooks=[traced.tracing().run], retries=1, options=options):
        eventually(lambda: queue.counts().committed == 0)

    failed, done = traced.spans("process q")
    assert (failed.attributes or {})["error.type"] == "LookupError"
    assert failed.status.status_code is StatusCode.ERROR
    assert [event.name for event in failed.events] == ["exception"]
    assert "error.type" not in (done.attributes or {})
    assert _links(failed) == _links(done) == [_ids(traced.only("publish q"))]


def test_a_run_that_is_out_of_time_or_cancelled_says_so(queue: Queue, traced: Traced) -> None:
    async def handle(job: Job) -> None:
        if job.id == "unwanted":
            await asyncio.to_thread(queue.cancel, ["unwanted"])
        await asyncio.Event().wait()

    queue.publish_many(["slow"])
    _work(queue, handle, traced, job_timeout=0.05)
    queue.publish("unwanted")
    _work(queue, handle, traced)

    kinds = {
        (span.attributes or {})["messaging.message.id"]: (span.attributes or {})["error.type"]
        for span in traced.spans("process q")
    }
    assert kinds == {"slow": "timeout", "unwanted": "cancelled"}


def test_without_ids_no_span_tells_one(store: RealServer, traced: Traced) -> None:
    def handle(job: Job) -> NoReturn:
        raise LookupError(f"no truck {job.id}")

    with Queue("q", redis=store.url, tracing=traced.tracing(ids=False)) as queue:
        queue.publish("secret")
        _work(queue, handle, traced, ids=False)

    spans: Sequence[ReadableSpan] = [traced.only("publish q"), traced.only("process q")]
    assert [span for span in spans if "secret" in span.to_json()] == []
    assert (spans[1].attributes or {})["error.type"] == "LookupError"
    assert _links(spans[1]) == [_ids(spans[0])]


def test_a_publish_that_fails_says_by_what(traced: Traced) -> None:
    queue = Queue("q", redis="redis://localhost:1", tracing=traced.tracing())

    with pytest.raises(StoreUnreachable):
        queue.publish("42")
    with pytest.raises(StoreUnreachable):
        queue.publish_many(["42"])

    one, many = traced.spans("publish q")
    assert (one.attributes or {})["error.type"] == "convoy_core.errors.StoreUnreachable"
    assert (many.attributes or {})["error.type"] == "convoy_core.errors.StoreUnreachable"
    assert (many.attributes or {})["messaging.batch.message_count"] == 0


@pytest.mark.parametrize("is_gated", [False, True])
def test_a_command_finds_the_context_of_its_run_in_the_environment(
    queue: Queue, traced: Traced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_gated: bool
) -> None:
    monkeypatch.setattr(command, "_IS_GATED", is_gated)
    tell = f"import os; open({str(tmp_path / 'told')!r}, 'a').write(repr([os.environ.get(n) for n in {_TOLD}]))"
    words = [sys.executable, "-S", "-c", tell]
    queue.publish("42")
    _work(queue, Command(words), traced)
    queue.publish("43")
    WorkerPool(queue, Command(words), options=BURST).run()

    context = _text(traced.only("process q"))
    assert (tmp_path / "told").read_text() == (f"['{context}', '42', 'q', '1', '1'][None, '43', 'q', '1', '1']")


_TOLD = ["TRACEPARENT", "CONVOY_ID", "CONVOY_QUEUE", "CONVOY_ATTEMPT", "CONVOY_REQUESTS"]


def test_what_an_isolated_handler_begins_belongs_to_its_run(
    queue: Queue, traced: Traced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    queue.publish_many(["current", "fail-1"])

    _work(queue, Isolated("tests.handlers.handlers_to_isolate:current_trace"), traced)

    runs = {(span.attributes or {})["messaging.message.id"]: span for span in traced.spans("process q")}
    trace_id, span_id = _ids(runs["current"])
    assert (tmp_path / "told").read_text() == f"{trace_id:032x} {span_id:016x}"
    assert (runs["fail-1"].attributes or {})["error.type"] == "LookupError"


class _Broken(TracerProvider):
    """Its tracers raise, or their spans do: at the method of that name."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def get_tracer(self, *_arguments: Any, **_named: Any) -> Any:
        return _BrokenTracer(self._where)


class _BrokenTracer:
    def __init__(self, where: str) -> None:
        self._where = where
        self._span: Any = NoOpTracerProvider().get_tracer("none").start_span("none")

    def __getattr__(self, name: str) -> Any:
        if name == self._where:
            raise RuntimeError(f"{name} is broken")
        return self if name == "start_span" else getattr(self._span, name)

    def __call__(self, *_arguments: Any, **_named: Any) -> Any:
        return self


@pytest.mark.parametrize("where", ["start_span", "get_span_context", "set_attribute", "end"])
@pytest.mark.parametrize("is_async", [True, False], ids=["awaited", "blocking"])
async def test_a_broken_tracer_fails_neither_a_publish_nor_a_run(
    store: RealServer, where: str, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    tracing = Tracing(provider=_Broken(where))
    ran: list[str] = []
    with caplog.at_level(logging.WARNING, "convoy_core"):
        if is_async:
            queue = AsyncQueue("q", redis=store.url, tracing=tracing)
            answers = [await queue.publish("1"), await queue.publish("1"), await queue.publish_many(["2", "3"])]
            await queue.close()
        else:
            with Queue("q", redis=store.url, tracing=tracing) as blocking:
                answers = [blocking.publish("1"), blocking.publish("1"), blocking.publish_many(["2", "3"])]
        worker = AsyncQueue("q", redis=store.url)
        await WorkerPool(worker, _noted(ran), hooks=[tracing.run], options=BURST).serve()
        await worker.close()

    assert answers == [Published.QUEUED, Published.ALREADY_QUEUED, Tally(published=2)]
    assert ran == ["1", "2", "3"]
    said = [record.getMessage() for record in caplog.records if f"{where} is broken" in record.getMessage()]
    assert len([line for line in said if "publishes are not affected" in line]) == 1
    assert len([line for line in said if "the run is not affected" in line]) == (0 if where == "set_attribute" else 3)


def test_a_program_without_a_provider_is_not_traced_and_stores_nothing(store: RealServer) -> None:
    tracing = Tracing(provider=NoOpTracerProvider())
    with Queue("q", redis=store.url, tracing=tracing) as queue:
        queue.publish("42")
        assert queue.show("42").traces == ()
        WorkerPool(queue, print, hooks=[tracing.run], options=BURST).run()
        assert queue.counts().committed == 0
