"""The storm: real workers of all kinds are killed and paused while IDs are published.

So are the processes that publish, and those that watch over what workers have started. The real server is killed as
well, and sometimes restarted with an older file.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider

from convoy_core import Counts, FaultKind, Queue, StoreError, Tracing
from convoy_core.moves.working import sweep
from tests.chaos import journal, leases, publisher, watchers, work, worker
from tests.chaos.judge import Pause, Rollback, Troubles, Verdict, judge
from tests.servers import Restorable, valkey_binary

ROOT = Path(__file__).parents[2]

WORKERS = 4
BATCH = 25
BACKLOG = 400
"""IDs kept waiting, so that every kill meets work."""

SPARED_S = 4.0
"""How long a worker may take to come to its named point before it is killed at any moment, too."""

LONG_LIFE_S = 6.0
"""How long a worker with long runs is spared, so that it has something to finish between a copy and the rollback."""

YOUTH_S = 2.0
"""How long one is spared that has to start Python first, for itself or for each of its slots."""

UNWATCHED_S = 1.0
"""How long a worker is spared whose watcher was killed: it has started another by then."""

PAUSED_S = (worker.LEASE_S + 0.1, 4.0)
ROLLED_BACK_S = (0.2, 2.5)
"""How old the file is with which the store comes back."""

FULL_POOLS = 3
FILLING_S = 10.0
"""How many pools meet the last rollback, and how long they may take to begin."""

END_S = 30.0
"""How long a worker may take to end at an empty queue, once it was told to, and a publisher to have all its answers."""


@dataclass(slots=True)
class Amounts:
    """How much of everything there is to be."""

    kills: int
    server_kills: int
    rollbacks: int
    pauses: int


@dataclass(slots=True)
class Victim:
    """A living worker process."""

    plan: worker.WorkerPlan
    point: worker.FailPoint | None
    """Where it will die by itself; None for one that is killed at any moment."""
    born: float = field(default_factory=time.monotonic)
    is_told_to_stop: bool = False
    is_spawned: bool = False
    """Whether it has to start Python first."""
    paused: Pause | None = None
    """Until when it stands still."""
    watched_from: float = 0.0
    """When it has another watcher for the one that was killed."""

    @property
    def is_spared(self) -> bool:
        """Whether it stands still, has only begun, has long runs to end, is without a watcher, or is on its way to its
        point. The way to a `unregister` begins with a SIGTERM.
        """
        now = time.monotonic()
        age = now - self.born
        if self.paused is not None or now < self.watched_from or age < (LONG_LIFE_S if self.plan.is_long else 0):
            return True
        if (self.plan.kind == "isolated" or self.is_spawned) and age < YOUTH_S:
            return True
        if self.point is None or age > SPARED_S:
            return False
        return self.point.name != "unregister" or self.is_told_to_stop


@dataclass(slots=True)
class Storm:
    """One storm in the making."""

    amounts: Amounts
    directory: Path
    server: Restorable
    queue: Queue
    dice: random.Random
    living: dict[int, Victim] = field(default_factory=dict)
    """By pid."""
    troubles: Troubles = field(default_factory=Troubles)
    accepted: dict[str, float] = field(default_factory=dict)
    points: Counter[str] = field(default_factory=Counter)
    """Named point -> how many have died there."""
    kinds: dict[int, work.Kind] = field(default_factory=dict)
    """Of the workers, by their numbers."""
    older: Path | None = None
    """Where an older convoy_core is, which half of the workers run on."""
    older_workers: set[int] = field(default_factory=set)
    """Their numbers."""
    broken: int = 0
    """Workers that ended with an error, or did not end."""
    left_over: int = 0
    """Entries of the store about IDs that are nowhere, after a sweep."""
    publishers: dict[int, bool] = field(default_factory=dict)
    """By pid: processes of many callers that publish one by one, and whether this one is to be killed."""
    publishers_killed: int = 0
    publishers_begun: int = 0
    watchers_killed: int = 0
    server_kills: int = 0
    links_cut: int = 0
    is_over: bool = False
    """Somebody has had enough of it."""
    copied_at: float | None = None
    """When the copy was made to which the store is to go back."""

    # -- workers

    def start_worker(self, *, safely: bool = False, is_long: bool | None = None) -> None:
        """Fork one; most are to be killed at a random moment, the others will die at a named point."""
        dice = self.dice
        kind = dice.choices(work.KINDS, [work.WEIGHTS[kind] for kind in work.KINDS])[0]
        if is_long is None:  # not more than one: they are spared for a while, and somebody must be killed
            is_long = not any(victim.plan.is_long for victim in self.living.values())
        point = None if safely or is_long or dice.random() < 0.4 else worker.FailPoint(*dice.choice(worker.POINTS))
        plan = worker.WorkerPlan(len(self.kinds) + 1, kind, is_long, point, dice.randrange(2**31))
        self.kinds[plan.number] = kind
        if self.older is not None and dice.random() < 0.5:
            self.older_workers.add(plan.number)
            pid = self._spawn(self.older, plan)
            self.living[pid] = Victim(plan, point, is_spawned=True)
            return
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            worker.run(self.server.url, self.directory, plan)
        self.living[pid] = Victim(plan, point)

    def _spawn(self, older: Path, plan: worker.WorkerPlan) -> int:
        """Start a worker over the older version, in a Python of its own."""
        words = worker.words_for(self.server.url, self.directory, plan)
        environment = os.environ | {"PYTHONPATH": f"{older}{os.pathsep}{ROOT}", worker.OLDER: str(older)}
        return os.posix_spawn(words[0], [words[0], "-P", *words[1:]], environment)

    def reap(self) -> None:
        """Wait for the workers that have died, and record how they ended."""
        for pid, victim in list(self.living.items()):
            is_dead, status = os.waitpid(pid, os.WNOHANG)
            if not is_dead:
                continue
            del self.living[pid]
            number = victim.plan.number
            self.troubles.ends[number] = time.monotonic()
            if not os.WIFSIGNALED(status):
                self.broken += os.waitstatus_to_exitcode(status) != 0
                continue
            self.troubles.killed.add(number)
            if victim.point is not None:
                self.points[str(victim.point)] += 1

    def kill_one(self) -> None:
        """SIGKILL to somebody who has no point of its own to die at, or does not come to it."""
        pids = [pid for pid, victim in self.living.items() if not victim.is_spared]
        if not pids:
            return
        victim = self.living[pid := self.dice.choice(pids)]
        if victim.point is not None and victim.point.name == "unregister" and not victim.is_told_to_stop:
            victim.is_told_to_stop = True
            os.kill(pid, signal.SIGTERM)
        else:
            victim.point = None
            os.kill(pid, signal.SIGKILL)

    def pause_one(self) -> None:
        """SIGSTOP to somebody, for longer than a lease. What it has started goes on."""
        pids = [pid for pid, victim in self.living.items() if victim.paused is None]
        if pids:
            victim = self.living[pid := self.dice.choice(pids)]
            now = time.monotonic()
            victim.paused = Pause(victim.plan.number, now, now + self.dice.uniform(*PAUSED_S))
            os.kill(pid, signal.SIGSTOP)

    def kill_a_watcher(self) -> None:
        """SIGKILL to what ends the processes of a worker that dies. Nobody who may die at any moment loses it."""
        now = time.monotonic()
        for pid, victim in self.living.items():
            if victim.point is not None or victim.paused is not None or now < victim.watched_from:
                continue
            if watcher := watchers.watcher_of(pid):
                os.kill(watcher, signal.SIGKILL)
                victim.watched_from = now + UNWATCHED_S
                self.watchers_killed += 1
                return

    def thaw(self, *, everybody: bool = False) -> None:
        """SIGCONT to those who have stood still for long enough."""
        now = time.monotonic()
        for pid, victim in self.living.items():
            if (pause := victim.paused) is not None and (everybody or now >= pause.until):
                self.troubles.pauses.append(pause._replace(until=now))
                victim.paused = None
                os.kill(pid, signal.SIGCONT)

    def kill_everybody(self) -> None:
        """SIGKILL to all that an error has left."""
        for pid in (*self.living, *self.publishers):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.living.clear()
        self.publishers.clear()

    # -- publishers

    def start_publisher(self) -> None:
        """Fork a process of many callers that publish one by one; every other one is to be killed meanwhile."""
        self.publishers_begun += 1
        number, seed = self.publishers_begun, self.dice.randrange(2**31)
        pid = os.fork()
        if pid == 0:
            publisher.run(self.server.url, self.directory, number, seed)
        self.publishers[pid] = self.dice.random() < 0.5

    def end_publishers(self, *, kill: bool) -> None:
        """Record which have ended, and perhaps kill one of those that are to be."""
        for pid, is_to_be_killed in list(self.publishers.items()):
            if kill and is_to_be_killed and self.dice.random() < 0.3:
                os.kill(pid, signal.SIGKILL)
            is_dead, status = os.waitpid(pid, os.WNOHANG)
            if is_dead:
                del self.publishers[pid]
                self.publishers_killed += os.WIFSIGNALED(status)
                self.broken += not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0

    # -- the store

    def disturb(self) -> None:
        """Cut every connection."""
        self.links_cut += 1
        self.troubles.disturbed.append(time.monotonic())
        with self.server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)

    def kill_server(self) -> None:
        """SIGKILL to the server, which comes back on its data."""
        self.server_kills += 1
        self.troubles.disturbed.append(time.monotonic())
        self.server.kill()
        self.server.start()
        self.troubles.disturbed.append(time.monotonic())

    def copy(self) -> None:
        """Keep what the store is to go back to. At times the queue is paused from here on, until it has gone back."""
        if self.dice.random() < 0.3:
            self.queue.pause()
        self.server.shorten()
        self.copied_at = time.monotonic()
        self.server.copy()

    def roll_back(self) -> None:
        """SIGKILL to the server, which comes back at once with what it had when the copy was made."""
        assert self.copied_at is not None
        killed = time.monotonic()
        self.server.kill()
        self.server.roll_back()
        back = time.monotonic()
        self.troubles.rollbacks.append(Rollback(self.copied_at, killed, back))
        self.troubles.disturbed += [killed, back]
        self.copied_at = None

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
                self.accepted |= dict.fromkeys(ids, time.monotonic())
                return
        raise AssertionError("the store did not come back")


def blow(storm: Storm) -> None:
    """Kill until enough have died, or until Ctrl-C."""
    signal.signal(signal.SIGINT, lambda *_: setattr(storm, "is_over", True))
    roll_back_at = resume_at = 0.0
    while (progress := len(storm.troubles.killed) / max(1, storm.amounts.kills)) < 1 and not storm.is_over:
        while len(storm.living) < WORKERS:
            storm.start_worker()
        try:
            storm.publish()
        except StoreError:
            continue
        now = time.monotonic()
        if storm.copied_at is None and len(storm.troubles.rollbacks) < int(storm.amounts.rollbacks * progress):
            storm.copy()
            roll_back_at = now + storm.dice.uniform(*ROLLED_BACK_S)
        if storm.copied_at is not None and now >= roll_back_at:
            storm.roll_back()
            resume_at = now + storm.dice.uniform(0, 1)
        elif resume_at and now >= resume_at:
            storm.queue.resume()
            resume_at = 0.0
        _trouble(storm, progress)


def _trouble(storm: Storm, progress: float) -> None:
    """A short while, in which somebody may be killed or paused."""
    dice, amounts = storm.dice, storm.amounts
    time.sleep(dice.random() * 0.03)
    # Whoever is to meet the older file must live until then.
    if dice.random() < (0.5 if storm.copied_at is None else 0.1):
        storm.kill_one()
    if dice.random() < 0.02:
        storm.disturb()
    if dice.random() < 0.05:
        storm.kill_a_watcher()
    if not storm.publishers and dice.random() < 0.1:
        storm.start_publisher()
    storm.end_publishers(kill=True)
    if len(storm.troubles.pauses) + _standing_still(storm) < int(amounts.pauses * progress + 0.5):
        storm.pause_one()
    storm.thaw()
    storm.reap()
    if storm.server_kills < int(amounts.server_kills * progress + 0.5):
        storm.kill_server()


def _standing_still(storm: Storm) -> int:
    return sum(victim.paused is not None for victim in storm.living.values())


def calm(storm: Storm, patience_s: float) -> None:
    """Have healthy workers drain the queue beside those that are left, until it is empty or has not changed for so
    long, and end them all. Before that the store goes back a last time, under workers that live to meet it.
    """
    storm.thaw(everybody=True)
    until = time.monotonic() + END_S
    while storm.publishers and time.monotonic() < until:
        storm.end_publishers(kill=False)
        time.sleep(0.02)
    storm.broken += len(storm.publishers)
    if storm.copied_at is not None:
        storm.roll_back()
    storm.queue.resume()
    if storm.amounts.rollbacks:
        _go_back_under_full_pools(storm)
    for _ in range(2):
        storm.start_worker(safely=True, is_long=False)
    deadline = time.monotonic() + 180
    rests_at, before = deadline, None
    while (counts := storm.queue.counts()) != Counts() and time.monotonic() < min(rests_at, deadline):
        if counts != before:
            before, rests_at = counts, time.monotonic() + patience_s
        time.sleep(0.05)
        storm.reap()
    _end_all(storm)


def _go_back_under_full_pools(storm: Storm) -> None:
    """They have long runs and are alone, so that the queue does not run dry, and all their slots stay taken."""
    _end_all(storm)
    for _ in range(FULL_POOLS):
        storm.start_worker(safely=True, is_long=True)
    until = time.monotonic() + FILLING_S
    while storm.queue.counts().processing < FULL_POOLS * min(work.CONCURRENCY.values()) and time.monotonic() < until:
        storm.publish()
        time.sleep(0.05)
        storm.reap()
    storm.copy()
    time.sleep(storm.dice.uniform(1, ROLLED_BACK_S[1]))  # long enough for some of them to end a run
    storm.roll_back()
    time.sleep(storm.dice.random())
    storm.queue.resume()


def _end_all(storm: Storm) -> None:
    for pid in storm.living:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_S
    while storm.living and time.monotonic() < deadline:
        time.sleep(0.02)
        storm.reap()
    storm.broken += len(storm.living)
    for pid, victim in storm.living.items():
        os.kill(pid, worker.TELL)
        time.sleep(0.2)  # nothing tells that it has told
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        storm.troubles.ends[victim.plan.number] = time.monotonic()
    storm.living.clear()


def run(
    amounts: Amounts, seed: int, patience_s: float, older: Path | None = None
) -> tuple[Storm, list[journal.Run], Verdict]:
    """A whole storm, what was run in it, and the verdict on it.

    With an `older` version beside this one publishes are traced, which leaves what that one does not know of.
    """
    tracing = None if older is None else Tracing(provider=TracerProvider())
    server = Restorable(valkey_binary())
    try:
        with (
            tempfile.TemporaryDirectory(prefix="storm") as directory,
            Queue("storm", redis=server.url, tracing=tracing) as queue,
        ):
            storm = Storm(amounts, Path(directory), server, queue, random.Random(seed), older=older)
            try:
                blow(storm)
                calm(storm, patience_s)
            finally:
                storm.kill_everybody()
            storm.accepted |= publisher.read(storm.directory)
            runs = journal.read(storm.directory)
            storm.troubles.lapses = leases.read(storm.directory, storm.troubles.ends, worker.LEASE_S)
            verdict = judge(queue, storm.accepted, runs, storm.troubles)
            storm.left_over = _left_over(queue)
            return storm, runs, verdict
    finally:
        server.stop()


def _left_over(queue: Queue) -> int:
    """Once this version has swept what another, or a killed one, has left behind."""
    connection, stops = queue._connection, [1]
    keys = connection.keyspace.queue(queue.name)
    at: list[int] = []
    while any(stops):
        at = stops = connection.drive(sweep(keys, at, 1000))
    return sum(fault.kind is FaultKind.LEFTOVER for fault in queue.check(grace_s=0).faults)
