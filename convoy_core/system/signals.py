"""Handles SIGTERM and SIGINT for a pool in the main thread, and wakes its event loop whichever thread gets the signal.

A handler set with `signal.signal` runs in the main thread, when that executes Python next. When another thread received
the signal, the main thread stays asleep in `select`, so it has to be woken.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

NUMBERS: Final = (signal.SIGTERM, signal.SIGINT)

_before: dict[signal.Signals, Any] = {}
"""What was in force before, while ours is."""


@contextmanager
def caught(hear: Callable[[], None]) -> Iterator[None]:
    """Call `hear` at each signal, and wake the running loop, where they can be caught: in the main thread.

    Afterwards what was in force before is in force again.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    _before.update({number: signal.getsignal(number) for number in NUMBERS})
    try:
        _catch(loop, hear)
        yield
    finally:
        _release(loop)


def _catch(loop: asyncio.AbstractEventLoop, hear: Callable[[], None]) -> None:
    for number in NUMBERS:
        with suppress(NotImplementedError):  # Windows, where the loop is woken all the same
            loop.add_signal_handler(number, _be_woken)
        # The loop's own would be called a turn later, in which one more ID could be claimed.
        signal.signal(number, lambda *_: hear())


def _be_woken() -> None:
    """Nothing else; the handler has done the rest."""


def _release(loop: asyncio.AbstractEventLoop) -> None:
    for number in NUMBERS:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(number)
    _restore()
    _before.clear()


def _restore() -> None:
    for number, handler in _before.items():
        if handler is not None:  # it was not set by Python, which therefore cannot set it again
            signal.signal(number, handler)


def _begin_anew() -> None:
    """In a child that a handler has forked: a signal to the child is not one to us, whose loop it would wake."""
    if _before:
        signal.set_wakeup_fd(-1)
        _restore()
        _before.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
