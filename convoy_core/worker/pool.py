"""WorkerPool: takes IDs from a queue, runs a handler on each, and writes down how each ended.

The order of a stop, which nothing may change: stop claiming, wait for running jobs, give back the rest, unregister,
stop the heartbeat, close.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import distribution
from itertools import chain, repeat
from types import TracebackType
from typing import Any, Self

from convoy_core import validation
from convoy_core.aio import AsyncQueue
from convoy_core.errors import ConvoyError, InvalidOption
from convoy_core.handlers.functions import Handler, check_handler
from convoy_core.handlers.hooks import RunHook, check_hooks
from convoy_core.handlers.verdicts import describe
from convoy_core.options import PoolOptions
from convoy_core.queue import Queue
from convoy_core.system import signals
from convoy_core.system.logs import Log
from convoy_core.system.standard_streams import open_missing
from convoy_core.validation import Seconds
from convoy_core.worker.loop import WorkerLoop
from convoy_core.worker.measures import PoolMeasures
from convoy_core.worker.runs import Plan
from convoy_core.worker.states import PoolEvent, PoolState, PoolStates
from convoy_core.worker.status import PoolStatus

log = Log(__name__)

MAX_CONCURRENCY = 10_000
"""Runs of one pool at once, at most."""


class WorkerPool:
    """Workers on one queue: up to `concurrency` runs of `handler` at once.

    An `async def` handler runs on the pool's event loop, a plain function in threads. A run that takes longer than
    `job_timeout` seconds has failed. A coroutine is then cancelled. A thread cannot be stopped: its slot stays taken
    until it returns. A failed run is retried up to `retries` times, each after a growing random delay; then the ID
    stays failed. `hooks` are entered around each run, the first one outermost; see `RunHook`.

    There are three ways to run it: `run()` in the foreground, where SIGTERM and SIGINT stop it gracefully;
    `await serve()` on the caller's event loop; `start()` and `stop()`, or `with`, in a thread. If the queue was given
    an operator, the audit keeps the start. Raises InvalidOption, and ReadOnly for a read-only queue.
    """

    def __init__(
        self,
        queue: Queue | AsyncQueue,
        handler: Handler,
        *,
        concurrency: int = 1,
        job_timeout: Seconds | None = 300.0,
        retries: int = 0,
        hooks: Sequence[RunHook] = (),
        options: PoolOptions | None = None,
    ) -> None:
        validation.one_of("queue", queue, Queue | AsyncQueue, "a Queue or an AsyncQueue")
        check_handler(handler)
        validation.whole("concurrency", concurrency, 1, MAX_CONCURRENCY)
        validation.whole("retries", retries, 0)
        if job_timeout is not None:
            job_timeout = validation.seconds("job_timeout", job_timeout, above_zero=True)
        if options is not None:
            validation.one_of("options", options, PoolOptions, "a PoolOptions or None")
        queue._connection.check_writable()
        self._connection = queue._connection
        self._options = options or PoolOptions()
        by = "" if queue._operator is None else queue._operator.signature()
        self._plan = Plan(queue.name, handler, concurrency, job_timeout, retries, self._options, by, check_hooks(hooks))
        self._worker_loop: WorkerLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._states = PoolStates()
        self._ready = threading.Event()
        self._lock = threading.RLock()  # a signal may ask for the stop in the midst of it
        """Guards the moment of the start: a stop asked for before it must not be missed."""
        self._error: ConvoyError | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self.queue!r} at {self._connection}: {self._states.state}>"

    @property
    def queue(self) -> str:
        """The name of the queue it works on."""
        return self._plan.queue

    @property
    def concurrency(self) -> int:
        """How many runs it has at once, at most."""
        return self._plan.concurrency

    # -- running it

    async def serve(self) -> PoolStatus:
        """Work on the caller's event loop until stopped (or, in a burst, until nothing is queued); the final status.

        A cancellation gives back at once what it holds, and is passed on. Raises StoreError when it cannot begin.
        """
        if self._worker_loop is None and self._states.state is PoolState.STOPPED:
            return self.status()  # a stop came first
        loop = asyncio.get_running_loop()
        worker_loop = WorkerLoop(self._connection.store, self._connection.keyspace.prefix, self._plan, self._states)
        with self._lock:
            if self._worker_loop is not None:
                raise InvalidOption("This pool has been started already; make a new one.")
            self._loop, self._worker_loop = loop, worker_loop
        if not self._begins():
            return self.status()  # or just now, before there was anything to tell of it
        life = asyncio.create_task(worker_loop.run(self._ready.set), name=f"convoy pool {worker_loop.worker}")
        try:
            await asyncio.shield(life)
        except asyncio.CancelledError:
            worker_loop.request_stop(0)
            await life
            raise
        except ConvoyError as error:
            self._error = error
            raise
        finally:
            self._states.handle(PoolEvent.CLOSED)
        return self.status()

    def run(self) -> PoolStatus:
        """Work in the foreground; the final status. Raises StoreError when it cannot begin.

        In the main thread, SIGTERM and SIGINT stop it gracefully, and a second one gives back at once what is running.
        """
        return _run(self._serve_with_signals())

    def start(self) -> None:
        """Work in a thread of its own; returns once it is registered, or raises StoreError."""
        self._thread = threading.Thread(target=self._serve_in_thread, name=f"convoy-pool-{self.queue}", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error

    def request_stop(self, grace_s: Seconds | None = None) -> None:
        """Stop claiming, and give back in `grace_s` seconds what is still running then. Returns at once.

        Without a time it is the pool's own grace. A later call can only shorten it. May be called from any thread.
        """
        grace = self._options.grace_s if grace_s is None else validation.seconds("grace_s", grace_s)
        with self._lock:
            worker_loop, loop = self._worker_loop, self._loop
            if worker_loop is None or loop is None:
                self._states.handle(PoolEvent.STOP)
                return
        with suppress(RuntimeError):  # the loop has been closed: it is stopped
            loop.call_soon_threadsafe(worker_loop.request_stop, grace)

    def resize(self, concurrency: int) -> None:
        """Have up to `concurrency` runs at once from now on. Returns at once.

        More slots are filled as soon as there are IDs for them. With fewer no run is cut short: nothing more is claimed
        until enough have ended, but what is being claimed just then still runs. The store is told with the next
        heartbeat. May be called from any thread, also before the start. Raises InvalidOption.
        """
        concurrency = validation.whole("concurrency", concurrency, 1, MAX_CONCURRENCY)
        with self._lock:
            self._plan.concurrency = concurrency
            worker_loop, loop = self._worker_loop, self._loop
        if worker_loop is not None and loop is not None:
            with suppress(RuntimeError):  # the loop has been closed: it is stopped
                loop.call_soon_threadsafe(worker_loop.resize)

    def stop(self, grace_s: Seconds | None = None) -> PoolStatus:
        """Stop a started pool and wait until it has ended; the final status."""
        self.request_stop(grace_s)
        if self._thread is not None:
            self._thread.join()
        return self.status()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait for running jobs as `stop` does."""
        self.stop()

    # -- looking

    def status(self) -> PoolStatus:
        """What it is doing now. May be called from any thread."""
        worker_loop = self._worker_loop
        if worker_loop is None:
            return PoolStatus(self._states.state, "")
        error = str(self._error) if self._error is not None else worker_loop.error
        loop_s, heartbeat_s, store_s = worker_loop.silences()
        return PoolStatus(
            self._states.state,
            worker_loop.worker,
            worker_loop.snapshot(),
            error=error,
            shortage=worker_loop.shortage,
            barred=worker_loop.barred,
            loop_silent_s=loop_s,
            heartbeat_silent_s=heartbeat_s,
            store_silent_s=store_s,
            **asdict(worker_loop.counters),
        )

    def measures(self) -> PoolMeasures:
        """How long IDs waited and ran since it started, and what it is at. May be called from any thread."""
        worker_loop = self._worker_loop
        return PoolMeasures(self.queue) if worker_loop is None else worker_loop.measured()

    # -- inside

    def _begins(self) -> bool:
        """Whether there is a start: whoever asks for a stop from now on tells the loop."""
        self._states.handle(PoolEvent.START)
        return self._states.state is not PoolState.STOPPED

    async def _serve_with_signals(self) -> PoolStatus:
        graces: Iterator[float | None] = chain([None], repeat(0))  # the second at once
        with signals.caught(lambda: self.request_stop(next(graces))):
            return await self.serve()

    def _serve_in_thread(self) -> None:
        try:
            _run(self.serve())
        except ConvoyError as error:
            self._error = error
        except BaseException as error:
            log.exception("queue %s: the pool broke down", self.queue)
            said = f"The pool broke down ({describe(error)}); another will recover what it held."
            self._error = ConvoyError(said).with_traceback(error.__traceback__)
        finally:
            self._states.handle(PoolEvent.CLOSED)  # `serve` may not have come to it
            self._ready.set()


def _run(serving: Coroutine[Any, Any, PoolStatus]) -> PoolStatus:
    """On a loop of its own: uvloop's where that is installed, by the extra of that name."""
    open_missing()  # libuv aborts the process when it is to close one of the standard streams' numbers
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with suppress(ImportError):
        distribution("uvloop")  # else a file of that name lies about somewhere
        from uvloop import new_event_loop as loop_factory  # noqa: PLC0415 - optional, and nobody else needs to load it
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(serving)
