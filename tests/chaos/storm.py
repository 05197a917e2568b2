"""The storm: real workers, killed for real, on a real server that is killed as well, while IDs are published.

    python -m tests.chaos.storm --kills 300 --server-kills 20 [--seed N]

Ends with 0 when nothing was lost, stuck, held twice or wrongly accepted, and prints what it saw.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import redis

from convoy_core import Counts, Queue, StoreError
from tests.chaos import worker
from tests.chaos.judge import Verdict, judge, read_journals
from tests.servers import RealServer, valkey_binary

WORKERS = 4
BATCH = 25
BACKLOG = 400
"""IDs kept waiting, so that every kill meets work."""


@dataclass(slots=True)
class Storm:
    """One storm in the making."""

    seed: int
    kills: int
    server_kills: int
    directory: Path
    server: RealServer
    queue: Queue
    dice: random.Random
    living: dict[int, tuple[int, str]] = field(default_factory=dict)
    """pid -> the worker's number, and how it is meant to die."""
    deaths: dict[int, float] = field(default_factory=dict)
    """Worker's number -> when it was seen dead."""
    disturbed: list[float] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    points: dict[str, int] = field(default_factory=dict)
    started: int = 0

    # -- workers

    def start_worker(self, *, safely: bool = False) -> None:
        """Fork one; most are to be killed at a random moment, the others will die at a named point."""
        self.started += 1
        point = None if safely or self.dice.random() < 0.5 else worker.FailPoint(*self.dice.choice(worker.POINTS))
        seed = self.dice.randrange(2**31)
        pid = os.fork()
        if pid == 0:
            worker.run(self.server.url, self.directory / f"journal-{self.started}", self.started, seed, point)
        self.living[pid] = self.started, str(point or "any moment")

    def bury(self) -> None:
        """Notice who has died."""
        for pid in list(self.living):
            if os.waitpid(pid, os.WNOHANG)[0]:
                number, how = self.living.pop(pid)
                self.deaths[number] = time.monotonic()
                self.points[how] = self.points.get(how, 0) + 1

    def kill_one(self) -> None:
        """SIGKILL to somebody."""
        if self.living:
            os.kill(self.dice.choice(list(self.living)), signal.SIGKILL)

    # -- the store

    def disturb(self) -> None:
        """Cut every connection."""
        self.disturbed.append(time.monotonic())
        with self.server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)

    def kill_server(self) -> None:
        """SIGKILL to the server, which comes back on its data."""
        self.disturbed.append(time.monotonic())
        self.server.kill()
        self.server.start()
        self.disturbed.append(time.monotonic())

    # -- publishing

    def publish(self) -> None:
        """Keep some work waiting. An ID whose publish failed is published again until the answer is known."""
        if self.queue.counts().queued > BACKLOG:
            return
        ids = [f"{len(self.accepted) + n}" for n in range(BATCH)]
        for _ in range(50):
            try:
                self.queue.publish_many(ids)
            except StoreError:
                time.sleep(0.02)  # the server is being killed and started in this very process
            else:
                self.accepted |= set(ids)
                return
        raise AssertionError("the store did not come back")


def blow(storm: Storm) -> None:
    """Kill until enough have died."""
    every = max(1, storm.kills // max(1, storm.server_kills))
    next_server_kill = every
    while len(storm.deaths) < storm.kills:
        while len(storm.living) < WORKERS:
            storm.start_worker()
        try:
            storm.publish()
        except StoreError:
            continue
        time.sleep(storm.dice.random() * 0.03)
        if storm.dice.random() < 0.5:
            storm.kill_one()
        if storm.dice.random() < 0.02:
            storm.disturb()
        storm.bury()
        if storm.server_kills and len(storm.deaths) >= next_server_kill:
            next_server_kill += every
            storm.kill_server()


def calm(storm: Storm) -> None:
    """Let healthy workers drain the queue, and end them."""
    for pid, (number, _) in storm.living.items():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        storm.deaths[number] = time.monotonic()
    storm.living.clear()
    for _ in range(2):
        storm.start_worker(safely=True)
    deadline = time.monotonic() + 60
    while storm.queue.counts() != Counts() and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in list(storm.living):
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def run(kills: int, server_kills: int, seed: int) -> tuple[Storm, Verdict]:
    """A whole storm, and the verdict on it."""
    server = RealServer(valkey_binary(), "--appendonly", "yes", "--appendfsync", "always")
    try:
        with tempfile.TemporaryDirectory(prefix="storm") as directory, Queue("storm", redis=server.url) as queue:
            storm = Storm(seed, kills, server_kills, Path(directory), server, queue, random.Random(seed))
            blow(storm)
            calm(storm)
            runs = read_journals(storm.directory)
            return storm, judge(queue, storm.accepted, runs, storm.deaths, storm.disturbed)
    finally:
        server.stop()


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--server-kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)
    start = time.monotonic()
    storm, verdict = run(options.kills, options.server_kills, seed)
    named = {how: n for how, n in storm.points.items() if how != "any moment"}
    lines = [
        f"seed               {seed:>9}",
        f"worker kills       {len(storm.deaths):>9,}   {sum(named.values()):,} of them at {len(named)} named points",
        f"server kills       {options.server_kills:>9,}",
        f"links cut          {len(storm.disturbed) - 2 * options.server_kills:>9,}   all connections at once",
        f"accepted IDs       {len(storm.accepted):>9,}",
        *verdict.lines(),
        f"seconds            {time.monotonic() - start:>9.0f}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if verdict.is_clean else 1


if __name__ == "__main__":
    redis.Redis  # noqa: B018 - imported before the first fork, so that no child has to
    sys.exit(main())
