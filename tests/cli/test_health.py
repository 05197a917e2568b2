"""Whoever runs workers can ask whether they are live and ready: over HTTP, and by what systemd is told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from convoy_core import PoolState, PoolStatus, Queue
from convoy_tui.cli.work.progress import Progress, WorkTally, together
from convoy_tui.cli.work.supervised_process import SILENT_S, Process
from tests.cli.conftest import ROOT, Convoy
from tests.servers import RealServer
from tests.waiting import eventually, patient


@contextmanager
def working(convoy: Convoy, *words: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "convoy_tui.cli", "work", "trucks", *words]
    environment = {**os.environ, **convoy.environment, **(env or {})}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    said = next(line for line in process.stderr if line.startswith("http://"))
    return int(said.removeprefix("http://127.0.0.1:").partition("/")[0])


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=patient()) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def is_so(port: int, path: str) -> bool:
    return ask(port, path)[0] == 200


@pytest.mark.parametrize("processes", [[], ["--processes", "2"]], ids=["one", "supervised"])
def test_an_outage_takes_readiness_and_not_life(
    convoy: Convoy, store: RealServer, trucks: Queue, processes: list[str]
) -> None:
    trucks.publish("1")
    with working(convoy, "--exec", "true {}", "--health", "0", *processes) as process:
        port = port_of(process)
        eventually(lambda: is_so(port, "/ready"))
        eventually(lambda: "waiting · 1 done" in ask(port, "/live")[1])

        store.kill()
        eventually(lambda: not is_so(port, "/ready"))
        live_meanwhile = is_so(port, "/live")
        store.start()
        eventually(lambda: is_so(port, "/ready"))

        process.terminate()
        process.communicate(timeout=patient())

    assert live_meanwhile
    assert process.returncode == 0


def test_while_it_stops_it_is_live_and_not_ready(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    trucks.publish("1")
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with working(convoy, "--exec", f"cat {gate}", "--health", "0") as process:
        port = port_of(process)
        eventually(lambda: trucks.counts().processing)
        process.terminate()
        eventually(lambda: not is_so(port, "/ready"))
        live_meanwhile, nowhere = is_so(port, "/live"), ask(port, "/")
        gate.write_text("go")
        process.communicate(timeout=patient())

    assert live_meanwhile
    assert nowhere == (404, "There are /live and /ready.\n")
    assert trucks.counts().committed == 0


@pytest.mark.parametrize(
    ("address", "said"),
    [("nonsense:x", "is no HOST:PORT, like 127.0.0.1:9465"), ("203.0.113.1:9465", "nothing can listen at 203.0.113.1")],
)
def test_an_address_that_cannot_be_is_refused_before_anything_runs(
    convoy: Convoy, trucks: Queue, address: str, said: str
) -> None:
    trucks.publish("1")

    ended = convoy.process("work", "trucks", "--exec", "true {}", "--burst", "--health", address)

    assert ended.returncode == 2
    assert said in ended.stderr.decode()
    assert trucks.counts().queued == 1


def test_systemd_hears_of_readiness_status_life_and_the_stop(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind(str(path))
        ears.settimeout(patient())
        heard: list[list[str]] = []

        def until(state: str) -> None:
            while not any(state in line for line in (heard[-1] if heard else [])):
                heard.append(ears.recv(4096).decode().split("\n"))

        trucks.publish("1")
        env = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "600000"}
        command = f"sh -c 'env > {tmp_path}/seen'"
        with working(convoy, "--exec", command, "--processes", "2", env=env) as process:
            until("READY=1")
            until("1 done")
            until("WATCHDOG=1")
            process.terminate()
            until("STOPPING=1")
            process.communicate(timeout=patient())

    ready = next(number for number, each in enumerate(heard) if "READY=1" in each)
    assert all("READY=1" in each for each in heard[ready:] if each != ["STOPPING=1"])
    assert all(any(line.startswith("STATUS=") for line in each) for each in heard if each != ["STOPPING=1"])
    assert not [line for line in (tmp_path / "seen").read_text().splitlines() if line.startswith(("NOTIFY", "WATCHD"))]


def test_one_that_does_not_listen_to_systemd_stops_nothing(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    trucks.publish("1")

    ended = convoy.process(
        "work",
        "trucks",
        "--exec",
        "true {}",
        "--burst",
        env={"NOTIFY_SOCKET": str(tmp_path / "none"), "WATCHDOG_USEC": "x"},
    )

    assert ended.returncode == 0, ended.stderr


def test_what_is_live_and_what_is_ready() -> None:
    def pool(state: PoolState, **silent: float) -> tuple[bool, bool]:
        status = PoolStatus(state, "ab", **silent)  # type: ignore[arg-type]  # only numbers
        return status.is_live, status.is_ready

    assert pool(PoolState.RUNNING) == (True, True)
    assert pool(PoolState.PAUSED) == (True, True)
    assert pool(PoolState.STARTING) == (True, False)
    assert pool(PoolState.STORE_AWAY) == (True, False)
    assert pool(PoolState.STOPPING) == (True, False)
    assert pool(PoolState.STOPPED) == (False, False)
    assert pool(PoolState.RUNNING, store_silent_s=20) == (True, False)
    assert pool(PoolState.RUNNING, loop_silent_s=61) == (False, True)
    assert pool(PoolState.RUNNING, heartbeat_silent_s=61) == (False, True)


def test_a_process_that_ends_takes_no_life_from_the_others() -> None:
    ending, good = Progress.of(PoolStatus(PoolState.STOPPED, "ab")), Progress("waiting", is_ready=True)

    assert together([ending, good], WorkTally()).is_live


def test_a_process_that_says_nothing_any_more_is_not_live_and_one_of_many_is_enough() -> None:
    silent = Process(1, cast("object", None), cast("object", None))  # type: ignore[arg-type]  # neither is asked
    before = silent.progress.is_live
    silent.heard_at = time.monotonic() - SILENT_S - 1
    good = Progress("waiting", is_ready=True)

    assert before
    assert not silent.progress.is_live
    assert not together([good, silent.progress], WorkTally()).is_live
    assert together([good, silent.progress], WorkTally()).is_ready


def test_a_process_that_is_stopped_by_a_signal_still_answers_after_it(convoy: Convoy, trucks: Queue) -> None:
    with working(convoy, "--exec", "true {}", "--health", "0") as process:
        port = port_of(process)
        eventually(lambda: is_so(port, "/ready"))
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGCONT)

        eventually(lambda: is_so(port, "/ready") and is_so(port, "/live"))
