"""What a dashboard remembers of the last session (theme, pace, order, limits), in a small file of the user's.

It holds nothing secret, and nothing of a store. A file that cannot be read or understood counts as none, and one that
cannot be written is left alone: a dashboard opens and closes in any case.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final

from convoy_core.system import state_directory

_NAME: Final = "dashboard.json"
_MOST_BYTES: Final = 16_384
_MOST_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Remembered:
    """The choices of a session. An empty text is none."""

    theme: str = ""
    interval_s: str = ""
    """How often it looked, in seconds."""
    order: str = ""
    """The order of the overview."""
    period: str = ""
    """The time that charts showed."""
    concurrency: str = ""
    job_timeout: str = ""
    """Both of the workers that were launched last."""


def state_path() -> Path:
    """Where the file is: in the user's directory for state."""
    return state_directory() / _NAME


def recall(path: Path) -> Remembered:
    """What the file says, as far as that can be understood."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return Remembered()
    if not isinstance(told, dict):
        return Remembered()
    known = {name: told.get(name) for name in (field.name for field in fields(Remembered))}
    return Remembered(**{name: value for name, value in known.items() if _is_sane(value)})  # type: ignore[arg-type]


def _is_sane(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_CHARACTERS and value.isprintable()


def remember(path: Path, choices: Remembered) -> None:
    """Replace the file as a whole, readable by its user alone; do nothing where that fails."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".dashboard-", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(choices), file, indent=1)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


class Memory:
    """The choices of the last session, and those of this one. Without a path nothing is read or written."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._before = recall(path) if path is not None else Remembered()
        self.choices = self._before

    def note(self, **changes: str) -> None:
        """Make choices that the next session begins with."""
        self.choices = replace(self.choices, **changes)

    def save(self) -> None:
        """Write the file, if anything was chosen anew."""
        if self._path is not None and self.choices != self._before:
            remember(self._path, self.choices)
            self._before = self.choices

    @property
    def interval_s(self) -> float | None:
        """How often the last session looked, if that is a time one can choose."""
        with suppress(ValueError):
            seconds = float(self.choices.interval_s)
            return seconds if 0.5 <= seconds <= 30 else None
        return None
