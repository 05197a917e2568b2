"""`--otel`: `convoy publish` and `convoy work` trace by whatever the program's own set-up of OpenTelemetry does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convoy_core import Queue
from tests.cli.conftest import ROOT, Convoy

SET_UP = """
import os
from pathlib import Path
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

spans = Path(os.environ["SPANS"]).open("a", buffering=1)
provider = TracerProvider()
exporter = ConsoleSpanExporter(out=spans, formatter=lambda span: span.to_json(indent=None) + "\\n")
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""


@pytest.fixture
def set_up(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python program sets up OpenTelemetry, as `opentelemetry-instrument` makes one."""
    (tmp_path / "sitecustomize.py").write_text(SET_UP)
    return {"PYTHONPATH": f"{tmp_path}:{ROOT}", "SPANS": str(tmp_path / "spans")}


def _spans(set_up: dict[str, str]) -> list[dict[str, Any]]:
    file = Path(set_up["SPANS"])
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("processes", [[], ["--processes", "1"]], ids=["one", "supervised"])
def test_publishes_and_runs_of_the_commands_are_linked(
    convoy: Convoy, trucks: Queue, set_up: dict[str, str], processes: list[str]
) -> None:
    published = convoy.process("publish", "trucks", "42", "43", "--otel", "ids", env=set_up)
    words = ["--handler", "examples.trucks:crush", "--burst", "--otel", "ids"]
    worked = convoy.process("work", "trucks", *words, *processes, env=set_up)

    assert (published.returncode, worked.returncode) == (0, 0)
    sent, *runs = _spans(set_up)
    assert (sent["name"], sent["attributes"]["messaging.batch.message_count"]) == ("publish trucks", 2)
    assert [run["name"] for run in runs] == ["process trucks"] * 2
    assert {run["attributes"]["messaging.message.id"] for run in runs} == {"42", "43"}
    assert [run["links"][0]["context"]["span_id"] for run in runs] == [sent["context"]["span_id"]] * 2


def test_the_environment_asks_for_spans_without_ids(convoy: Convoy, trucks: Queue, set_up: dict[str, str]) -> None:
    quiet = {**set_up, "CONVOY_OTEL": "no-ids"}
    convoy.process("publish", "trucks", "42", env=quiet)
    convoy.process("work", "trucks", "--exec", "true", "--burst", env=quiet)

    assert [span["name"] for span in _spans(set_up)] == ["publish trucks", "process trucks"]
    assert [span for span in _spans(set_up) if "messaging.message.id" in span["attributes"]] == []


def test_nothing_is_traced_unless_it_is_asked_for(convoy: Convoy, trucks: Queue, set_up: dict[str, str]) -> None:
    convoy.process("publish", "trucks", "42", env=set_up)

    assert trucks.show("42").traces == ()
    assert _spans(set_up) == []


def test_a_word_that_says_nothing_is_refused(convoy: Convoy) -> None:
    result = convoy("publish", "trucks", "42", env={"CONVOY_OTEL": "yes"})

    assert result.exit_code == 2
    assert "CONVOY_OTEL is 'yes'; it must be ids or no-ids." in result.stderr


def test_where_the_extra_is_missing_it_is_named(convoy: Convoy, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys  # noqa: PLC0415 - to hide a module from this one test

    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    result = convoy("publish", "trucks", "42", "--otel", "ids")

    assert result.exit_code == 2
    assert "pip install 'convoy-queue[otel]'" in result.stderr
