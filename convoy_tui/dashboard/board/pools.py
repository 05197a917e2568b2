"""The pools of all queues, grouped by host, as rows of a table. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from convoy_core import Entry, PoolState, WorkerInfo
from convoy_tui.dashboard.board.cells import Align, Column
from convoy_tui.dashboard.board.columns import rate, short
from convoy_tui.dashboard.board.glyphs import Glyphs
from convoy_tui.dashboard.board.pool_rates import Speed
from convoy_tui.dashboard.board.spans import Span, Tone
from convoy_tui.text.safe_text import safe
from convoy_tui.text.words import age, count, number
from convoy_tui.text.workers import bar_word


@dataclass(frozen=True, slots=True)
class Here:
    """What this process knows of a pool of its own."""

    name: str
    state: PoolState
    trouble: str = ""
    """Why the store is away, or why fewer run than could."""


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool, as it was at the time `at` of the store."""

    info: WorkerInfo
    held: tuple[Entry, ...]
    """The IDs that it holds, the oldest first, as far as they have been read."""
    at: float
    speed: Speed | None = None
    here: Here | None = None
    """None: it belongs to another process."""

    @property
    def oldest_s(self) -> float | None:
        """How long it has held the ID that it has held longest."""
        since = self.held[0].since if self.held else None
        return None if since is None else max(0.0, self.at - since)

    @property
    def silent_s(self) -> float | None:
        """For how long its lease has run out, if it has."""
        return None if self.info.is_live else -self.info.lease_ends_in_s

    def at_time(self, at: float) -> Pool:
        """The same pool a little later; a living one has renewed its lease meanwhile."""
        later = max(0.0, at - self.at)
        info = self.info if self.info.is_live else replace(self.info, lease_ends_in_s=self.info.lease_ends_in_s - later)
        return replace(self, info=info, at=self.at + later)


@dataclass(frozen=True, slots=True)
class HostRow:
    """A host, with the pools on it."""

    host: str
    pools: tuple[Pool, ...]
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool, under its host."""

    pool: Pool


@dataclass(frozen=True, slots=True)
class UnservedRow:
    """A queue in which IDs wait and on which nobody works."""

    queue: str
    waiting: int


_DIGITS = re.compile(r"([0-9]{1,18})")

PoolsRow: TypeAlias = "HostRow | PoolRow | UnservedRow"


def key(row: PoolsRow) -> str:
    """What tells a row from all others, whatever the names of hosts and queues are."""
    match row:
        case HostRow():
            return f"host {row.host}"
        case PoolRow():
            return f"pool {row.pool.info.id}"
        case UnservedRow():
            return f"queue {row.queue}"


def process(info: WorkerInfo, room: int) -> str:
    """The host and the process of a pool, in so many cells."""
    pid = f":{'?' if info.pid is None else info.pid}"
    return safe(info.host or "?", max(4, room - len(pid))) + pid


def arrange(pools: Iterable[Pool], unserved: Iterable[UnservedRow], folded: frozenset[str]) -> tuple[PoolsRow, ...]:
    """Queues without workers first, then the hosts by name with their pools; the silent ones above the rest."""
    by_host: defaultdict[str, list[Pool]] = defaultdict(list)
    for pool in pools:
        by_host[pool.info.host].append(pool)
    rows: list[PoolsRow] = list(unserved)
    for host in sorted(by_host, key=lambda host: (all(pool.info.is_live for pool in by_host[host]), _as_read(host))):
        members = by_host[host]
        members.sort(key=lambda pool: (pool.info.is_live, pool.info.queue, pool.info.pid or 0, pool.info.id))
        rows.append(HostRow(host, tuple(members), host in folded))
        if host not in folded:
            rows += map(PoolRow, members)
    return tuple(rows)


def _as_read(name: str) -> list[tuple[int, str]]:
    """host-9 comes before host-12."""
    return [(int(part) if i % 2 else 0, part) for i, part in enumerate(_DIGITS.split(name))]


# -- cells


def _who(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
    match row:
        case HostRow():
            fold = glyphs.pick("▸", ">") if row.is_folded else glyphs.pick("▾", "v")
            return Span(f"{fold} {safe(row.host or '?', width - 2)}", Tone.STRONG)
        case PoolRow(pool):
            here = f" {pool.here.name}" if pool.here is not None else ""
            return Span(f"  {'?' if pool.info.pid is None else pool.info.pid}{here}")
        case UnservedRow():
            return Span("nobody", Tone.WARNING)


def _queue(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
    match row:
        case HostRow():
            return Span(safe(count(len(row.pools), "pool"), width), Tone.DIM)
        case PoolRow(pool):
            return Span(safe(pool.info.queue, width))
        case UnservedRow():
            return Span(safe(row.queue, width))


def _state(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
    match row:
        case HostRow():
            silent = sum(not pool.info.is_live for pool in row.pools)
            return Span(f"{number(silent)} silent", Tone.WARNING) if silent else Span("")
        case PoolRow(pool):
            return _word(pool, glyphs)
        case UnservedRow():
            return Span(f"{glyphs.pick('▲', '^')} {short(row.waiting)} wait{'s' * (row.waiting == 1)}", Tone.WARNING)


def _word(pool: Pool, glyphs: Glyphs) -> Span:
    silent_s = pool.silent_s
    if silent_s is not None:
        return Span(f"{glyphs.pick('▲', '^')} silent {age(silent_s)}", Tone.WARNING)
    if pool.here is not None and pool.here.state.is_stopping:
        return Span(f"{glyphs.pick('‖', '=')} stopping", Tone.DELIBERATE)
    if bar := bar_word(pool.info):
        return Span(f"{glyphs.pick('‖', '=')} {bar}", Tone.DELIBERATE)
    if pool.here is not None and pool.here.trouble:
        return Span(f"{glyphs.pick('△', '+')} hindered", Tone.WARNING)
    return Span(f"{glyphs.pick('●', 'o')} alive", Tone.FINE)


def _busy(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
    match row:
        case HostRow():
            slots = sum(pool.info.concurrency or 0 for pool in row.pools)
            return _of(sum(pool.info.running for pool in row.pools), slots, Tone.DIM)
        case PoolRow(pool):
            tone = Tone.NORMAL if pool.info.running else Tone.DIM
            return _of(pool.info.running, pool.info.concurrency, tone)
        case UnservedRow():
            return Span("0", Tone.WARNING)


def _of(running: int, slots: int | None, tone: Tone) -> Span:
    return Span(f"{short(running)}/{short(slots) if slots else '?'}", tone)


def _oldest(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
    ages = [pool.oldest_s for pool in _pools(row) if pool.oldest_s is not None]
    return Span(age(max(ages)), Tone.DIM if isinstance(row, HostRow) else Tone.NORMAL) if ages else Span("—", Tone.DIM)


def _pools(row: PoolsRow) -> Sequence[Pool]:
    match row:
        case HostRow():
            return row.pools
        case PoolRow(pool):
            return (pool,)
        case UnservedRow():
            return ()


def _speed(pick: Callable[[Speed], float], alarm: Tone = Tone.NORMAL) -> Callable[[PoolsRow, Glyphs, int], Span]:
    def cell(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
        speeds = [pick(pool.speed) for pool in _pools(row) if pool.speed is not None]
        value = sum(speeds) if speeds else None
        return Span(rate(value), alarm if value and not isinstance(row, HostRow) else Tone.DIM)

    return cell


def _counter(pick: Callable[[WorkerInfo], int]) -> Callable[[PoolsRow, Glyphs, int], Span]:
    def cell(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
        pools = _pools(row)
        if not pools:
            return Span("—", Tone.DIM)
        total = sum(pick(pool.info) for pool in pools)
        return Span(short(total), Tone.NORMAL if total and not isinstance(row, HostRow) else Tone.DIM)

    return cell


def _handler(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(row.pool.info.handler, width), Tone.DIM) if isinstance(row, PoolRow) else Span("")


def _version(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
    return Span(safe(row.pool.info.version, width), Tone.DIM) if isinstance(row, PoolRow) else Span("")


def _up(row: PoolsRow, glyphs: Glyphs, width: int) -> Span:
    if not isinstance(row, PoolRow) or row.pool.info.since is None:
        return Span("")
    return Span(age(max(0.0, row.pool.at - row.pool.info.since)), Tone.DIM)


COLUMNS: tuple[Column[PoolsRow], ...] = (
    Column("HOST, PID", 18, _who, Align.LEFT, is_name=True),
    Column("QUEUE", 0, _queue, Align.LEFT),
    Column("STATE", 16, _state, Align.LEFT),
    Column("HANDLER", 20, _handler, Align.LEFT, least=110),
    Column("BUSY", 7, _busy),
    Column("OLDEST", 7, _oldest, least=76),
    Column("OUT/s", 6, _speed(lambda speed: speed.done_s), least=76),
    Column("FAIL/s", 6, _speed(lambda speed: speed.failed_s, Tone.WARNING), least=96),
    Column("DONE", 7, _counter(lambda info: info.done), least=128),
    Column("FAILED", 7, _counter(lambda info: info.failed), least=128),
    Column("UP", 7, _up, least=136),
    Column("VERSION", 12, _version, Align.LEFT, least=150),
)
"""The columns, of which those show that the table has room for."""
