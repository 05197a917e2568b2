"""Run `convoy` as its users do: in this process if that is enough, else as a process of its own, or in a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from typer.testing import CliRunner, Result

from convoy_core import Fleet, Queue, State
from convoy_tui.cli.main import app
from tests.cli.documents import assert_valid
from tests.servers import RealServer
from tests.waiting import patient

ROOT = Path(__file__).parents[2]


class Convoy:
    """The command line on one store."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environment = {"CONVOY_REDIS_URL": url, "COLUMNS": "100", "PYTHONPATH": str(ROOT)}

    def __call__(
        self, *args: str, input: bytes | str | None = None, env: dict[str, str | None] | None = None
    ) -> Result:
        """Run it in this process; stdin is no terminal."""
        result = CliRunner().invoke(app, list(args), input=input, env={**self.environment, **(env or {})})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.stderr
        if not {"--json", "json", "jsonl"}.isdisjoint(args):
            assert_valid(result.stdout)
        return result

    def json(self, *args: str) -> Any:
        """The document that the command answers with."""
        return json.loads(self(*args, "--json").stdout)

    def process(
        self, *args: str, input: bytes = b"", env: dict[str, str] | None = None, cwd: Path = ROOT
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it as a process of its own."""
        command = [sys.executable, "-m", "convoy_tui.cli", *args]
        environment = {**os.environ, **self.environment, **(env or {})}
        return subprocess.run(
            command, input=input, env=environment, cwd=cwd, capture_output=True, timeout=patient(), check=False
        )


@pytest.fixture
def convoy(store: RealServer) -> Convoy:
    """`convoy` on an empty store."""
    return Convoy(store.url)


@pytest.fixture
def fleet(store: RealServer) -> Fleet:
    """The same store by the library."""
    return Fleet(redis=store.url)


@pytest.fixture
def trucks(fleet: Fleet) -> Queue:
    """A queue of that store."""
    return fleet.queue("trucks")


@pytest.fixture
def fail(trucks: Queue, raw: redis.Redis) -> Callable[..., None]:
    """Put IDs among the failed of `trucks`, as a worker's `fail` leaves them."""

    def put(*ids: str, error: str = "RuntimeError: flat tyre", failures: int = 1) -> None:
        for id in ids:
            raw.zadd("cv:trucks:failed", {id: failures})
            raw.hset("cv:trucks:failure", id, json.dumps({"error": error, "at": 1_700_000_000, "attempt": 1}))
        raw.sadd("cv:queues", "trucks")

    return put


@pytest.fixture
def run_since(trucks: Queue, raw: redis.Redis) -> Callable[..., None]:
    """Put IDs into processing, as a Node client's claim leaves them, `age_s` ago."""

    def put(*ids: str, age_s: float = 600.0) -> None:
        now = raw.time()[0]
        for id in ids:
            raw.zadd("cv:trucks:processing", {id: now - age_s})
            raw.sadd("cv:trucks:committed", id)
        raw.sadd("cv:queues", "trucks")

    return put


def states(queue: Queue, *ids: str) -> list[State]:
    """Where these IDs are."""
    return [queue.show(id).state for id in ids]
