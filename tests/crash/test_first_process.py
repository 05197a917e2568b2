"""`convoy work` as process 1 of a container (F74) waits for whatever is orphaned there, and nothing else changes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from convoy_core import Queue
from tests.servers import RealServer
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc"]

# An orphan that ends only after its parent, whose status says whether the run was one.
ORPHAN = """sh -c '(sleep 0.2; touch "gone-$CONVOY_ID") >&- 2>&- & exit $((CONVOY_ID % 2))'"""


@cache
def refusal() -> str:
    """Why there can be no process 1 here, or nothing."""
    if shutil.which("unshare") is None:
        return "there is no unshare"
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


@pytest.fixture
def trucks(store: RealServer) -> Iterator[Queue]:
    if reason := refusal():
        pytest.skip(reason)
    with Queue("trucks", redis=store.url) as queue:
        yield queue


def below(pid: int) -> list[tuple[int, str]]:
    """All processes below that one, each with its name; zombies too."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in table.splitlines()]
    family, found = {pid}, []
    for child, parent, name in rows:  # in the order of their numbers, so parents first; good enough for a fresh family
        if int(parent) in family:
            family.add(int(child))
            found.append((int(child), name))
    return found


@pytest.mark.parametrize("processes", [[], ["--processes", "1"]], ids=["one pool", "supervised"])
def test_process_1_leaves_no_zombie_and_takes_no_status_away(
    store: RealServer, trucks: Queue, tmp_path: Path, processes: list[str]
) -> None:
    trucks.publish_many(range(6))
    convoy = [sys.executable, "-m", "convoy_tui.cli", "work", "trucks", "-c", "3", "--exec", ORPHAN, *processes]
    environment = {**os.environ, "CONVOY_REDIS_URL": store.url, "PYTHONPATH": str(ROOT)}
    container = subprocess.Popen(
        [*UNSHARE, *convoy], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        eventually(lambda: len(list(tmp_path.glob("gone-*"))) == 6, within_s=60)
        eventually(lambda: not any(name.startswith(("sh", "sleep", "touch")) for _, name in below(container.pid)))
        first, *_ = (pid for pid, _ in below(container.pid))

        os.kill(first, signal.SIGTERM)

        out, _ = container.communicate(timeout=60)
        assert (container.returncode, out) == (5, "3 done, 3 failed\n")
        assert trucks.counts().failed == 3
    finally:
        if container.poll() is None:
            for pid, _ in below(container.pid)[:1]:
                os.kill(pid, signal.SIGKILL)
            container.wait(30)
