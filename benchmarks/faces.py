"""The cost of the dashboard and the command line: round trips and bytes of a refresh, and the time to start."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import redis

from benchmarks.figures import AtMost, Figure, Row, Settings, columns
from benchmarks.store import BenchServer, server_for, traffic
from convoy_core import Queue
from convoy_core.moves.keys import Keyspace
from convoy_core.options import DEFAULT_PREFIX
from convoy_core.store.async_connection_pool import AsyncConnectionPool
from convoy_core.store.clients import Role, resolve
from convoy_tui.dashboard.source import LiveSource

LOOKS = 50
"""Refreshes per round."""

IDS = 100
"""In each of the queues that are looked at."""


def refresh(settings: Settings) -> list[Row]:
    """One tick of the dashboard, beside the plain commands that ask how long the queues' keys are, in one pipeline."""
    rows: list[Row] = []
    for queues in (1, 100):
        with server_for(settings) as server, server.client() as client:
            for number in range(queues):
                with Queue(_name(number), redis=server.url) as queue:
                    queue.publish_many(range(IDS))
            rounds = [asyncio.run(_look(server, client, queues)) for _ in range(settings.rounds)]
        rows += _rows_of_refresh(queues, columns(rounds))
    return rows


def _rows_of_refresh(queues: int, taken: Mapping[str, Figure]) -> list[Row]:
    name, what = f"dashboard.{queues}", f"Dashboard, one refresh of {queues} queue{'s' * (queues > 1)}"
    plain = f"{len(LENGTHS) * queues} plain lengths in one pipeline"
    one = AtMost(1)
    return [
        Row(f"{name}.trips", f"{what}: round trips", "", taken["trips"], taken["bare trips"], "a PING", one),
        Row(f"{name}.bytes", f"{what}: both ways", "bytes", taken["bytes"], taken["bare bytes"], plain),
        Row(f"{name}.time", f"{what}: time", "ms", taken["time"], taken["bare time"], plain),
    ]


LENGTHS = {"queued": "LLEN", "committed": "SCARD", "processing": "ZCARD", "failed": "ZCARD", "delayed": "ZCARD"}


async def _look(server: BenchServer, client: redis.Redis, queues: int) -> dict[str, float]:
    """Round trips, bytes and milliseconds of one refresh, and of the plain commands."""
    source, bare = LiveSource(url=server.url), resolve(server.url).async_transport(Role.COMMAND)
    keyspace = Keyspace(DEFAULT_PREFIX)
    keys = [(word, keyspace.queue(_name(n)).named(key)) for n in range(queues) for key, word in LENGTHS.items()]

    async def ping() -> object:
        return await bare.send(("PING",))

    async def plain() -> object:
        return await bare.send_together(keys)

    try:
        await source.look()  # which finds the queues
        await ping()
        took = await _take(client, source.look)
        pinged, measured = await _take(client, ping), await _take(client, plain)
    finally:
        await source.close()
        await bare.aclose()
    return took | {"bare trips": pinged["trips"], "bare bytes": measured["bytes"], "bare time": measured["time"]}


async def _take(client: redis.Redis, look: Callable[[], Awaitable[object]]) -> dict[str, float]:
    await look()
    before, started = traffic(client), time.perf_counter()
    for _ in range(LOOKS):
        await look()
    took = time.perf_counter() - started
    sent = traffic(client) - before
    return {"trips": await _trips(look), "bytes": sent / LOOKS, "time": took * 1000 / LOOKS}


async def _trips(look: Callable[[], Awaitable[object]]) -> int:
    """How often it takes a connection to send. The server cannot tell: it reads long requests in pieces of 16 KiB."""
    with patch.object(
        AsyncConnectionPool, "get_connection", autospec=True, side_effect=AsyncConnectionPool.get_connection
    ) as taken:
        await look()
    return taken.call_count


def _name(number: int) -> str:
    return f"queue{number}"


def starting(settings: Settings) -> list[Row]:
    """Commands and imports, each beside a Python that does nothing, in processes of their own."""
    script = str(Path(sysconfig.get_path("scripts")) / "convoy")
    python = [sys.executable, "-c"]
    with server_for(settings) as server, Queue("queue", redis=server.url) as queue, TemporaryDirectory() as compiled:
        queue.publish_many(range(IDS))
        environment = {**os.environ, "CONVOY_REDIS_URL": server.url, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users do not compile at each start either
        commands = {
            "nothing": [*python, "pass"],
            "cli.help": [script, "--help"],
            "cli.version": [script, "--version"],
            "cli.complete": [script],
            "cli.complete.queue": [script],
            "cli.status": [script, "status"],
            "cli.import": [*python, "import convoy_core"],
        }
        typed = {
            name: {"_CONVOY_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
            for name, words in (("cli.complete", "convoy st"), ("cli.complete.queue", "convoy status qu"))
        }

        def time_all() -> dict[str, float]:
            return {name: _time(line, environment | typed.get(name, {})) for name, line in commands.items()}

        time_all()  # which compiles
        rounds = [time_all() for _ in range(settings.rounds)]
    taken = columns(rounds)
    titles = {
        "cli.help": "convoy --help",
        "cli.version": "convoy --version",
        "cli.complete": "completing a command",
        "cli.complete.queue": "completing the name of a queue",
        "cli.status": "convoy status",
        "cli.import": "import convoy_core",
    }
    bare = "python -c pass"
    reaching = {"cli.status", "cli.complete.queue"}  # they ask the store
    return [
        Row(
            name,
            f"Time of {title}",
            "ms",
            taken[name],
            taken["nothing"],
            bare,
            AtMost(15 if name in reaching else 8, of_the_ratio=True),
        )
        for name, title in titles.items()
    ]


def _time(line: Sequence[str], environment: Mapping[str, str]) -> float:
    """Milliseconds from starting the process to its end."""
    started = time.perf_counter()
    subprocess.run(line, env=environment, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000
