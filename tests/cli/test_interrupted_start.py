"""Ctrl-C while a program still loads its modules ends it as Ctrl-C does later: exit code 130, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from tests.waiting import patient

SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]

INTERRUPTING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPTED_AT"]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""
"""What Python runs at its start; it sends SIGINT to its own process when the import of one module begins."""


def script(name: str) -> list[str]:
    """What the installed program of that name does."""
    module, function = SCRIPTS[name].split(":")
    return ["-c", f"import sys; from {module} import {function}; sys.exit({function}())"]


CONVOY, DASHBOARD = script("convoy"), script("convoy-tui")


@pytest.mark.parametrize(
    ("program", "module"),
    [
        ([*CONVOY, "--help"], "convoy_tui.cli.main"),
        ([*CONVOY, "--help"], "typer"),
        ([*CONVOY, "status"], "convoy_tui.cli.commands.status"),
        ([*CONVOY, "status"], "hiredis"),
        (["-m", "convoy_tui.cli"], "typer"),
        (DASHBOARD, "convoy_tui.dashboard.main"),
        (DASHBOARD, "typer"),
        (DASHBOARD, "textual"),
        (["-m", "convoy_core"], "convoy_core.system"),
    ],
)
def test_ctrl_c_while_a_module_loads_ends_in_130_without_a_traceback(
    program: list[str], module: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    terminal, screen = os.openpty()  # the dashboard loads Textual on one alone

    ended = subprocess.run(
        [sys.executable, *program],
        env={**os.environ, "PYTHONPATH": path, "INTERRUPTED_AT": module, "CONVOY_REDIS_URL": "redis://127.0.0.1:1"},
        stdin=screen,
        stdout=screen,
        stderr=subprocess.PIPE,
        text=True,
        timeout=patient(),
        check=False,
    )
    os.close(screen)
    os.close(terminal)

    assert ended.returncode == 130, ended.stderr
    assert len(ended.stderr.splitlines()) <= 1
    assert "Traceback" not in ended.stderr


def test_an_interrupt_that_was_ignored_from_the_start_stays_so(tmp_path: Path) -> None:
    """A shell starts what runs in the background so."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n{INTERRUPTING}"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])

    ended = subprocess.run(
        [sys.executable, *CONVOY, "--version"],
        env={**os.environ, "PYTHONPATH": path, "INTERRUPTED_AT": "typer"},
        capture_output=True,
        timeout=patient(),
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, b"")
