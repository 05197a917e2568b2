"""Checks a built site: each link and anchor leads somewhere, and no page loads anything from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote

_LOADING: Final = {"script", "img", "iframe", "source", "video", "audio", "embed"}
_STYLE_URL: Final = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)")


class _Page(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down what the tag tells."""
        told = {name: value or "" for name, value in attrs}
        self.anchors |= {told[name] for name in ("id", "name") if told.get(name)}
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        if tag == "link" and told.get("rel") not in {"canonical", "next", "prev", "alternate"}:
            self.loads.append(told.get("href", ""))
        if tag in _LOADING and told.get("src"):
            self.loads.append(told["src"])


def faults(site: Path) -> list[str]:
    """What is wrong with the site, a line each."""
    return [*_of_pages(site), *_of_styles(site)]


def _of_pages(site: Path) -> Iterator[str]:
    for path in sorted(site.rglob("*.html")):
        page = _read(path)
        name = path.relative_to(site)
        for target in page.loads:
            if _is_elsewhere(target):
                yield f"{name} loads {target} from another host"
        if name.name == "404.html":
            continue  # its links are those of the root of a host
        for target in {*page.links, *page.loads}:
            if not re.match(r"[a-z]+:|//", target) and not _leads_somewhere(path, target):
                yield f"{name} links to {target}, which is not there"


def _leads_somewhere(path: Path, target: str) -> bool:
    place, _, anchor = unquote(target).partition("#")
    found = (path.parent / place.partition("?")[0]).resolve() if place else path
    if found.is_dir():
        found /= "index.html"
    return found.is_file() and (not anchor or found.suffix != ".html" or anchor in _read(found).anchors)


def _of_styles(site: Path) -> Iterator[str]:
    for path in sorted(site.rglob("*.css")):
        for found in _STYLE_URL.findall(path.read_text("utf-8")):
            yield f"{path.relative_to(site)} loads {''.join(found)} from another host"


def _is_elsewhere(target: str) -> bool:
    return bool(re.match(r"https?:|//", target))


@cache
def _read(path: Path) -> _Page:
    return _Page(path.read_text("utf-8"))
