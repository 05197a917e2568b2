"""`python -m convoy_core`: says which version this is and where to read on, and needs no terminal for it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata

PROGRAM = [sys.executable, "-m", "convoy_core"]


def test_it_says_its_version_and_where_to_read_on() -> None:
    ended = subprocess.run(PROGRAM, capture_output=True, text=True, timeout=60, check=True)

    first, *rest = ended.stdout.splitlines()
    assert first.startswith(f"Convoy {metadata.version('convoy-queue')}: ")
    assert "  the command line   convoy --help" in rest
    assert "  the library        python -m pydoc convoy_core" in rest
    assert ended.stderr == ""


def test_it_loads_no_library_for_terminals() -> None:
    program = "import runpy, sys; runpy.run_module('convoy_core', run_name='__main__'); print(*sys.modules)"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    loaded = {name.partition(".")[0] for name in ended.stdout.split()}
    assert loaded & {"convoy_core", "convoy_tui", "rich", "textual", "typer"} == {"convoy_core"}


def test_a_reader_that_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    ended = subprocess.run(PROGRAM, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (0, b"")
