"""The README keeps its word: its diagram names every move, its example runs, its redis-convoy table is tested."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from convoy_core.states import MOVES
from tests.core import test_mapping
from tests.servers import RealServer

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return [text for name, text in fenced if name == language]


@pytest.mark.parametrize("move", MOVES)
def test_the_diagram_names_every_move(move: str) -> None:
    diagram = next(block for block in _blocks("") if "absent" in block)

    assert re.search(rf"\b{move.replace('_', ' ')}\b", diagram)


def test_the_python_example_runs(store: RealServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOY_REDIS_URL", store.url)
    (example,) = _blocks("python")

    exec(compile(example.replace("1_000_000", "1_000"), "README.md", "exec"), {"__name__": "readme"})


def test_every_row_of_the_redis_convoy_table_has_tests_that_call_what_it_says() -> None:
    rows = re.findall(r"^\| (`.+) \| (.+) \|$", README[README.index("| redis-convoy | Convoy |") :], re.MULTILINE)
    tests = _marked_tests()

    assert {name for left, _ in rows for name in _names(left)} == {name for names, _ in tests for name in names}
    for left, right in rows:
        called = [calls for names, calls in tests if names & _names(left)]
        assert _called_in(right) - set().union(*called) == set(), left


def _names(cell: str) -> set[str]:
    """What a cell of the left column is about: `countQueued` and `countFailed` of ``q.countQueued/Failed(cb)``."""
    names: set[str] = set()
    for code in re.findall(r"`(.+?)`", cell):
        first, *others = re.sub(r"\(.*\)", "", code).strip("'").split("/")
        name = re.split(r"[ .]", first)[-1]
        names |= {name, *(re.sub(r"[A-Z]\w*$", other, name) for other in others)}
    return names


def _called_in(cell: str) -> set[str]:
    """The functions, and their keywords, in a cell of the right column; a command is the method of its name."""
    code = " ".join(re.findall(r"`(.+?)`", cell))
    commands = {name.replace("-", "_") for name in re.findall(r"\bconvoy ([a-z-]+)", code)}
    return commands | set(re.findall(r"(\w+)(?:\(|=)", code))


def _marked_tests() -> list[tuple[set[str], set[str]]]:
    """Each test of the mapping: the names that it is for, and what it calls itself."""
    tests = []
    for name, function in vars(test_mapping).items():
        if name.startswith("test_"):
            marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "redis_convoy"]
            tests.append(({each for mark in marks for each in mark.args}, _calls(function)))
    return tests


def _calls(function: Callable[..., object]) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(function))) if isinstance(node, ast.Call)]
    names = {call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func) for call in calls}
    return names | {str(keyword.arg) for call in calls for keyword in call.keywords}
