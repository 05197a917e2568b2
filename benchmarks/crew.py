"""The parent's side of worker processes: start them, let them go at the same moment, read what they report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any

from benchmarks.bare import Loop
from benchmarks.worker import Task


class Hand:
    """One worker process, past its imports and waiting to be let go."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def report(self) -> Any:
        """What it says next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"A worker process ended with {self._process.wait()} before its report.")
        return json.loads(line)


@contextmanager
def hand(task: Task) -> Iterator[Hand]:
    """A worker process, ended afterwards whatever it is doing."""
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(asdict(task))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            worker = Hand(process)
            worker.report()  # ready
            yield worker
        finally:
            process.kill()


def work(task: Task, processes: int = 1) -> list[Loop]:
    """Have that many processes work at once, and how that went; `bare` ones tell how calls that do nothing went, too.

    It counts from the first process that had an ID to the last that ended.
    """
    with ExitStack() as stack:
        hands = [stack.enter_context(hand(task)) for _ in range(processes)]
        for each in hands:
            each.go()
        reports = range(2 if task.how == "bare" else 1)
        return [_together([Loop(**each.report()) for each in hands]) for _ in reports]


def _together(loops: list[Loop]) -> Loop:
    started, ended = min(loop.started for loop in loops), max(loop.ended for loop in loops)
    return Loop(started, ended, sum(loop.done for loop in loops), sum(loop.cpu_s for loop in loops))
