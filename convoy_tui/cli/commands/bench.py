"""`convoy bench`: publish and process rates on this store, in a throw-away queue."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from convoy_core import Job
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.formats import Format
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.scratch import erased_afterwards, scratch_fleet
from convoy_tui.cli.session import Session
from convoy_tui.text.words import number

if TYPE_CHECKING:
    from convoy_core import Fleet, Queue

PREFIX: Final = "cv-bench:"
ABANDONED_S: Final = 3600.0
"""No measurement takes so long: a queue that is older was left by a process that was killed."""
PINGS: Final = 20
ALONE: Final = 5
"""A fifth of the IDs is published one by one, which takes that much longer."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One thing that was measured."""

    name: str
    what: str
    times: int
    seconds: float

    @property
    def rate(self) -> float:
        """How often per second."""
        return self.times / max(self.seconds, 1e-9)


SHAPE: Shape[Measured] = Shape(
    "convoy.bench/1",
    "measured",
    [
        Column("WHAT", lambda row: row.what, shrinks=True),
        Column("TIMES", lambda row: row.times, lambda row: Cell(number(row.times)), right=True),
        Column("PER SECOND", lambda row: row.rate, lambda row: Cell(number(round(row.rate))), right=True),
        Column("MS EACH", lambda row: 1000 / row.rate, lambda row: Cell(f"{1000 / row.rate:.3f}"), right=True),
    ],
    lambda row: {"name": row.name, "times": row.times, "seconds": row.seconds, "per_s": row.rate},
    lambda row: row.name,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "bench", panel="Run", writes=True)(bench)


IDs = Annotated[int, typer.Option("--ids", metavar="N", parser=p.positive, help="How many IDs are run.")]
Concurrency = Annotated[
    int, typer.Option("--concurrency", "-c", metavar="N", parser=p.concurrency, help="How many run at once.")
]


def bench(session: Session, *, ids: IDs = 10_000, concurrency: Concurrency = 100) -> Code:
    """Measure how fast this store takes IDs and hands them out.

    It publishes to a queue of its own, runs its IDs, and erases it. The figures are those of one process here, whose
    handler does nothing, and of whatever else this machine and the store are busy with: they say what Convoy costs,
    not what your work does. Real rates end where your handlers do.

    Examples:
      convoy bench
      convoy bench --redis redis://localhost:6379 --ids 100000
      convoy bench --json
    """
    session.out.refuse(Format.IDS, because="there are no IDs in the answer.")
    with scratch_fleet(session, PREFIX) as fleet:
        session.say_where()
        name = f"{round(time.time())}.{secrets.token_hex(4)}"
        rows: list[Measured] = []
        with (
            erased_afterwards(fleet, lambda: [name, *_abandoned(fleet)]),
            session.messages.progress("measuring", 4, unit="steps") as meter,
        ):
            for row in _measured(fleet.queue(name), fleet, ids, concurrency):
                rows.append(row)
                meter.moved(len(rows), len(rows))
    session.out.rows(SHAPE, rows, {"store": session.store.shown, "ids": ids, "concurrency": concurrency})
    session.messages.note("One process, handlers that do nothing, and whatever else is busy here: no promise.")
    return Code.DONE


def _measured(queue: Queue, fleet: Fleet, ids: int, concurrency: int) -> Iterator[Measured]:
    trips = [fleet.ping() for _ in range(PINGS)]
    yield Measured("round_trip", "round trips, one after the other", PINGS, PINGS * statistics.median(trips))
    few = max(1, ids // ALONE)
    started = time.perf_counter()
    for number_ in range(few):
        queue.publish(f"one.{number_}")
    yield Measured("publish_one", "publishes of one ID, one after the other", few, time.perf_counter() - started)
    started = time.perf_counter()
    queue.publish_many(f"many.{number_}" for number_ in range(ids))
    yield Measured("publish_many", "IDs published in bulk", ids, time.perf_counter() - started)
    yield _worked_off(queue, few + ids, concurrency)


def _worked_off(queue: Queue, ids: int, concurrency: int) -> Measured:
    from convoy_core import PoolOptions, WorkerPool  # noqa: PLC0415 - the help of a command needs no pool

    started: list[float] = []

    async def nothing(_job: Job) -> None:
        if not started:
            started.append(time.perf_counter())

    WorkerPool(queue, nothing, concurrency=concurrency, options=PoolOptions(burst=True)).run()
    return Measured("process", f"IDs run, {number(concurrency)} at once", ids, time.perf_counter() - started[0])


def _abandoned(fleet: Fleet) -> list[str]:
    """The queues of processes that were killed."""
    before = time.time() - ABANDONED_S
    return [name for name in fleet.queues() if (at := name.partition(".")[0]).isdigit() and int(at) < before]
