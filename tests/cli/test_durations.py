"""How long IDs waited and ran, as `convoy status` and `convoy history` tell it."""

from __future__ import annotations

import json
import re

import pytest
import redis

from convoy_core import PoolOptions, Queue, WorkerPool
from tests.cli.conftest import Convoy
from tests.cli.test_history import keep
from tests.moves.keyspace import commands

BURST = PoolOptions(burst=True)
NONE = {"count": 0, "p50_s": None, "p95_s": None, "p99_s": None}


@pytest.fixture
def worked(trucks: Queue) -> Queue:
    """A queue of which twenty IDs have run."""
    trucks.publish_many(range(20))
    WorkerPool(trucks, lambda _: None, options=BURST).run()
    return trucks


def test_status_tells_percentiles_of_three_times(convoy: Convoy, worked: Queue) -> None:
    convoy("publish", "idle", "1")

    rows = {row["queue"]: row["durations"] for row in convoy.json("status")["queues"]}

    assert [(each["over_s"], each["waits"]["count"], each["runs"]["count"]) for each in rows["trucks"]] == [
        (300.0, 20, 20),
        (3_600.0, 20, 20),
        (86_400.0, 20, 20),
    ]
    told = rows["trucks"][0]["runs"]
    assert 0 < told["p50_s"] <= told["p95_s"] <= told["p99_s"]
    assert [(each["waits"], each["runs"]) for each in rows["idle"]] == [(NONE, NONE)] * 3


def test_the_table_has_the_percentiles_of_the_last_hour_where_any_are_known(convoy: Convoy, worked: Queue) -> None:
    wide = convoy("status", "-o", "table", env={"COLUMNS": "250"}).stdout
    plain = convoy("status", "-o", "plain").stdout
    worked.publish("1")
    convoy("publish", "idle", "1")
    of_idle = convoy("status", "idle", "-o", "table", env={"COLUMNS": "250"}).stdout

    assert re.search(r"WAIT95 +RUN95\n.*trucks.* \d+(ms|\.\ds) +\d+(ms|\.\ds)\n", wide)
    assert re.fullmatch(r".*\t\d+\.\d+\t\d+\.\d+\n", plain)
    assert "WAIT95" not in of_idle


def test_a_watch_reads_them_no_more_often_than_pools_tell_them(convoy: Convoy, worked: Queue, raw: redis.Redis) -> None:
    def watch(samples: str) -> None:
        convoy("status", "--watch", "--samples", samples, "--interval", "1ms", "-o", "jsonl")

    watch("1")
    one, five = commands(raw, lambda: watch("1")), commands(raw, lambda: watch("5"))

    assert five["evalsha_ro"] == one["evalsha_ro"] + 4, "a snapshot for each further look, and nothing else"


def test_history_tells_them_below_its_rows(convoy: Convoy, worked: Queue, raw: redis.Redis) -> None:
    keep(raw, (30, 50, 0), (20, 40, 10))

    shown = convoy("history", "trucks", "--since", "1m", "-o", "table").stdout
    document = convoy.json("history", "trucks", "--since", "1m")
    line = json.loads(convoy("history", "trucks", "--since", "25s", "-o", "jsonl").stdout.splitlines()[0])

    number = r"\d+(ms|\.\ds)"
    sentence = rf"{number} half the time, {number} at 95%, {number} at 99% \(20\)"
    assert re.findall(rf"^last (5m|1h|24h) +waited {sentence}; ran {sentence}$", shown, re.MULTILINE)
    assert len(re.findall(r"^last ", shown, re.MULTILINE)) == 3
    assert document["durations"] == convoy.json("status", "trucks")["queues"][0]["durations"]
    assert "durations" not in line


def test_where_nothing_has_run_history_says_nothing_of_it(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    trucks.publish("1")
    keep(raw, (30, 50, 0))

    shown = convoy("history", "trucks", "--since", "1m", "-o", "table").stdout

    assert "last 5m" not in shown
