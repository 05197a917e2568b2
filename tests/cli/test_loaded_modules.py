"""What a program loads before it does anything: little for help, version and completion, since all wait for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer

from convoy_core import Queue
from convoy_tui.cli.lazy_group import COMMANDS, load
from tests.cli.conftest import ROOT
from tests.servers import RealServer
from tests.waiting import patient

HEAVY = {"asyncio", "pydantic", "redis", "rich.console", "textual"}
WITH_A_STORE = {"convoy_core.models", "convoy_core.options", "convoy_tui.cli.settings"}
"""What a command loads once it has to do with a store."""
CONVOY = "from convoy_tui.cli.__main__ import run; run()"


def loaded(program: str, *words: str, **environment: str) -> set[str]:
    """The modules that a process has loaded when it ends."""
    code = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {program}"

    ended = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=patient(),
        check=True,
    )

    return set(ended.stderr.split())


def test_importing_the_core_loads_none_of_its_rooms_and_no_library() -> None:
    names = loaded("import convoy_core")

    assert {name for name in names if name.startswith("convoy_core.")} == {"convoy_core.lazy_names"}
    assert names & HEAVY == set()


def test_checking_an_id_needs_neither_redis_nor_asyncio() -> None:
    assert loaded("from convoy_core import ConvoyError, State, encode_id; encode_id('42')") & HEAVY == set()


def test_a_queue_that_is_neither_traced_nor_discarded_from_loads_no_logging_and_nothing_for_files() -> None:
    names = loaded("from convoy_core import Queue")

    assert names & {"logging", "convoy_core.records", "convoy_core.moves.saving", "opentelemetry"} == set()


def test_the_version_loads_no_command_and_no_library_for_stores_or_tables() -> None:
    names = loaded(CONVOY, "--version")

    assert names & (HEAVY | WITH_A_STORE) == set()
    assert {name for name in names if name.startswith("convoy_tui.cli.commands")} == set()


def test_the_help_loads_no_command_and_no_library_for_stores_or_tables() -> None:
    names = loaded(CONVOY, "--help")

    assert names & (HEAVY | WITH_A_STORE) == set()
    assert {name for name in names if name.startswith("convoy_tui.cli.commands")} == set()


@pytest.mark.parametrize("words", ["convoy st", "convoy --re"])
def test_completing_commands_and_options_loads_no_library_for_stores_or_tables(words: str) -> None:
    typed = {"_CONVOY_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "1"}

    assert loaded(CONVOY, **typed) & HEAVY == set()


def test_completing_the_name_of_a_queue_loads_no_library_for_stores_or_tables(store: RealServer) -> None:
    with Queue("trucks", redis=store.url) as queue:
        queue.publish("1")
    typed = {"_CONVOY_COMPLETE": "complete_bash", "COMP_WORDS": "convoy status t", "COMP_CWORD": "2"}

    assert loaded(CONVOY, CONVOY_REDIS_URL=store.url, **typed) & HEAVY == set()


def test_the_help_of_a_command_loads_that_command_alone() -> None:
    names = loaded(CONVOY, "pause", "--help")

    assert names & HEAVY == set()
    assert {name for name in names if name.startswith("convoy_tui.cli.commands.")} == {"convoy_tui.cli.commands.pause"}


@pytest.mark.parametrize("words", [["status"], ["list", "trucks"], ["publish", "trucks", "42"], ["errors", "trucks"]])
def test_usual_commands_load_no_library_for_stores_tables_or_options(store: RealServer, words: list[str]) -> None:
    with Queue("trucks", redis=store.url) as queue:
        queue.publish("1")

    assert loaded(CONVOY, *words, CONVOY_REDIS_URL=store.url) & HEAVY == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_listed_as_it_describes_itself(name: str) -> None:
    command = load(name)

    assert COMMANDS[name].help == (command.help or "").split("\n\n")[0]
    assert COMMANDS[name].panel == command.rich_help_panel


def test_every_module_of_commands_is_listed() -> None:
    modules = [path.stem for path in (ROOT / "convoy_tui/cli/commands").glob("*.py")]
    registering = {
        name for name in modules if "def register(" in (ROOT / f"convoy_tui/cli/commands/{name}.py").read_text()
    }

    assert {listed.module for listed in COMMANDS.values()} == registering
    app = typer.Typer()
    for module in sorted(registering):
        __import__(f"convoy_tui.cli.commands.{module}", fromlist=["register"]).register(app)
    assert set(typer.main.get_group(app).commands) == set(COMMANDS)
