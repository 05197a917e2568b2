"""Modules, functions and classes stay small enough to be read at once; what cannot says here why."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import convoy_core
import convoy_tui

ROOT = Path(convoy_core.__file__).parent.parent
FILES = [
    path for package in (convoy_core, convoy_tui) for path in sorted(Path(package.__file__ or "").parent.rglob("*.py"))
]

LIMITS = {"lines of a module": 300, "lines of a function": 40, "public methods of a class": 15}

ONE_METHOD_EACH = "one method for each thing that a queue can be asked, whose docstrings are the manual"
OPTIONS = "its signature is the options and its docstring the help, which make up more than half of it"
WIDGET = "every key, event and drawn line of a widget is a method of it, which Textual calls by name"

EXCEPTIONS: dict[str, tuple[int, str]] = {
    "convoy_core/__init__.py": (332, "one line for each public name"),
    "convoy_core/queue.py": (890, ONE_METHOD_EACH),
    "convoy_core/queue.py:Queue": (55, ONE_METHOD_EACH),
    "convoy_core/aio.py": (910, ONE_METHOD_EACH),
    "convoy_core/aio.py:AsyncQueue": (55, ONE_METHOD_EACH),
    "convoy_core/jobs.py:Job": (16, "one name for each thing that a handler may know"),
    "convoy_core/models.py": (475, "one record for each thing that is answered, and no code beside them"),
    "convoy_core/moves/replies.py": (365, "all that is untyped, in one place"),
    "convoy_core/worker/claims.py:Claims": (
        21,
        "all that the loop needs of its claims and runs, so that it reaches no further",
    ),
    "convoy_core/worker/loop.py": (550, "rounds, waits, doubts and the stop all turn on the state of one pool"),
    "convoy_core/worker/states.py:_rules": (55, "one table, to be read as one"),
    "convoy_tui/dashboard/app.py:ConvoyApp": (26, WIDGET),
    "convoy_tui/dashboard/screens/overview.py:OverviewScreen": (24, WIDGET),
    "convoy_tui/dashboard/screens/page.py:Page": (36, WIDGET),
    "convoy_tui/dashboard/source.py:Source": (16, "one method for each thing that the screens ask of a store"),
    "convoy_tui/dashboard/source.py:LiveSource": (16, "one method for each thing that the screens ask of a store"),
    "convoy_tui/dashboard/screens/dialog.py:Dialog": (20, WIDGET),
    "convoy_tui/dashboard/screens/activity.py:ActivityScreen": (16, WIDGET),
    "convoy_tui/dashboard/screens/queue_list.py:QueueListPage": (20, WIDGET),
    "convoy_tui/dashboard/widgets/table.py:Table": (21, WIDGET),
    "convoy_tui/cli/commands/limit.py:limit": (46, OPTIONS),
    "convoy_tui/cli/commands/discard.py:discard": (48, OPTIONS),
    "convoy_tui/cli/commands/publish.py:publish": (60, OPTIONS),
    "convoy_tui/cli/commands/work.py:work": (92, OPTIONS),
    "convoy_tui/cli/commands/describe.py:describe": (45, OPTIONS),
}
"""What is over a limit: how far it may go, and why."""


def _sizes(path: Path) -> Iterator[tuple[str, str, int]]:
    """Each thing that has a limit: what it is called, which limit, and its size."""
    place = path.relative_to(ROOT).as_posix()
    source = path.read_text("utf-8")
    yield "lines of a module", place, len(source.splitlines())
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield "lines of a function", f"{place}:{node.name}", (node.end_lineno or 0) - node.lineno + 1
        if isinstance(node, ast.ClassDef):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
            public = [each for each in methods if not each.name.startswith("_")]
            yield "public methods of a class", f"{place}:{node.name}", len(public)


SIZES = [(name, LIMITS[kind], size) for path in FILES for kind, name, size in _sizes(path)]


def test_modules_functions_and_classes_are_small() -> None:
    over = {name: size for name, limit, size in SIZES if size > EXCEPTIONS.get(name, (limit, ""))[0]}

    assert over == {}


def test_each_exception_is_needed_and_gives_its_reason() -> None:
    over = {name for name, limit, size in SIZES if size > limit}

    assert EXCEPTIONS.keys() - over == set()
    assert [name for name, (_, reason) in EXCEPTIONS.items() if not reason] == []
