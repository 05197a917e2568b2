"""`convoy workers`: list the pools of each queue, alive or silent, and the IDs they hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import typer

from convoy_core import Fleet, Snapshot, State, WorkerInfo
from convoy_tui.cli import parameters as p
from convoy_tui.cli.command import command
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.io.output import Column, Shape
from convoy_tui.cli.io.table import Cell
from convoy_tui.cli.session import Session
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number
from convoy_tui.text.workers import bar_word


@dataclass(frozen=True, slots=True)
class Row:
    """One pool and the IDs it holds, oldest first."""

    pool: WorkerInfo
    holds: list[str]


def _state(row: Row) -> Cell:
    if not row.pool.is_live:
        return Cell(f"silent {age(-row.pool.lease_ends_in_s)}", "bold yellow")
    return Cell(_word(row), "green" if _word(row) == "alive" else "magenta")


def _word(row: Row) -> str:
    """How it is: silent before all else, and alive where nothing keeps it from claiming."""
    if not row.pool.is_live:
        return "silent"
    return bar_word(row.pool) or "alive"


def _busy(row: Row) -> Cell:
    slots = row.pool.concurrency
    return Cell(f"{row.pool.running}/{slots}" if slots else str(row.pool.running))


SHAPE: Shape[Row] = Shape(
    "convoy.workers/1",
    "workers",
    [
        Column("QUEUE", lambda row: row.pool.queue, shrinks=True),
        Column("WORKER", lambda row: row.pool.id, drop=3),
        Column("STATE", _word, _state),
        Column(
            "HOST", lambda row: row.pool.host, lambda row: Cell(f"{row.pool.host}:{row.pool.pid}"), shrinks=True, drop=2
        ),
        Column("BUSY", lambda row: row.pool.running, _busy, right=True),
        Column("DONE", lambda row: row.pool.done, lambda row: Cell(number(row.pool.done)), right=True),
        Column("FAILED", lambda row: row.pool.failed, lambda row: Cell(number(row.pool.failed)), right=True),
        Column("HANDLER", lambda row: row.pool.handler, shrinks=True, drop=1),
        Column("HOLDS", lambda row: len(row.holds), lambda row: Cell(", ".join(row.holds[:20])), shrinks=True, drop=4),
        Column("VERSION", lambda row: row.pool.version, shrinks=True, drop=1, hides=True),
    ],
    lambda row: asdict(row.pool) | {"is_live": row.pool.is_live, "holds": row.holds},
    lambda row: row.pool.id,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "workers", panel="Look")(workers)


def workers(session: Session, queues: p.OptionalQueueNames = None) -> Code:
    """List the worker pools and what they hold.

    The lease of a silent pool ran out; any other pool recovers its IDs within seconds. A quiet one
    (`convoy quiet`), and one whose version is too low (`convoy describe --lowest-version`), claims nothing.

    Examples:
      convoy workers
      convoy workers trucks --json
    """
    names = session.names(queues or [])
    rows = [row for name in names for row in _rows(session.fleet, name)]
    bars = [snapshot for snapshot in session.fleet.snapshot(names) if snapshot.bars.are_set]
    session.out.rows(SHAPE, rows, {"bars": [{"queue": one.queue, **asdict(one.bars)} for one in bars]})
    for one in bars:
        session.messages.note(_told(one))
    if not rows:
        session.messages.note("No workers. `convoy work QUEUE --handler pkg.mod:fn` starts some.")
    return Code.DONE


def _told(snapshot: Snapshot) -> str:
    """What bars workers of a queue, in a sentence."""
    bars = snapshot.bars
    told = [f"host {safe(host, 60)} is quiet" for host in bars.quiet_hosts[:20]]
    if bars.quiet_workers:
        verb = "is" if len(bars.quiet_workers) == 1 else "are"
        told.append(f"{count(len(bars.quiet_workers), 'worker')} {verb} quiet")
    if bars.lowest_version:
        told.append(f"the lowest version that may claim is {safe(bars.lowest_version, 60)}")
    return f"{safe(snapshot.queue, 60)}: {', '.join(told)}."


def _rows(fleet: Fleet, name: str) -> list[Row]:
    queue = fleet.queue(name)
    pools = sorted(queue.workers(), key=lambda pool: (not pool.is_live, pool.host, pool.pid or 0))
    holds: dict[str, list[str]] = {pool.id: [] for pool in pools}
    if pools:
        for entry in queue.entries(State.PROCESSING):
            if entry.worker in holds:
                holds[entry.worker].append(entry.id)
    return [Row(pool, holds[pool.id]) for pool in pools]
