"""The rates of the commands that stream IDs, beside what the library does in the same time."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import AtMost, Row, Settings, columns
from benchmarks.store import empty, server_for
from convoy_core import Queue, State

SCRIPT = str(Path(sysconfig.get_path("scripts")) / "convoy")
QUEUE = "bench"


def commands(settings: Settings) -> list[Row]:
    """`convoy publish -` and the listings of a whole state, each with its start."""
    n = settings.size(300_000, 2_000)
    ids = "".join(f"{number}\n" for number in range(n)).encode()
    rounds: list[dict[str, float]] = []
    with server_for(settings) as server, server.client() as client, Queue(QUEUE, redis=server.url) as queue:
        environment = {**os.environ, "CONVOY_REDIS_URL": server.url}

        def run(*arguments: str) -> None:
            subprocess.run([SCRIPT, *arguments], env=environment, input=ids, check=True, capture_output=True)

        for _ in range(settings.rounds):
            taken = {"publish": _timed(lambda: run("publish", QUEUE, "-"))}
            empty(client)
            taken["publish_many"] = _timed(lambda: queue.publish_many(range(n)))
            taken["ids"] = _timed(lambda: run("list", QUEUE, "--all", "-o", "ids"))
            taken["plain"] = _timed(lambda: run("list", QUEUE, "--all"))
            taken["entries"] = _timed(lambda: all(queue.entries(State.QUEUED)))
            empty(client)
            rounds.append({name: seconds * 1_000_000 / n for name, seconds in taken.items()})
    figures = columns(rounds)
    unit, every, third = "s for a million", "a loop over Queue.entries", AtMost(14.3)
    return [
        Row(
            "cli.streams.publish",
            "convoy publish -",
            unit,
            figures["publish"],
            figures["publish_many"],
            "publish_many of the same",
        ),
        Row("cli.streams.ids", "convoy list --all -o ids", unit, figures["ids"], figures["entries"], every, third),
        Row("cli.streams.list", "convoy list --all", unit, figures["plain"], figures["entries"], every, third),
    ]


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
