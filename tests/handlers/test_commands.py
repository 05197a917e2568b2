"""How commands are started, talked to and waited for; each is a process whose pipes the event loop holds."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from convoy_core import Command, Counts, PoolOptions, Queue, State, WorkerPool
from convoy_core.handlers import command
from convoy_core.handlers.process_groups import Groups
from convoy_core.handlers.run import NotStarted
from convoy_core.handlers.watcher import FINDS_MARKS, WATCHER, Watcher, environment
from tests.servers import RealServer
from tests.waiting import eventually, patient

ROOT = Path(__file__).parents[2]
BURST = PoolOptions(lease_s=1.5, beat_s=0.3, grace_s=5, burst=True)
NO_GROUP = 1 << 22
"""Above every process ID of Linux."""


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


@pytest.fixture(params=["at once", "gated"])
def started(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command is started at once where the watcher finds it by its marks, and elsewhere behind a gate."""
    if request.param == "at once" and not FINDS_MARKS:
        pytest.skip("looks into /proc")
    monkeypatch.setattr(command, "_IS_GATED", request.param == "gated")


def errors(queue: Queue) -> dict[str, str]:
    failures = {entry.id: queue.show(entry.id).failure for entry in queue.entries(State.FAILED)}
    return {id: failure.error for id, failure in failures.items() if failure is not None}


def on_asyncio(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with asyncio's own event loop, in a process of its own."""
    words = [sys.executable, "-c", f"import sys; sys.modules['uvloop'] = None\n{script}", *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=patient(), check=False)


@pytest.mark.usefixtures("started")
def test_s9_every_byte_of_an_id_reaches_the_command_unchanged(queue: Queue, tmp_path: Path) -> None:
    ids = [
        bytes(range(1, 256)).decode("utf-8", "surrogateescape"),
        "$(id)`id`\\'\"",
        " \t\n",
        "a=b\n",
        "\x01\x7f\x81\x88",
    ]
    queue.publish_many(ids)
    tell = (
        f"import os, sys; told = os.environb[b'CONVOY_ID'], os.fsencode(sys.argv[1]);"
        f" open({str(tmp_path / 'told')!r}, 'ab').writelines(each + b'\\0' for each in told)"
    )

    WorkerPool(queue, Command([sys.executable, "-S", "-c", tell, "{}"]), options=BURST).run()

    told = (tmp_path / "told").read_bytes().split(b"\0")[:-1]
    assert told == [id.encode("utf-8", "surrogateescape") for id in ids for _ in range(2)]


@pytest.mark.usefixtures("started")
def test_a_command_sees_the_environment_of_its_worker_as_it_is_and_not_the_way_to_the_store(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVOY_REDIS_URL", "redis://:secret@localhost")
    monkeypatch.setenv("CONVOY_ID", "an outer command's")
    shown = Command(["sh", "-c", f"env >{tmp_path}/seen"])
    monkeypatch.setenv("SET_LATER", "yes")
    queue.publish("1")
    queue.publish("1")

    WorkerPool(queue, shown, options=BURST).run()

    seen = (tmp_path / "seen").read_text().splitlines()
    named = {line for line in seen if line.startswith(("CONVOY_", "SET_LATER"))}
    token = next(line for line in named if line.startswith("CONVOY_TOKEN="))
    assert named == {"CONVOY_ID=1", "CONVOY_QUEUE=q", "CONVOY_ATTEMPT=1", "CONVOY_REQUESTS=2", token, "SET_LATER=yes"}


@pytest.mark.usefixtures("started")
def test_a_payload_larger_than_a_pipe_is_read_whole_or_left_unread(queue: Queue) -> None:
    script = """
    case $CONVOY_ID in
        reads) sleep 0.1; test "$(wc -c)" = 900000 ;;
        begins) head -c 100000 | wc -c >&2; exit 3 ;;
        closes) exec <&-; sleep 0.1 ;;
        leaves) ;;
    esac
    """
    for id in ("reads", "begins", "closes", "leaves"):
        queue.publish(id, payload=b"\n" * 900_000)

    status = WorkerPool(queue, Command(["sh", "-c", script]), concurrency=2, options=BURST).run()

    assert (status.done, errors(queue)) == (3, {"begins": "exit status 3: 100000"})


def test_megabytes_on_stderr_do_not_hold_a_command_up_and_its_last_words_are_kept(queue: Queue) -> None:
    queue.publish("1")
    script = "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo last words >&2; exit 3"

    WorkerPool(queue, Command(["sh", "-c", script]), options=BURST).run()

    error = errors(queue)["1"]
    assert error.startswith("exit status 3: xxx")
    assert error.endswith("x" * 1900 + "last words")


@pytest.mark.parametrize("told_by", ["descriptor", "look"])
def test_a_command_that_has_closed_its_stderr_runs_until_it_has_ended(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told_by: str
) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    if told_by == "look":
        monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    queue.publish("1")
    script = f"exec 2>&-; sleep 0.2; touch {tmp_path}/ended; exit 3"

    WorkerPool(queue, Command(["sh", "-c", script]), options=BURST).run()

    assert (tmp_path / "ended").exists()
    assert errors(queue) == {"1": "exit status 3"}


def test_who_holds_the_stderr_of_a_command_that_has_ended_is_killed_when_the_time_is_up(
    queue: Queue, tmp_path: Path
) -> None:
    queue.publish("1")
    script = f"sleep 600 & echo $! >{tmp_path}/pid"

    status = WorkerPool(queue, Command(["sh", "-c", script]), job_timeout=0.5, options=BURST).run()

    assert (status.failed, errors(queue)) == (1, {"1": "TimedOut: it ran for longer than 0.5 s"})
    left = int((tmp_path / "pid").read_text())
    eventually(lambda: _state(left) in {"", "Z"})


def _state(pid: int) -> str:
    return subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()[:1]


STATUS_TAKEN = """
import json, signal
from convoy_core import Command, PoolOptions, Queue, WorkerPool
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
status = WorkerPool(Queue("q", redis=sys.argv[1]), Command("true"), options=PoolOptions(burst=True)).run()
print(json.dumps([status.done, status.failed]))
"""


def test_a_command_whose_status_nobody_can_tell_has_not_succeeded(store: RealServer, queue: Queue) -> None:
    queue.publish("1")

    ended = on_asyncio(STATUS_TAKEN, store.url)

    assert json.loads(ended.stdout) == [0, 1], ended.stderr
    assert errors(queue) == {"1": "exit status 255"}


THOUSAND = """
import json, os, threading
from convoy_core import Command, Queue, WorkerPool
from tests.waiting import eventually
url, gate, begun = sys.argv[1:]
command = Command(["sh", "-c", f"echo >>{begun}; read line <{gate}"])
with WorkerPool(Queue("q", redis=url), command, concurrency=1000, job_timeout=None) as pool:
    eventually(lambda: os.path.exists(begun) and os.path.getsize(begun) == 1000)
    threads = threading.active_count()
    opened = os.open(gate, os.O_RDWR)
    os.write(opened, b"\\n" * 1000)
    eventually(lambda: not pool.status().running)
status = pool.status()
print(json.dumps([threads < 20, status.done, status.failed, status.released]))
"""


def test_a_thousand_commands_run_at_once_without_a_thread_for_each(
    store: RealServer, queue: Queue, tmp_path: Path
) -> None:
    queue.publish_many(range(1000))
    os.mkfifo(tmp_path / "gate")

    ended = on_asyncio(THOUSAND, store.url, str(tmp_path / "gate"), str(tmp_path / "begun"))

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [True, 1000, 0, 0]
    assert queue.counts() == Counts()


def test_what_is_sent_to_a_process_arrives_whole_and_in_order_while_it_answers() -> None:
    parts = [bytes([65 + n]) * 400_000 for n in range(5)]

    async def talk() -> tuple[bytes, int]:
        groups = Groups()
        leader = groups.start("cat", environment=environment(), stdout=PIPE)
        for part in parts:
            leader.send(part)
        leader.send(b"", is_last=True)
        answer = b""
        while chunk := await leader.read(65536):
            answer += chunk
        status = await leader.wait()
        groups.forget(leader)
        await groups.aclose()
        return answer, status

    assert asyncio.run(talk()) == (b"".join(parts), 0)


def test_what_cannot_be_watched_is_ended_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def tell(self: Watcher, line: str) -> None:
        if line.startswith("+"):
            started.append(int(line.split(maxsplit=1)[0]))
            raise OSError(errno.ENOEXEC, "no watcher")

    async def start() -> None:
        Groups().start("sh", "-c", f"read go && touch {tmp_path}/begun", environment=environment(), stderr=PIPE)

    monkeypatch.setattr(Watcher, "_tell", tell)
    with pytest.raises(NotStarted, match="no watcher"):
        asyncio.run(start())

    assert [_state(pid) for pid in started] == [""]
    assert not (tmp_path / "begun").exists()


def test_the_watcher_kills_whom_it_was_told_of_among_thousands_who_have_ended() -> None:
    watcher = Watcher()
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as watched:
        watcher.begin(watched.pid, "none")
        for number in range(NO_GROUP, NO_GROUP + 5000):
            watcher.begin(number, "none")
            watcher.end(number)
        assert watcher._process is not None
        with watcher._process:  # closes the pipe, as our end would
            pass

        assert watched.wait(patient()) == -9


def test_what_nobody_can_watch_over_has_not_run_and_runs_once_somebody_can(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Python is replaced under a worker, or the watcher is killed in the moment of its start."""
    WATCHER.rest()
    queue.publish("a")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))

    with WorkerPool(queue, Command(["true"]), options=PoolOptions(lease_s=1.5, beat_s=0.3)) as pool:
        eventually(lambda: pool.status().shortage or queue.counts().failed)
        assert errors(queue) == {}
        assert "watch" in (pool.status().shortage or "")
        monkeypatch.undo()
        eventually(lambda: pool.status().done == 1)
        assert queue.counts() == Counts()


def test_a_script_that_does_not_say_what_reads_it_is_read_by_a_shell(queue: Queue, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f'echo "$1 $CONVOY_ID" >{tmp_path}/told\n')
    script.chmod(0o755)
    queue.publish("1")

    WorkerPool(queue, Command([str(script), "{}"]), options=BURST).run()

    assert (tmp_path / "told").read_text() == "1 1\n"
