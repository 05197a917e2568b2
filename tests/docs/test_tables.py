"""What pages say of the code is so: the diagram names every move, the words are those of the program, each row of
the redis-convoy table has tests.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from convoy_core.states import MOVES, State
from convoy_tui.cli.exit_codes import Code
from convoy_tui.cli.lazy_group import COMMANDS
from convoy_tui.text.health import Health
from tests.core import test_mapping
from tools.site.markdown import blocks

ROOT = Path(__file__).parents[2]


def _page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("move", MOVES)
def test_the_diagram_names_every_move(move: str) -> None:
    diagram = next(block.text for block in blocks(_page("docs/concepts.md")) if "absent" in block.text)

    assert re.search(rf"\b{move.replace('_', ' ')}\b", diagram)


def test_the_concepts_have_every_state() -> None:
    rows = re.findall(r"^\| (\w+) \| .* \| (yes|no) \|$", _page("docs/concepts.md"), re.MULTILINE)

    assert [name for name, _ in rows] == [*State]
    assert {name for name, committed in rows if committed == "yes"} == {"queued", "delayed", "processing"}


def test_the_page_of_the_command_line_has_every_command_and_exit_code() -> None:
    page = _page("docs/command-line.md")
    listed = "".join(re.findall(r"^\| (?:look|act|run) \| (.+) \|$", page, re.MULTILINE))
    codes = re.findall(r"^\| ([\d, ]+) \| ", page, re.MULTILINE)

    assert set(re.findall(r"`(?:convoy )?([a-z][a-z-]+)`", listed)) == set(COMMANDS)
    assert {int(code) for cell in codes for code in cell.split(", ")} == {*Code}


def test_the_page_of_the_dashboard_has_every_health_word_in_its_order() -> None:
    page = _page("docs/dashboard.md")
    rows = re.findall(r"^\| ([A-Za-z ,]+) \| .+ \| ?.* \|$", page, re.MULTILINE)

    assert [word for cell in rows for word in cell.split(", ") if word != "word"] == [*Health]


def test_the_readme_is_short_and_its_links_lead_to_files() -> None:
    readme = _page("README.md")
    targets = re.findall(r"\]\(([^()#\s]+)", readme)

    assert len(readme.splitlines()) < 200
    assert [each for each in targets if not (ROOT / each).exists()] == []
    for language in ("python", "sh"):
        longest = max(len(block.text.splitlines()) for block in blocks(readme) if block.language == language)
        assert longest <= 13, language


def test_every_row_of_the_redis_convoy_table_has_tests_that_call_what_it_says() -> None:
    page = _page("docs/from-redis-convoy.md")
    rows = re.findall(r"^\| (`.+) \| (.+) \|$", page[page.index("| redis-convoy | Convoy |") :], re.MULTILINE)
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
