"""The first five minutes of a newcomer, with nothing installed: two processes and the embedded store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.conftest import ROOT
from tests.waiting import patient


def convoy(*args: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """`convoy` as a process of its own, in the repository, where the examples are."""
    return subprocess.run(
        [sys.executable, "-m", "convoy_tui.cli", *args],
        input=input,
        env=dict(os.environ),
        cwd=ROOT,
        capture_output=True,
        timeout=patient(),
        check=False,
    )


@pytest.fixture(autouse=True)
def stopped_afterwards() -> Iterator[None]:
    """The embedded store in this test's home does not outlive it."""
    yield
    convoy("server", "stop")


def test_publish_work_look_and_publish_again() -> None:
    thousand = b"".join(b"%d\n" % n for n in range(1, 1001))

    first = convoy("publish", "monsterTrucks", "-", input=thousand)
    second = convoy("publish", "monsterTrucks", "-", input=thousand)
    worked = convoy("work", "monsterTrucks", "--handler", "examples.trucks:crush", "--burst", "--concurrency", "10")
    looked = convoy("status", "monsterTrucks", "--json")
    again = convoy("publish", "monsterTrucks", "-", input=thousand)

    assert (first.returncode, first.stdout) == (0, b"1,000 published\n"), first.stderr
    assert (second.returncode, second.stdout) == (0, b"0 published, 1,000 already waiting\n")
    assert (worked.returncode, worked.stdout) == (0, b"1,000 done\n"), worked.stderr
    (queue,) = json.loads(looked.stdout)["queues"]
    assert [queue[name] for name in ("queued", "committed", "processing", "failed", "delayed")] == [0, 0, 0, 0, 0]
    assert (again.returncode, again.stdout) == (0, b"1,000 published\n")
