"""Nothing of ours writes to the environment of its own process: handlers and all that they start would inherit it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import convoy_core
import convoy_tui
from tests.waiting import patient

FILES = [path for package in (convoy_core, convoy_tui) for path in Path(package.__file__ or "").parent.rglob("*.py")]
WRITERS = {"clear", "pop", "popitem", "setdefault", "update", "__setitem__", "__delitem__", "__ior__"}


def _is_environment(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr in ("environ", "environb")) or (
        isinstance(node, ast.Name) and node.id in ("environ", "environb") and isinstance(node.ctx, ast.Store | ast.Del)
    )


def _written(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return [target]
        case _:
            return []


def writes(source: str) -> Iterator[int]:
    """The lines that change the process's environment."""
    for node in ast.walk(ast.parse(source)):
        places = [target.value if isinstance(target, ast.Subscript) else target for target in _written(node)]
        if any(map(_is_environment, places)):
            yield node.lineno  # type: ignore[attr-defined]  # a statement
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_writer = node.func.attr in WRITERS and _is_environment(node.func.value)
            if is_writer or node.func.attr in ("putenv", "unsetenv"):
                yield node.lineno


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['A'] = 'b'",
        "os.environ.setdefault('A', 'b')",
        "os.environ.update(A='b')",
        "os.environ.pop('A', None)",
        "del os.environ['A']",
        "os.environ |= {'A': 'b'}",
        "os.environ['A'] += 'b'",
        "os.environb[b'A'] = b'b'",
        "os.putenv('A', 'b')",
        "os.unsetenv('A')",
    ],
)
def test_a_write_to_the_environment_is_seen(line: str) -> None:
    assert list(writes(f"import os\n{line}\n")) == [2]


def test_reading_the_environment_is_no_write() -> None:
    assert list(writes("import os\nos.environ.get('A'); os.environ | {'A': 'b'}; environ['A']\n")) == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_writes_to_the_environment(path: Path) -> None:
    assert list(writes(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(("given", "frames"), [(None, 30), ("12", 12)], ids=["by itself", "as the user says"])
def test_the_dashboard_draws_less_often_without_telling_its_children(given: str | None, frames: int) -> None:
    program = (
        "import os; before = dict(os.environ);"
        "from convoy_tui.dashboard.main import _draw_less_often; _draw_less_often();"
        "from textual.screen import UPDATE_PERIOD; print(round(1 / UPDATE_PERIOD), os.environ == before)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TEXTUAL_FPS"}

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | ({} if given is None else {"TEXTUAL_FPS": given}),
        capture_output=True,
        text=True,
        timeout=patient(),
        check=True,
    )

    assert ended.stdout.split() == [str(frames), "True"]
