"""A signal stops a pool (F67), whichever thread receives it, on uvloop and on asyncio's own loop, time after time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convoy_core import Queue
from tests.servers import RealServer

ROOT = Path(__file__).parents[2]

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])

BEGIN = """
import asyncio, itertools, os, signal, sys, threading
if {loop!r} != "uvloop":
    sys.modules["uvloop"] = None
from convoy_core import PoolOptions, Queue, WorkerPool

queue = Queue("trucks")
patience = 8  # far below the 60 s of a run
"""

FIFTY = """
late = []
for n in range(50):
    begun, ended = threading.Event(), threading.Event()

    async def sleep(job):
        begun.set()
        await asyncio.sleep(60)

    def interrupt():
        begun.wait()
        # To this thread alone: the main thread's select is not interrupted.
        signal.pthread_kill(threading.get_ident(), (signal.SIGTERM, signal.SIGINT)[n % 2])
        if not ended.wait(patience):
            late.append(n)
            pool.request_stop(0)
            os.kill(os.getpid(), signal.SIGTERM)

    queue.publish("1")
    pool = WorkerPool(queue, sleep, options=PoolOptions(grace_s=0.002))
    thread = threading.Thread(target=interrupt)
    thread.start()
    status = pool.run()
    ended.set()
    thread.join()
    if late:
        break
print("late:", late, "released:", status.released)
"""

SECOND = """
def meant(*_): pass
signal.signal(signal.SIGTERM, meant)
before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

async def sleep(job):
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(60)

queue.publish("1")
status = WorkerPool(queue, sleep, options=PoolOptions(grace_s=50)).run()
after = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
print("released:", status.released, "restored:", before == after)
"""

FORKED = """
statuses = []

async def fork(job):
    child = os.fork()
    if child == 0:
        os.write(told[1], b"x")
        signal.pause()
    os.read(told[0], 1)
    os.kill(child, signal.SIGTERM)
    statuses.append(os.waitpid(child, 0)[1])

told = os.pipe()
queue.publish_many(["1", "2"])
status = WorkerPool(queue, fork, options=PoolOptions(burst=True)).run()
print("done:", status.done, "children ended by:", statuses)
"""


def say(script: str, loop: str, store: RealServer) -> str:
    """What a process of its own prints that runs the script."""
    environment = {**os.environ, "CONVOY_REDIS_URL": store.url, "PYTHONPATH": str(ROOT)}
    source = BEGIN.format(loop=loop) + script
    ended = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@LOOPS
def test_fifty_stops_by_a_signal_on_either_loop_all_end_at_the_end_of_their_grace(store: RealServer, loop: str) -> None:
    assert say(FIFTY, loop, store) == "late: [] released: 1"
    with Queue("trucks", redis=store.url) as queue:
        assert (queue.counts().queued, queue.counts().processing) == (1, 0)


@LOOPS
def test_a_second_signal_gives_back_at_once_and_the_handlers_from_before_are_restored(
    store: RealServer, loop: str
) -> None:
    assert say(SECOND, loop, store) == "released: 1 restored: True"


@LOOPS
def test_a_signal_to_a_child_that_a_handler_has_forked_ends_the_child_alone(store: RealServer, loop: str) -> None:
    assert say(FORKED, loop, store) == "done: 2 children ended by: [15, 15]"
