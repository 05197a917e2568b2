"""The README keeps its word: its diagram names every move, its example runs, its redis-convoy table is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from convoy_core.states import MOVES
from tests.servers import RealServer

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
MAPPING_TESTS = (Path(__file__).parent / "core" / "test_mapping.py").read_text("utf-8")


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


def test_every_name_of_the_redis_convoy_table_has_a_test() -> None:
    rows = re.findall(r"^\| (`.+?) \|", README[README.index("| redis-convoy | Convoy |") :], re.MULTILINE)
    names = {name.lower() for row in rows for name in re.findall(r"[.( `]([A-Za-z]+)(?=[`(/,]|$)", row)} - {
        "cb",
        "err",
        "opts",
    }

    assert {"createqueue", "addjob", "jamguard", "clearjammedjobs", "close", "end", "jobtimeout"} <= names
    tests = MAPPING_TESTS.lower()
    assert [name for name in names if name not in tests] == []
