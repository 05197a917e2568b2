"""A worker process of the storm: an ordinary pool that writes a journal of its runs, and may die at a named point.

A fail point is `before exchange 3` or `after BLMOVE 1`: the process kills itself with SIGKILL just before it sends its
third exchange, or just after the answer to its first BLMOVE has arrived, before it is processed. Only `after set_apart`
exists for an exchange that has set suspects apart.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import random
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import convoy_core
from convoy_core import ConvoyError, PoolOptions, Queue, WorkerPool
from convoy_core.moves.call import Call
from convoy_core.moves.working import Round
from convoy_core.store.async_connection import AsyncConnection
from convoy_core.store.async_server_transport import AsyncServerTransport
from convoy_core.store.connection import Connection
from convoy_core.store.transport import Command
from tests.chaos import journal, leases, work

OLDER = "CONVOY_OLDER"
"""Environment variable: where the older convoy_core is."""

LEASE_S = 1.5
TELL = signal.SIGUSR1
"""Has a worker print where each of its threads is: one that does not end is asked before it is killed."""

OPTIONS = PoolOptions(lease_s=LEASE_S, beat_s=0.4, grace_s=10, max_crashes=1_000_000)
"""The grace is more than the longest run takes."""

POINTS = [
    (side, name, n)
    for side in ("before", "after")
    for name, times in {"register": [1], "exchange": [1, 2, 7], "BLMOVE": [1, 3], "renew": [1], "promote": [1]}.items()
    for n in times
]
POINTS += [
    (side, name, 1)
    for side in ("before", "after")
    for name in ("expired_leases", "recover", "sweep", "reclaim", "unregistered_holders", "fence", "unregister")
]
POINTS += [("after", "set_apart", 1)]
"""Before and after every kind of request a pool makes."""


@dataclass(frozen=True, slots=True)
class FailPoint:
    """Where to die."""

    side: str
    name: str
    n: int

    def __str__(self) -> str:
        return f"{self.side} {self.name} {self.n}"


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What one worker is and does, as the dice have it."""

    number: int
    kind: work.Kind
    is_long: bool
    """Half of its runs take seconds, so that all its slots are taken nearly always."""
    point: FailPoint | None
    seed: int


def run(url: str, directory: Path, plan: WorkerPlan) -> NoReturn:
    """Work until killed or told to stop. In a forked child: ends the process, with 1 for what must not happen."""
    leases.watch(directory / f"leases-{plan.number}")
    if plan.point is not None:
        _die_at(plan.point)
    logging.disable()
    faulthandler.register(TELL, all_threads=True)
    os.environ[journal.PATH] = str(directory / f"journal-{plan.number}")
    os.environ[journal.WORKER] = str(plan.number)
    os.environ[work.LENGTHS] = work.draw_lengths(random.Random(plan.seed), is_long=plan.is_long)
    status = 0
    try:
        handler, concurrency = work.handler_of(plan.kind), work.CONCURRENCY[plan.kind]
        WorkerPool(Queue("storm", redis=url), handler, concurrency=concurrency, options=OPTIONS).run()
    except ConvoyError:
        pass  # the store was away when it was to begin
    except BaseException:  # noqa: BLE001 - nothing may return from here
        traceback.print_exc()
        status = 1
    finally:
        os._exit(status)


def words_for(url: str, directory: Path, plan: WorkerPlan) -> list[str]:
    """The command line that runs it in a process of its own, over whichever convoy_core that one finds."""
    return [sys.executable, "-m", __name__, url, str(directory), json.dumps(asdict(plan))]


def main(url: str, directory: str, plan: str) -> NoReturn:
    """Run what `words_for` describes. The version is that of CONVOY_OLDER, or it is broken."""
    members = json.loads(plan)
    point = members.pop("point")
    if not Path(convoy_core.__file__).is_relative_to(os.environ[OLDER]):
        os._exit(2)
    run(url, Path(directory), WorkerPlan(**members, point=None if point is None else FailPoint(**point)))


def _die_at(point: FailPoint) -> None:
    """Wrap the three ways a pool talks to its store. Only this process is changed."""
    seen: Counter[str] = Counter()

    def die_at(side: str, name: str) -> None:
        if name == point.name and side == point.side and seen[name] == point.n:
            os.kill(os.getpid(), signal.SIGKILL)

    awaited, blocking, send = AsyncConnection.run, Connection.run, AsyncServerTransport.send_together

    def name_of(call: Call[object]) -> str:
        return call.script.name if call.script is not None else str(call.arguments[0])

    async def run_awaited(self: AsyncConnection, call: Call[object]) -> object:
        name = name_of(call)
        seen[name] += 1
        die_at("before", name)
        result = await awaited(self, call)
        die_at("after", name)
        if isinstance(result, Round) and result.apart:
            seen["set_apart"] += 1
            die_at("after", "set_apart")
        return result

    def run_blocking(self: Connection, call: Call[object]) -> object:
        name = name_of(call)
        seen[name] += 1
        die_at("before", name)
        result = blocking(self, call)
        die_at("after", name)
        return result

    async def send_watched(
        self: AsyncServerTransport, commands: Sequence[Command], keys: Sequence[bytes] = ()
    ) -> list[Any]:
        seen["BLMOVE"] += 1  # the wait alone sends several together
        die_at("before", "BLMOVE")
        result = await send(self, commands, keys)
        die_at("after", "BLMOVE")
        return result

    AsyncConnection.run = run_awaited  # type: ignore[method-assign, assignment]
    Connection.run = run_blocking  # type: ignore[method-assign, assignment]
    AsyncServerTransport.send_together = send_watched  # type: ignore[method-assign]


if __name__ == "__main__":
    main(*sys.argv[1:])
