"""The servers that measurements run on, each started and ended here, and what a server says about itself."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import redis

from benchmarks.figures import Settings
from tests.servers import PortServer, valkey_binary

ROUND_TRIPS = frozenset({"eval", "evalsha", "eval_ro", "evalsha_ro", "blmove"})
"""Commands that a worker sends to move IDs; no script calls any of them, so each call of one is a round trip."""


class BenchServer(PortServer):
    """A server of its own for one measurement; nothing is written to disk."""

    def __init__(self, settings: Settings) -> None:
        # A million IDs are seeded by long scripts, and every call is to be found in the slow log.
        super().__init__(valkey_binary(), "--slowlog-max-len", "10000", "--appendonly", "no")
        if settings.transport == "tcp":
            self.url = f"redis://127.0.0.1:{self.port}/0"


@contextmanager
def server_for(settings: Settings) -> Iterator[BenchServer]:
    """An empty server, ended afterwards."""
    server = BenchServer(settings)
    try:
        yield server
    finally:
        server.stop()


def empty(client: redis.Redis) -> None:
    """Remove all data; scripts stay known, as on a store in use."""
    client.flushall()


def round_trips(client: redis.Redis) -> int:
    """How many round trips the workers of this server have made."""
    stats = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ROUND_TRIPS)


def traffic(client: redis.Redis) -> tuple[int, int]:
    """How often the server has read from a socket, and bytes in and out together, this question included."""
    stats = client.info("stats")
    return stats["total_reads_processed"], stats["total_net_input_bytes"] + stats["total_net_output_bytes"]


def server_micros(client: redis.Redis) -> float:
    """Microseconds that the server has spent in scripts since `config resetstat`, per call."""
    stats = client.info("commandstats")
    scripts = [stats[name] for name in ("cmdstat_evalsha", "cmdstat_evalsha_ro") if name in stats]
    return float(sum(each["usec"] for each in scripts) / sum(each["calls"] for each in scripts))


def machine(settings: Settings) -> dict[str, Any]:
    """What the figures were measured with."""
    with server_for(settings) as server, server.client() as client:
        info = client.info("server")
    name, version = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info["redis_version"])
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "server": f"{name} {version}",
        "transport": "loopback TCP" if settings.transport == "tcp" else "unix socket",
        "persistence": "off",
        "python": platform.python_version(),
        "redis-py": importlib.metadata.version("redis"),
        "hiredis": importlib.metadata.version("hiredis"),
        "uvloop": importlib.metadata.version("uvloop") if importlib.util.find_spec("uvloop") else "no",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }
