"""`convoy work --metrics`: what the workers measure, of one process or of all together, on one port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from convoy_core import PoolMeasures, Queue
from convoy_tui.cli.work.control_socket import Measures, decode, encode
from convoy_tui.cli.work.supervised_process import NOT_MEASURES
from tests.cli.conftest import ROOT, Convoy
from tests.metrics.scrapes import Samples, scrape
from tests.waiting import eventually, patient

HANDLER = """
import pathlib, time

folder = pathlib.Path(__file__).parent

def work(job):
    if job.id == "bad":
        raise RuntimeError("flat tyre")
    if job.id.startswith("again") and job.attempt == 1:
        raise RuntimeError("not yet")
    while job.id.startswith("held") and not (folder / "go").exists():
        time.sleep(0.01)
"""


@contextmanager
def working(convoy: Convoy, folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, and its port."""
    (folder / "mine.py").write_text(HANDLER)
    command = [sys.executable, "-m", "convoy_tui.cli", "work", "trucks", "--handler", "mine:work", "--metrics", "0"]
    environment = {**os.environ, **convoy.environment}
    with subprocess.Popen(
        [*command, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = next(line for line in process.stderr if line.startswith("http://"))
            assert said.endswith("/metrics\n")
            yield process, int(said.removeprefix("http://127.0.0.1:").partition("/")[0])
        finally:
            (folder / "go").touch()
            if process.poll() is None:
                process.kill()


def count(seen: Samples, outcome: str) -> float:
    return seen["convoy_work_duration_seconds_count", "trucks", outcome]


@pytest.mark.parametrize("processes", [[], ["--processes", "3"]], ids=["one", "supervised"])
def test_runs_of_all_processes_are_told_on_one_port(
    convoy: Convoy, trucks: Queue, tmp_path: Path, processes: list[str]
) -> None:
    ids = ["bad", "again1", "again2", *map(str, range(30))]
    with working(convoy, tmp_path, *processes, "--retries", "1", "-c", "2") as (process, port):
        trucks.publish_many(ids)
        eventually(lambda: trucks.counts().failed == 1 and trucks.counts().committed == 0)
        eventually(lambda: scrape(port)["convoy_pool_slots", "trucks"] == (6 if processes else 2))
        eventually(lambda: scrape(port)["convoy_queue_duration_seconds_count", "trucks"] == 36)
        eventually(lambda: [count(scrape(port), each) for each in ("done", "retried", "failed")] == [32, 3, 1])
        eventually(lambda: scrape(port)["convoy_retries_total", "trucks"] == 3)
        seen = scrape(port)
        process.terminate()
        process.communicate(timeout=patient())

    assert {key[1] for key in seen} == {"trucks"}
    assert process.returncode == 5  # one ID has failed


def test_what_runs_in_any_process_is_told_while_it_does(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    with working(convoy, tmp_path, "--processes", "2") as (process, port):
        trucks.publish_many(["held1", "held2"])
        eventually(lambda: scrape(port)["convoy_pool_busy", "trucks"] == 2)
        first = scrape(port)["convoy_longest_running_seconds", "trucks"]
        eventually(lambda: scrape(port)["convoy_longest_running_seconds", "trucks"] > first)
        seen = scrape(port)
        (tmp_path / "go").touch()
        eventually(lambda: scrape(port)["convoy_unfinished_work_seconds", "trucks"] == 0)
        process.terminate()
        process.communicate(timeout=patient())

    assert seen["convoy_unfinished_work_seconds", "trucks"] > seen["convoy_longest_running_seconds", "trucks"]


def test_what_a_process_has_counted_outlives_it(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    with working(convoy, tmp_path, "--processes", "1") as (process, port):
        trucks.publish_many(range(5))
        eventually(lambda: count(scrape(port), "done") == 5)
        (victim,) = (worker.pid for worker in trucks.workers())
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: any(worker.pid != victim for worker in trucks.workers()))
        trucks.publish("6")
        eventually(lambda: count(scrape(port), "done") == 6)
        slots = scrape(port)["convoy_pool_slots", "trucks"]
        process.terminate()
        process.communicate(timeout=patient())

    assert slots == 1


def test_a_scrape_that_is_not_read_to_its_end_stops_nothing(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    with (
        working(convoy, tmp_path) as (process, port),
        socket.create_connection(("127.0.0.1", port), timeout=patient()) as silent,
    ):
        silent.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        trucks.publish("1")
        eventually(lambda: trucks.counts().committed == 0)
        process.terminate()
        process.communicate(timeout=patient())

    assert process.returncode == 0


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense:x", "is no HOST:PORT, like 127.0.0.1:9466"),
        ("203.0.113.1:9466", "Nothing can listen at 203.0.113.1:9466"),
    ],
)
@pytest.mark.parametrize("processes", [[], ["--processes", "2"]], ids=["one", "supervised"])
def test_an_address_that_cannot_be_is_refused_before_anything_runs(
    convoy: Convoy, trucks: Queue, address: str, said: str, processes: list[str]
) -> None:
    trucks.publish("1")

    ended = convoy.process("work", "trucks", "--exec", "true {}", "--burst", "--metrics", address, *processes)

    assert ended.returncode == 2
    assert said in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr
    assert trucks.counts().queued == 1


def test_a_port_that_is_taken_is_refused_in_one_sentence(convoy: Convoy, trucks: Queue) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = convoy.process("work", "trucks", "--exec", "true {}", "--metrics", str(port))

    assert ended.returncode == 2
    assert f"Nothing can listen at 127.0.0.1:{port}: " in ended.stderr.decode()


def test_the_missing_extra_is_named_and_without_the_option_nobody_misses_it(convoy: Convoy, trucks: Queue) -> None:
    hide = "import sys; sys.modules['prometheus_client'] = None; sys.argv[0] = 'convoy'; "
    program = hide + "from convoy_tui.entry_points import convoy; convoy()"
    command = [sys.executable, "-c", program, "work", "trucks", "--exec", "true {}", "--burst", "--redis", convoy.url]
    trucks.publish("1")

    with_it = subprocess.run([*command, "--metrics", "0"], capture_output=True, text=True, check=False, cwd=ROOT)
    queued = trucks.counts().queued
    without = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    assert with_it.returncode == 2
    assert "pip install 'convoy-queue[metrics]'" in with_it.stderr
    assert queued == 1
    assert without.returncode == 0, without.stderr


# -- between the processes


def filled() -> PoolMeasures:
    measures = PoolMeasures("trücks", slots=3, busy=1, unfinished_s=2.5, longest_s=2.5, retries=4, leases_lost=1)
    measures.waits.add(0.5)
    return measures


def test_measures_survive_the_control_socket() -> None:
    line = json.loads(encode(Measures(filled().as_record())))

    message = decode(line)

    assert isinstance(message, Measures)
    assert PoolMeasures.from_record(message.record).as_record() == filled().as_record()


@pytest.mark.parametrize(
    "change",
    [
        {"waits": None},
        {"waits": {"pairs": [[0, float("inf")]], "total_s": 0}},
        {"waits": {"pairs": [1], "total_s": 0}},
        {"runs": {"done": 1}},
        {"slots": "x"},
        {"slots": None},
        {"slots": float("inf")},
        {"longest_s": []},
    ],
    ids=repr,
)
def test_what_a_handler_has_written_there_is_no_measure(change: dict[str, object]) -> None:
    with pytest.raises(NOT_MEASURES):
        PoolMeasures.from_record({**filled().as_record(), **change})


def test_what_is_left_of_a_pool_that_has_ended_has_no_slot() -> None:
    both = filled() + filled().ended

    assert (both.slots, both.busy, both.longest_s, both.retries, both.waits.count) == (3, 1, 2.5, 8, 2)
