"""`convoy log`: what operators have done, by which face and why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from convoy_core import Fleet, Operator, Queue
from convoy_tui.cli.config_path import config_path
from tests.cli.conftest import ROOT, Convoy
from tests.waiting import patient

Fail = Callable[..., None]


@pytest.fixture(autouse=True)
def nobody_in_particular(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose name is known."""
    monkeypatch.delenv("CONVOY_OPERATOR", raising=False)
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setattr("socket.gethostname", lambda: "desk")


def acts(convoy: Convoy, *words: str) -> list[dict[str, object]]:
    """What the log says, without when."""
    found: list[dict[str, object]] = convoy.json("log", *words)["acts"]
    return [{name: value for name, value in act.items() if name not in ("at", "until", "operation")} for act in found]


def test_every_command_that_steers_is_in_the_log_with_its_reason(
    convoy: Convoy, trucks: Queue, fail: Fail, run_since: Callable[..., None], raw: redis.Redis
) -> None:
    fail("1", "2")
    run_since("jammed")
    raw.sadd("cv:trucks:committed", "missing")
    for words in (
        ["requeue", "trucks", "1"],
        ["discard", "trucks", "2", "--yes"],
        ["jam-guard", "trucks", "--idle", "5m", "--yes"],
        ["doctor", "trucks", "--fix", "--yes", "--grace", "0s"],
        ["pause", "trucks"],
        ["resume", "trucks"],
        ["limit", "trucks", "--concurrency", "5"],
    ):
        assert convoy(*words, "--reason", "because").exit_code in (0, 10, 11), words

    logged = acts(convoy)

    assert [(act["verb"], act["outcomes"], act["samples"]) for act in logged] == [
        ("requeue", {"queued": 1}, ["1"]),
        ("discard", {"discarded": 1}, ["2"]),
        ("jam_guard", {"queued": 1}, ["jammed"]),
        ("repair", {"queued": 1}, ["missing"]),
        ("pause", {"paused": 1}, []),
        ("resume", {"resumed": 1}, []),
        ("limit", {"limited": 1}, []),
    ]
    assert {(act["who"], act["face"], act["queue"], act["reason"]) for act in logged} == {
        ("ann@desk", "command line", "trucks", "because")
    }


def test_a_command_of_many_chunks_is_one_act(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    raw.zadd("cv:trucks:failed", {f"{n}": 1 for n in range(3_000)})

    convoy("requeue", "trucks", "--all", "--yes")

    (act,) = acts(convoy, "trucks")
    assert (act["count"], act["outcomes"], len(act["samples"])) == (3_000, {"queued": 3_000}, 10)  # type: ignore[arg-type]


def test_a_dry_run_and_what_changes_nothing_are_not_kept(convoy: Convoy, trucks: Queue, fail: Fail) -> None:
    fail("1")
    for words in (["requeue", "trucks", "1", "-n"], ["discard", "trucks", "1", "-n"], ["resume", "trucks"]):
        convoy(*words)

    result = convoy("log", "trucks")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Nobody has done anything that is kept.\n"


@pytest.mark.parametrize("by", ["flag", "environment", "profile"])
def test_who_acts_can_be_set(convoy: Convoy, trucks: Queue, by: str) -> None:
    config_path().parent.mkdir(parents=True, exist_ok=True)
    Path(config_path()).write_text('default_profile = "p"\n[profiles.p]\noperator = "profile"\n')
    env = {"CONVOY_OPERATOR": "environment"} if by != "profile" else {}
    words = ["--operator", "flag"] if by == "flag" else []

    convoy(*words, "pause", "trucks", env=dict(env))

    assert [act["who"] for act in acts(convoy)] == [by]


def test_the_table_and_the_plain_lines(convoy: Convoy, trucks: Queue, fail: Fail) -> None:
    fail("1", "2")
    convoy("requeue", "trucks", "1", "2", "--reason", "new tyres")

    table = convoy("log", "-o", "table", env={"COLUMNS": "140"}).stdout.splitlines()
    plain = convoy("log").stdout.rstrip("\n").split("\t")

    assert table[0].split() == ["WHEN", "(UTC)", "WHO", "BY", "QUEUE", "ACT", "DONE", "IDS", "REASON"]
    assert table[1].split()[2:] == [
        "ann@desk",
        "command",
        "line",
        "trucks",
        "requeue",
        "2",
        "queued",
        "1,",
        "2",
        "new",
        "tyres",
    ]
    assert plain[1:] == ["ann@desk", "command line", "trucks", "requeue", "2 queued", "1, 2", "new tyres"]


def test_the_lines_of_the_log_are_documents(convoy: Convoy, trucks: Queue) -> None:
    trucks.pause()

    (line,) = convoy("log", "trucks", "-o", "jsonl").stdout.splitlines()

    act = json.loads(line)
    assert act.pop("at") == act.pop("until") > 1_700_000_000
    assert len(act.pop("operation")) == 8
    assert act == {
        "schema": "convoy.log/1",
        "queue": "trucks",
        "who": "ann@desk",
        "face": "library",
        "verb": "pause",
        "count": 1,
        "outcomes": {"paused": 1},
        "samples": [],
        "reason": "",
    }


def test_since_leaves_out_what_was_before(convoy: Convoy, trucks: Queue, raw: redis.Redis) -> None:
    old = (raw.time()[0] - 7200) * 1000
    fields: dict[bytes | str, str] = {"by": "{}", "verb": "old", "at": str(old), "outcomes": "paused 1"}
    raw.xadd("cv:trucks:audit", dict(fields), id=f"{old}-0")  # type: ignore[arg-type]  # a dict is invariant
    trucks.pause()

    assert [act["verb"] for act in acts(convoy, "trucks")] == ["old", "pause"]
    assert [act["verb"] for act in acts(convoy, "trucks", "--since", "1h")] == ["pause"]


def test_the_log_of_some_queues(convoy: Convoy, fleet: Fleet) -> None:
    for name in ("trucks", "vans", "cars"):
        fleet.queue(name).pause()

    assert sorted(str(act["queue"]) for act in acts(convoy, "trucks", "cars")) == ["cars", "trucks"]


def test_following_prints_what_comes(convoy: Convoy, trucks: Queue) -> None:
    trucks.pause()
    command = [sys.executable, "-m", "convoy_tui.cli", "log", "--follow", "-o", "jsonl"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, **convoy.environment}
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        trucks.resume()
        second = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=patient(60))

    assert (first["verb"], second["verb"], rest, process.returncode) == ("pause", "resume", b"", 130)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["log", "--follow", "--json"], "it is one document, and --follow never ends; jsonl fits."),
        (["log", "-o", "ids"], "an act has several IDs, or none."),
        (["--operator", "x" * 201, "pause", "trucks"], "--operator: who is 'xxx"),
        (["pause", "trucks", "--reason", "x" * 1001], "reason is 'xxx"),
    ],
)
def test_what_does_not_fit_is_refused(convoy: Convoy, words: list[str], says: str) -> None:
    result = convoy(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


@pytest.mark.parametrize("processes", [0, 2])
def test_workers_that_were_launched_are_in_the_log(convoy: Convoy, trucks: Queue, processes: int) -> None:
    trucks.publish("1")
    words = ["work", "trucks", "--handler", "examples.trucks:crush", "--burst", "--reason", "more hands"]

    convoy.process(*words, *([f"--processes={processes}"] if processes else []), "--operator", "night shift")

    logged = acts(convoy)
    assert {(act["verb"], act["who"], act["face"], act["reason"]) for act in logged} == {
        ("work", "night shift", "command line", "more hands")
    }
    assert sum(act["count"] for act in logged) == (processes or 1)  # type: ignore[misc]  # each is a number


def test_a_program_says_who_acts_and_why(convoy: Convoy, fleet: Fleet, store: object) -> None:
    with Queue("trucks", redis=convoy.url, operator=Operator("deploy 17", reason="migration")) as queue:
        queue.pause()

    (act,) = acts(convoy)
    assert (act["who"], act["face"], act["reason"]) == ("deploy 17", "library", "migration")
