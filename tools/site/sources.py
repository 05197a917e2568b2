"""Lays out what the site is built from: the pages of docs/, generated ones, and the files that pages link to."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Final

from tools.site import commands, library
from tools.site.markdown import with_links, without_attributes

ROOT: Final = Path(__file__).parent.parent.parent
PROJECT: Final = ("CHANGELOG.md", "CONTRIBUTING.md", "DESIGN.md")
"""Pages of the repository's root that are pages of the site as well."""
_PICTURE: Final = re.compile(r"^(!\[.*\]\((.+\.svg)\))$", re.MULTILINE)
"""A picture by itself. On the site it leads to the file, which a phone can enlarge."""
_LANGUAGES: Final = {".py": "python", ".yaml": "yaml", ".json": "json", ".service": "ini", ".toml": "toml"}


def write(place: Path) -> None:
    """Lay out the pages and the configuration below `place`, which then holds nothing else."""
    shutil.rmtree(place, ignore_errors=True)
    pages = place / "pages"
    linked: set[str] = set()
    for path in [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in PROJECT)]:
        name = path.relative_to(ROOT).as_posix()
        _put(pages / _place_of(name), _as_on_the_site(path.read_text("utf-8"), name, linked))
    for name, text in {**commands.pages(), **library.pages()}.items():
        stub = pages / name
        _put(stub, f"{stub.read_text('utf-8')}\n{text}" if stub.exists() else text)
    for name in sorted(linked):
        _copy(name, pages)
    for assets in ("docs/assets", "docs/schemas"):
        shutil.copytree(ROOT / assets, pages / _place_of(assets), dirs_exist_ok=True)
    settings = (ROOT / "docs" / "zensical.toml").read_text("utf-8")
    _put(place / "zensical.toml", settings.replace('"@commands"', commands.nav()).replace('"@library"', library.nav()))


def _as_on_the_site(page: str, name: str, linked: set[str]) -> str:
    """The page with links that lead where their targets are on the site; `linked` gets files that are no pages."""

    def to(target: str) -> str:
        path, mark, anchor = target.partition("#")
        if not path or "://" in target or target.startswith("mailto:"):
            return target
        found = os.path.normpath(PurePosixPath(name).parent / path)
        if not (ROOT / found).exists():
            return target  # the build finds that it leads nowhere
        if not found.startswith("docs/") and found not in (*PROJECT, "README.md"):
            linked.add(found)
        return os.path.relpath(_place_of(found), PurePosixPath(_place_of(name)).parent) + mark + anchor

    return without_attributes(with_links(_PICTURE.sub(r"[\1](\2)", page), to))


def _place_of(name: str) -> str:
    """Where a file of the repository is on the site."""
    if name == "README.md":
        return "index.md"
    if name in PROJECT:
        return f"project/{name.lower()}"
    if name == "docs" or name.startswith("docs/"):
        return name.removeprefix("docs").lstrip("/")
    return name if name.startswith("screenshots/") else f"files/{name}.md"


def _copy(name: str, pages: Path) -> None:
    """A picture as it is, and a file or a folder of files as a page."""
    source, target = ROOT / name, pages / _place_of(name)
    if name.startswith("screenshots/"):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        return
    files = [source] if source.is_file() else sorted(path for path in source.rglob("*.*") if path.stat().st_size)
    shown = [path for path in files if "__pycache__" not in path.parts and path.suffix != ".pyc"]
    parts = [f"# {name}\n", *(_listing(path, several=len(shown) > 1) for path in shown)]
    _put(target, "\n".join(parts))


def _listing(path: Path, *, several: bool) -> str:
    language = _LANGUAGES.get(path.suffix, "dockerfile" if path.name == "Dockerfile" else "text")
    heading = f"## {path.relative_to(ROOT)}\n\n" if several else ""
    return f"{heading}````{language}\n{path.read_text('utf-8').rstrip()}\n````\n"


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
