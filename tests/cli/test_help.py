"""What a newcomer reads: the help of every command, at 80 columns, and how little is loaded to show it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT, Convoy
from tests.cli.terminal import Terminal
from tests.waiting import patient

COMMANDS = [
    "status",
    "list",
    "find",
    "failures",
    "log",
    "show",
    "workers",
    "history",
    "watch",
    "doctor",
    "metrics",
    "where",
    "wait",
    "export",
    "import",
    "record",
    "trace",
    "publish",
    "requeue",
    "discard",
    "cancel",
    "jam-guard",
    "pause",
    "resume",
    "limit",
    "ack",
    "quiet",
    "unquiet",
    "describe",
    "work",
    "demo",
    "bench",
    "tui",
]
NARROW: dict[str, str | None] = {"COLUMNS": "80", "TERMINAL_WIDTH": "80"}


def test_no_arguments_print_the_help(convoy: Convoy) -> None:
    assert "Usage: convoy" in convoy().stdout
    assert convoy().exit_code == convoy("server").exit_code == 0


def test_the_help_groups_every_command(convoy: Convoy) -> None:
    text = convoy("--help", env=NARROW).stdout

    assert [name for name in [*COMMANDS, "server"] if f"\n  {name} " not in text] == []
    assert [panel for panel in ("Look", "Act", "Run") if f"\n{panel}:\n" not in text] == []
    assert "…" not in text


@pytest.mark.parametrize(
    "command", [[name] for name in COMMANDS] + [["server", name] for name in ("start", "stop", "status")]
)
def test_every_command_has_examples_and_fits_80_columns(convoy: Convoy, command: list[str]) -> None:
    text = convoy(*command, "--help", env=NARROW).stdout

    assert f"convoy {' '.join(command)}" in text.split("Examples:")[1]
    assert "<str>" not in text
    assert "<bool>" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert "Config file: " in text


def test_the_help_names_the_config_file_in_a_real_terminal_of_80_columns(convoy: Convoy) -> None:
    for command in (["--help"], ["work", "--help"], ["server", "start", "--help"]):
        with Terminal(*command, env=convoy.environment, lines=60) as terminal:
            assert terminal.end() == 0
            assert "Config file: ~/.config/convoy/config.toml" in terminal.text.replace(os.environ["HOME"], "~")
            assert "…" not in terminal.text


def test_the_version_is_printed(convoy: Convoy) -> None:
    result = convoy("--version")

    assert result.exit_code == 0
    assert result.stdout.startswith("convoy")


@pytest.mark.parametrize("command", [["--help"], ["status", "--json"], ["publish", "trucks", "1"]])
def test_no_textual_is_loaded(convoy: Convoy, command: list[str]) -> None:
    program = """
import atexit, sys
from convoy_tui.cli.main import run
atexit.register(lambda: print([name for name in sys.modules if name.startswith("textual")], file=sys.stderr))
run()
"""

    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        env=convoy.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(),
    )

    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"


def complete(convoy: Convoy, words: str, **env: str) -> list[str]:
    """What bash would be offered for `words`, whose last word is being typed."""
    typed = {"_CONVOY_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    return convoy.process(env={**typed, **env}).stdout.decode().split()


def test_tab_completes_queue_names(convoy: Convoy) -> None:
    convoy("publish", "monsterTrucks", "1")
    convoy("publish", "mail:out", "1")

    assert complete(convoy, "convoy status m") == ["mail:out", "monsterTrucks"]
    assert complete(convoy, "convoy list mon") == ["monsterTrucks"]
    assert complete(convoy, f"convoy --redis {convoy.url} show mon", CONVOY_REDIS_URL="redis://localhost:1") == [
        "monsterTrucks"
    ]


def test_tab_is_silent_when_there_is_nothing_to_ask(convoy: Convoy) -> None:
    assert complete(convoy, "convoy status m", CONVOY_REDIS_URL="redis://localhost:1") == []
    assert complete(convoy, "convoy status m", CONVOY_REDIS_URL="nonsense") == []
    assert complete(convoy, "convoy status m", CONVOY_REDIS_URL="embedded:") == []
