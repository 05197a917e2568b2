"""An event loop without time or chance: its clock jumps to the next timer, and a seed decides what runs first.

What is ready at the same moment runs in shuffled order, as it might on a busy machine. Whatever an actor (a pool, a
publisher) starts belongs to it. An actor can be frozen, as by SIGSTOP. One that is never thawed is dead, as by SIGKILL.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")

ACTOR: ContextVar[str] = ContextVar("actor", default="")
"""Whose code is running; inherited by every task and timer that it starts."""


class Standstill(Exception):
    """Nothing is ready, and no timer is set: everybody waits for somebody else."""


class SimulatedLoop(BaseEventLoop):
    """Runs one simulation."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.broken: list[str] = []
        """What went wrong in tasks and callbacks that nobody waits for."""
        self._rng = rng
        self._now = 0.0
        self._frozen: dict[str, list[asyncio.Handle]] = {}
        self.set_exception_handler(lambda _, what: self.broken.append(f"{what['message']}: {what.get('exception')!r}"))
        self.set_task_factory(_quiet_task)

    def time(self) -> float:
        """Virtual seconds since the simulation began."""
        return self._now

    def spawn(self, actor: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that belongs to `actor`, and so does all that it starts."""
        context = copy_context()
        context.run(ACTOR.set, actor)
        return self.create_task(coroutine, context=context)

    def outside(self, delay: float, callback: Callable[..., object], *args: object) -> None:
        """Call later, on behalf of nobody: no freeze or death of an actor keeps it from happening."""
        self.call_later(delay, callback, *args, context=Context())

    def freeze(self, actor: str) -> None:
        """Nothing of it runs until `thaw`, as if it had been killed; time goes on."""
        self._frozen.setdefault(actor, [])

    def thaw(self, actor: str) -> None:
        """It goes on where it was."""
        self._ready.extend(self._frozen.pop(actor, []))

    def cancel_all(self) -> None:
        """End every task that is left, those of the frozen too, so that nothing runs when their memory is freed."""
        for actor in list(self._frozen):
            self.thaw(actor)
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left, timeout=60))

    # -- what asyncio asks of a loop

    _ready: Any
    _scheduled: Any

    def _run_once(self) -> None:
        self._start_due_timers()
        batch = list(self._ready)
        self._ready.clear()
        self._rng.shuffle(batch)
        for handle in batch:
            actor = handle._context.get(ACTOR, "")
            if handle.cancelled():
                continue
            if actor in self._frozen:
                self._frozen[actor].append(handle)
            else:
                handle._run()

    def _start_due_timers(self) -> None:
        timers = self._scheduled
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False
        if not self._ready and not self._stopping:  # type: ignore[attr-defined] # the loop's own
            if not timers:
                raise Standstill
            self._now = max(self._now, timers[0].when())
        while timers and timers[0].when() <= self._now:
            timer = heapq.heappop(timers)
            timer._scheduled = False
            self._ready.append(timer)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is thrown away when its time has come."""

    def _write_to_self(self) -> None:
        """There is no other thread to be woken by."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override] # a future is all that is awaited
        """No threads here: it runs at once."""
        done = self.create_future()
        done.set_result(func(*args))
        return done


def _quiet_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **settings: Any) -> asyncio.Task[Any]:
    task: Any = asyncio.Task(coroutine, loop=loop, **settings)
    task._log_destroy_pending = False  # the dead leave theirs behind
    return task  # type: ignore[no-any-return] # asyncio keeps that attribute from the types
