"""The other queues: the packages of each, and its environment below `.bench-peers`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOMES = ROOT / ".bench-peers"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that can be measured."""

    name: str
    packages: tuple[str, ...]
    """What to install; the first is the queue itself. None for Convoy, which is installed here."""
    jobs: int
    """How many of its jobs take it some seconds."""
    remark: str = ""
    is_node: bool = False


QUEUES = {
    "convoy": Queue("Convoy", (), 100_000, "every publish is unique"),
    "rq": Queue("RQ", ("rq",), 2_000, "SimpleWorker, one job at a time"),
    "saq": Queue("SAQ", ("saq[redis]", "typing_extensions"), 10_000, "bulk is 500 at once"),
    "huey": Queue("Huey", ("huey", "redis"), 10_000, "threads; does not acknowledge"),
    "dramatiq": Queue("Dramatiq", ("dramatiq[redis]",), 10_000, "threads"),
    "taskiq": Queue("taskiq", ("taskiq", "taskiq-redis"), 10_000, "stream broker; bulk is 500 at once"),
    "bullmq": Queue("BullMQ for Python", ("bullmq",), 10_000),
    "bullmq_node": Queue("BullMQ", ("bullmq", "ioredis"), 20_000, "Node", is_node=True),
    "bee_queue": Queue("Bee-Queue", ("bee-queue",), 20_000, "Node", is_node=True),
    "redis_convoy": Queue(
        "redis-convoy",
        ("redis-convoy@0.1.4",),
        10_000,
        "Node; one job at a time; every publish is unique",
        is_node=True,
    ),
}


class NotInstalled(Exception):
    """A queue cannot be had here; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Program:
    """What carries out orders for one queue, and its release."""

    command: tuple[str, ...]
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


def program_of(key: str, *, upgrade: bool) -> Program:
    """The program of that queue, installed now if it is not there, or, on demand, if it is not the newest.

    Raises NotInstalled.
    """
    try:
        return _on_node(key, upgrade=upgrade) if QUEUES[key].is_node else _on_python(key, upgrade=upgrade)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines()
        raise NotInstalled(f"cannot be installed: {said[-1] if said else error}") from error


def _on_python(key: str, *, upgrade: bool) -> Program:
    packages = QUEUES[key].packages
    python = Path(sys.executable)
    if packages:
        home = HOMES / key
        python, installed = home / "bin" / "python", home / ".installed"
        if upgrade or not installed.exists():
            venv.create(home, with_pip=True, clear=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
            # Everybody reads replies with the same parser.
            subprocess.run([*pip, *packages, "hiredis"], check=True, capture_output=True, text=True)
            installed.touch()
    distribution = packages[0].partition("[")[0] if packages else "convoy-queue"
    code = f"import importlib.metadata as m, json; print(json.dumps(m.version({distribution!r})))"
    answer = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout
    return Program((str(python), "-m", "benchmarks.peer_scripts"), json.loads(answer))


def _on_node(key: str, *, upgrade: bool) -> Program:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotInstalled("needs node and npm, which are not here")
    packages = QUEUES[key].packages
    home = HOMES / key
    package = home / "node_modules" / packages[0].partition("@")[0] / "package.json"
    if upgrade or not package.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home)]
        subprocess.run([*install, *packages], check=True, capture_output=True, text=True)
    script = ROOT / "benchmarks" / "peer_scripts" / "node" / "peer.cjs"
    modules = {**os.environ, "NODE_PATH": str(home / "node_modules"), "NODE_NO_WARNINGS": "1"}
    return Program((node, str(script)), json.loads(package.read_text())["version"], modules)
