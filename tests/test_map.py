"""CONTRIBUTING.md tells what is where: its map, its walk and its recipes name what there is."""

from __future__ import annotations

import re

import pytest

from tests.map_of_rooms import PACKAGES, PAGE, ROOT, drawn, kept


def _named_in_the_map() -> list[str]:
    """Every directory and module of the map, by its path."""
    above: list[str] = []
    found = []
    for line in kept().splitlines():
        name = line.split()[0]
        above[(len(line) - len(line.lstrip())) // 2 :] = [name.rstrip("/")]
        found.append("/".join(above) + ("/" if name.endswith("/") else ""))
    return found


def _there() -> set[str]:
    paths = [path for package in PACKAGES for path in (ROOT / package, *(ROOT / package).rglob("*"))]
    modules = {path.relative_to(ROOT).as_posix() for path in paths if path.suffix == ".py"}
    folders = {
        f"{path.relative_to(ROOT).as_posix()}/" for path in paths if path.is_dir() and path.name != "__pycache__"
    }
    return folders | {name for name in modules if not name.endswith("/__init__.py")}


def test_the_map_names_each_room_and_module_once_and_nothing_else() -> None:
    named = _named_in_the_map()

    assert set(named) ^ _there() == set()
    assert len(named) == len(set(named))


def test_the_map_says_of_each_what_its_first_sentence_says() -> None:
    assert kept() == drawn(), "draw it again with: make map"


def test_every_room_and_module_says_what_it_is_for() -> None:
    assert [line for line in drawn().splitlines() if not line.rstrip().endswith(".")] == []


_NAMED = re.findall(r"`([\w./-]+/[\w./-]*)`", PAGE.read_text("utf-8").replace(kept(), ""))
PATHS = sorted({path for path in _NAMED if "NAME" not in path and path != "dist/"})


@pytest.mark.parametrize("path", PATHS)
def test_every_path_that_the_page_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


WALK = re.compile(r"^\d\. \*\*`([\w./]+)`\*\*: (.*?)(?=^\d\. |^#|^The )", re.MULTILINE | re.DOTALL)


def test_the_walk_of_one_id_takes_seven_files_at_most_and_names_what_is_in_them() -> None:
    text = PAGE.read_text("utf-8")
    steps = WALK.findall(text[text.index("## The walk of one ID") :])

    assert 5 <= len(steps) <= 7
    for path, says in steps:
        source = (ROOT / path).read_text("utf-8")
        names = [name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)\(\)`", says)]
        assert names != [], path
        assert [name for name in names if f"{name}(" not in source] == [], path


def test_the_hooks_are_the_checks_of_make_check() -> None:
    hooks = re.findall(r"^ +entry: (.+)$", (ROOT / ".pre-commit-config.yaml").read_text("utf-8"), re.MULTILINE)
    recipe = re.search(r"^check: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert recipe is not None

    assert hooks == [line.strip().lstrip("@").replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
