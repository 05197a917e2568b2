"""Writes the map of rooms into CONTRIBUTING.md, from the first sentence of each package and module: `make map`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
PACKAGES = ("convoy_core", "convoy_tui")
WITHOUT_MODULES = {
    "convoy_core/moves/lua": "The scripts: one Lua file per move, and the fragments that several share.",
    "convoy_core/moves/lua/reads": "The scripts that only read.",
    "convoy_tui/dashboard/serve/page": "The page that a browser loads: its frame, its style, and its script.",
}
"""Directories that hold no Python."""

_MAP = re.compile(r"(?<=<!-- map -->\n```text\n).*?(?=```\n<!-- end of map -->\n)", re.DOTALL)


def drawn() -> str:
    """The map as the code is now."""
    lines = [line for package in PACKAGES for line in _room(ROOT / package)]
    width = max(len(name) for name, _ in lines) + 2
    return "".join(f"{name:{width}}{sentence}\n" for name, sentence in lines)


def kept() -> str:
    """The map as the page has it."""
    (found,) = _MAP.findall(PAGE.read_text("utf-8"))
    return str(found)


def _room(folder: Path) -> Iterator[tuple[str, str]]:
    """The folder, its modules, and then its rooms."""
    place = folder.relative_to(ROOT)
    depth = "  " * (len(place.parts) - 1)
    sentence = WITHOUT_MODULES.get(place.as_posix()) or _first_sentence(folder / "__init__.py")
    yield f"{depth}{folder.name}/", sentence
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield f"{depth}  {path.name}", _first_sentence(path)
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name != "__pycache__":
            yield from _room(path)


def _first_sentence(path: Path) -> str:
    told = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    paragraph = " ".join(told.partition("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", paragraph)[0]


if __name__ == "__main__":
    PAGE.write_text(_MAP.sub(lambda _: drawn(), PAGE.read_text("utf-8")), "utf-8")
