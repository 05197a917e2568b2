"""`convoy watch`: each change of health once, and a command for it, whatever that command does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from convoy_core import Fleet, Queue
from tests.cli.conftest import ROOT, Convoy
from tests.servers import RealServer
from tests.waiting import patient


@contextmanager
def watching(convoy: Convoy, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "convoy_tui.cli", "watch", "--interval", "100ms", "-o", "jsonl", *words]
    environment = {**os.environ, **convoy.environment}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=patient())


def next_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def test_a_change_is_told_once_with_its_reason(convoy: Convoy, trucks: Queue) -> None:
    trucks.pause()
    with watching(convoy) as process:
        trucks.publish("1")
        trucks.resume()
        first = next_of(process)
        trucks.pause()
        second = next_of(process)

    assert (first["queue"], first["health"], first["severity"]) == ("trucks", "NO WORKERS", "warning")
    assert "no worker" in first["why"].lower()
    assert (second["before"], second["health"]) == ("NO WORKERS", "paused")


def test_what_is_bad_at_the_beginning_is_told_and_what_is_well_is_not(
    convoy: Convoy, trucks: Queue, fleet: Fleet
) -> None:
    trucks.publish("1")
    fleet.queue("fine").publish("1")
    fleet.queue("fine").pause()

    result = convoy("watch", "--samples", "3", "--interval", "10ms", "-o", "jsonl")

    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["queue"], line["before"], line["health"]) for line in said] == [("trucks", None, "NO WORKERS")]


def test_the_command_gets_the_queue_the_word_and_the_sentence(convoy: Convoy, fleet: Fleet, tmp_path: Path) -> None:
    name = "a b;$(touch x)\n"
    fleet.queue(name).publish("1")
    program = tmp_path / "tell"
    program.write_text(
        f'#!/bin/sh\nprintf "%s|%s|%s|%s|%s|" "$1" "$CONVOY_QUEUE" "$CONVOY_HEALTH" "$CONVOY_SEVERITY" '
        f'"$CONVOY_REDIS_URL" > {tmp_path}/told\ncat >> {tmp_path}/told\n'
    )
    program.chmod(0o755)

    result = convoy("watch", "--samples", "1", "--on-change", f"{program} {{}}", "-o", "jsonl")

    assert result.exit_code == 0, result.stderr
    told = (tmp_path / "told").read_text().split("|")
    assert told[:5] == [name, name, "NO WORKERS", "warning", ""]
    assert told[5].startswith(f"{name}: NO WORKERS. ")


@pytest.mark.parametrize(
    ("words", "said"),
    [("false", "ended with exit status 1"), ("sh -c 'kill -9 $$'", "exit status -9"), ("cat", None)],
)
def test_whatever_the_command_does_the_watch_goes_on(
    convoy: Convoy, trucks: Queue, words: str, said: str | None
) -> None:
    trucks.publish("1")

    result = convoy("watch", "--samples", "2", "--interval", "10ms", "--on-change", words)

    assert result.exit_code == 0
    assert said is None or said in result.stderr
    assert "NO WORKERS" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"), [("nowhere {}", "there is no program 'nowhere'"), ("'", "split"), ("", "no")]
)
def test_a_command_that_is_none_is_refused_at_once(convoy: Convoy, words: str, said: str) -> None:
    result = convoy("watch", "--on-change", words)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_store_that_goes_and_comes_back_is_told(convoy: Convoy, store: RealServer, trucks: Queue) -> None:
    trucks.publish("1")
    with watching(convoy) as process:
        assert next_of(process)["health"] == "NO WORKERS"
        store.kill()
        gone = next_of(process)
        store.start()
        back = next_of(process)

    assert (gone["queue"], gone["health"], gone["severity"]) == (None, "STORE AWAY", "alarm")
    assert (back["before"], back["health"]) == ("STORE AWAY", "store back")


def test_for_people_it_is_a_line(convoy: Convoy, trucks: Queue) -> None:
    trucks.publish("1")

    result = convoy("watch", "--samples", "1", "-o", "table")

    assert "trucks: NO WORKERS. " in result.stdout


def test_a_queue_whose_name_would_be_an_option_is_given_behind_two_dashes_alone(
    convoy: Convoy, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.queue("-rf").publish("1")

    refused = convoy("watch", "--samples", "1", "--on-change", f"touch {tmp_path}/a {{}}")
    taken = convoy("watch", "--samples", "1", "--on-change", f"sh -c 'printf %s \"$1\" > {tmp_path}/b' x -- {{}}")

    assert "write -- before {}" in refused.stderr
    assert not (tmp_path / "a").exists()
    assert taken.stderr.count("exit status") == 0
    assert (tmp_path / "b").read_text() == "--"
