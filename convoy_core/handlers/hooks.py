"""Hooks around each run: context managers that are entered before the handler and left after it.

A hook is for what watches runs: an error reporter, a tracer, a logger with context. It cannot change how a run ends,
and what it raises itself ends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from convoy_core import validation
from convoy_core.errors import InvalidOption
from convoy_core.handlers.functions import Handler, is_coroutine_handler, name_of
from convoy_core.jobs import Job
from convoy_core.system.logs import Log

log = Log(__name__)

RunHook: TypeAlias = Callable[[Job], AbstractContextManager[object]]
"""Called for each run, in the context (thread or task) in which the handler is called. What it returns is entered
before the handler, and left after it: with the exception that the handler has raised, or with none."""


def check_hooks(hooks: object) -> tuple[RunHook, ...]:
    """The hooks as given. Raises InvalidOption."""
    if not isinstance(hooks, Sequence) or isinstance(hooks, str | bytes):
        raise validation.refusal("hooks", hooks, "a list of functions, each from a job to a context manager")
    for hook in hooks:
        if not callable(hook):
            raise InvalidOption(f"A hook is {validation.shown(hook)}; it must be callable with a job.")
    return (*hooks,)


def hooked(handler: Handler, hooks: Sequence[RunHook]) -> Handler:
    """The handler with its hooks around it; the handler itself without any."""
    if not hooks:
        return handler
    around = _Hooks(hooks)
    call: Any = handler

    async def awaited(job: Job) -> object:
        entered = around.enter(job)
        try:
            result = await call(job)
        except BaseException as error:
            around.leave(entered, error)
            raise
        around.leave(entered, None)
        return result

    def called(job: Job) -> object:
        entered = around.enter(job)
        try:
            result = call(job)
        except BaseException as error:
            around.leave(entered, error)
            raise
        around.leave(entered, None)
        return result

    return awaited if is_coroutine_handler(handler) else called


class _Hooks:
    """All hooks of a pool."""

    def __init__(self, hooks: Sequence[RunHook]) -> None:
        self._hooks = hooks

    def enter(self, job: Job) -> list[AbstractContextManager[object]]:
        """Those that could be entered."""
        entered = []
        for hook in self._hooks:
            try:
                manager = hook(job)
                manager.__enter__()
            except Exception as error:  # noqa: BLE001 - the user's code
                self._say(hook, error)
            else:
                entered.append(manager)
        return entered

    def leave(self, entered: list[AbstractContextManager[object]], error: BaseException | None) -> None:
        """Leave each, the last one first."""
        how = (None, None, None) if error is None else (type(error), error, error.__traceback__)
        for manager in reversed(entered):
            try:
                manager.__exit__(*how)
            except BaseException as other:  # noqa: BLE001 - the user's code, which may raise the run's error again
                if other is not error:
                    self._say(manager, other)

    def _say(self, hook: Any, error: BaseException) -> None:
        log.warning("the hook %s raised %s: %s; the run is not affected", name_of(hook), type(error).__name__, error)
