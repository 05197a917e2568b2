"""Handlers outside the pool's process: commands, and Python handlers in children, which may die while idle (F71)."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from convoy_core import Command, Counts, HandlerNotFound, InvalidOption, Isolated, PoolOptions, Queue, State, WorkerPool
from convoy_core.handlers import process_groups
from tests.servers import RealServer
from tests.waiting import eventually

BURST = PoolOptions(lease_s=1.5, beat_s=0.3, grace_s=5, burst=True)
QUICK = PoolOptions(lease_s=1.5, beat_s=0.3, grace_s=5)
HERE = "tests.handlers.handlers_to_isolate"


@pytest.fixture
def queue(store: RealServer) -> Iterator[Queue]:
    with Queue("q", redis=store.url) as queue:
        yield queue


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], list[str]]:
    """Writes a Python script and answers with the words that run it."""

    def write(source: str) -> list[str]:
        file = tmp_path / "command.py"
        file.write_text(source)
        return [sys.executable, str(file)]

    return write


def errors(queue: Queue) -> dict[str, str | None]:
    return {entry.id: entry.error for entry in queue.entries(State.FAILED)}


def test_a_command_gets_the_id_the_environment_and_the_payload(
    queue: Queue, script: Callable[[str], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVOY_REDIS_URL", "redis://:secret@localhost")
    out = tmp_path / "out"
    words = script(
        "import os, sys\n"
        "seen = [*sys.argv[1:], sys.stdin.read(), *(os.environ[f'CONVOY_{n}'] for n in ('ID', 'QUEUE', 'ATTEMPT'))]\n"
        f"open({str(out)!r}, 'w').write(repr((seen, 'CONVOY_REDIS_URL' in os.environ)))\n"
    )
    queue.publish("truck 42", payload={"lane": 3})

    status = WorkerPool(queue, Command([*words, "--", "{}"]), options=BURST).run()

    assert status.done == 1
    assert out.read_text() == repr((["--", "truck 42", '{"lane":3}', "truck 42", "q", "1"], False))


def test_the_exit_status_decides(queue: Queue, script: Callable[[str], list[str]]) -> None:
    words = script(
        "import os, signal, sys\n"
        "id = sys.argv[1]\n"
        "if id == 'killed': os.kill(os.getpid(), signal.SIGKILL)\n"
        "print('first', 'last words', sep='\\n', file=sys.stderr)\n"
        "sys.exit({'ok': 0, 'later': 75}.get(id, 3))\n"
    )
    queue.publish_many(["ok", "later", "bad", "killed"])

    status = WorkerPool(queue, Command([*words, "{}"]), options=BURST).run()

    assert (status.done, status.deferred, status.failed) == (1, 1, 2)
    assert queue.show("later").state is State.DELAYED
    assert errors(queue) == {"bad": "exit status 3: first", "killed": "killed by SIGKILL"}
    failure = queue.show("bad").failure
    assert failure is not None
    assert failure.error == "exit status 3: first\nlast words"


def test_s9_an_id_is_only_ever_one_argument(queue: Queue, script: Callable[[str], list[str]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = script(f"import sys\nopen({str(out)!r}, 'a').write(repr(sys.argv[1:]) + '\\n')\n")
    ids = ["; rm -rf /", "$(touch x)", "`id`", "a\nb", "*", "{}", "'\"", "%s", "ümläut", "\udcff"]
    queue.publish_many(ids)

    status = WorkerPool(queue, Command([*words, "{}"]), options=BURST).run()

    assert status.done == len(ids)
    assert out.read_text().splitlines() == [repr([id]) for id in ids]


def test_s9_an_id_that_no_argument_can_hold_fails_alone(queue: Queue, script: Callable[[str], list[str]]) -> None:
    words = script("")
    queue.publish_many(["with\0nul", "-rf", "fine"])

    status = WorkerPool(queue, Command([*words, "{}"]), options=BURST).run()

    assert (status.done, status.failed) == (1, 2)
    assert errors(queue) == {
        "with\0nul": "the command cannot be started for this ID: embedded null byte",
        "-rf": "the ID begins with '-' and would be read as an option; write -- before {}",
    }


def test_s9_after_a_double_dash_an_id_may_begin_with_a_dash(queue: Queue, script: Callable[[str], list[str]]) -> None:
    queue.publish("-rf")

    assert WorkerPool(queue, Command([*script(""), "--", "{}"]), options=BURST).run().done == 1


def test_s9_a_command_out_of_time_is_killed_with_all_it_started(
    queue: Queue, script: Callable[[str], list[str]], tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    words = script(
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'], preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(600)\n"
    )
    queue.publish("slow")

    with WorkerPool(queue, Command(words), job_timeout=1.0, options=QUICK):
        eventually(lambda: queue.counts() == Counts(failed=1))

    assert errors(queue) == {"slow": "TimedOut: it ran for longer than 1 s"}
    for pid in map(int, pids.read_text().split()):
        eventually(lambda pid=pid: not _is_running(pid))  # type: ignore[misc]  # mypy cannot infer such a lambda


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ("", InvalidOption, "begin with a program"),
        ("{} now", InvalidOption, "begin with a program"),
        ("echo x{}", InvalidOption, "alone as a word"),
        ("echo 'open", InvalidOption, "cannot be split"),
        ("no-such-program-here {}", HandlerNotFound, "no program 'no-such-program-here'"),
    ],
)
def test_a_command_line_that_cannot_work_is_refused_at_once(words: str, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        Command(words)


@pytest.mark.parametrize("function", ["work", "work_async"])
def test_an_isolated_handler_ends_as_any_other_does(queue: Queue, function: str) -> None:
    queue.publish_many(["ok-1", "fail-1", "exit-1", "die-1", "torn-1", "crash-1", "later-1", "drop-1", "ok-2"])
    queue.publish("payload", payload={"lane": 3})

    status = WorkerPool(queue, Isolated(f"{HERE}:{function}"), concurrency=2, options=BURST).run()

    assert (status.done, status.failed, status.deferred, status.discarded) == (3, 5, 1, 1)
    assert errors(queue) == {
        "fail-1": "LookupError: no truck fail-1",
        "exit-1": "SystemExit: 3",
        "die-1": "the handler's process ended: exit status 7",
        "torn-1": "the handler's process ended: exit status 7",
        "crash-1": "the handler's process ended: killed by SIGSEGV",
    }
    failure = queue.show("fail-1").failure
    assert failure is not None
    assert failure.traceback is not None
    assert "handlers_to_isolate.py" in failure.traceback


def test_an_isolated_handler_out_of_time_is_killed_and_the_others_go_on(queue: Queue) -> None:
    queue.publish_many(["stuck-1", "ok-1", "ok-2", "ok-3"])

    status = WorkerPool(queue, Isolated(f"{HERE}:work"), concurrency=2, job_timeout=6.0, options=BURST).run()

    assert (status.done, status.failed) == (3, 1)
    assert errors(queue) == {"stuck-1": "TimedOut: it ran for longer than 6 s"}
    assert status.running == ()


def test_a_pipe_that_an_escaped_process_holds_is_closed_when_the_child_is_ended(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_groups, "TERM_GRACE_S", 0.2)
    queue.publish("1", payload=str(tmp_path / "pid"))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert WorkerPool(queue, Isolated(f"{HERE}:leave"), options=BURST).run().done == 1
        gc.collect()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    assert [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)] == []


def test_a_handler_that_cannot_be_imported_is_found_before_anything_runs() -> None:
    with pytest.raises(HandlerNotFound, match="no 'missing'"):
        Isolated(f"{HERE}:missing")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{HERE}:missing", "no 'missing'"),
        ("no_such_module:work", "There is no module 'no_such_module'"),
        ("deadly:work", "Importing it ended the process: killed by SIGSEGV"),
        ("leaving:work", "Importing it ended in SystemExit: 3"),
    ],
)
async def test_a_handler_looked_for_elsewhere_cannot_harm_this_process(
    path: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deadly.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    (tmp_path / "leaving.py").write_text("import sys; sys.exit(3)")
    monkeypatch.chdir(tmp_path)
    handler = Isolated(path, elsewhere=True, output=os.open(os.devnull, os.O_WRONLY))

    with pytest.raises(HandlerNotFound, match=said):
        await handler.find()
    await handler.aclose()
    assert path.partition(":")[0] not in sys.modules.keys() - {HERE}


async def test_what_a_handler_elsewhere_writes_goes_to_the_descriptor_that_was_given(
    queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loud.py").write_text("import os\nasync def work(job): print('said', job.id); os.write(1, b'raw\\n')\n")
    monkeypatch.chdir(tmp_path)
    queue.publish("a")
    with (tmp_path / "output").open("wb") as output:
        handler = Isolated("loud:work", elsewhere=True, output=output.fileno())
        assert await handler.find()
        status = await WorkerPool(queue, handler, options=BURST).serve()

    assert status.done == 1
    assert sorted((tmp_path / "output").read_text().split("\n")) == ["", "raw", "said a"]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed process whose parent has not looked yet still has its number.
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that run our child program."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    started = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return [
        child
        for child in started
        if b"convoy_core.handlers.isolated_child" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_an_idle_child_that_has_died_costs_no_id(queue: Queue) -> None:
    handler = Isolated(f"{HERE}:work")
    with WorkerPool(queue, handler, concurrency=2, options=QUICK) as pool:
        queue.publish_many(["ok-1", "ok-2"])
        eventually(lambda: pool.status().done == 2)
        children = children_of(os.getpid())
        for child in children:
            os.kill(child, signal.SIGKILL)
        queue.publish_many(["ok-3", "ok-4", "ok-5"])
        eventually(lambda: pool.status().done + pool.status().failed == 5)

    assert children
    assert (pool.status().done, pool.status().failed) == (5, 0)


def test_an_id_that_a_dying_child_never_began_is_given_to_another(queue: Queue) -> None:
    handler = Isolated(f"{HERE}:work")
    with WorkerPool(queue, handler, options=QUICK) as pool:
        queue.publish("ok-1")
        eventually(lambda: pool.status().done == 1)
        (child,) = children_of(os.getpid())
        os.kill(child, signal.SIGSTOP)  # it will be sent an ID, and die before it has read it
        queue.publish("ok-2")
        eventually(lambda: pool.status().running)
        os.kill(child, signal.SIGKILL)
        eventually(lambda: pool.status().done + pool.status().failed == 2)

    assert (pool.status().done, pool.status().failed) == (2, 0)
