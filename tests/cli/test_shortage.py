"""What cannot be started for want of something has not run: it goes back uncharged, and fewer run for a while (F70)."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from convoy_core import Counts, Queue
from tests.cli.conftest import ROOT
from tests.servers import RealServer
from tests.waiting import PATIENCE

WORK = [sys.executable, "-m", "convoy_tui.cli", "work", "trucks"]

STARVED = """
import json, resource, sys, threading
from convoy_core import Command, Isolated, Queue, State, WorkerPool
from tests.waiting import eventually
if sys.argv[2] == "asyncio":
    sys.modules["uvloop"] = None
handler = Command("sleep 0.2") if sys.argv[3] == "command" else Isolated("tests.handlers.handlers_to_isolate:slow")
queue = Queue("trucks", redis=sys.argv[1])
queue.pause()
queue.publish_many(range(40))
with WorkerPool(queue, handler, concurrency=40, job_timeout=None) as pool:
    eventually(lambda: queue.workers())
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    queue.resume()
    shortages = []
    eventually(lambda: shortages.append(pool.status().shortage) or pool.status().done + pool.status().failed == 40)
status = pool.status()
said = any("Too many open files" in why for why in shortages if why)
print(json.dumps([status.done, status.failed, status.retried, status.released > 0, said]))
print({queue.show(entry.id).failure.error for entry in queue.entries(State.FAILED)}, file=sys.stderr)
"""


def test_fewer_commands_run_than_asked_for_where_descriptors_are_few_and_all_are_done(
    store: RealServer, trucks: Queue
) -> None:
    trucks.publish_many(range(300))

    ended = subprocess.run(
        ["sh", "-c", f"ulimit -n 256; exec {shlex.join(WORK)} --exec 'sleep 0.3' --concurrency 150 --burst"],
        env={**os.environ, "CONVOY_REDIS_URL": store.url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (0, b"300 done\n"), ended.stderr
    said = " ".join(ended.stderr.decode().split())
    assert "the limit of open files (ulimit -n) is too low for 150 processes at a time; at most 48 run" in said
    assert trucks.counts() == Counts()


def test_a_soft_limit_of_descriptors_is_raised(store: RealServer, trucks: Queue) -> None:
    trucks.publish("42")

    ended = subprocess.run(
        [
            "sh",
            "-c",
            f"ulimit -Sn 128; exec {shlex.join(WORK)} --exec 'sh -c \"ulimit -n >&2; exit 1\"' -c 100 --burst",
        ],
        env={**os.environ, "CONVOY_REDIS_URL": store.url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert b"exit status 1: 464" in ended.stderr
    assert b"too low" not in ended.stderr


@pytest.mark.parametrize(("loop", "handler"), [("uvloop", "command"), ("asyncio", "command"), ("asyncio", "isolated")])
def test_what_could_not_be_started_goes_back_uncharged_and_is_done_later(
    store: RealServer, tmp_path: Path, loop: str, handler: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STARVED, store.url, loop, handler],
        cwd=ROOT,
        capture_output=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr.decode()
    assert json.loads(ended.stdout) == [40, 0, 0, True, True], ended.stderr.decode()


STARVED_OF_THREADS = """
import json, os, resource, sys, time
from convoy_core import Queue, WorkerPool
from tests.waiting import eventually
queue = Queue("trucks", redis=sys.argv[1])
queue.pause()
queue.publish_many(range(20))
with WorkerPool(queue, lambda job: None, concurrency=10) as pool:
    eventually(lambda: queue.workers())
    if os.geteuid() == 0:
        os.setresuid(64123, 64123, 64123)  # root knows no such limit
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))
    queue.resume()
    eventually(lambda: pool.status().shortage)
    said, before = pool.status().shortage, pool.status()
    resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
    eventually(lambda: pool.status().done == 20)
    eventually(lambda: pool.status().shortage is None)
print(json.dumps([said, before.done, before.failed, pool.status().failed]))
"""


def test_a_pool_that_can_start_no_thread_charges_no_id_and_resumes_once_it_can(
    store: RealServer, trucks: Queue
) -> None:
    modes = {path: path.stat().st_mode for path in (store.socket, store.socket.parent)}
    for path in modes:
        path.chmod(0o777)  # the process gives up root's rights

    ended = subprocess.run(
        [sys.executable, "-c", STARVED_OF_THREADS, store.url],
        cwd=ROOT,
        capture_output=True,
        timeout=60 * PATIENCE,
        check=False,
    )
    for path, mode in modes.items():
        path.chmod(mode)

    if b"PermissionError" in ended.stderr:
        pytest.skip("this user may neither lower the limit of processes nor become another user")
    assert ended.returncode == 0, ended.stderr.decode()
    said, *numbers = json.loads(ended.stdout)
    assert said.endswith("of 10 slots: can't start new thread")
    assert numbers == [0, 0, 0]
