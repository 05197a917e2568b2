"""Rules that the dashboard's source keeps, read off the source itself: no text from the store is markup (S3)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import convoy_tui

FOLDER = Path(convoy_tui.__file__).parent
FILES = [path for path in sorted(FOLDER.rglob("*.py")) if "cli" not in path.relative_to(FOLDER).parts]
READS_MARKUP = {
    "Static",
    "Label",
    "Markdown",
    "RichLog",
    "Log",
    "DataTable",
    "OptionList",
    "ListItem",
    "Tree",
    "from_markup",
    "notify",
}
"""What would read markup in text from the store, or show it unescaped."""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            yield function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", ""), node


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_widget_interprets_markup(path: Path) -> None:
    assert {name for name, _ in calls(path)} & READS_MARKUP == set()


def test_every_button_gets_content_and_no_text() -> None:
    labels = [call.args[0] for path in FILES for name, call in calls(path) if name == "Button"]

    assert {ast.unparse(label.func if isinstance(label, ast.Call) else label) for label in labels} == {"Content"}


def test_no_key_of_the_app_has_priority() -> None:
    """In a modal screen only priority keys of the app still work."""
    bindings = [call for name, call in calls(FOLDER / "dashboard" / "app.py") if name == "Binding"]

    assert bindings
    assert [ast.unparse(call) for call in bindings for word in call.keywords if word.arg == "priority"] == []


def test_pure_modules_know_no_textual() -> None:
    pure = [*(FOLDER / "text").glob("*.py"), *(FOLDER / "dashboard" / "board").glob("*.py")]
    pure += [FOLDER / "dashboard" / f"{name}.py" for name in ("source", "poller", "local_pools")]
    for path in pure:
        text = path.read_text("utf-8")
        assert "import textual" not in text
        assert "from textual" not in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_module_fits_in_300_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300
