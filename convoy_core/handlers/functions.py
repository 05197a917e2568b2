"""Runs handlers that are functions: coroutine functions as tasks, plain functions in threads."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias

from convoy_core import validation
from convoy_core.errors import HandlerNotFound, InvalidOption
from convoy_core.handlers.run import NotStarted, Run
from convoy_core.jobs import Job

Handler: TypeAlias = Callable[[Job], Awaitable[object]] | Callable[[Job], object]
"""What a pool can run: it is called with a job, and its result, or what it raises, says how the run ended."""
Ended: TypeAlias = "Callable[[Run, object], None]"
"""Called on the event loop when a run has ended: with what the handler returned, or `Raised`."""


class TimedOut(Exception):
    """The run took longer than the job timeout."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The handler raised, instead of returning."""

    error: BaseException


class Runner(Protocol):
    """Takes runs through the handler."""

    def start(self, run: Run) -> None:
        """Start a run; `ended` is called once it is over."""

    def cancel(self, run: Run) -> bool:
        """Ask a run to end. False when it cannot be made to: its slot then stays taken until it returns."""

    def close(self) -> None:
        """No more runs will be started."""


def load_handler(path: str, *, here: bool = False) -> Handler:
    """The handler that `package.module:function` names; the function may be an attribute of an attribute.

    With `here` the working directory is searched as well, after all that is installed. Raises HandlerNotFound, saying
    which part was not found; an error inside the module's own code is named in it.
    """
    if validation.flag("here", here):
        _search_here()
    module_name, attribute = split_path(path)
    try:
        target: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            raise HandlerNotFound(f"There is no module {error.name!r}; the handler was given as {path!r}.") from error
        raise HandlerNotFound(f"Importing {module_name!r} failed: it needs the module {error.name!r}.") from error
    except Exception as error:
        raise HandlerNotFound(f"Importing {module_name!r} failed: {type(error).__name__}: {error}.") from error
    for name in attribute.split("."):
        try:
            target = getattr(target, name)
        except AttributeError:
            raise HandlerNotFound(f"The module {module_name!r} has no {attribute!r}.") from None
    if not callable(target):
        raise HandlerNotFound(f"{path!r} is {type(target).__name__}, not something that can be called.")
    handler: Handler = target
    return handler


def split_path(path: str) -> tuple[str, str]:
    """The module and the function that an import path names, looked for nowhere yet. Raises HandlerNotFound."""
    if not isinstance(path, str):
        raise HandlerNotFound(f"path is {validation.shown(path)}; write it as text, like 'package.module:function'.")
    module_name, colon, attribute = path.partition(":")
    if not colon or not module_name or not attribute:
        raise HandlerNotFound(f"{path!r} is no handler; write it as package.module:function.")
    return module_name, attribute


def _search_here() -> None:
    """Search the working directory last.

    Otherwise a file there with the name of one of our modules would be run by accident.
    """
    with suppress(OSError):  # it has been removed
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.append(here)


def check_handler(handler: Handler) -> None:
    """Raise InvalidOption for a handler that cannot be called with a job and nothing else."""
    if not callable(handler):
        raise InvalidOption(f"handler is {validation.shown(handler)}; it must be callable.")
    try:
        # Not that of what a decorator has wrapped, which may call it with other arguments.
        signature = inspect.signature(handler, follow_wrapped=False)
    except (TypeError, ValueError):  # some that are written in C tell nothing
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise InvalidOption(f"The handler {name_of(handler)} cannot be called with a job alone: {error}.") from None


def name_of(handler: Handler) -> str:
    """What people know it by: `module:function`, or a command line."""
    if isinstance(shown := getattr(handler, "shown", None), str):
        return shown
    return f"{getattr(handler, '__module__', '')}:{getattr(handler, '__qualname__', type(handler).__name__)}"


async def close(handler: Handler) -> None:
    """Let a handler that has an `aclose()` put away what it keeps between runs."""
    if aclose := getattr(handler, "aclose", None):
        await aclose()


def is_coroutine_handler(handler: Handler) -> bool:
    """Whether calling it gives a coroutine: an `async def`, or an object whose `__call__` is one."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004


def runner_for(handler: Handler, ended: Ended) -> Runner:
    """The runner that fits the handler. Needs a running event loop."""
    return Coroutines(handler, ended) if is_coroutine_handler(handler) else Threads(handler, ended)


class Coroutines:
    """Runs `async def` handlers as tasks of the pool's event loop."""

    def __init__(self, handler: Callable[[Job], Any], ended: Ended) -> None:
        self._handler = handler
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[Run, asyncio.Task[None]] = {}

    def start(self, run: Run) -> None:
        """Start a task for it."""
        self._tasks[run] = self._loop.create_task(self._go_through(run))

    def cancel(self, run: Run) -> bool:
        """Cancel the task."""
        task = self._tasks.get(run)
        if task is not None:
            task.cancel()
            coroutine = task.get_coro()
            if inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
                # None of it will run, so it cannot say by itself that it has ended.
                del self._tasks[run]
                self._loop.call_soon(self._ended, run, Raised(asyncio.CancelledError()))
        return True

    def close(self) -> None:
        """Cancel what is left."""
        for task in self._tasks.values():
            task.cancel()

    async def _go_through(self, run: Run) -> None:
        result: object
        try:
            result = await self._handler(run.job)
        except BaseException as raised:  # noqa: BLE001 - the user's code: even SystemExit ends this ID alone
            result = Raised(raised)
        del self._tasks[run]
        self._ended(run, result)


class Threads:
    """Runs plain functions in daemon threads, started as they are needed.

    A thread cannot be stopped from outside. The threads are daemons so that one that never returns cannot keep the
    process from ending; an executor's threads would.
    """

    def __init__(self, handler: Callable[[Job], Any], ended: Ended) -> None:
        self._handler = handler
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[Run | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._results: list[tuple[Run, object]] = []
        self._threads = 0
        self._busy = 0

    def start(self, run: Run) -> None:
        """Hand it to an idle thread, or to a new one."""
        if self._busy == self._threads:
            try:
                threading.Thread(target=self._work, name=f"convoy-handler-{self._threads + 1}", daemon=True).start()
            except (RuntimeError, MemoryError) as error:
                self._loop.call_soon(self._ended, run, Raised(NotStarted(str(error) or "out of memory")))
                return
            self._threads += 1
        self._busy += 1
        self._waiting.put(run)

    def cancel(self, run: Run) -> bool:
        """A thread cannot be made to end."""
        return False

    def close(self) -> None:
        """Let idle threads end; busy ones end after their run."""
        for _ in range(self._threads):
            self._waiting.put(None)

    def _work(self) -> None:
        while (run := self._waiting.get()) is not None:
            result: object
            try:
                result = self._handler(run.job)
            except BaseException as raised:  # noqa: BLE001 - the user's code: even SystemExit ends this ID alone
                result = Raised(raised)
            if not self._hand_in(run, result):
                return

    def _hand_in(self, run: Run, result: object) -> bool:
        with self._lock:
            self._results.append((run, result))
            if len(self._results) > 1:
                return True  # one wake-up serves all results that arrive before the loop comes round
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:  # the pool is gone; nobody waits for this result any more
            return False
        return True

    def _deliver(self) -> None:
        with self._lock:
            results, self._results = self._results, []
        self._busy -= len(results)
        for run, result in results:
            self._ended(run, result)
