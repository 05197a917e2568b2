"""Nothing in the working directory is run by accident: only a handler may lie there, behind all that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convoy_core import Queue
from tests.cli.conftest import ROOT
from tests.servers import RealServer

CONVOY = str(Path(sys.executable).parent / "convoy")
TRAPS = ["asyncio", "convoy_core", "convoy_tui", "hiredis", "json", "redis", "rich", "runpy", "sitecustomize", "uvloop"]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with a handler, and with files that bear the names of what is installed and tell of their import."""
    here = tmp_path / "here"
    here.mkdir()
    for name in TRAPS:
        (here / f"{name}.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'run')!r})\n")
    (here / "mine.py").write_text("def work(job):\n    pass\n")
    return here


@pytest.mark.parametrize(
    "words",
    [
        ["--exec", "true"],
        ["--handler", "mine:work"],
        ["--handler", "mine:work", "--isolate"],
        ["--exec", "true", "--processes", "1"],
        ["--handler", "mine:work", "--isolate", "--processes", "1"],
    ],
    ids=" ".join,
)
def test_workers_run_no_file_of_the_working_directory_but_the_handler(
    store: RealServer, here: Path, words: list[str]
) -> None:
    with Queue("trucks", redis=store.url) as queue:
        queue.publish("42")

    ended = convoy("work", "trucks", *words, "--burst", url=store.url, cwd=here)

    assert (ended.returncode, ended.stdout) == (0, b"1 done\n"), ended.stderr
    assert not (here.parent / "run").exists()


def test_the_dashboard_runs_no_file_of_the_working_directory(store: RealServer, here: Path) -> None:
    ended = convoy("tui", url=store.url, cwd=here)

    assert b"terminal" in ended.stderr
    assert not (here.parent / "run").exists()


def test_a_file_in_the_working_directory_called_uvloop_is_not_imported(
    store: RealServer, here: Path, tmp_path: Path
) -> None:
    installed = tmp_path / "installed"
    installed.mkdir()
    for entry in Path(pytest.__file__).parents[1].iterdir():
        if not entry.name.startswith("uvloop"):
            (installed / entry.name).symlink_to(entry)
    program = (
        f"import sys; sys.path += [{str(ROOT)!r}, {str(installed)!r}]\nfrom convoy_tui.cli.main import run; run()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, "work", "trucks", "--handler", "mine:work", "--burst"],
        env={**os.environ, "CONVOY_REDIS_URL": store.url},
        cwd=here,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (0, b"0 done\n"), ended.stderr
    assert not (tmp_path / "run").exists()


def convoy(*words: str, url: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run `convoy` as it is installed."""
    environment = {**os.environ, "CONVOY_REDIS_URL": url, "PYTHONPATH": str(ROOT)}
    return subprocess.run([CONVOY, *words], env=environment, cwd=cwd, capture_output=True, timeout=60, check=False)
