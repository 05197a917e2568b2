"""`convoy work --processes`: real processes under one supervisor, killed, stopped and added up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from convoy_core import Queue, State
from convoy_core.system.python_program import own_program
from convoy_tui.cli.flags import Flags
from convoy_tui.cli.session import Session
from convoy_tui.cli.work.worker_process import Workers, child_command, child_environment
from tests.cli.conftest import ROOT, Convoy, states
from tests.cli.terminal import Terminal
from tests.waiting import eventually, patient

HANDLERS = """
import os, pathlib, time

folder = pathlib.Path(__file__).parent

def wait(job):
    (folder / f"ran-{job.id}-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
    if job.id.startswith("bad"):
        raise RuntimeError("flat tyre")
"""

NOISY = """
import os, sys

def work(job):
    (socket,) = (word.partition("=")[2] for word in sys.argv if word.startswith("--control-socket="))
    os.write(int(socket), job.content * 2 + b"\\n")
"""
"""Writes payloads to the socket by which its process reports; twice a megabyte is more than a line may have."""

CONVOY = [sys.executable, "-m", "convoy_tui.cli"]


class Supervised:
    """`convoy work trucks --processes 3` on a handler that waits for the file `go`."""

    def __init__(self, convoy: Convoy, folder: Path, *args: str) -> None:
        (folder / "mine.py").write_text(HANDLERS)
        self.folder = folder
        command = [*CONVOY, "work", "trucks", "--handler", "mine:wait", "--processes", "3", *args]
        environment = {**os.environ, **convoy.environment}
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            self.process = subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=err)

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    def go(self) -> None:
        """Let all jobs end."""
        (self.folder / "go").touch()

    def end(self) -> int:
        return self.process.wait(patient())


@pytest.fixture
def supervised(convoy: Convoy, tmp_path: Path) -> Iterator[Supervised]:
    """Three processes, and nothing of them left afterwards."""
    running = Supervised(convoy, tmp_path)
    yield running
    _put_away(running)


@pytest.fixture
def burst(convoy: Convoy, tmp_path: Path, trucks: Queue) -> Iterator[Supervised]:
    """The same in a burst over thirty IDs, two jobs at once each."""
    trucks.publish_many(range(30))
    running = Supervised(convoy, tmp_path, "--burst", "-c", "2")
    yield running
    _put_away(running)


def _put_away(running: Supervised) -> None:
    running.go()
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def pids(queue: Queue) -> set[int]:
    """The processes that work on it."""
    return {worker.pid for worker in queue.workers() if worker.pid and worker.is_live}


def is_alive(pid: int) -> bool:
    """Whether there is such a process; nobody's zombie counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc/self").exists() else True


def test_a_killed_process_is_replaced_and_every_id_ends_done(burst: Supervised, trucks: Queue) -> None:
    eventually(lambda: trucks.counts().processing == 6)
    before = pids(trucks)

    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(pids(trucks) - before) == 1)
    burst.go()

    assert burst.end() == 0, burst.err
    assert burst.out == "30 done\n"
    assert f"(pid {victim}) was killed by SIGKILL; any IDs it held will be recovered" in burst.err
    assert "Starting another in 0.5 s." in burst.err
    assert {path.name.split("-")[1] for path in burst.folder.glob("ran-*")} == set(map(str, range(30)))
    counts = trucks.counts()
    assert (counts.committed, counts.failed) == (0, 0)


def test_the_first_signal_lets_running_jobs_finish(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(HANDLERS)
    trucks.publish_many(["1", "bad", "3", "4"])
    args = ["work", "trucks", "--handler", "mine:wait", "--processes", "3"]
    path = os.pathsep.join([str(tmp_path), convoy.environment["PYTHONPATH"]])

    with Terminal(*args, env={"CONVOY_REDIS_URL": convoy.url, "PYTHONPATH": path}, columns=100) as screen:
        screen.expect("3 processes running · 0 done · 3 running")
        screen.interrupt()
        screen.expect("3 processes stopping")
        (tmp_path / "go").touch()
        assert screen.end() == 5

    assert screen.text.endswith("2 done, 1 failed")
    assert "'bad' failed: RuntimeError: flat tyre" in screen.text
    assert states(trucks, "1", "bad", "3", "4") == [State.ABSENT, State.FAILED, State.ABSENT, State.QUEUED]
    assert trucks.workers() == []


def test_a_second_signal_gives_everything_back_at_once(supervised: Supervised, trucks: Queue) -> None:
    trucks.publish_many(["1", "2", "3"])
    eventually(lambda: trucks.counts().processing == 3)

    supervised.process.send_signal(signal.SIGINT)
    supervised.process.send_signal(signal.SIGTERM)

    assert supervised.end() == 0, supervised.err
    assert supervised.out == "0 done, 3 released\n"
    assert trucks.counts().queued == 3


def test_a_process_that_dies_while_all_are_stopped_is_told_and_ends_with_5(
    supervised: Supervised, trucks: Queue
) -> None:
    trucks.publish_many(["1", "2", "3"])
    eventually(lambda: trucks.counts().processing == 3)
    victim = min(pids(trucks))

    os.kill(victim, signal.SIGSTOP)
    supervised.process.send_signal(signal.SIGTERM)
    supervised.go()
    eventually(lambda: len(trucks.workers()) == 1)
    os.kill(victim, signal.SIGKILL)

    assert supervised.end() == 5, supervised.err
    assert supervised.out == "2 done\n"
    assert f"(pid {victim}) was killed by SIGKILL" in supervised.err
    assert "Starting another" not in supervised.err


def test_processes_end_gracefully_when_their_supervisor_is_killed(supervised: Supervised, trucks: Queue) -> None:
    trucks.publish_many(["1", "2", "3"])
    eventually(lambda: trucks.counts().processing == 3)
    orphans = pids(trucks)

    supervised.process.kill()
    supervised.go()

    eventually(lambda: not any(map(is_alive, orphans)))
    assert trucks.counts().committed == 0
    assert trucks.workers() == []


def test_a_process_that_is_stopped_alone_is_replaced(supervised: Supervised, trucks: Queue) -> None:
    eventually(lambda: len(pids(trucks)) == 3)
    before = pids(trucks)

    os.kill(min(before), signal.SIGTERM)

    eventually(lambda: len(pids(trucks) - before) == 1 and len(pids(trucks)) == 3)
    assert "was stopped by others. Starting another" in supervised.err
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.end() == 0


def test_a_burst_ends_when_all_have_ended_and_adds_them_up(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish_many(range(100))

    args = ["--handler", "examples.trucks:breakdown", "--processes", "2", "--burst", "-c", "5", "--json"]
    result = convoy.process("work", "trucks", *args)

    document = json.loads(result.stdout)
    assert result.returncode == 5
    assert (document["done"], document["failed"], document["restarts"]) == (90, 10, 0)
    assert (document["processes"], len(document["workers"])) == (2, 2)


def test_f62_what_a_handler_writes_to_the_supervisor_ends_neither_it_nor_the_reports(
    convoy: Convoy, trucks: Queue, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(NOISY)
    for payload in (b"Segmentation fault", b"[1]\n", b'{"Said": 5}\n', b"\xff", b"x" * 1_000_000, b"\n"):
        trucks.publish(payload[:9].hex(), payload=payload)

    args = ["work", "trucks", "--handler", "mine:work", "--processes", "2", "--burst"]
    ended = convoy.process(*args, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})

    assert (ended.returncode, ended.stdout) == (0, b"6 done\n"), ended.stderr


def test_what_keeps_all_from_beginning_is_said_once(convoy: Convoy) -> None:
    args = ["--redis", "redis://localhost:1", "--handler", "examples.trucks:crush", "--processes", "3"]
    result = convoy.process("work", "trucks", *args)

    assert (result.returncode, result.stdout) == (7, b"")
    assert result.stderr.count(b"convoy: ") == 1


def test_s10_a_password_stays_off_the_command_lines_of_the_processes() -> None:
    session = Session(Flags(redis="redis://:canary@localhost:6379", prefix="x:", profile=None))
    workers = Workers("-trucks", "m:f", None, True, 4, 2.5, 1, None, True)

    words = child_command(session, workers, unbuffered=True)(7, True)

    options = "--handler=m:f --concurrency=4 --job-timeout=2.5 --retries=1 --isolate --burst"
    hidden = ["--control-socket=7", "--successor", "--reason=it replaces a process that has died", "--", "-trucks"]
    told = ["work", "--prefix=x:", *options.split(), *hidden]
    assert words == own_program("convoy_tui.cli", *told, unbuffered=True)
    assert child_environment(session)["CONVOY_REDIS_URL"] == "redis://:canary@localhost:6379"


def test_a_person_sees_all_processes_in_one_line(convoy: Convoy, trucks: Queue) -> None:
    args = ["work", "trucks", "--exec", "sleep 1000", "--processes", "2"]
    with Terminal(*args, env={"CONVOY_REDIS_URL": convoy.url}) as screen:
        screen.expect("2 processes waiting · 0 done · 0 running")
        trucks.publish("first")
        screen.expect("1 running · longest ")
        screen.expect("s: first")
        screen.interrupt()
        screen.expect("stopping")
        screen.interrupt()
        assert screen.end() == 0

    assert screen.text.endswith("0 done, 1 released")


def test_what_handlers_print_stands_above_the_line(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def chat(job): print('did', job.id)")
    trucks.publish_many(range(5))
    path = os.pathsep.join([str(tmp_path), convoy.environment["PYTHONPATH"]])
    args = ["work", "trucks", "--handler", "mine:chat", "--processes", "2", "--burst"]

    with Terminal(*args, env={"CONVOY_REDIS_URL": convoy.url, "PYTHONPATH": path}, columns=100) as screen:
        assert screen.end() == 0

    lines = screen.text.splitlines()
    assert sorted(line for line in lines if "did" in line) == [f"did {n}" for n in range(5)]
    assert lines[-1] == "5 done"
