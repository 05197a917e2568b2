"""`convoy work --exec`: any command is a handler, and no ID can make it another."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from convoy_core import Queue, State
from tests.cli.conftest import ROOT, Convoy, states
from tests.servers import RealServer
from tests.waiting import patient

TELL = (
    "import json, os, pathlib, sys\n"
    "told = {'argv': sys.argv[1:], 'stdin': sys.stdin.read()}\n"
    "told |= {name: os.environ.get(name) for name in ('CONVOY_ID', 'CONVOY_QUEUE', 'CONVOY_ATTEMPT')}\n"
    "told['url'] = os.environ.get('CONVOY_REDIS_URL')\n"
    "pathlib.Path('told').write_text(json.dumps(told))\n"
)


def python(source: str, *args: str) -> str:
    """A command line that runs Python."""
    return shlex.join([sys.executable, "-c", source, *args])


def test_a_command_gets_the_id_and_the_payload(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    trucks.publish("42", payload={"lane": 3})

    result = convoy.process("work", "trucks", "--exec", python(TELL, "--", "{}"), "--burst", cwd=tmp_path)

    assert (result.returncode, result.stdout) == (0, b"1 done\n")
    told = json.loads((tmp_path / "told").read_text())
    assert told.pop("url") is None, "S9: the way to the store is none of the command's business"
    assert told == {
        "argv": ["--", "42"],
        "stdin": '{"lane":3}',
        "CONVOY_ID": "42",
        "CONVOY_QUEUE": "trucks",
        "CONVOY_ATTEMPT": "1",
    }


def test_s9_an_id_stays_one_word_whatever_it_says(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    ids = ["; touch spoilt", "$(touch spoilt)", "`touch spoilt`", "-rf", "a\nb", "{}", "x y", "*"]
    trucks.publish_many(ids)

    command = python(TELL.replace("'told'", "f'told-{os.getpid()}'"), "--", "{}")
    convoy.process("work", "trucks", "--exec", command, "--burst", cwd=tmp_path)

    files = [path for path in tmp_path.iterdir() if path.is_file()]
    told = [json.loads(path.read_text()) for path in files if path.name.startswith("told-")]
    assert len(told) == len(files)
    assert sorted((each["argv"], each["CONVOY_ID"]) for each in told) == sorted((["--", id], id) for id in ids)


def test_s9_an_id_that_no_command_can_be_told_fails_alone(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish_many(["-rf", "nul\0", "fine"])

    result = convoy("work", "trucks", "--exec", "true {}", "--burst")

    assert (result.exit_code, result.stdout) == (5, "1 done, 2 failed\n")
    assert "'-rf' failed: the ID begins with '-'" in result.stderr
    assert "'nul\\x00' failed: the command cannot be started" in result.stderr
    assert states(trucks, "-rf", "nul\0", "fine") == [State.FAILED, State.FAILED, State.ABSENT]


def test_exit_75_asks_for_later(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    result = convoy("work", "trucks", "--exec", python("import sys; sys.exit(75)"), "--burst")

    assert (result.exit_code, result.stdout) == (0, "0 done, 1 asked for later\n")
    assert trucks.show("1").state is State.DELAYED


def test_a_failing_command_is_told_in_one_line_and_kept_whole(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    result = convoy.process("work", "trucks", "--exec", python("raise ValueError('flat tyre')"), "--burst")

    assert (result.returncode, result.stdout) == (5, b"0 done, 1 failed\n")
    told = "'1' failed: exit status 1: Traceback (most recent call last): ... ValueError: flat tyre"
    assert [line for line in result.stderr.decode().splitlines() if "failed" in line] == [f"queue trucks: {told}"]
    failure = trucks.show("1").failure
    assert failure is not None
    assert "flat tyre" in (failure.error or "")


def test_a_command_that_takes_too_long_is_ended(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    result = convoy("work", "trucks", "--exec", "sleep 1000", "--job-timeout", "200ms", "--burst")

    assert (result.exit_code, result.stdout) == (5, "0 done, 1 failed\n")
    assert "it ran for longer than 0.2 s" in result.stderr


def test_a_worker_started_by_somebody_who_ignores_his_children_learns_how_its_own_end(
    store: RealServer, trucks: Queue
) -> None:
    trucks.publish_many(["0", "3"])
    words = [sys.executable, "-m", "convoy_tui.cli", "work", "trucks", "--burst", "--exec", "sh -c 'exit $CONVOY_ID'"]
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        worker = subprocess.Popen(
            words,
            env={**os.environ, "CONVOY_REDIS_URL": store.url, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    finally:
        signal.signal(signal.SIGCHLD, before)
    out, _ = worker.communicate(timeout=patient())

    assert out == b"1 done, 1 failed\n"
    assert {entry.id: entry.error for entry in trucks.entries(State.FAILED)} == {"3": "exit status 3"}
