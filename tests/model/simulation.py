"""One seed, one simulation: pools and publishers on a bad network, with freezes, crashes and outages; then no faults.

The pools are the real ones (`WorkerLoop`, `Runs`, `Maintenance`, `Heartbeat`), and so is the server. Only time, chance
and the network are simulated. `python -m tests.model.simulation SOCKET SEED [MIX]` prints the trace of one seed.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from convoy_core.errors import ConvoyError
from convoy_core.jobs import Discard, Job, Retry
from convoy_core.moves import barring, cancelling, publishing, steering
from convoy_core.moves.call import Call
from convoy_core.moves.keys import Keyspace
from convoy_core.moves.publishing import PublishOptions
from convoy_core.moves.recovering import LATE_MS
from convoy_core.moves.scripts import Script, load
from convoy_core.options import DEFAULT_PREFIX, PoolOptions
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.worker import loop as worker_loop
from convoy_core.worker import maintenance, runs, waiting
from convoy_core.worker.heartbeat import Heartbeat
from convoy_core.worker.loop import WorkerLoop
from convoy_core.worker.runs import Plan
from tests.model.judge import Judge, Verdict
from tests.model.link import EPOCH_MS, Link, SimulatedStore
from tests.model.loop import SimulatedLoop
from tests.model.wire import Contents, Look, Wire

IDS = [f"job{n}" for n in range(10)]
POOLS = 3
FAULTS_S = 6.0
RECOVERY_S = 120.0
"""When everything works again, this is far more than what is left can take."""
MIXED = ("freeze", "freeze", "crash", "crash", "stop", "outage", "pause", "clock")
"""What happens to pools and their store, besides what the network does to requests."""
LATE = ("held back", "held back", "crash", "stop", "pause", "freeze", "long freeze")
"""The dead, and those that stood still, are heard of when the others have given up on them."""
ROLLBACKS = ("rollback", "rollback", "rollback", "pause", "held back", "crash", "stop", "long freeze")
"""The store also comes back with older data. Runs are long, and the network has fewer faults: a pool that meets an
error asks the store which IDs it holds, and would notice.
"""
ROLLBACK_FAULTS = 0.002
CANCELS = (*MIXED, *["cancel"] * 16)
"""An operator cancels IDs, wherever they are."""
RESIZED = (*MIXED, *["resize"] * 16)
"""Pools are given more slots, or fewer. Runs are long: what is kept behind one is seen."""
QUIETED = (*MIXED, *["quiet"] * 16)
"""Pools claim nothing for a while, one by one, or all of a host, or since their version is too low."""
LIMITED = ("limits", "limits", "limits", "freeze", "crash", "crash", "stop", "outage", "pause", "clock")
"""The queue has limits most of the time, up to the end."""
LIMITS: Final[tuple[dict[str, float], ...]] = (
    {},
    {"concurrency": 1},
    {"concurrency": 2},
    {"rate": 4, "burst": 2},
    {"concurrency": 3, "rate": 120, "period_s": 9},
)
FAULT_MIXES = {
    "simulation": MIXED,
    "late": LATE,
    "rollbacks": ROLLBACKS,
    "limits": LIMITED,
    "cancels": CANCELS,
    "resized": RESIZED,
    "quiet": QUIETED,
}
KEPT_S = 1.0
"""Within this a pool whose store answers has given back what it cannot run; its heartbeat tells it of that, too."""
HOST = socket.gethostname()
HELD_BACK_S = (LATE_MS / 1000 + 2, LATE_MS / 1000 + 5)
OPTIONS = PoolOptions(lease_s=1.5, beat_s=0.4, grace_s=1, backoff_s=0.1, backoff_cap_s=0.5, max_crashes=3)
DAY = EPOCH_MS // 1000 - EPOCH_MS // 1000 % 86400


class VirtualHeartbeat(Heartbeat):
    """The real heartbeat, driven by the virtual loop instead of a thread."""

    def start(self) -> None:
        """Begin; the first beat is one interval away."""
        self._task = asyncio.get_running_loop().create_task(self._beat_in_the_loop())

    async def _beat_in_the_loop(self) -> None:
        pause = self._options.beat_s
        while True:
            await asyncio.sleep(pause)
            if self._stopping.is_set():
                return
            try:
                self.run_once()
                pause = self._options.beat_s
            except ConvoyError:
                pause = self._options.beat_s / 4


@dataclass(slots=True)
class Simulation:
    """Everything there is while one seed is played."""

    seed: int
    wire: Wire
    faults: tuple[str, ...]
    rng: random.Random = field(init=False)
    loop: SimulatedLoop = field(init=False)
    judge: Judge = field(init=False)
    link: Link = field(init=False)
    living: dict[str, WorkerLoop] = field(default_factory=dict)
    """The pool of each living actor."""
    lives: list[asyncio.Task[None]] = field(default_factory=list)
    pools: int = 0
    slots: dict[str, int] = field(default_factory=dict)
    """The most slots that each actor's pool has ever had."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.loop = SimulatedLoop(random.Random(self.rng.random()))
        self.judge = Judge(self.loop.time, OPTIONS.lease_s)
        chance = random.Random(self.rng.random())
        self.link = Link(self.loop, self.wire, chance, _scripts(), self.judge.saw, self._note)
        if self.faults is ROLLBACKS:
            self.link.faults = ROLLBACK_FAULTS

    def _note(self, *what: object) -> None:
        self.judge.note(*what)
        if what[0] == "fault":
            self.judge.trouble(str(what[1]))

    def play(self) -> tuple[Verdict, str]:
        """From an empty store to the judge's verdict, and the trace up to it."""
        self.wire.send("FLUSHALL")
        self.wire.load(_sources())  # the trace of a seed must not depend on what was played before
        try:
            with _virtual(self.loop, random.Random(self.rng.random())):
                self.loop.run_until_complete(self._history())
                verdict = self.judge.close(self._contents(), self.loop.broken)
                trace = self.judge.trace
                self.link.is_down = True
                self.loop.cancel_all()
        finally:
            self.loop.close()
        return verdict, trace

    async def _history(self) -> None:
        for _ in range(POOLS):
            self._start_pool()
        publishers = [
            self.loop.spawn(f"publisher {n}", self._publish(random.Random(self.rng.random()), n == 1)) for n in (0, 1)
        ]
        storms = [self.loop.create_task(self._storm(random.Random(self.rng.random()))) for _ in range(2)]
        watching = self.loop.create_task(self._watch_for_waiting())
        await asyncio.gather(*storms)
        self.link.is_faulty = False
        # The operator's word may have been lost with the store's last seconds.
        keys = Keyspace(DEFAULT_PREFIX).queue("q")
        self.wire.send("DEL", keys.named("paused"), keys.named("barred"))
        await self._publish_to_those_held_back()
        await asyncio.gather(*publishers)
        await self._drain()
        watching.cancel()
        for actor in list(self.living):
            self._stop_pool(actor)
        _, endless = await asyncio.wait(self.lives, timeout=RECOVERY_S)
        for life in endless:
            self.judge.verdict.add("stuck", f"{life.get_name()} does not stop")

    # -- pools

    def _start_pool(self) -> None:
        self.pools += 1
        actor = f"pool {self.pools}"
        self.loop.spawn(actor, self._begin_pool(actor, random.Random(self.rng.random())))

    async def _begin_pool(self, actor: str, chance: random.Random) -> None:
        async def work(job: Job) -> object:
            self.judge.started(job.token)
            going.add(job.token)
            if len(going) > self.slots[actor]:
                self.judge.verdict.add("crowded", f"{actor} runs {len(going)} at once")
            try:
                await asyncio.sleep(chance.choice(lengths) * chance.random())
                return _how_it_ends(chance)
            finally:
                going.discard(job.token)
                self.judge.finished(job.token)

        going: set[str] = set()
        is_long = self.faults in (ROLLBACKS, RESIZED)
        lengths = (0.01, 0.3, 4.5) if is_long else (0.01, 0.3, 1.5)
        plan = Plan("q", work, chance.choice((1, 2, 4)), 4 if is_long else 1.2, 1, OPTIONS)
        self.slots[actor] = plan.concurrency
        pool = WorkerLoop(SimulatedStore(self.link, actor), DEFAULT_PREFIX, plan)
        self.judge.works_as(actor, pool.worker)
        self.living[actor] = pool
        life = asyncio.get_running_loop().create_task(self._live(actor, pool), name=actor)
        self.lives.append(life)

    async def _live(self, actor: str, pool: WorkerLoop) -> None:
        try:
            await pool.run(lambda: None)
        except ConvoyError as error:
            self.judge.note("could not begin", actor, type(error).__name__)
            self.living.pop(actor, None)
            await asyncio.sleep(0.5)
            self._start_pool()

    def _stop_pool(self, actor: str) -> None:
        self.judge.stops(actor)
        self.living.pop(actor).request_stop(self.rng.choice((0.0, 0.5, 5.0)))

    def _resize_pool(self, actor: str, slots: int) -> None:
        self.judge.note("resize", actor, slots)
        self.slots[actor] = max(self.slots[actor], slots)
        pool = self.living[actor]
        pool._plan.concurrency = slots
        pool.resize()

    def _crash_pool(self, actor: str) -> None:
        self.judge.note("crash", actor)
        self.judge.dies(actor)
        self.living.pop(actor)
        self.loop.freeze(actor)
        self.link.cut_off.add(actor)
        if self.rng.random() < 0.7:  # else the server learns of it only when it answers
            self.link.break_connections(actor)
        self.lives = [life for life in self.lives if life.get_name() != actor]

    async def _watch_for_waiting(self) -> None:
        """No pool may keep an ID for which it has no slot, when others could have one."""
        before: set[tuple[str, str]] = set()
        while True:
            awake = [(actor, pool) for actor, pool in self.living.items() if actor not in self.loop._frozen]
            kept = {(actor, what) for actor, pool in awake if pool.error is None for what in self._kept(pool)}
            for actor, what in kept & before:
                self.judge.verdict.add("kept", f"{actor} keeps {what} and has no slot for it")
            before = kept
            await asyncio.sleep(KEPT_S)

    def _kept(self, pool: WorkerLoop) -> Iterator[str]:
        if not pool._claims._runs.free:
            yield from (f"its claim {claim.number}" for claim in pool._claims._ready)
            claim_list = Keyspace(DEFAULT_PREFIX).queue("q").claim_list(pool.worker)
            if self.wire.send("LLEN", claim_list):
                yield "what was handed to it"

    # -- publishers

    async def _publish(self, chance: random.Random, has_options: bool) -> None:
        connection = AsyncConnection(SimulatedStore(self.link, "publisher"), prefix=None, read_only=False)
        keys = connection.keyspace.queue("q")
        while self.loop.time() < FAULTS_S:
            ids = chance.sample(IDS, chance.choice((1, 1, 2, 4)))
            options = PublishOptions(
                rerun=has_options,
                payload=chance.choice((None, "x")) if has_options else None,
                delay_s=chance.choice((0, 0, 0.7)) if has_options else 0,
            )
            for call in publishing.publish(keys, ids, options):
                try:
                    await connection.run(call)
                except ConvoyError as error:
                    self.judge.note("publish failed", type(error).__name__)
            await asyncio.sleep(chance.expovariate(2))

    # -- faults

    async def _storm(self, chance: random.Random) -> None:
        while self.loop.time() < FAULTS_S:
            await asyncio.sleep(chance.uniform(0.2, 2) / (4 if self.faults is CANCELS else 1))
            living = sorted(self.living)
            if not living:
                continue
            what = chance.choice(self.faults)
            if what in ("outage", "rollback", "pause", "clock", "limits", "cancel", "quiet"):
                await self._trouble_all(what, chance)
            else:
                await self._trouble_one(what, chance.choice(living), chance)

    async def _trouble_one(self, what: str, actor: str, chance: random.Random) -> None:
        match what:
            case "freeze":
                await self._freeze(actor, chance.uniform(0.5, 2) * OPTIONS.lease_s)
            case "long freeze":
                await self._freeze(actor, chance.uniform(*HELD_BACK_S))
            case "resize":
                self._resize_pool(actor, chance.choice((1, 2, 4, 60)))
            case "stop":
                self._stop_pool(actor)
                self._start_pool()
            case "held back":
                self._crash_pool(actor)
                self.link.hold_back(actor, chance.uniform(*HELD_BACK_S))
                self._start_pool()
            case _:
                self._crash_pool(actor)
                await asyncio.sleep(chance.uniform(0, 2))
                self._start_pool()

    async def _trouble_all(self, what: str, chance: random.Random) -> None:
        match what:
            case "outage":
                await self._take_store_away(chance.uniform(0.2, 1.5) * OPTIONS.lease_s)
            case "rollback":
                await self._go_back(chance.uniform(0.01, 2.5), chance.uniform(0, 0.1))
            case "pause":
                await self._pause(chance.uniform(0.5, 3))
            case "quiet":
                await self._quiet(chance)
            case "limits":
                await self._limit(chance.choice(LIMITS))
            case "cancel":
                await self._cancel(chance.sample(IDS, chance.choice((1, 3, 10))))
            case _:
                self.judge.note("clock set forward")
                self.link.clock_ms += 3_600_000

    async def _freeze(self, actor: str, seconds: float) -> None:
        self.judge.note("freeze", actor)
        self.loop.freeze(actor)
        until = self.loop.time() + seconds
        while (left := until - self.loop.time()) > 0:
            self.judge.trouble(actor)
            await asyncio.sleep(min(left, OPTIONS.lease_s))
        self.judge.trouble(actor)
        self.loop.thaw(actor)

    async def _take_store_away(self, seconds: float) -> None:
        self.judge.note("outage")
        self.link.is_down = True
        self.link.break_connections()
        await asyncio.sleep(seconds)
        self.link.is_down = False
        for pool in range(1, self.pools + 1):
            self.judge.trouble(f"pool {pool}")

    async def _go_back(self, seconds: float, away_s: float) -> None:
        """The store is killed, and begins anew at once with what it had saved some seconds ago."""
        saved, mark = self.wire.save(), self.judge.mark()
        await asyncio.sleep(seconds)
        self.judge.note("killed")
        self.link.is_down = True
        self.link.break_connections()
        await asyncio.sleep(away_s)
        self.link.restart(saved)
        self.judge.go_back(mark)
        self.link.is_down = False

    async def _publish_to_those_held_back(self) -> None:
        """Something for the waits to take that come when their workers were unregistered."""
        connection = AsyncConnection(SimulatedStore(self.link, "publisher"), prefix=None, read_only=False)
        for arrival in sorted(self.link.arrivals):
            await asyncio.sleep(max(0, arrival + 0.2 - self.loop.time()))
            for call in publishing.publish(connection.keyspace.queue("q"), IDS, PublishOptions()):
                await connection.run(call)

    async def _pause(self, seconds: float) -> None:
        keys = Keyspace(DEFAULT_PREFIX).queue("q")
        for call in (steering.pause(keys), steering.resume(keys)):
            await self._steer(call)
            await asyncio.sleep(seconds)

    async def _quiet(self, chance: random.Random) -> None:
        """A worker, the host of all, or every version is barred for a while."""
        keys = Keyspace(DEFAULT_PREFIX).queue("q")
        kind = chance.choice(("worker", "worker", "host", "version"))
        self.judge.note("quiet", kind)
        who = HOST if kind == "host" else self.living[chance.choice(sorted(self.living))].worker
        calls = (barring.quiet(keys, who), barring.unquiet(keys, who))
        if kind == "version":
            calls = (barring.set_lowest_version(keys, "1"), barring.set_lowest_version(keys, None))
        for call in calls:
            await self._steer(call)
            await asyncio.sleep(chance.uniform(0.5, 3))

    async def _limit(self, limits: Mapping[str, float]) -> None:
        given: dict[str, Any] = {"concurrency": None, "rate": None, "period_s": 1.0, "burst": None, **limits}
        await self._steer(steering.set_limits(Keyspace(DEFAULT_PREFIX).queue("q"), *given.values()))

    async def _steer(self, call: Call[bool]) -> None:
        connection = AsyncConnection(SimulatedStore(self.link, "operator"), prefix=None, read_only=False)
        while True:
            try:
                await connection.run(call)
                break
            except ConvoyError:
                await asyncio.sleep(0.1)

    async def _cancel(self, ids: list[str]) -> None:
        connection = AsyncConnection(SimulatedStore(self.link, "operator"), prefix=None, read_only=False)
        keys = connection.keyspace.queue("q")
        try:
            await connection.drive(cancelling.cancel(keys, ids, dry_run=False))
        except ConvoyError as error:
            self.judge.note("cancel failed", type(error).__name__)

    # -- peace

    async def _drain(self) -> None:
        """Wait until nothing is committed any more and no worker is silent, or for so long that something is stuck."""
        until = self.loop.time() + RECOVERY_S
        keys = Keyspace(DEFAULT_PREFIX).queue("q")
        while self.loop.time() < until:
            await asyncio.sleep(0.5)
            is_quiet = self.loop.time() > self.link.last_arrival
            if is_quiet and not self.wire.send("SCARD", keys.named("committed")):
                return

    def _contents(self) -> Contents:
        keys = Keyspace(DEFAULT_PREFIX).queue("q")
        names = tuple(sorted({hold.worker for hold in self.judge.holds.values()}))
        look = Look(self.wire, keys, names, (DAY,))
        look.send("PING")
        return look.contents(beside=None)


@cache
def _scripts() -> dict[str, Script]:
    """Every script, by what is sent to have it run."""
    names = [file.name.removesuffix(".lua") for folder in ("lua", "lua/reads") for file in _lua_files(folder)]
    return {
        name: script
        for script in map(load, names)
        for text in (script.portable, script.flagged)
        for name in (text.sha, text.source)
    }


def _lua_files(folder: str) -> list[Traversable]:
    return [file for file in (files("convoy_core.moves") / folder).iterdir() if file.name.endswith(".lua")]


def _sources() -> list[str]:
    return [text for text, script in _scripts().items() if text in (script.portable.source, script.flagged.source)]


def _how_it_ends(chance: random.Random) -> object:
    ending = chance.random()
    if ending < 0.15:
        raise ValueError("broken")
    return Retry(0.3) if ending < 0.2 else Discard() if ending < 0.25 else None


@contextmanager
def _virtual(loop: SimulatedLoop, chance: random.Random) -> Iterator[None]:
    """Give the modules of a pool this simulation's clock and chance."""
    clock = SimpleNamespace(monotonic=loop.time)
    tokens = SimpleNamespace(token_hex=lambda n: f"{chance.getrandbits(8 * n):0{2 * n}x}")
    random.seed(chance.random())
    with ExitStack() as patches:
        for module in (waiting, runs, worker_loop, maintenance):
            patches.enter_context(patch.object(module, "time", clock))
        patches.enter_context(patch.object(worker_loop, "secrets", tokens))
        patches.enter_context(patch.object(worker_loop, "Heartbeat", VirtualHeartbeat))
        yield


def play(seed: int, wire: Wire, faults: tuple[str, ...] = MIXED) -> tuple[Verdict, str]:
    """The verdict on one seed, and the hash of its trace."""
    return Simulation(seed, wire, faults).play()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path, number, *named = sys.argv[1:]
    with Wire(path) as to_server:
        print(*play(int(number), to_server, FAULT_MIXES[named[0] if named else "simulation"]), sep="\n")  # noqa: T201 - that is what it was started for
