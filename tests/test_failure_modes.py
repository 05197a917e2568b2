"""docs/failure-modes.md defines every F- and S-number that the repository cites, and names tests that exist."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "failure-modes.md"
CITING = (
    *ROOT.glob("*.md"),
    *(path for room in ("benchmarks", "docs", "examples") for path in (ROOT / room).rglob("*.*")),
)
CITED = re.compile(r"(?<![\w:@/#%?.,])[FS]\d{1,2}(?![\w/#%?@\"'])")
"""Upper case, as in prose and the names of cases. What stands around it tells it from the passwords in some URLs."""
IN_A_NAME = re.compile(r"(?<=_)[fs]\d{1,2}(?=_)")


class Row(NamedTuple):
    """One number, as the page defines it."""

    number: str
    happens: str
    promise: str
    tests: list[str]


def rows() -> list[Row]:
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.read_text("utf-8").splitlines()]
    return [
        Row(number, happens, promise, re.findall(r"`([^`]+)`", tests))
        for number, happens, promise, tests in (cell for cell in cells if len(cell) == 4)
        if re.fullmatch(r"[FS]\d+", number)
    ]


def _texts(folder: str, *endings: str) -> Iterator[str]:
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in endings and path != Path(__file__):
            yield path.read_text("utf-8")


@cache
def cited_in_code() -> set[str]:
    return {
        number
        for room in ("convoy_core", "convoy_tui")
        for text in _texts(room, ".py", ".lua")
        for number in _cited(text)
    }


@cache
def cited_in_tests() -> set[str]:
    return {number for text in _texts("tests", ".py") for number in _cited(text)}


def _cited(text: str) -> set[str]:
    return {*CITED.findall(text), *(name.upper() for name in IN_A_NAME.findall(text))}


@cache
def names_of_tests() -> set[str]:
    """The functions that pytest collects, and the names of cases and planted bugs, which begin with their numbers."""
    nodes = [node for text in _texts("tests", ".py") for node in ast.walk(ast.parse(text))]
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {name for name in functions if name.startswith("test_")} | {text for text in texts if CITED.match(text)}


def test_every_number_that_is_cited_is_defined_once() -> None:
    documents = {
        number for path in CITING if path.suffix in (".md", ".py") for number in _cited(path.read_text("utf-8"))
    }
    defined = Counter(row.number for row in rows())

    assert (cited_in_code() | cited_in_tests() | documents) - defined.keys() == set()
    assert [number for number, times in defined.items() if times > 1] == []


def test_every_number_that_is_defined_is_borne_by_a_test() -> None:
    assert {row.number for row in rows()} - cited_in_tests() == set()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_every_row_names_tests_that_exist(row: Row) -> None:
    assert row.happens
    assert row.promise
    assert row.tests != []
    assert set(row.tests) - names_of_tests() == set()
