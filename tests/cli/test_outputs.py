"""Output that cannot be written stops no work (F65, F66), a lost answer is an error, and `print` spoils no document."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from convoy_core import Queue
from tests.cli.conftest import ROOT, Convoy

CONVOY = shlex.join([sys.executable, "-m", "convoy_tui.cli"])
TUI = shlex.join([sys.executable, "-m", "convoy_tui"])
FAIL = """work trucks --exec 'sh -c "echo reason >&2; exit 1"' -c 4 --burst"""

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def shell(convoy: Convoy, script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it in a shell, whose last status it ends in."""
    environment = {**os.environ, **convoy.environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{cwd}"}
    return subprocess.run(
        ["bash", "-c", script], env=environment, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "script",
    [
        f"(ulimit -f 1; {CONVOY} {FAIL} 2>err)",
        pytest.param(f"{CONVOY} {FAIL} 2>/dev/full", marks=needs_full),
        f"exec 3> >(exec true); sleep 0.1; {CONVOY} {FAIL} 2>&3",
        f"mkfifo stuck; exec 3<>stuck; head -c 65536 /dev/zero >&3; {CONVOY} {FAIL} 2>&3",
        pytest.param(f"{CONVOY} {FAIL} --processes 2 2>/dev/full", marks=needs_full),
    ],
    ids=["full file", "full device", "no reader", "reader that stands still", "processes"],
)
def test_a_pool_that_cannot_write_its_log_works_on(convoy: Convoy, trucks: Queue, tmp_path: Path, script: str) -> None:
    trucks.publish_many([f"{n}-{'x' * 900}" for n in range(12)])

    ended = shell(convoy, script, tmp_path)

    assert (ended.returncode, ended.stdout) == (5, "0 done, 12 failed\n")
    assert (trucks.counts().failed, trucks.counts().processing) == (12, 0)


@needs_full
@pytest.mark.parametrize("isolate", ["", "--isolate"])
def test_a_handler_whose_print_goes_nowhere_is_done(
    convoy: Convoy, trucks: Queue, tmp_path: Path, isolate: str
) -> None:
    (tmp_path / "mine.py").write_text(
        "import sys\ndef chat(job):\n    print('did', flush=True)\n    print('so', file=sys.stderr, flush=True)\n"
    )
    trucks.publish_many(["1", "2"])

    ended = shell(convoy, f"{CONVOY} work trucks --handler mine:chat {isolate} --burst >/dev/full 2>&1", tmp_path)

    assert (ended.returncode, trucks.counts().committed, trucks.counts().failed) == (5, 0, 0)


@needs_full
@pytest.mark.parametrize(
    ("command", "code"), [("list trucks", 1), ("status -o json", 1), ("publish trucks 3", 5), ("work --help", 1)]
)
def test_an_answer_that_cannot_be_written_is_an_error_in_one_sentence(
    convoy: Convoy, trucks: Queue, tmp_path: Path, command: str, code: int
) -> None:
    trucks.publish("1")

    ended = shell(convoy, f"{CONVOY} {command} >/dev/full", tmp_path)

    assert ended.returncode == code
    assert "convoy: The answer could not be written to stdout: No space left on device." in ended.stderr
    assert "Exception" not in ended.stderr


HANDLER = "work trucks --burst --handler mine:chat"
COMMAND = """work trucks --burst --exec 'sh -c "echo x; echo x >&2"'"""


@pytest.mark.parametrize(
    ("command", "closed"),
    [
        *((f"{CONVOY} {COMMAND}", closed) for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-")),
        (f"{CONVOY} {HANDLER} --isolate", "<&- >&- 2>&-"),
        (f"{CONVOY} {HANDLER} --processes 1", "<&- >&- 2>&-"),
        (f"{CONVOY} list trucks", "<&- >&- 2>&-"),
        (TUI, "<&- >&- 2>&-"),
    ],
    ids=lambda value: value.removeprefix(sys.executable),
)
def test_a_stream_that_was_closed_at_the_start_is_the_null_device(
    convoy: Convoy, trucks: Queue, tmp_path: Path, command: str, closed: str
) -> None:
    (tmp_path / "mine.py").write_text("import os\ndef chat(job): os.system('echo so; echo so >&2')\n")
    trucks.publish("1")

    ended = shell(convoy, f"{command} {closed}", tmp_path)

    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    counts = trucks.counts()
    assert (counts.committed, counts.failed) == (" work " not in command, 0)


POOL = """
import os
from convoy_core import Command, PoolOptions, Queue, WorkerPool
with Queue("trucks") as queue:
    WorkerPool(queue, Command("true"), options=PoolOptions(burst=True)).run()
"""


def test_a_pool_of_a_program_with_closed_streams_works(convoy: Convoy, trucks: Queue, tmp_path: Path) -> None:
    trucks.publish_many(["1", "2"])

    ended = shell(convoy, f"{shlex.join([sys.executable, '-c', POOL])} <&- >&- 2>&-", tmp_path)

    assert (ended.returncode, trucks.counts().committed, trucks.counts().failed) == (0, 0, 0)


def test_an_embedded_store_started_with_closed_streams_holds_its_lock(convoy: Convoy, tmp_path: Path) -> None:
    library = shlex.join([sys.executable, "-c", "from convoy_core import Queue; Queue('trucks').publish('1')"])
    start = f"unset CONVOY_REDIS_URL; {library} <&- >&- 2>&- && {CONVOY} server status -o json"

    ended = shell(convoy, f"{start}; {CONVOY} server stop", tmp_path)

    assert '"running": true' in ended.stdout
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("how", ["", "--isolate", "--processes 1"])
def test_what_a_handler_prints_never_gets_into_a_document(
    convoy: Convoy, trucks: Queue, tmp_path: Path, how: str
) -> None:
    (tmp_path / "mine.py").write_text(
        "import os\ndef chat(job):\n    print('did', job.id)\n    os.system('echo so')\n"
        "async def gently(job):\n    chat(job)\n"
    )
    for handler in ("chat", "gently"):
        trucks.publish_many(["1", "2"])

        ended = shell(convoy, f"{CONVOY} work trucks --handler mine:{handler} {how} --burst --json", tmp_path)

        assert json.loads(ended.stdout)["done"] == 2
        assert (ended.stderr.count("did"), ended.stderr.count("so\n")) == (2, 2)


def test_a_burst_says_what_is_still_delayed(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")
    trucks.publish_many(["2", "3"], delay_s=60)

    result = convoy("work", "trucks", "--handler", "examples.trucks:crush", "--burst")

    assert (result.exit_code, result.stdout) == (0, "1 done\n")
    assert "2 delayed IDs wait for the next worker." in result.stderr
