"""The benchmarks run and say what they promise to say. How fast anything was is not looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FIGURE = {"median", "min", "max", "rounds"}
ROW = {"name", "what", "unit", "figure", "limit", "limit_is", "ratio", "goal", "beside", "note"}
NAMES = {
    "process.async.1",
    "process.async.1.trips",
    "process.async.10",
    "process.async.100",
    "process.async.400",
    "process.suspects",
    "process.recorded",
    "process.threads.10",
    "process.two",
    "process.two.gain",
    "commands.2",
    "commands.2.cpu",
    "commands.8",
    "commands.8.cpu",
    "publish.one.blocking",
    "publish.one.awaited",
    "publish.together.tasks",
    "publish.together.threads",
    "publish.together.gather",
    "publish.bulk",
    "publish.bulk.known",
    "publish.bulk.known.against_new",
    "wakeup.median",
    "wakeup.p99",
    "limits.none",
    "limits.set",
    "memory.queued",
    "memory.left",
    "memory.pool",
    "memory.history",
    "scripts.slowest",
    "scripts.counts",
    "scripts.snapshot",
    "scripts.processing",
    "scripts.ids.4k",
    "scripts.ids.16k",
    "scripts.payloads",
    "scripts.queues",
    "scripts.due",
    "scripts.owners",
    "doctor.check",
    "doctor.scripts",
    "states",
    "failures.groups",
    "dashboard.1.trips",
    "dashboard.1.bytes",
    "dashboard.1.time",
    "dashboard.100.trips",
    "dashboard.100.bytes",
    "dashboard.100.time",
    "pages.queued",
    "pages.failed",
    "screen.start.live",
    "screen.start.away",
    "screen.keys",
    "screen.rest.100.cpu",
    "screen.rest.100.bytes",
    "screen.rest.1000.cpu",
    "screen.rest.1000.bytes",
    "cli.help",
    "cli.version",
    "cli.complete",
    "cli.complete.queue",
    "cli.status",
    "cli.import",
    "cli.streams.publish",
    "cli.streams.ids",
    "cli.streams.list",
}


def _run(*arguments: str) -> str:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.timeout(240)  # it starts some thirty processes, perhaps on a busy machine
def test_every_row_has_a_figure_and_its_limit() -> None:
    document = json.loads(_run("benchmarks", "--quick", "--json"))

    assert {"schema", "about", "rounds", "rows"} == set(document)
    assert (document["schema"], document["rounds"]) == (1, 1)
    assert {row["name"] for row in document["rows"]} == NAMES
    for row in document["rows"]:
        assert set(row) == ROW
        for part in ("figure", "limit", "ratio"):
            assert set(row[part]) == FIGURE, row["name"]
            assert row[part]["min"] > 0, row["name"]
        assert row["goal"] is None or set(row["goal"]) == {"kind", "number", "of", "reached"}


@pytest.mark.parametrize("module", ["benchmarks", "benchmarks.peers"])
def test_help(module: str) -> None:
    assert "--markdown" in _run(module, "--help")


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        _run("benchmarks", "--only", "nonsense")

    assert refused.value.returncode == 2
    assert "nothing is called nonsense" in refused.value.stderr
