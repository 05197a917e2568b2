"""What a recorder keeps of a queue: whether it is on, and the moves it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KEPT_S: Final = 24 * 3600
"""How long a recording is kept after its end, in seconds."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The recorder of a queue."""

    since: float | None
    """Unix seconds when it was started; None if it is off."""
    until: float | None
    """Unix seconds when it ends by itself; None if it is off."""
    entries: int
    """The entries that are kept, also of earlier recordings. A move of many IDs at once is one entry."""
    limit: int | None
    """The bytes that are kept at most, by an estimate; None if it is off."""


@dataclass(frozen=True, slots=True)
class RecordedMove:
    """One move, of one ID or of several at once; or, without IDs, that the recorder was started."""

    at: float
    """Unix seconds, by the store's clock."""
    move: str
    """The move's name, as in the table of moves; or `refuse` (a publish), `rerun`, `merge`, `repair` or
    `start_recording`."""
    result: str
    """The state in which the IDs are then; of `refuse` and `repair` the answer."""
    worker: str | None
    """The worker that made the move, or whose IDs were recovered; None if it was no worker."""
    ids: tuple[str, ...]
