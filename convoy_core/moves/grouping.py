"""Failures in groups, as calls: the failed IDs counted by what broke, and those of one group. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from convoy_core import validation
from convoy_core.failure_groups import PARTS, WITHOUT_A_RECORD, FailureGroup, FailureGroups, group_id
from convoy_core.moves import replies
from convoy_core.moves.call import Call, Steps, of
from convoy_core.moves.keys import Keys
from convoy_core.options import BATCH, decode_id

MOST: Final = 1000
"""How many groups are told apart, so that the memory is flat."""

SAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class _Part:
    """What one script has found of a group."""

    what: str
    message: bytes
    """As JSON."""
    count: int
    first: float | None
    last: float | None
    retries: int
    newest: str
    recent: tuple[int, ...]
    ids: tuple[str, ...]


class _Window(NamedTuple):
    """What one script has found."""

    at: float
    total: int
    next: int | None
    parts: list[_Part]


@dataclass(slots=True)
class _Group:
    """One group while it is counted."""

    what: str
    message: bytes = b'""'
    """As JSON."""
    count: int = 0
    first: float | None = None
    last: float | None = None
    retries: int = 0
    newest: str = ""
    recent: list[int] = field(default_factory=lambda: [0] * PARTS)
    samples: list[str] = field(default_factory=list)

    def add(self, part: _Part) -> None:
        """Count what one script has found."""
        self.count += part.count
        self.retries += part.retries
        self.samples += part.ids[: SAMPLES - len(self.samples)]
        if part.first is not None and (self.first is None or part.first < self.first):
            self.first = part.first
        if self.last is None or (part.last is not None and part.last >= self.last):
            self.last, self.message, self.newest = part.last, part.message, part.newest
        self.recent = [old + new for old, new in zip(self.recent, part.recent, strict=True)]

    def done(self) -> FailureGroup:
        """As callers receive it."""
        return FailureGroup(
            group_id(self.what),
            self.what,
            self.count,
            self.first,
            self.last,
            self.retries,
            tuple(self.samples),
            _text(self.message),
            self.newest,
            tuple(self.recent),
        )


def _text(message: bytes) -> str:
    try:
        return str(json.loads(message))
    except ValueError:  # another client wrote it
        return ""


def groups(keys: Keys, progress: Callable[[int, int], object] | None, limit: int | None = None) -> Steps[FailureGroups]:
    """All failed IDs in groups, or about `limit` of them. What fails or leaves meanwhile may be counted or not."""
    validation.callback("progress", progress)
    if limit is not None:
        validation.whole("limit", limit, 1)
    found: dict[str, _Group] = {}
    others = read = 0
    start: int | None = 0
    at = 0.0
    while start is not None:
        window: _Window = yield _window(keys, start, SAMPLES)
        read += sum(part.count for part in window.parts)
        start, at = window.next, window.at
        if limit is not None and start is not None:
            start = max(start, window.total * read // limit) if read < limit else None
        if progress is not None:
            progress(window.total if start is None else start, window.total)
        for part in window.parts:
            if part.what not in found and len(found) == MOST:
                others += part.count
                continue
            found.setdefault(part.what, _Group(part.what)).add(part)
    largest = sorted((group.done() for group in found.values()), key=lambda group: (-group.count, group.what))
    return FailureGroups(tuple(largest), others, at)


class GroupPage(NamedTuple):
    """The IDs of a group in one part of the failed ones."""

    ids: list[str]
    next: int | None


def ids_of_group(keys: Keys, group: str, start: int) -> Call[GroupPage]:
    """Those of the group with that ID, from a rank on."""

    def read(reply: list[Any]) -> GroupPage:
        window = _read(reply)
        return GroupPage([id for part in window.parts if group_id(part.what) == group for id in part.ids], window.next)

    return of("failures", keys, (start, BATCH, BATCH), read)


def check_group(group: str) -> str:
    """The ID of a group. Raises InvalidOption for what cannot be one."""
    validation.one_of("group", group, str, _AN_ID)
    if not re.fullmatch("[0-9a-f]{8}", group):
        raise validation.refusal("group", group, _AN_ID)
    return group


_AN_ID: Final = "the ID of a group: eight hexadecimal digits, as `failure_groups` returns"


def _window(keys: Keys, start: int, named: int) -> Call[_Window]:
    return of("failures", keys, (start, BATCH, named), _read)


def _read(reply: list[Any]) -> _Window:
    at, total, following, *rows = reply
    return _Window(float(at) / 1000, int(total), None if following < 0 else int(following), [*map(_part, rows)])


def _part(row: list[Any]) -> _Part:
    what, message, *numbers = row[:6]
    count, first, last, retries = map(int, numbers)
    newest, recent = decode_id(row[6]), tuple(map(int, row[7].split()))
    ids = tuple(map(decode_id, row[8:]))
    if what:
        times = (first / 1000, last / 1000)
        return _Part(what.decode("utf-8", "replace"), message, count, *times, retries, newest, recent, ids)
    failure = replies.failure_of(message)
    if failure is None:
        return _Part(WITHOUT_A_RECORD, b'""', count, None, None, 0, newest, recent, ids)
    retries = max(0, (failure.attempt or 1) - 1)
    error = json.dumps(failure.error).encode()
    return _Part(failure.what, error, count, failure.at, failure.at, retries, newest, recent, ids)
