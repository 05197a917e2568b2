"""The recorder as calls: start it, stop it, and read what it has kept. No I/O."""

from __future__ import annotations

import math
from typing import Any, Final

from convoy_core import validation
from convoy_core.moves.call import Call, of
from convoy_core.moves.keys import Keys
from convoy_core.moves.replies import seconds, whole
from convoy_core.options import JobID, decode_id, encode_id
from convoy_core.recordings import KEPT_S, RecordedMove, Recording
from convoy_core.validation import Seconds

LOOKED_AT: Final = 2000
"""How many entries one script looks at; each may have 500 IDs, but the bytes of IDs are bounded as well."""

LEAST_KEPT: Final = 65536
MOST_KEPT: Final = 2**30
"""What a recording may be told to keep, in bytes."""


def start_recording(keys: Keys, for_s: Seconds, keep_bytes: int) -> Call[bool]:
    """Keep each move from now on. The answer says whether the recorder was on already."""
    ms = math.ceil(validation.seconds("for_s", for_s, above_zero=True) * 1000)
    validation.whole("keep_bytes", keep_bytes, LEAST_KEPT, MOST_KEPT)
    return of("start_recording", keys, (ms, KEPT_S * 1000, keep_bytes), bool)


def stop_recording(keys: Keys) -> Call[bool]:
    """Keep no more. The answer says whether the recorder was on."""
    return of("stop_recording", keys, (), bool)


def recording(keys: Keys) -> Call[Recording]:
    """Whether it is on, and how much is kept."""
    return of("recording", keys, (), _recording)


def _recording(reply: list[Any]) -> Recording:
    since, until, limit, entries = reply
    return Recording(seconds(since), seconds(until), int(entries), None if limit is None else whole(limit))


_FIRST: Final = "-"
_LAST_MS: Final = 2**53


def begin(since: float | None) -> str:
    """Where `trace` begins: at the first entry of that time, or at the first that is kept."""
    if since is None:
        return _FIRST
    ms = min(validation.moment("since", since) * 1000, _LAST_MS)
    return str(math.ceil(round(ms, 3)))  # entries are named by whole ms, of which a float is a little off


def trace(keys: Keys, id: JobID | None, after: str) -> Call[tuple[str | None, list[RecordedMove]]]:
    """What was kept after the entry `after`, of one ID or of all: some of it, and where to go on."""
    wanted = b"" if id is None else encode_id(id)
    return of("recorded", keys, (wanted, after, LOOKED_AT), _moves)


def _moves(reply: list[Any]) -> tuple[str | None, list[RecordedMove]]:
    following, rows = reply
    moves = [
        RecordedMove(
            int(name.partition(b"-")[0]) / 1000,
            move.decode("utf-8", "replace"),
            result.decode("utf-8", "replace"),
            by.decode("utf-8", "replace") or None,
            tuple(map(decode_id, ids)),
        )
        for name, move, result, by, ids in rows
    ]
    return following.decode() or None, moves
