"""The entry points of `convoy` and `convoy-tui`: Ctrl-C while their modules load ends them silently, with code 130.

The head imports no other module of Convoy and no library, so that Python's own handling of Ctrl-C lasts only a moment.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Final, NoReturn

INTERRUPTED: Final = 130


def convoy() -> NoReturn:
    """The command line."""
    _run("convoy_tui.cli.main")


def dashboard() -> NoReturn:
    """The dashboard."""
    _run("convoy_tui.dashboard.main")


@contextmanager
def loading() -> Iterator[None]:
    """Let Ctrl-C end the process at once while modules load. An import could turn the exception into another one."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # the parent process ignores it
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    os._exit(INTERRUPTED)  # nothing has been written or opened yet


def _run(module: str) -> NoReturn:
    with loading():
        program = import_module(module)
    try:
        program.run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit()
