"""Traces publishes and runs by OpenTelemetry. Needs the extra `otel`, which is its API alone.

Rule: spans follow the OpenTelemetry semantic conventions for messaging, version 1.44.0 (status: development). A change
of that version is a change of these names.

>>> from convoy_core import Queue, Tracing, WorkerPool
>>> tracing = Tracing()
>>> queue = Queue("trucks", tracing=tracing)
>>> pool = WorkerPool(queue, print, hooks=[tracing.run])

Which spans are recorded, and where they go, is for the program's own set-up of OpenTelemetry to say.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.options import TRACEPARENT, decode_id
from convoy_core.system.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext, Tracer, TracerProvider

    from convoy_core.jobs import Job

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"


class Tracing:
    """Has publishes and runs traced: a Queue, AsyncQueue or fleet takes it, and a pool `run` as a hook.

    `publish {queue}` is a producer span, also for many IDs. `process {queue}` is the consumer span of a run, a trace of
    its own, linked to the traced publishes that it stands for: the one that was accepted, and the first and the last
    that its ID has absorbed. What the handler does is inside it; a command finds the context in TRACEPARENT.

    Without `ids` no span tells an ID or the text of an exception. `provider` is a TracerProvider; without one the
    global one of OpenTelemetry counts, also if it is set later. What a tracer raises is logged, and changes neither a
    publish nor a run. Raises InvalidOption, also where the extra is missing.
    """

    def __init__(self, *, ids: bool = True, provider: TracerProvider | None = None) -> None:
        self._ids = validation.flag("ids", ids)
        try:
            from opentelemetry import trace  # noqa: PLC0415 - the extra may be missing
        except ImportError:
            raise InvalidOption(
                "Tracing needs opentelemetry-api; install it: pip install 'convoy-queue[otel]'"
            ) from None
        if provider is not None:
            validation.one_of("provider", provider, trace.TracerProvider, "a TracerProvider of OpenTelemetry, or None")
        self._tracer = trace.get_tracer("convoy_core", VERSION, provider, SCHEMA_URL)
        self._has_failed = False

    def run(self, job: Job) -> AbstractContextManager[object]:
        """The hook: a span around the run of the job."""
        return _RunSpan(self._tracer, job, ids=self._ids)

    def _say(self, error: Exception) -> None:
        if not self._has_failed:  # once: there may be thousands of publishes in a second
            self._has_failed = True
            _warn(error, "publishes are not affected")


def check_tracing(tracing: object) -> None:
    """Raise InvalidOption unless it is a Tracing or None."""
    if tracing is not None:
        validation.one_of("tracing", tracing, Tracing, "a Tracing, or None")


class PublishSpan:
    """The span of a publish: of one ID, or of any number; nothing without a Tracing. Whatever the tracer raises, the
    publish goes on.

    That of many is never the current span: a generator publishes them, between whose steps its caller goes on.
    """

    def __init__(self, tracing: Tracing | None, queue: str, raw_id: bytes | None = None) -> None:
        self.context = ""
        """To be kept with the IDs; empty if there is none."""
        self.count = 0
        """How many IDs have been sent, where there may be many."""
        self._tracing = tracing
        self._queue = queue
        self._raw_id = raw_id
        self._span: Span | None = None
        self._token: Any = None

    def __enter__(self) -> PublishSpan:
        """Begin it."""
        if self._tracing is not None:
            try:
                self._begin(self._tracing)
            except Exception as error:  # noqa: BLE001 - the tracer is the user's code
                self._tracing._say(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, with what the publish has raised. A caller that leaves the loop over the chunks is no error."""
        if self._tracing is not None:
            try:
                self._end(None if isinstance(error, GeneratorExit) else error, tells=self._tracing._ids)
            except Exception as raised:  # noqa: BLE001 - the tracer is the user's code
                self._tracing._say(raised)

    def _begin(self, tracing: Tracing) -> None:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - part of an extra

        attributes = _attributes("publish", "send", self._queue, _client())
        if self._raw_id is not None and tracing._ids:
            attributes["messaging.message.id"] = _shown(decode_id(self._raw_id))
        name = f"publish {self._queue}"
        self._span = tracing._tracer.start_span(name, kind=SpanKind.PRODUCER, attributes=attributes)
        self.context = _traceparent(self._span.get_span_context())
        if self._raw_id is not None:
            self._token = _attach(self._span)

    def _end(self, error: BaseException | None, *, tells: bool) -> None:
        if self._token is not None:
            _detach(self._token)
        if self._span is None:
            return
        try:
            if self._raw_id is None:
                self._span.set_attribute("messaging.batch.message_count", self.count)
            if error is not None:
                _note(self._span, error, _type_of(error), tells=tells)
        finally:
            self._span.end()


class _RunSpan:
    """The span of a run. What it raises is caught by the hooks."""

    def __init__(self, tracer: Tracer, job: Job, *, ids: bool) -> None:
        self._tracer = tracer
        self._job = job
        self._ids = ids

    def __enter__(self) -> None:
        from opentelemetry.context import Context  # noqa: PLC0415 - part of an extra
        from opentelemetry.trace import Link, SpanKind  # noqa: PLC0415 - part of an extra

        job = self._job
        attributes = _attributes("process", "process", job.queue, job.token.rpartition(":")[0])
        if self._ids:
            attributes["messaging.message.id"] = _shown(job.id)
        links = [Link(_span_context(text)) for text in job._claim.traces]
        # In an empty context: whatever span the pool was started in does not end with this run.
        self._span = self._tracer.start_span(
            f"process {job.queue}", Context(), kind=SpanKind.CONSUMER, attributes=attributes, links=links
        )
        job.traceparent = _traceparent(self._span.get_span_context()) or None
        self._token = _attach(self._span)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            _detach(self._token)
            if error is not None:
                _note(self._span, error, _end_of(self._job, error), tells=self._ids)
        finally:
            self._span.end()


@contextmanager
def continued(traceparent: str | None) -> Iterator[None]:
    """Have spans that begin in here belong to the span of that context, which another process has begun."""
    token = None
    if traceparent is not None:
        try:
            from opentelemetry.trace import NonRecordingSpan  # noqa: PLC0415 - the extra may be missing here

            token = _attach(NonRecordingSpan(_span_context(traceparent)))
        except Exception as error:  # noqa: BLE001 - of the user's set-up
            _warn(error, "the run is not affected")
    try:
        yield
    finally:
        if token is not None:
            _detach(token)


def _warn(error: Exception, besides: str) -> None:
    from convoy_core.system.logs import Log  # noqa: PLC0415 - loads logging, which most that publish do without

    Log(__name__).warning("tracing raised %s: %s; %s", type(error).__name__, error, besides)


def _attributes(name: str, kind: str, queue: str, client: str) -> dict[str, str | int]:
    return {
        "messaging.system": "convoy",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": queue,
        "messaging.client.id": client,
    }


def _client() -> str:
    """A process that publishes."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _shown(id: str) -> str:
    """An ID as text that every exporter can write."""
    return id.encode("utf-8", "backslashreplace").decode()


def _note(span: Span, error: BaseException, kind: str, *, tells: bool) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - part of an extra

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))
    if tells:
        span.record_exception(error)


def _end_of(job: Job, error: BaseException) -> str:
    """The `error.type` of a run."""
    import asyncio  # noqa: PLC0415 - whoever publishes from a blocking program does without it

    if not isinstance(error, asyncio.CancelledError):
        return _type_of(error)
    return "cancelled" if job.cancelled else "given_back" if job.lost else "timeout"


def _type_of(error: BaseException) -> str:
    """The name of its class, or of that which an isolated handler has raised."""
    kind = type(error)
    if kind.__module__.startswith("convoy_core.") and isinstance(remote := getattr(error, "kind", None), str):
        return remote
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _traceparent(context: SpanContext) -> str:
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _span_context(traceparent: str) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415 - part of an extra

    if TRACEPARENT.fullmatch(traceparent) is None:
        raise InvalidOption(f"{validation.shown(traceparent)} is no traceparent.")
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _attach(span: Span) -> object:
    from opentelemetry import context, trace  # noqa: PLC0415 - part of an extra

    return context.attach(trace.set_span_in_context(span))


def _detach(token: Any) -> None:
    from opentelemetry import context  # noqa: PLC0415 - part of an extra

    context.detach(token)
