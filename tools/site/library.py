"""The reference of the library: a page for each part of `convoy_core.__all__`, filled from the docstrings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import convoy_core
import convoy_core.testing

FOLDER: Final = "reference/library"


def parts() -> dict[str, list[str]]:
    """The public names by what they are for, as the comments of `__all__` say, and then those for tests."""
    source = Path(convoy_core.__file__).read_text("utf-8")
    listed = source[source.index("__all__ = [") : source.index("\n]\n")]
    found: dict[str, list[str]] = {}
    for comment, name in re.findall(r'^    (?:# (.+)|"(\w+)",)$', listed, re.MULTILINE):
        if comment:
            found[comment] = []
        else:
            found[next(reversed(found))].append(f"convoy_core.{name}")
    return {**found, "tests of your own": [f"convoy_core.testing.{name}" for name in convoy_core.testing.__all__]}


def pages() -> dict[str, str]:
    """The text of each page by its place. The first belongs behind the page that lists them."""
    made = {f"{FOLDER}/index.md": _list_of_all()}
    for part, names in parts().items():
        made[_place(part)] = "\n".join([f"# {_title(part)}", "", *(f"::: {name}\n" for name in names)])
    return made


def nav() -> str:
    """The entries of the navigation, as TOML."""
    short = {part: _title(part).partition(",")[0] for part in parts()}
    entries = [f'{{ "{title}" = "{_place(part)}" }}' for part, title in short.items()]
    return f'[ "{FOLDER}/index.md", {", ".join(entries)} ]'


def _list_of_all() -> str:
    lines = ["| | |", "|---|---|"]
    for part, names in parts().items():
        page = _place(part).removeprefix(f"{FOLDER}/")
        links = [f"[`{name.rpartition('.')[2]}`]({page}#{name})" for name in names]
        lines.append(f"| [{_title(part)}]({page}) | {', '.join(links)} |")
    return "\n".join(lines)


def _title(part: str) -> str:
    return part[0].upper() + part[1:]


def _place(part: str) -> str:
    words = re.findall(r"\w+", part.partition(",")[0])
    return f"{FOLDER}/{'-'.join(words).lower()}.md"
