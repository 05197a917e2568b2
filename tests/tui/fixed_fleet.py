"""What the fleet of a fixed source answers to pages: a history that led to its snapshots, and acts of operators."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from convoy_core import AuditEntry, Finding, HistoryRow, Level, Snapshot


@dataclass(frozen=True)
class FixedQueue:
    """The history of one queue."""

    rows: Sequence[HistoryRow]

    async def history(self, since: float | None = None, until: float | None = None) -> list[HistoryRow]:
        return [row for row in self.rows if (since or 0) <= row.at <= (until or row.at)]


@dataclass(frozen=True)
class FixedFleet:
    """A store that only answers."""

    snapshots: Sequence[Snapshot]
    acts: Sequence[AuditEntry] = ()

    def queue(self, name: str) -> FixedQueue:
        return FixedQueue([row for each in self.snapshots if each.queue == name for row in led_to(each)])

    async def histories(self, names: Iterable[str], *, last_s: float) -> dict[str, list[HistoryRow]]:
        return {name: [*self.queue(name).rows] for name in names}

    async def audit(
        self, names: Iterable[str] | None = None, *, after: Mapping[str, str] | None = None
    ) -> list[AuditEntry]:
        return [act for act in self.acts if act.place > (after or {}).get(act.queue, "")]

    async def server_info(self) -> dict[str, str]:
        return {
            "valkey_version": "9.1.2",
            "role": "master",
            "redis_mode": "standalone",
            "uptime_in_seconds": "3542400",
            "used_memory": "851443712",
            "used_memory_peak": "920000000",
            "maxmemory": "2147483648",
            "maxmemory_policy": "noeviction",
            "mem_fragmentation_ratio": "1.08",
            "connected_clients": "61",
            "maxclients": "10000",
            "blocked_clients": "34",
            "instantaneous_ops_per_sec": "3120",
            "instantaneous_input_kbps": "1126.4",
            "instantaneous_output_kbps": "2048.0",
            "aof_enabled": "0",
            "rdb_last_save_time": "1789999160",
            "rdb_last_bgsave_status": "ok",
            "rdb_changes_since_last_save": "98211",
            "connected_slaves": "1",
        }

    async def check_server(self) -> list[Finding]:
        advice = "What was written since the last snapshot is lost when the server dies. Set appendonly to yes."
        return [
            Finding("version", Level.OK, "Valkey 9.1.2"),
            Finding("persistence", Level.WARNING, "snapshots only", advice),
            Finding("eviction", Level.OK, "noeviction"),
            Finding("memory", Level.OK, "812.0 MiB of 2.0 GiB"),
            Finding("replicas", Level.OK, "1 connected"),
            Finding("connections", Level.OK, "61 of 10,000"),
            Finding("clock", Level.OK, "0.0 s behind this machine's"),
        ]


def led_to(last: Snapshot) -> list[HistoryRow]:
    """Six hours in waves that end with a snapshot, with a gap of ten minutes."""
    rows = []
    for ago in range(21_600, 0, -20):
        if 4200 >= ago > 3600:
            continue
        queued = int(last.counts.queued * (1 + 0.6 * math.sin(ago / 1100)))
        rest = last.counts.committed - last.counts.queued
        failed = int(last.counts.failed * (1 - ago / 40_000))
        counts = replace(last.counts, queued=queued, committed=queued + rest, failed=failed)
        speeds = zip(last.totals.items(), (9.5, 9, 0.4, 0), strict=False)
        totals = {name: 10_000_000 + n - int(ago * speed) for (name, n), speed in speeds}
        rows.append(HistoryRow(last.at - ago, counts, last.workers, totals))
    return rows


def acts_of(now: float) -> list[AuditEntry]:
    """What three operators have done."""

    def act(ago: float, who: str, verb: str, queue: str, outcomes: dict[str, int], place: int) -> AuditEntry:
        at = now - ago
        return AuditEntry(queue, at, at, who, "command", verb, outcomes, ("a",), "", f"{place}", f"{place}-0")

    return [
        act(9000, "ops@host-1", "pause", "billing:dunning", {"paused": 1}, 1),
        act(700, "guard", "jam_guard", "thumbs", {"queued": 2}, 2),
        act(95, "dana@host-3", "requeue", "webhooks", {"queued": 12}, 3),
    ]
