"""The fences and the links of a page in Markdown, as the site and the tests of its blocks read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

_FENCE: Final = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"(\]\()([^()\s]+)(\))")


class Block(NamedTuple):
    """A fenced block: ```` ```sh not-run="needs root" ````."""

    language: str
    attributes: dict[str, str]
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    """All fenced blocks of a page, in order."""
    for match in _FENCE.finditer(page):
        indent, opening, text = match.groups()
        language, *attributes = shlex.split(opening) or [""]
        told = dict(each.partition("=")[::2] for each in attributes)
        shown = re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)
        yield Block(language, told, shown, page.count("\n", 0, match.start()) + 2)


def without_attributes(page: str) -> str:
    """The page with nothing but the language, and a title, behind the opening of each fence."""
    return _FENCE.sub(_plain, page)


def _plain(match: re.Match[str]) -> str:
    indent, opening, text = match.groups()
    language, *attributes = shlex.split(opening) or [""]
    title = "".join(f' title="{each[6:]}"' for each in attributes if each.startswith("title="))
    return f"{indent}```{language}{title}\n{text}{indent}```"


def with_links(page: str, to: Callable[[str], str]) -> str:
    """The page with each link and picture outside fences replaced by what `to` makes of its target."""
    pieces, end = [], 0
    for match in _FENCE.finditer(page):
        pieces += [_linked(page[end : match.start()], to), match[0]]
        end = match.end()
    return "".join([*pieces, _linked(page[end:], to)])


def _linked(text: str, to: Callable[[str], str]) -> str:
    return _LINK.sub(lambda match: f"{match[1]}{to(match[2])}{match[3]}", text)
