"""The other queues: the packages of each, and its environment below `.bench-peers`."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HOMES = Path(__file__).parent.parent / ".bench-peers"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that can be measured."""

    name: str
    packages: tuple[str, ...]
    """What to install; the first is the queue itself. None for Convoy, which is installed here."""
    jobs: int
    """How many of its jobs take it some seconds."""
    remark: str = ""


QUEUES = {
    "convoy": Queue("Convoy", (), 100_000, "every publish is unique"),
    "rq": Queue("RQ", ("rq",), 2_000, "SimpleWorker, one job at a time"),
    "saq": Queue("SAQ", ("saq[redis]", "typing_extensions"), 10_000, "bulk is 500 at once"),
    "huey": Queue("Huey", ("huey", "redis"), 10_000, "threads; does not acknowledge"),
    "dramatiq": Queue("Dramatiq", ("dramatiq[redis]",), 10_000, "threads"),
    "taskiq": Queue("taskiq", ("taskiq", "taskiq-redis"), 10_000, "stream broker; bulk is 500 at once"),
    "bullmq": Queue("BullMQ for Python", ("bullmq",), 10_000),
}


def python_of(key: str, *, upgrade: bool) -> str:
    """The Python that has that queue, installed now if it is not there, or, on demand, if it is not the newest.

    Raises CalledProcessError when it cannot be installed.
    """
    packages = QUEUES[key].packages
    if not packages:
        return sys.executable
    home = HOMES / key
    python, installed = home / "bin" / "python", home / ".installed"
    if upgrade or not installed.exists():
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
        # Everybody reads replies with the same parser.
        subprocess.run([*pip, *packages, "hiredis"], check=True, capture_output=True, text=True)
        installed.touch()
    return str(python)


def version_of(key: str, python: str) -> str:
    """The release that is installed there."""
    distribution = QUEUES[key].packages[0].partition("[")[0] if QUEUES[key].packages else "convoy-queue"
    code = f"import importlib.metadata as m, json; print(json.dumps(m.version({distribution!r})))"
    answer = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
    version: str = json.loads(answer)
    return version
