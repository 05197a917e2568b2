"""The servers for measurements, started and stopped here, and their INFO."""

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

LOGGED_MICROS = 100
"""What takes the server longer is found in its slow log."""


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


def cpu_seconds(client: redis.Redis) -> float:
    """Processor time that the server has taken so far."""
    used = client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def traffic(client: redis.Redis) -> int:
    """Bytes that all other connections have sent and received so far."""
    me = client.client_id()
    others = [each for each in client.client_list() if int(each["id"]) != me]
    return sum(int(each["tot-net-in"]) + int(each["tot-net-out"]) for each in others)


@contextmanager
def slow_log(client: redis.Redis) -> Iterator[list[float]]:
    """Milliseconds of every command meanwhile that took the server long enough to be logged; filled at the end.

    What is shorter is not: logging each of the commands that a script calls would itself take the script's time.
    """
    took: list[float] = []
    client.config_set("slowlog-log-slower-than", LOGGED_MICROS)
    client.slowlog_reset()
    yield took
    client.config_set("slowlog-log-slower-than", -1)
    took += [entry["duration"] / 1000 for entry in client.slowlog_get(10_000)]


def longest_ms(took: list[float]) -> float:
    """The longest in a slow log; what is not logged takes less than that."""
    return max(took, default=LOGGED_MICROS / 1000)


@contextmanager
def commands_sent(client: redis.Redis) -> Iterator[list[str]]:
    """Every command that clients have sent meanwhile, without those that scripts call; filled at the end."""
    sent: list[str] = []
    first, last = "look from here", "up to here"
    with client.monitor() as monitor:  # type: ignore[no-untyped-call] # redis-py left this one without types
        client.echo(first)
        yield sent
        client.echo(last)
        for seen in monitor.listen():
            if last in seen["command"]:
                return
            if first in seen["command"]:
                sent.clear()
            elif seen["client_type"] != "lua":
                sent.append(seen["command"])


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
