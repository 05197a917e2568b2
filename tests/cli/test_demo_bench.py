"""`convoy demo` and `convoy bench`: they show and measure in queues of their own, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from convoy_core import Fleet, InvalidOption, Queue, erase_scratch
from tests.cli.conftest import ROOT, Convoy
from tests.moves.keyspace import dump
from tests.servers import RealServer
from tests.waiting import eventually, patient

Config = Callable[[str], None]


@pytest.fixture
def config() -> Config:
    """Write the user's config file."""

    def write(text: str) -> None:
        path = Path(os.environ["HOME"], ".config", "convoy", "config.toml")
        path.parent.mkdir(parents=True)
        path.write_text(text)

    return write


@contextmanager
def demonstration(convoy: Convoy, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A demo as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "convoy_tui.cli", "demo", *options],
        env={**os.environ, **convoy.environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=patient())


def is_alive(store: RealServer) -> bool:
    """Whether samples are at work: some have run, and others are waiting."""
    with Fleet(redis=store.url, prefix="cv-demo:") as fleet:
        seen = fleet.snapshot(fleet.queues())
    done = sum(snapshot.totals.get("done", 0) for snapshot in seen)
    return len(seen) == 6 and done > 0 and any(snapshot.counts.delayed for snapshot in seen)


def test_bench_measures_and_leaves_nothing_behind(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish("mine")
    before = dump(raw)

    document = convoy.json("bench", "--ids", "500", "-c", "10")

    assert [row["name"] for row in document["measured"]] == ["round_trip", "publish_one", "publish_many", "process"]
    assert [row["times"] for row in document["measured"]] == [20, 100, 500, 600]
    assert all(row["per_s"] > 0 for row in document["measured"])
    assert dump(raw) == before


def test_bench_erases_what_a_killed_one_has_left_and_not_what_another_uses(
    convoy: Convoy, store: RealServer, raw: redis.Redis
) -> None:
    names = [f"{round(time.time()) - age}.abc" for age in (7200, 5)]
    with Fleet(redis=store.url, prefix="cv-bench:") as fleet:
        for name in names:
            fleet.queue(name).publish("left")

        convoy("bench", "--ids", "10")

        assert fleet.queues() == names[1:]
    assert raw.exists(f"cv-bench:{names[0]}:queued") == 0


@pytest.mark.parametrize("command", ["bench", "demo"])
@pytest.mark.parametrize("environment", ["production", "PROD", "live"])
def test_neither_runs_in_production(convoy: Convoy, config: Config, command: str, environment: str) -> None:
    config(f'[profiles.here]\nurl = "{convoy.url}"\nenvironment = "{environment}"\n')

    result = convoy(command, "--profile", "here")

    assert result.exit_code == 4
    assert f"is marked as {environment}; nothing is tried out there" in result.stderr


@pytest.mark.parametrize("command", ["bench", "demo"])
def test_neither_runs_where_nothing_may_be_written(convoy: Convoy, raw: redis.Redis, command: str) -> None:
    assert convoy(command, "--read-only").exit_code == 4
    assert convoy(command, "--prefix", "cv:").exit_code == 2
    assert dump(raw) == {}


def test_scratch_queues_are_erased_under_their_prefixes_alone(trucks: Queue, fleet: Fleet, raw: redis.Redis) -> None:
    trucks.publish("mine")

    with pytest.raises(InvalidOption, match="are erased under cv-demo: and cv-bench: alone, not cv:"):
        erase_scratch(fleet, ["trucks"])

    assert raw.llen("cv:trucks:queued") == 1


def test_erasing_a_queue_leaves_those_whose_names_begin_alike(store: RealServer, raw: redis.Redis) -> None:
    with Fleet(redis=store.url, prefix="cv-demo:") as fleet:
        for name in ("a", "a:b", "ab"):
            fleet.queue(name).publish("1")

        erase_scratch(fleet, ["a"])

        assert fleet.queues() == ["a:b", "ab"]
        assert raw.keys("cv-demo:a:[^b]*") == []


def test_a_demo_shows_everything_alive_and_touches_no_queue_of_the_user(
    convoy: Convoy, store: RealServer, raw: redis.Redis
) -> None:
    with Queue("orders", redis=store.url) as mine:
        mine.publish("mine")
    before = dump(raw)

    with demonstration(convoy, "--json") as process:
        eventually(lambda: is_alive(store))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=patient())

    assert process.returncode == 0, err
    answer = json.loads(out)
    assert answer["schema"] == "convoy.demo/1"
    assert answer["done"] > 0
    assert b"Traceback" not in err
    assert dump(raw) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_demo_that_is_told_to_end_leaves_nothing_behind(
    convoy: Convoy, store: RealServer, raw: redis.Redis, number: signal.Signals
) -> None:
    with demonstration(convoy) as process:
        eventually(lambda: is_alive(store))
        process.send_signal(number)
        process.communicate(timeout=patient())

    assert process.returncode == 0
    assert dump(raw) == {}


def test_a_second_demo_is_refused_until_a_killed_one_is_over_and_erases_what_that_left(
    convoy: Convoy, store: RealServer, raw: redis.Redis
) -> None:
    with demonstration(convoy) as process:
        eventually(lambda: is_alive(store))
        second = convoy("demo")
        process.kill()
    raw.delete(*(key for key in raw.keys("cv-demo:*:workers")))  # as if the leases had run out

    third = convoy("demo", "--for", "100ms")

    assert second.exit_code == 4
    assert "A demo is running at" in second.stderr
    assert third.exit_code == 0, third.stderr
    assert dump(raw) == {}
