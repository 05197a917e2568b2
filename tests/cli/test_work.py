"""`convoy work`: the handler comes from the command line alone, every run is told, and a tally closes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from convoy_core import PoolState, PoolStatus, Queue, State
from convoy_tui.cli.work import progress_line, tally_words
from tests.cli.conftest import ROOT, Convoy, states


def test_a_burst_works_until_nothing_is_queued(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish_many(range(100))

    result = convoy("work", "trucks", "--handler", "examples.trucks:crush", "--burst", "--concurrency", "10")

    assert (result.exit_code, result.stdout) == (0, "100 done\n")
    assert trucks.counts().committed == 0


def test_a_coroutine_function_is_a_handler_too(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish_many(range(10))

    result = convoy("work", "trucks", "--handler", "examples.trucks:crush_gently", "--burst", "-c", "10", "-q")

    assert (result.stdout, result.stderr) == ("10 done\n", "")


def test_failures_are_told_one_line_each_and_end_with_5(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish_many(["1", "7", "x\n7"])

    result = convoy("work", "trucks", "--handler", "examples.trucks:breakdown", "--burst")

    assert (result.exit_code, result.stdout) == (5, "1 done, 2 failed\n")
    assert "truck 7 broke down" in result.stderr
    assert "truck x\\n7 broke down" in result.stderr
    assert states(trucks, "1", "7") == [State.ABSENT, State.FAILED]


def test_retries_are_counted_apart(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("7")

    result = convoy("work", "trucks", "--handler", "examples.trucks:breakdown", "--burst", "--retries", "3", "--json")

    document = json.loads(result.stdout)
    assert (document["schema"], document["done"], document["failed"], document["retried"]) == ("convoy.work/1", 0, 0, 1)
    assert trucks.show("7").state is State.DELAYED


def test_the_handler_is_found_in_the_current_directory(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Do:\n    @staticmethod\n    def it(job): print('did', job.id)\n")
    trucks.publish("1")

    result = convoy.process("work", "trucks", "--handler", "mine:Do.it", "--burst", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (0, b"did 1\n1 done\n")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import nowhere", "it needs the module 'nowhere'"),
        ("raise ValueError('no')", "ValueError: no"),
        ("crush = 3", "not something that can be called"),
    ],
)
def test_a_handler_that_cannot_be_had_says_why(convoy: Convoy, tmp_path: Path, source: str, says: str) -> None:
    (tmp_path / "mine.py").write_text(source)

    result = convoy.process("work", "trucks", "--handler", "mine:crush", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (2, b"")
    assert says in result.stderr.decode()


def test_a_payload_cannot_choose_the_handler(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1", payload={"handler": "os:system", "task": "os:system", "__reduce__": "x"})

    assert convoy("work", "trucks", "--handler", "examples.trucks:crush", "--burst").stdout == "1 done\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_running_job_finish_and_prints_the_tally(
    convoy: Convoy, trucks: Queue, tmp_path: Path, number: signal.Signals
) -> None:
    trucks.publish_many(["1", "2"])
    (tmp_path / "mine.py").write_text(
        "import pathlib, time\n"
        "def slow(job):\n"
        "    pathlib.Path('started').touch()\n"
        "    while not pathlib.Path('go').exists(): time.sleep(0.01)\n"
    )
    os.mkfifo(tmp_path / "unused")
    worker = subprocess.Popen(
        [sys.executable, "-u", "-m", "convoy_tui.cli", "work", "trucks", "--handler", "mine:slow"],
        env={**os.environ, **convoy.environment, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _wait_for(tmp_path / "started", worker)

    worker.send_signal(number)
    (tmp_path / "go").touch()
    out, _ = worker.communicate(timeout=30)

    assert (worker.returncode, out) == (0, b"1 done\n")
    assert states(trucks, "1", "2") == [State.ABSENT, State.QUEUED]


def _wait_for(path: Path, worker: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        assert worker.poll() is None, worker.communicate()
        try:
            worker.wait(0.01)  # the handler's first step is all there is to watch for
        except subprocess.TimeoutExpired:
            continue


def test_the_tally_leaves_out_what_there_was_not() -> None:
    status = PoolStatus(PoolState.STOPPED, "ab", done=1200, failed=2, retried=1, released=3, stale=4)

    assert tally_words(status) == ("1,200 done, 2 failed, 1 retried, 3 released, 4 too late (somebody else had the ID)")
    assert tally_words(PoolStatus(PoolState.STOPPED, "ab")) == "0 done"


def test_the_progress_line_fits_and_is_harmless() -> None:
    status = PoolStatus(PoolState.RUNNING, "ab", (("x\x1b[2J" * 50, 12.0), ("b", 1.0)), done=5)

    line = progress_line(status, 80)

    assert line.plain.startswith("running · 5 done · 2 running · longest 12s: x\\x1b")
    assert line.cell_len <= 80
