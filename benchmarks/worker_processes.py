"""Worker processes on the side of their parent: starts them, releases them at the same moment, reads their reports."""

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


class WorkerProcess:
    """One worker process, past its imports and waiting for the start."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def go(self) -> None:
        """Start its work."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def report(self) -> Any:
        """Its next report."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"A worker process ended with {self._process.wait()} before its report.")
        return json.loads(line)


@contextmanager
def worker_process(task: Task) -> Iterator[WorkerProcess]:
    """A worker process, killed at the end of the block."""
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(asdict(task))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            worker = WorkerProcess(process)
            worker.report()  # ready
            yield worker
        finally:
            process.kill()


def work(task: Task, processes: int = 1) -> list[Loop]:
    """Run that many processes at once. Returns their result; `bare` ones add that of calls that do nothing.

    The time counts from the first process that had an ID to the last that ended.
    """
    with ExitStack() as stack:
        workers = [stack.enter_context(worker_process(task)) for _ in range(processes)]
        for each in workers:
            each.go()
        reports = range(2 if task.how == "bare" else 1)
        return [_together([Loop(**each.report()) for each in workers]) for _ in reports]


def _together(loops: list[Loop]) -> Loop:
    started, ended = min(loop.started for loop in loops), max(loop.ended for loop in loops)
    return Loop(started, ended, sum(loop.done for loop in loops), sum(loop.cpu_s for loop in loops))
