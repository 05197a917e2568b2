"""What broke in a failed run, as one short text that failures of the same kind share, and the groups that these make.

The text is a pure function of what is recorded of a failure, so it is the same on every machine and in every release of
the handler that keeps its functions' names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2s
from typing import Final

WITHOUT_A_RECORD: Final = "without a record"
"""The group of what Node workers have failed: they write no more than a line of the log, which names no ID."""

MAX_TEXT: Final = 200
"""Characters of the text."""

PARTS: Final = 12
"""Of the last hour, in which the failures of a group are counted."""

FRAMES: Final = 3
"""How many of our caller's own functions tell what broke, from the innermost outwards."""

_MAX_LINE: Final = 500


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """The failed IDs of which the same broke, by the last failure of each."""

    id: str
    """Eight digits, the same for the same `what` always and everywhere."""
    what: str
    """The type of the exception and the innermost functions of the handler, or the exit status of a command and what it
    said, without what differs from ID to ID."""
    count: int
    first: float | None
    """When the earliest of these failures was; None without a record."""
    last: float | None
    retries: int
    """How many retries these IDs have spent in vain."""
    samples: tuple[str, ...]
    """Up to three of the IDs."""
    message: str
    """The newest of the messages, in full."""
    newest: str = ""
    """The ID that failed last."""
    recent: tuple[int, ...] = (0,) * PARTS
    """How many of these failures were in each five minutes of the last hour, the oldest first."""


@dataclass(frozen=True, slots=True)
class FailureGroups:
    """The groups of a queue, the largest first."""

    groups: tuple[FailureGroup, ...]
    others: int
    """Failed IDs of further groups, which are counted together: at most 1,000 groups are told apart."""
    at: float
    """The store's time when this was read."""

    @property
    def total(self) -> int:
        """How many failed IDs were read."""
        return sum(group.count for group in self.groups) + self.others


def group_id(what: str) -> str:
    """The ID of the group of that text."""
    return blake2s(what.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def what_broke(error: str, traceback: str = "") -> str:
    """The text that failures of this kind share."""
    kind = _KIND.match(error)
    places = _own_places(traceback) if kind else []
    if kind and places:
        return f"{kind[1]} in {' < '.join(places)}"[:MAX_TEXT]
    if ended := _ENDED.match(error):
        said = ended[2].strip().splitlines() if ended[2] else []
        return f"{ended[1]}: {_levelled(said[-1])}"[:MAX_TEXT] if said else ended[1]
    lines = error.strip().splitlines()
    return _levelled(lines[0])[:MAX_TEXT] if lines else "no message"


_KIND: Final = re.compile(r"([^\W\d][\w.]*)(?=: |$)")
_ENDED: Final = re.compile(r"(exit status \S+?|killed by \w+)(?:: (.*))?$", re.DOTALL)


# -- of a traceback

_FRAME: Final = re.compile(r'^[ |+]*File "(.+)", line \d+, in (.+)$', re.MULTILINE)
_LIBRARY: Final = re.compile(r"/(?:site|dist)-packages/|/lib/python3|/Python3\d+/Lib/|/convoy_core/|^<", re.IGNORECASE)
_INSTALLED: Final = re.compile(r".*/(?:site|dist)-packages/(?!convoy_core/)[^/]+")


def _own_places(traceback: str) -> list[str]:
    """The innermost functions of the handler's own code, each once: a recursion has any depth."""
    last = traceback.rpartition("Traceback (most recent call last):")[2]  # of a chain, what was raised in the end
    frames = [(path.replace("\\", "/"), name) for path, name in _FRAME.findall(last)]
    places = [_place(path, name) for path, name in reversed(_own(frames))]
    return [*dict.fromkeys(places)][:FRAMES]


def _own(frames: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that belong to neither a library nor Convoy; of a handler that is installed, those of its package."""
    own = [frame for frame in frames if not _LIBRARY.search(frame[0])]
    if own:
        return own
    package = next((found[0] for path, _ in frames if (found := _INSTALLED.match(path))), "")
    return [frame for frame in frames if frame[0].startswith(package)]


def _place(path: str, name: str) -> str:
    parts = path.split("/")
    file = "/".join(parts[-2:]) if parts[-1] == "__init__.py" else parts[-1]
    return f"{file}:{name}"


# -- of a message

_LEVELLED: Final = [
    (re.compile(pattern), told)
    for pattern, told in (
        (r"\b[A-Za-z][A-Za-z0-9+.-]*://\S+", "<url>"),
        (
            r"""(?<!\w)(?:'[^']*'(?!\w)|"[^"]*"|`[^`']*[`'])|\u201c[^\u201d]*\u201d|\u2018[^\u2019]*\u2019|\u00ab[^\u00bb]*\u00bb""",
            "'..'",
        ),
        (r"(?<![\w.])[A-Za-z]:\\[^\s:;,]*", "<path>"),
        (r"(?<![\w.~])(?:~|\.\.?)?(?:/[^\s/:;,()\[\]<>]+)+/?", "<path>"),
        (r"(?<![\w/])[\w.+-]+(?:/[\w.+-]+){2,}|(?<![\w/])[\w+-]+/[\w+-]*\.[\w.]+", "<path>"),
        (r"\b0[xX][0-9A-Fa-f]+\b|\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b", "#"),
        (r"\b(?=[A-Fa-f]*\d)[0-9A-Fa-f]{6,}\b", "#"),
        (r"(?<!exit status )(?<!\d)\d+(?:[.,:]\d+)*", "#"),
        (r"\s+", " "),
    )
]


def _levelled(line: str) -> str:
    """A line without what differs from one ID to another: numbers, hexadecimal, quoted parts, paths."""
    line = line[:_MAX_LINE]
    for pattern, told in _LEVELLED:
        line = pattern.sub(told, line)
    return line.strip()
