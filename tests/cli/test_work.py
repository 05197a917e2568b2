"""`convoy work`: the handler comes from the command line alone, every run is told, and a tally closes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from convoy_core import Queue, State
from tests.cli.conftest import ROOT, Convoy, states
from tests.waiting import patient


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
    assert "truck x ... 7 broke down" in result.stderr
    assert states(trucks, "1", "7") == [State.ABSENT, State.FAILED]


def test_retries_are_counted_apart(convoy: Convoy, trucks: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)  # a chance pause may be over before the burst
    trucks.publish("7")

    result = convoy("work", "trucks", "--handler", "examples.trucks:breakdown", "--burst", "--retries", "3", "--json")

    document = json.loads(result.stdout)
    assert (document["schema"], document["done"], document["failed"], document["retried"]) == ("convoy.work/1", 0, 0, 1)
    assert trucks.show("7").state is State.DELAYED


def test_what_handlers_ask_for_is_counted_apart(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from convoy_core import Discard, Retry\n"
        "answers = {'later': Retry(60), 'gone': Discard('sold')}\n"
        "def ask(job): return answers.get(job.id)\n"
    )
    trucks.publish_many(["later", "gone", "1"])

    result = convoy.process("work", "trucks", "--handler", "mine:ask", "--burst", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (0, b"1 done, 1 asked for later, 1 discarded\n")
    assert states(trucks, "later", "gone", "1") == [State.DELAYED, State.ABSENT, State.ABSENT]


def test_isolated_handlers_run_in_processes_of_their_own(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import os, pathlib\n"
        "def crash(job):\n"
        "    if job.id == 'bad': os._exit(9)\n"
        "    pathlib.Path(f'pid-{os.getppid()}').touch()\n"
    )
    trucks.publish_many(["bad", "good"])

    result = convoy.process("work", "trucks", "--handler", "mine:crash", "--isolate", "--burst", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (5, b"1 done, 1 failed\n")
    assert b"'bad' failed: the handler's process ended: exit status 9" in result.stderr
    assert len(list(tmp_path.glob("pid-*"))) == 1


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "Give either --handler or --exec"),
        (["--handler", "examples.trucks:crush", "--exec", "true"], "Give either --handler or --exec"),
        (["--exec", "true", "--isolate"], "--isolate goes with --handler"),
        (["--exec", ""], "must begin with a program"),
        (["--exec", "{} x"], "must begin with a program"),
        (["--exec", "cp x{}"], "must stand alone"),
        (["--exec", "echo 'x"], "No closing quotation"),
        (["--exec", "no-such-program {}"], "There is no program 'no-such-program'"),
        (["--handler", "examples.nowhere:fn", "--isolate"], "no module 'examples.nowhere'"),
        (["--exec", "true", "--concurrency", "0"], "--concurrency: '0' is no whole number"),
        (["--handler", "os:getcwd"], "handler posix:getcwd cannot be called with a job alone: too many positional"),
        (["--handler", "os:getcwd", "--isolate"], "cannot be called with a job alone"),
        (["--exec", "true", "--processes", "0"], "--processes: '0' is no whole number from 1 up"),
        (["--exec", "true", "--processes", "257"], "at most 256"),
    ],
)
def test_what_cannot_be_run_ends_with_2_before_the_store_is_touched(args: list[str], says: str) -> None:
    result = Convoy("unix:///nowhere")("work", "trucks", *args)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert "nowhere." not in result.stderr.replace("examples.nowhere", "")


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
def test_a_handler_that_cannot_be_loaded_says_why(convoy: Convoy, tmp_path: Path, source: str, says: str) -> None:
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
    out, _ = worker.communicate(timeout=patient())

    assert (worker.returncode, out) == (0, b"1 done\n")
    assert states(trucks, "1", "2") == [State.ABSENT, State.QUEUED]


def _wait_for(path: Path, worker: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        assert worker.poll() is None, worker.communicate()
        try:
            worker.wait(0.01)  # the handler's first step is all there is to watch for
        except subprocess.TimeoutExpired:
            continue
