"""The rate at which a pool runs a command that does nothing, beside xargs and, where it is installed, GNU parallel."""

from __future__ import annotations

import resource
import shutil
import subprocess
import time

from benchmarks.figures import AtLeast, Figure, Row, Settings, columns
from benchmarks.store import empty, server_for
from benchmarks.worker import COMMAND, Task
from benchmarks.worker_processes import work
from convoy_core import Queue

QUEUE = "bench"


def beside_xargs(settings: Settings, concurrency: int) -> list[Row]:
    """Commands a second, and the processor time of one with all that starts and watches it."""
    rivals: dict[str, list[str]] = {"xargs": ["xargs", "-P", str(concurrency), "-n", "1", COMMAND]}
    if parallel := shutil.which("parallel"):
        rivals["GNU parallel"] = [parallel, "-j", str(concurrency), COMMAND]
    amount = settings.size(2_000, 50)
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client:
        for _ in range(settings.rounds):
            empty(client)
            with Queue(QUEUE, redis=server.url) as queue:
                queue.publish_many(range(amount))
            (pool,) = work(Task(server.url, QUEUE, "command", concurrency))
            taken = {"pool": pool.rate, "pool ms": pool.cpu_s / pool.done * 1000}
            for name, words in rivals.items():
                seconds, cpu_s = _run(words, amount)
                taken |= {name: amount / seconds, f"{name} ms": cpu_s / amount * 1000}
            rounds.append(taken)
    return _rows(f"commands.{concurrency}", columns(rounds), [name for name in rivals if name != "xargs"])


def _rows(name: str, taken: dict[str, Figure], others: list[str]) -> list[Row]:
    concurrency = name.rpartition(".")[2]
    what = f"Commands that do nothing (`{COMMAND}`), concurrency {concurrency}"
    cpu = f"Processor time of a command, concurrency {concurrency}"
    limit_is = f"xargs -P {concurrency}"
    rates = {other: taken[other] for other in others}
    times = {other: taken[f"{other} ms"] for other in others}
    return [
        Row(name, what, "per s", taken["pool"], taken["xargs"], limit_is, AtLeast(0.5, of_the_ratio=True), rates),
        Row(f"{name}.cpu", cpu, "ms", taken["pool ms"], taken["xargs ms"], limit_is, beside=times),
    ]


def _run(words: list[str], amount: int) -> tuple[float, float]:
    """Seconds, and seconds of processor time, that it takes a program to run the command for each line."""
    lines = "".join(f"{number}\n" for number in range(amount)).encode()
    cpu_s, started = _cpu_seconds(), time.monotonic()
    subprocess.run(words, input=lines, check=True, capture_output=True)
    return time.monotonic() - started, _cpu_seconds() - cpu_s


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
