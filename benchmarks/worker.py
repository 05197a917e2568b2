"""One worker process of a measurement: prints `ready`, waits for a line on stdin, works, and reports in one JSON line.

It runs as `python -m benchmarks.worker` with a `Task` in JSON as its only argument.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import redis.asyncio

from benchmarks import bare
from benchmarks.bare import BareWorker, Loop
from convoy_core import AsyncQueue, Command, Job, PoolOptions, WorkerPool

COMMAND = "true"
"""The command that does nothing."""

How: TypeAlias = "Literal['async', 'threads', 'command', 'bare', 'wake', 'wake claim', 'wake bare', 'steady']"


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker process is to do."""

    url: str
    queue: str
    how: How
    """`async`, `threads` and `command` run a pool in a burst, `bare` a loop without one and then calls that do nothing;
    those that wake report when each ID arrived, `steady` how much memory is resident after every `ids` IDs."""
    concurrency: int = 1
    ids: int = 0


def say(report: object) -> None:
    """One line for the parent."""
    print(json.dumps(report), flush=True)


def wait_for_go() -> None:
    """Until the parent writes a line."""
    say("ready")
    sys.stdin.readline()


def pool(task: Task, handler: Any, *, burst: bool) -> WorkerPool:
    """The pool that is measured: its defaults, with a time limit for every run."""
    queue = AsyncQueue(task.queue, redis=task.url)
    options = PoolOptions(burst=burst)
    return WorkerPool(queue, handler, concurrency=task.concurrency, job_timeout=60.0, options=options)


def burst(task: Task) -> None:
    """Work off what is queued."""
    first: list[float] = []

    async def awaited(_: Job) -> None:
        if not first:
            first.extend((time.monotonic(), time.process_time()))

    def plain(_: Job) -> None:
        if not first:
            first.extend((time.monotonic(), time.process_time()))

    worker = pool(task, awaited if task.how == "async" else plain, burst=True)
    wait_for_go()
    status = worker.run()
    ended = time.monotonic()
    started, spent = first or (ended, time.process_time())
    say(asdict(Loop(started, ended, status.done, time.process_time() - spent)))


def command_burst(task: Task) -> None:
    """The same by commands; the processor time includes theirs, and the watcher's, which ends with its last pool."""
    worker = pool(task, Command(COMMAND), burst=True)
    wait_for_go()
    started, spent = time.monotonic(), cpu_seconds()
    status = worker.run()
    say(asdict(Loop(started, time.monotonic(), status.done, cpu_seconds() - spent)))


def cpu_seconds() -> float:
    """Processor time of this process and of all whose end it has seen."""
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


async def bare_burst(task: Task) -> None:
    """Work off what is queued without a pool; then call a script that does nothing as often as that took."""
    worker = BareWorker(task.url, task.queue, task.concurrency)
    await worker.prepare()
    wait_for_go()
    loop = await worker.work()
    say(asdict(loop))
    say(asdict(await worker.repeat_empty(loop.done)))
    await worker.close()


def wake(task: Task) -> None:
    """Report the moment each ID's handler starts, until the parent ends this process."""

    async def handler(_: Job) -> None:
        say(time.monotonic())

    wait_for_go()
    pool(task, handler, burst=False).run()


async def wake_claim(task: Task) -> None:
    """The same with nothing around the wait and the claim behind it."""
    worker = BareWorker(task.url, task.queue, 1)
    wait_for_go()
    await worker.prepare()
    while True:
        if claims := await worker.wait():
            say(time.monotonic())
            await worker.settle(claims)


async def wake_bare(task: Task) -> None:
    """The same for whatever BLMOVE hands over."""
    client = redis.asyncio.Redis.from_url(task.url)
    wait_for_go()
    while True:
        moved = await client.execute_command("BLMOVE", task.queue, "claimed", "LEFT", "RIGHT", 2)  # type: ignore[no-untyped-call]
        if moved is not None:
            say(time.monotonic())


def steady(task: Task) -> None:
    """Report the resident bytes of this process after every `task.ids` IDs, until the parent ends it."""
    count = 0

    async def handler(_: Job) -> None:
        nonlocal count
        count += 1
        if count % task.ids == 0:
            say(resident_bytes())

    wait_for_go()
    pool(task, handler, burst=False).run()


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    kilobytes = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, check=True).stdout
    return int(kilobytes) * 1024


def main() -> None:
    """Do the task."""
    task = Task(**json.loads(sys.argv[1]))
    match task.how:
        case "async" | "threads":
            burst(task)
        case "command":
            command_burst(task)
        case "bare":
            bare.run(bare_burst(task))
        case "wake":
            wake(task)
        case "wake claim":
            bare.run(wake_claim(task))
        case "wake bare":
            bare.run(wake_bare(task))
        case "steady":
            steady(task)


if __name__ == "__main__":
    main()
