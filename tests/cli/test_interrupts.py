"""Ctrl-C in the midst of a bulk command: the tally that it leaves is what the store took."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from convoy_core import Queue
from tests.cli.conftest import ROOT, Convoy
from tests.proxy import Proxy
from tests.servers import RealServer
from tests.waiting import eventually, patient

N = 6000
FAILED, QUEUED, RUNNING = "cv:trucks:failed", "cv:trucks:queued", "cv:trucks:processing"
DELAYED = "cv:trucks:delayed"


class Bulk:
    """A command as a process of its own, by way of a link that sees each of its requests."""

    def __init__(self, proxy: Proxy, args: list[str], ids: Path) -> None:
        self.proxy = proxy
        with ids.open("rb") as stdin:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "convoy_tui.cli", *args],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=ROOT,
                env={**os.environ, "CONVOY_REDIS_URL": proxy.url},
            )

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def is_waiting(self) -> bool:
        """Whether it waits for something, and has taken every signal that it was sent."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        return fields["State"].startswith("S") and not int(fields["ShdPnd"], 16) | int(fields["SigPnd"], 16)

    def end(self) -> str:
        """What it has said in the end, on stdout or beside it."""
        out, err = self.process.communicate(timeout=patient(60))
        assert self.process.returncode == 130, err
        assert b"Traceback" not in err
        return (out + err).decode()


@pytest.fixture
def bulk(store: RealServer, convoy: Convoy, tmp_path: Path) -> Iterator[Callable[..., Bulk]]:
    """Start a command whose stdin has the IDs 0 to N, as its kind of lines."""
    proxies: list[Proxy] = []
    started: list[Bulk] = []
    (tmp_path / "ids").write_text("".join(f"{n}\n" for n in range(N)))
    (tmp_path / "dump").write_text("".join(f'{{"id": "new {n}"}}\n' for n in range(N)))

    def start(*args: str, decide: Callable[[Bulk, int], None]) -> Bulk:
        """`decide` is called before each write is passed on, with its number."""
        proxy = Proxy(Path(store.url.removeprefix("unix://")), tmp_path / f"link{len(proxies)}")
        proxies.append(proxy)
        ready = threading.Event()
        n = 0

        def see(request: bytes) -> None:
            nonlocal n
            if b"EVALSHA\r\n" in request or b"EVAL\r\n" in request:
                ready.wait(patient(60))
                n += 1
                decide(started[-1], n)

        proxy.decide = see
        started.append(Bulk(proxy, list(args), tmp_path / ("dump" if args[0] == "import" else "ids")))
        ready.set()
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()
    for proxy in proxies:
        proxy.close()


COMMANDS: dict[str, tuple[list[str], Callable[[redis.Redis], int]]] = {
    "publish": (["publish", "trucks", "-"], lambda raw: raw.llen(QUEUED)),
    "publish as ids": (["publish", "trucks", "-", "-o", "ids"], lambda raw: raw.llen(QUEUED)),
    "import": (["import", "trucks"], lambda raw: raw.llen(QUEUED)),
    "requeue from stdin": (["requeue", "trucks", "-"], lambda raw: raw.llen(QUEUED)),
    "requeue": (["requeue", "trucks", "--all", "-y"], lambda raw: raw.llen(QUEUED)),
    "discard": (["discard", "trucks", "--match", "*", "-y"], lambda raw: N - raw.zcard(FAILED)),
    "discard a whole state": (["discard", "trucks", "--all", "-y"], lambda raw: N - raw.zcard(FAILED)),
    "cancel": (["cancel", "trucks", "-", "-y"], lambda raw: N - raw.zcard(DELAYED)),
    "jam-guard": (["jam-guard", "trucks", "--idle", "5m", "-y", "-q", "-o", "table"], lambda raw: raw.llen(QUEUED)),
}


@pytest.fixture
def full(trucks: Queue, raw: redis.Redis) -> None:
    """IDs that failed, and as many that are jammed."""
    raw.zadd(FAILED, {str(n): 1 for n in range(N)})
    raw.zadd(RUNNING, {f"running {n}": 1 for n in range(N)})
    raw.sadd("cv:trucks:committed", *(f"running {n}" for n in range(N)))
    raw.sadd("cv:queues", "trucks")


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("name", COMMANDS)
def test_the_tally_counts_what_the_store_took(bulk: Callable[..., Bulk], raw: redis.Redis, name: str) -> None:
    args, taken = COMMANDS[name]
    if name == "cancel":
        raw.rename(FAILED, DELAYED)
        raw.sadd("cv:trucks:committed", *range(N))
    if name == "import":
        raw.delete(FAILED)
    seed = random.randrange(2**32)
    at = random.Random(seed).randint(2, 4)

    command = bulk(*args, decide=lambda command, n: command.interrupt() if n == at else None)
    said = command.end()

    told = re.search(r"([\d,]+) (?:published|requeued|discarded|cancelled|imported)\b", said)
    assert told is not None, said
    assert int(told[1].replace(",", "")) == taken(raw), seed
    assert 0 < taken(raw) < N, seed


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_whatever_cuts_a_discard_short_all_that_it_has_taken_is_brought_back(
    bulk: Callable[..., Bulk], convoy: Convoy, raw: redis.Redis, tmp_path: Path, by: signal.Signals
) -> None:
    kept = str(tmp_path / "kept")
    at = random.randint(5, 10)

    def cut(command: Bulk, n: int) -> None:
        if n == at:
            command.process.send_signal(by)

    bulk("discard", "trucks", "--all", "-y", "--keep", kept, decide=cut).process.communicate(timeout=patient(60))
    left = raw.zcard(FAILED)
    convoy("restore", kept, "--queue", "trucks")

    assert 0 < left < N, at
    assert raw.zcard(FAILED) == N


def test_a_second_ctrl_c_does_not_wait_and_the_tally_says_at_least(bulk: Callable[..., Bulk], raw: redis.Redis) -> None:
    is_held, go_on = threading.Event(), threading.Event()

    def hold(_: Bulk, n: int) -> None:
        if n == 5:
            is_held.set()
            go_on.wait(patient(60))

    command = bulk("publish", "trucks", "-", "--json", decide=hold)
    assert is_held.wait(patient(60))
    for _ in range(2):
        eventually(command.is_waiting, within_s=60)
        command.interrupt()
    document = json.loads(command.end())
    taken = raw.llen(QUEUED)
    go_on.set()

    assert document["exact"] is False
    # Beside a busy neighbour several chunks may pass as one, so that more of them have been answered by then.
    assert 0 < document["published"] <= taken <= N


def test_ctrl_c_while_more_ids_are_awaited_takes_effect_at_once(
    convoy: Convoy, trucks: Queue, store: RealServer
) -> None:
    command = [sys.executable, "-m", "convoy_tui.cli", "publish", "trucks", "-"]
    environment = {**os.environ, **convoy.environment}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        assert process.stdin is not None
        process.stdin.write(b"1\n2\n3\n")
        process.stdin.flush()
        eventually(lambda: trucks.counts().queued == 3, within_s=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(patient(60)) == 130
        assert process.stdout is not None
        assert process.stdout.read() == b"3 published\n"
