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

SPARED_S = 4.0
"""How long a worker may take to come to its named point before it is killed at any moment, too."""


@dataclass(slots=True)
class Victim:
    """A living worker process."""

    number: int
    point: worker.FailPoint | None
    """Where it will die by itself; None for one that is killed at any moment."""
    born: float = field(default_factory=time.monotonic)
    is_told_to_stop: bool = False

    @property
    def is_spared(self) -> bool:
        """Whether it is still on its way to its point. The way to a `bye` begins with a SIGTERM."""
        if self.point is None or time.monotonic() - self.born > SPARED_S:
            return False
        return self.point.name != "bye" or self.is_told_to_stop


@dataclass(slots=True)
class Storm:
    """One storm in the making."""

    seed: int
    kills: int
    server_kills: int
    may_die_at: list[worker.FailPoint]
    directory: Path
    server: RealServer
    queue: Queue
    dice: random.Random
    living: dict[int, Victim] = field(default_factory=dict)
    """By pid."""
    deaths: dict[int, float] = field(default_factory=dict)
    """Worker's number -> when it was seen dead."""
    disturbed: list[float] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    points: dict[str, int] = field(default_factory=dict)
    """Named point -> how many have died there."""
    started: int = 0

    # -- workers

    def start_worker(self, *, safely: bool = False) -> None:
        """Fork one; most are to be killed at a random moment, the others will die at a named point."""
        self.started += 1
        point = None if safely or self.dice.random() < 0.5 else self.dice.choice(self.may_die_at)
        seed = self.dice.randrange(2**31)
        pid = os.fork()
        if pid == 0:
            worker.run(self.server.url, self.directory / f"journal-{self.started}", self.started, seed, point)
        self.living[pid] = Victim(self.started, point)

    def bury(self) -> None:
        """Notice who has died."""
        for pid in list(self.living):
            is_dead, status = os.waitpid(pid, os.WNOHANG)
            if is_dead:
                victim = self.living.pop(pid)
                self.deaths[victim.number] = time.monotonic()
                if victim.point is not None and os.WIFSIGNALED(status):
                    self.points[str(victim.point)] = self.points.get(str(victim.point), 0) + 1

    def kill_one(self) -> None:
        """SIGKILL to somebody who has no point of its own to die at, or does not come to it."""
        pids = [pid for pid, victim in self.living.items() if not victim.is_spared]
        if not pids:
            return
        victim = self.living[pid := self.dice.choice(pids)]
        if victim.point is not None and victim.point.name == "bye" and not victim.is_told_to_stop:
            victim.is_told_to_stop = True
            os.kill(pid, signal.SIGTERM)
        else:
            victim.point = None
            os.kill(pid, signal.SIGKILL)

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


def calm(storm: Storm, patience_s: float) -> None:
    """Let healthy workers drain the queue, until it is empty or has not changed for so long, and end them."""
    for pid, victim in storm.living.items():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        storm.deaths[victim.number] = time.monotonic()
    storm.living.clear()
    for _ in range(2):
        storm.start_worker(safely=True)
    deadline = rests_at = time.monotonic() + 60
    before = None
    while (counts := storm.queue.counts()) != Counts() and time.monotonic() < min(rests_at, deadline):
        if counts != before:
            before, rests_at = counts, time.monotonic() + patience_s
        time.sleep(0.05)
    for pid in list(storm.living):
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def run(
    kills: int, server_kills: int, seed: int, points: list[worker.FailPoint], patience_s: float
) -> tuple[Storm, Verdict]:
    """A whole storm, and the verdict on it."""
    server = RealServer(valkey_binary(), "--appendonly", "yes", "--appendfsync", "always")
    try:
        with tempfile.TemporaryDirectory(prefix="storm") as directory, Queue("storm", redis=server.url) as queue:
            storm = Storm(seed, kills, server_kills, points, Path(directory), server, queue, random.Random(seed))
            blow(storm)
            calm(storm, patience_s)
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
    parser.add_argument(
        "--point", default="", help="workers die at points with this in their names, like 'after BLMOVE'"
    )
    parser.add_argument("--patience", type=float, default=60, help="seconds without a change that are taken for rest")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)
    start = time.monotonic()
    points = [point for point in (worker.FailPoint(*words) for words in worker.POINTS) if options.point in str(point)]
    storm, verdict = run(options.kills, options.server_kills, seed, points, options.patience)
    named = f"{sum(storm.points.values()):,} of them at {len(storm.points)} named points"
    lines = [
        f"seed               {seed:>9}",
        f"worker kills       {len(storm.deaths):>9,}   {named}",
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
