"""What a worker has started ends with it, whatever ends the worker; what has ended before is never signalled."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from convoy_core import Queue
from convoy_core.handlers.watcher import FINDS_MARKS
from convoy_core.system.python_program import own_program
from tests.servers import RealServer
from tests.waiting import eventually, patient

ROOT = Path(__file__).parents[2]

HANDLERS = """
import os, pathlib, signal, subprocess, sys, time

def begin(id):
    "Ignore SIGTERM, start a process that does as well, and tell both process IDs."
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    nowhere = subprocess.DEVNULL
    helper = subprocess.Popen(["sleep", "600"], stdin=nowhere, stdout=nowhere, stderr=nowhere)
    pathlib.Path(f"{id}.part").write_text(f"{os.getpid()} {helper.pid}")
    os.rename(f"{id}.part", f"{id}.pids")

def hang(job):
    begin(job.id)
    while True:
        pass

def hang_in_native_code(job):
    begin(job.id)
    sum(range(10**15))  # no other thread of this process gets a turn

if __name__ == "__main__":
    begin(sys.argv[1])
    if not sys.argv[1].startswith("quick"):
        time.sleep(600)
"""
COMMAND = ["--exec", shlex.join([sys.executable, "mine.py", "{}"])]
CONVOY = [sys.executable, "-m", "convoy_tui.cli", "work", "trucks", "-c", "2"]


class Worker:
    """A worker process on the queue `trucks`, in a directory with those handlers."""

    def __init__(self, store: RealServer, home: Path, words: list[str]) -> None:
        self.home = home
        (home / "mine.py").write_text(HANDLERS)
        environment = {**os.environ, "CONVOY_REDIS_URL": store.url, "PYTHONPATH": str(ROOT)}
        output = subprocess.DEVNULL
        self.process = subprocess.Popen(
            words, cwd=home, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        self.seen: set[int] = set()
        """Every process that it is known to have started."""

    def pids_of(self, id: str) -> list[int]:
        """The process that runs the ID, and the one that it has started itself."""
        file = self.home / f"{id}.pids"
        eventually(file.exists)
        pids = [int(pid) for pid in file.read_text().split()]
        self.seen.update(pids)
        return pids

    def watcher(self) -> int:
        """The process that watches over it."""
        table = _ps("-A", "-ww", "-o", "pid=,ppid=,args=").splitlines()
        fields = [line.split(None, 2) for line in table]
        (pid,) = [int(f[0]) for f in fields if f[1] == str(self.process.pid) and "watcher_process" in f[2]]
        self.seen.add(pid)
        return pid

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


Start = Callable[..., Worker]


@pytest.fixture
def trucks(store: RealServer) -> Iterator[Queue]:
    with Queue("trucks", redis=store.url) as queue:
        yield queue


@pytest.fixture
def start(store: RealServer, tmp_path: Path) -> Iterator[Start]:
    """Starts workers, and leaves nothing of them behind even where a test has failed."""
    started: list[Worker] = []

    def start(*args: str, words: list[str] = CONVOY) -> Worker:
        started.append(Worker(store, tmp_path, [*words, *args]))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        for pid in filter(is_running, worker.seen):
            os.kill(pid, signal.SIGKILL)


def _ps(*args: str) -> str:
    return subprocess.run(["ps", *args], capture_output=True, text=True, check=False).stdout


def is_running(pid: int) -> bool:
    """Whether there is such a process; a dead one whom nobody has missed yet does not count."""
    return _ps("-o", "stat=", "-p", str(pid)).strip()[:1] not in {"", "Z"}


def are_gone(*pids: int) -> None:
    """Wait until none of them runs."""
    for pid in pids:
        eventually(lambda pid=pid: not is_running(pid))  # type: ignore[misc]  # mypy cannot infer such a lambda


@pytest.mark.parametrize(
    "handler",
    [COMMAND, ["--handler", "mine:hang", "--isolate"], ["--handler", "mine:hang_in_native_code", "--isolate"]],
    ids=["command", "isolated", "native"],
)
def test_f78_what_a_killed_worker_has_started_dies_with_it(trucks: Queue, start: Start, handler: list[str]) -> None:
    trucks.publish("1")
    worker = start(*handler)
    pids = [*worker.pids_of("1"), worker.watcher()]

    worker.kill()

    are_gone(*pids)


@pytest.mark.parametrize("handler", [COMMAND, ["--handler", "mine:hang", "--isolate"]], ids=["command", "isolated"])
def test_a_worker_that_is_stopped_leaves_nothing(trucks: Queue, start: Start, handler: list[str]) -> None:
    trucks.publish("1")
    worker = start(*handler, "--grace", "100ms")
    pids = [*worker.pids_of("1"), worker.watcher()]

    worker.process.terminate()

    assert worker.process.wait(patient()) == 0
    assert not any(map(is_running, pids))
    assert trucks.counts().queued == 1


def test_a_command_may_clean_up_when_its_worker_is_stopped(trucks: Queue, start: Start, tmp_path: Path) -> None:
    trucks.publish("1")
    script = "trap 'sleep 1.2; touch clean; exit' TERM; echo $$ > 1.pids; while :; do sleep 0.1; done"
    worker = start("--exec", shlex.join(["sh", "-c", script]), "--grace", "100ms")
    eventually(lambda: worker.pids_of("1"))

    worker.process.terminate()

    assert worker.process.wait(patient()) == 0
    assert (tmp_path / "clean").exists()


def test_a_command_that_has_ended_is_not_signalled_when_its_worker_dies(trucks: Queue, start: Start) -> None:
    """Its number may be another's by then; here it is the group of what it has left behind on purpose."""
    trucks.publish("quick")
    worker = start(*COMMAND)
    ended, left = worker.pids_of("quick")
    eventually(lambda: trucks.counts().committed == 0)
    trucks.publish("slow")
    running, watcher = worker.pids_of("slow"), worker.watcher()

    worker.kill()

    are_gone(*running, watcher, ended)
    assert is_running(left)


def test_signals_to_the_process_group_do_not_end_the_watcher(trucks: Queue, start: Start) -> None:
    """Ctrl-C in a terminal goes to a whole group, and a service manager's SIGTERM to all processes of a service."""
    trucks.publish("1")
    worker = start(*COMMAND)
    pids = [*worker.pids_of("1"), worker.watcher()]

    os.killpg(worker.process.pid, signal.SIGINT)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pids[-1], number)
    worker.kill()

    are_gone(*pids)


def test_a_watcher_that_was_killed_has_a_successor_which_watches_all(trucks: Queue, start: Start) -> None:
    trucks.publish("1")
    worker = start(*COMMAND)
    pids = [*worker.pids_of("1"), first := worker.watcher()]

    os.kill(first, signal.SIGKILL)
    trucks.publish("2")
    pids += [*worker.pids_of("2"), second := worker.watcher()]
    worker.kill()

    assert first != second
    are_gone(*pids)


def test_a_watcher_that_was_killed_has_a_successor_before_anything_else_begins(trucks: Queue, start: Start) -> None:
    trucks.publish("1")
    worker = start(*COMMAND)
    pids = [*worker.pids_of("1"), first := worker.watcher()]

    def successor() -> int | None:
        with suppress(ValueError):  # there is none, or its program has not begun
            return watcher if (watcher := worker.watcher()) != first else None
        return None

    os.kill(first, signal.SIGKILL)
    eventually(successor)
    pids.append(worker.watcher())
    worker.kill()

    are_gone(*pids)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")
def test_the_watcher_holds_nothing_but_its_pipe(trucks: Queue, start: Start) -> None:
    trucks.publish("1")
    worker = start(*COMMAND)
    worker.pids_of("1")
    process = Path(f"/proc/{worker.watcher()}")

    held = {int(fd.name): fd.readlink() for fd in (process / "fd").iterdir()}

    assert sorted(held) == [0, 1, 2]
    assert held[0].name.startswith("pipe:")
    assert held[1] == held[2] == Path(os.devnull)
    assert (process / "cwd").readlink() == Path("/")
    assert b"CONVOY_REDIS_URL" not in (process / "environ").read_bytes()


KILLED_BEFORE_IT_TOLD = """
import os, pathlib, signal, sys, time
from convoy_core import Command, Queue, WorkerPool
from convoy_core.handlers import command
from convoy_core.handlers.watcher import Watcher

def begin(self, group, marks):
    pathlib.Path("group.part").write_text(str(group))
    os.rename("group.part", "group")
    while waits_for and not os.path.exists(waits_for):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)

Watcher.begin = begin
command._IS_GATED, waits_for = sys.argv[1] == "gated", sys.argv[2]
WorkerPool(Queue("trucks"), Command(sys.argv[3:])).run()
"""


def test_a_gated_command_does_not_begin_before_the_watcher_knows_it(trucks: Queue, start: Start) -> None:
    trucks.publish("1")

    worker = start(words=[sys.executable, "-c", KILLED_BEFORE_IT_TOLD, "gated", "", "touch", "spoilt"])

    assert worker.process.wait(patient()) == -signal.SIGKILL
    group = int((worker.home / "group").read_text())
    worker.seen.add(group)
    are_gone(group)
    assert not (worker.home / "spoilt").exists()


@pytest.mark.skipif(not FINDS_MARKS, reason="looks into /proc")
@pytest.mark.parametrize(
    "script",
    [
        "echo $$ > here; sleep 600",
        "exec </dev/null >/dev/null 2>&1; echo $$ > here; sleep 600",
        "exec env -i sh -c 'echo $$ > here; sleep 600'",
        "trap '' TERM HUP; (sleep 600) & echo $! > here; wait",
    ],
    ids=["plain", "closes its stdin", "clears its environment", "has started another"],
)
def test_f78_a_command_whose_worker_died_before_the_watcher_knew_it_is_found(
    trucks: Queue, start: Start, script: str
) -> None:
    trucks.publish("1")
    trucks.publish("2")

    worker = start(words=[sys.executable, "-c", KILLED_BEFORE_IT_TOLD, "free", "here", "sh", "-c", script])

    assert worker.process.wait(patient()) == -signal.SIGKILL
    pids = [int((worker.home / name).read_text()) for name in ("group", "here")]
    worker.seen.update(pids)
    are_gone(*pids)


KILLED_BEFORE_THE_START = """
import os, pathlib, signal, time
from convoy_core import Command, Queue, WorkerPool
from convoy_core.handlers.watcher import Watcher

told = Watcher.expect

def expect(self, marks):
    told(self, marks)
    forked = os.fork()
    if forked == 0:
        time.sleep(600)
    pathlib.Path("forked").write_text(f"{self._process.pid} {forked}")
    os.kill(os.getpid(), signal.SIGKILL)

Watcher.expect = expect
WorkerPool(Queue("trucks"), Command("true")).run()
"""


def test_nobody_else_dies_with_a_worker_that_was_about_to_start_a_command(trucks: Queue, start: Start) -> None:
    """The forked child holds the pipe by which the command would have been found, but not as its stdin."""
    trucks.publish("1")

    worker = start(words=[sys.executable, "-c", KILLED_BEFORE_THE_START])

    assert worker.process.wait(patient()) == -signal.SIGKILL
    watcher, forked = map(int, (worker.home / "forked").read_text().split())
    worker.seen.update((watcher, forked))
    are_gone(watcher)
    assert is_running(forked)


FORKED = """
import os, pathlib, signal, sys, time
from convoy_core import Command, Queue, WorkerPool

WorkerPool(Queue("trucks"), Command([sys.executable, "mine.py", "{}"])).start()
while not pathlib.Path("1.pids").exists():
    time.sleep(0.01)
forked = os.fork()
if forked == 0:
    time.sleep(600)
pathlib.Path("forked.part").write_text(str(forked))
os.rename("forked.part", "forked.pids")
time.sleep(600)
"""


def test_a_forked_child_of_a_worker_does_not_delay_the_watcher(trucks: Queue, start: Start) -> None:
    trucks.publish("1")
    worker = start(words=[sys.executable, "-c", FORKED])
    pids = [*worker.pids_of("1"), worker.watcher()]
    (forked,) = worker.pids_of("forked")

    worker.kill()

    are_gone(*pids)
    assert is_running(forked)


def test_a_child_whose_worker_died_before_it_was_ready_ends_without_a_traceback() -> None:
    words = own_program(
        "convoy_core.handlers.isolated_child", "tests.handlers.handlers_to_isolate:work", *filter(None, sys.path)
    )
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        said = child.stderr.read()

    assert said == b""
