"""As process 1 of a container we inherit every orphan, and a zombie stays of each that nobody waits for.

It waits for whatever comes, passes signals on, and ends as the worker does, which runs one level below: the children
that the worker waits for are its own, and nobody else can take their status away.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Final, NoReturn

_PASSED_ON: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH")


def step_down() -> None:
    """As process 1 go on in a child, and never return in the parent; else do nothing."""
    if sys.platform == "win32" or os.getpid() != 1:
        return
    numbers = {signal.SIGCHLD, *(signal.Signals[name] for name in _PASSED_ON)}
    # Blocked they wait, also those that process 1 would otherwise never be sent.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers | {signal.SIGTTOU})
    child = os.fork()
    if child:
        _wait_for_all(child, numbers)
    os.setpgid(0, 0)  # Ctrl-C is for the worker alone, or it would come twice
    with suppress(OSError):  # no terminal
        os.tcsetpgrp(0, os.getpgrp())
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    """The children that have ended, each with its status."""
    ended = []
    with suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(one)
    return ended
