"""One round of one other queue: each measurement runs in its own processes, in the environment of that queue."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import redis

from benchmarks.figures import Settings
from benchmarks.peer_homes import QUEUES, Program
from benchmarks.peer_scripts.peer import Act, Order
from benchmarks.store import BenchServer

ROOT = Path(__file__).parent.parent

LIMIT_S = 120
"""How long one process may take; then the queue has failed at it."""

GAP_S = 0.05
"""Between two publishes into an idle queue: no queue announces that it is idle again, so they are given the time."""


class Failed(Exception):
    """A queue could not do something; the text says why in one line."""


class Round:
    """One queue on an empty server."""

    def __init__(
        self, key: str, program: Program, settings: Settings, server: BenchServer, client: redis.Redis
    ) -> None:
        self._key, self._program, self._server, self._client = key, program, server, client
        self._jobs = settings.size(QUEUES[key].jobs, 100)
        self._published = settings.size(5_000, 100)
        self._tries = settings.size(100, 10)

    def steps(self) -> dict[str, Callable[[], dict[str, float]]]:
        """What is measured together, by name; what the queue has no such thing for comes back empty."""
        acts: tuple[Act, ...] = ("publish", "unique", "bulk", "unique bulk")
        return {
            **{f"process {n}": partial(self._process, n) for n in (1, 10, 100)},
            **{act: partial(self._publish, act, self._published) for act in acts},
            "wake": self._wake,
        }

    def _publish(self, act: Act, jobs: int) -> dict[str, float]:
        self._client.flushall()
        rate = self._ask(self._order(act, jobs=jobs))
        return {} if rate is None else {act: rate}

    def _process(self, concurrency: int) -> dict[str, float]:
        self._client.flushall()
        if not self._publish("bulk", self._jobs):
            self._publish("publish", self._jobs)
        rate = self._ask(self._order("process", jobs=self._jobs, concurrency=concurrency))
        return {} if rate is None else {f"process {concurrency}": rate}

    def _wake(self) -> dict[str, float]:
        """Milliseconds from the moment before the publish to the start of the job, in two processes."""
        self._client.flushall()
        latencies: list[float] = []
        with self._child(self._order("publisher")) as publisher, self._child(self._order("wake")) as worker:
            for number in range(self._tries + 2):
                time.sleep(GAP_S)
                publisher.write(f"wake{number}")
                before = publisher.read()
                latencies.append((worker.read() - before) * 1000)
        counted = latencies[2:]  # the first load scripts and open connections
        return {"wake median": statistics.median(counted), "wake p99": statistics.quantiles(counted, n=100)[-1]}

    def _order(self, act: Act, *, jobs: int = 0, concurrency: int = 1) -> Order:
        return Order(self._key, act, self._server.url, jobs, concurrency)

    def _ask(self, order: Order) -> float | None:
        with self._child(order) as child:
            rate = child.read()
        return None if rate == "missing" else float(rate)

    @contextmanager
    def _child(self, order: Order) -> Iterator[Child]:
        command = [*self._program.command, json.dumps(asdict(order))]
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._program.environment or None,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            ) as process,
        ):
            limit = threading.Timer(LIMIT_S, process.kill)
            limit.start()
            try:
                yield Child(process, errors, order.act)
            finally:
                limit.cancel()
                process.kill()


class Child:
    """A process that does one thing for a queue."""

    def __init__(self, process: subprocess.Popen[str], errors: Any, act: str) -> None:
        self._process, self._errors, self._act = process, errors, act
        self._started = time.monotonic()

    def write(self, line: str) -> None:
        """Give it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def read(self) -> Any:
        """Its next report. Raises Failed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(self._reason())
        return json.loads(line)

    def _reason(self) -> str:
        status = self._process.wait()
        if time.monotonic() - self._started >= LIMIT_S:
            return f"{self._act}: was not done after {LIMIT_S} s"
        self._errors.seek(0)
        said = [line.strip() for line in self._errors if line.strip()]
        return f"{self._act}: {said[-1] if said else f'ended with status {status}'}"
