"""An init process for containers: process 1 inherits every orphan, and must wait for it, or a zombie is left.

It waits for all children, passes signals on, and ends as the worker does, which runs in a child. So the worker waits
only for its own children, and no other code can take their exit status.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Final, NoReturn

_PASSED_ON: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH")


def step_down() -> None:
    """As process 1, continue in a child and never return in the parent. Otherwise do nothing."""
    if sys.platform == "win32" or os.getpid() != 1:
        return
    numbers = {signal.SIGCHLD, *(signal.Signals[name] for name in _PASSED_ON)}
    # Blocked signals stay pending, also those that the kernel would not deliver to process 1.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers | {signal.SIGTTOU})
    child = os.fork()
    if child:
        _wait_for_all(child, numbers)
    os.setpgid(0, 0)  # only the worker may get Ctrl-C, or it would arrive twice
    with suppress(OSError):  # there is no terminal
        os.tcsetpgrp(0, os.getpgrp())
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def learn_how_children_end() -> None:
    """Have the system keep their exit statuses, should whoever started us ignore SIGCHLD: it is inherited."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _wait_for_all(child: int, numbers: set[signal.Signals]) -> NoReturn:
    while True:
        number = signal.sigwait(numbers)
        if number != signal.SIGCHLD:
            with suppress(ProcessLookupError):
                os.kill(child, number)
            continue
        for pid, status in _ended():
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else 128 - code)


def _ended() -> list[tuple[int, int]]:
    """The children that have ended, each with its exit status."""
    ended = []
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(one)
    return ended
