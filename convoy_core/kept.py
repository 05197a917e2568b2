"""Files of what was discarded: written slice by slice before the discard, and read back to restore it.

Each line is an object of JSON. The first says what the file is about. The records follow as `convoy export` writes
them, and behind each slice a line that says which of its IDs were not discarded after all. Lines are only appended, so
that whatever cuts the writing short leaves a file with all that was discarded: of the last slice perhaps more.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from convoy_core.errors import InvalidInput, InvalidOption, NotKept
from convoy_core.records import Record
from convoy_core.system.user_directories import state_directory

__all__ = ["KeptFile", "KeptRecords"]

SCHEMA: Final = "convoy.discarded/1"

RECORD_SCHEMA: Final = "convoy.export/1"

KEPT_S: Final = 30 * 86400.0
"""Files at the usual place are removed by the first discard after this time."""


class KeptFile:
    """What is discarded goes into this file: to be given to `Queue.discard` and `discard_all` as `keep`.

    It is made with the first record, readable by its user alone. `path` must not be a file yet; without one it is a new
    file at the usual place, in the user's directory for state. What cannot be written raises NotKept, and is not
    discarded.
    """

    def __init__(self, queue: str, store: str, path: str | os.PathLike[str] | None = None) -> None:
        self.path = default_path(queue) if path is None else Path(path)
        self.count = 0
        """How many IDs were discarded."""
        self._is_usual = path is None
        self._head: dict[str, object] = {"queue": queue, "store": store}
        self._file: BinaryIO | None = None
        self._slice = 0
        self._error: OSError | None = None

    def save(self, records: Sequence[Record]) -> None:
        """Write these, and have them on the disk before this returns."""
        lines = [{"schema": RECORD_SCHEMA, "queue": self._head["queue"], **record.as_json()} for record in records]
        try:
            if self._error is not None:
                raise self._error
            if self._file is None:
                self._file = self._open()
                lines.insert(0, {"schema": SCHEMA, **self._head, "at": round(time.time(), 3)})
            self._write(lines)
        except OSError as error:
            raise NotKept(
                f"{self.path} cannot be written ({error.strerror}), and nothing is discarded that is not kept there."
            ) from error
        self._slice = len(records)

    def spare(self, ids: Sequence[str]) -> None:
        """The end of a slice: these were not discarded."""
        self.count += self._slice - len(ids)
        self._slice = 0
        try:
            self._write([{"schema": SCHEMA, "not_discarded": [*ids]}])
        except OSError as error:  # those that were discarded are kept all the same; nothing else will be
            self._error = error

    def close(self) -> None:
        """Close it; remove it if nothing was discarded."""
        if self._file is None:
            return
        with suppress(OSError):
            self._file.close()
        self._file = None
        if not self.count and not self._slice and self.path.is_file():
            with suppress(OSError):
                self.path.unlink()

    def __enter__(self) -> Self:
        """Nothing to open: the first record does."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _open(self) -> BinaryIO:
        if self._is_usual:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_old(self.path.parent)
        try:
            return os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
        except FileExistsError:
            if stat.S_ISREG(self.path.stat().st_mode):
                raise InvalidOption(f"{self.path} is there already; name a new file to keep IDs in.") from None
        return self.path.open("wb", buffering=0)  # a device or a pipe

    def _write(self, lines: Sequence[Mapping[str, object]]) -> None:
        assert self._file is not None  # noqa: S101 - only `save` opens it, and comes first
        rest = memoryview("".join(json.dumps(line) + "\n" for line in lines).encode())
        while rest:
            rest = rest[self._file.write(rest) :]
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a pipe or a terminal has no disk
                raise


class KeptRecords:
    """Reads such a file, also one that was cut short. Raises InvalidInput where it cannot be read."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self.read = 0
        """Bytes read so far."""
        head = self._first()
        self.queue = str(head.get("queue", ""))
        """The queue that they were discarded from."""
        self.store = str(head.get("store", ""))
        """The address of its store, as it was shown."""
        self.is_cut = False
        """Once all are read: whether it ends in the midst of a slice, of which some may not have been discarded."""

    def __iter__(self) -> Iterator[Record]:
        """All that were discarded, in their order."""
        some: dict[str, Record] = {}
        self.read = 0
        for number, members in enumerate(self._lines(), 1):
            if members.pop("schema", None) == RECORD_SCHEMA:
                members.pop("queue", None)
                try:
                    record = Record.from_json(members)
                except InvalidInput as error:
                    raise type(error)(f"{self._path}, line {number}: {error}") from None
                some[record.id] = record
            elif isinstance(void := members.get("not_discarded"), list):
                for id in map(str, void):
                    some.pop(id, None)
                yield from some.values()
                some = {}
        self.is_cut = bool(some)
        yield from some.values()

    def _first(self) -> dict[str, Any]:
        head = next(self._lines(), {})
        if head.get("schema") != SCHEMA or "queue" not in head:
            raise InvalidInput(f"{self._path} is no file of `convoy discard`; `convoy import` reads those of `export`.")
        return head

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    self.read += len(line)
                    if not line.endswith(b"\n"):
                        break  # its writing was cut short, so its ID was not discarded
                    yield self._members(line, number)
        except OSError as error:
            raise InvalidInput(f"{self._path} cannot be read: {error.strerror}.") from None

    def _members(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            members = json.loads(line)
        except (ValueError, RecursionError):
            members = None
        if not isinstance(members, dict):
            raise InvalidInput(f"{self._path}, line {number}: this is no object of JSON.")
        return members


def default_path(queue: str) -> Path:
    """A new file at the usual place: `discarded` in the user's directory for state."""
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    name = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', queue)}-{moment}-{os.urandom(3).hex()}.jsonl"
    return state_directory() / "discarded" / name


def _remove_old(directory: Path) -> None:
    """Remove what was kept there for long enough."""
    with suppress(OSError):
        for file in directory.glob("*-*-*-*.jsonl"):
            with suppress(OSError):
                if file.stat().st_mtime < time.time() - KEPT_S:
                    file.unlink()
