"""Erasing a queue as calls: every key of it. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from convoy_core.errors import InvalidOption
from convoy_core.moves.call import Steps, checked_names, chunked, command
from convoy_core.moves.keys import TYPES, Keys, Keyspace
from convoy_core.moves.looking import scan

SCRATCH_PREFIXES: Final = ("cv-demo:", "cv-bench:")
"""Under these nothing is kept: a demonstration and a measurement have their queues there."""


def erase(keyspace: Keyspace, names: Iterable[str]) -> Steps[int]:
    """Remove every key of these queues, in whatever state their IDs are. Returns how many keys there were."""
    if keyspace.prefix not in SCRATCH_PREFIXES:
        raise InvalidOption(f"Queues are erased under {' and '.join(SCRATCH_PREFIXES)} alone, not {keyspace.prefix}")
    found: set[bytes] = set()
    chosen = [keyspace.queue(name, existing=True) for name in checked_names(names)]
    yield from scan(keyspace, found.update)
    erased = 0
    for keys in chosen:
        for some in chunked(sorted(key for key in found if _is_of(keys, key))):
            erased += yield command("UNLINK", *some, read=int, writes=True, beside=some[0])
        yield command("SREM", keyspace.registry, keys.queue, read=int, writes=True, beside=keyspace.registry)
    return erased


def _is_of(keys: Keys, key: bytes) -> bool:
    """Whether this is a key of that queue, and not of one whose name begins with it and a colon."""
    start = keys.named("meta").removesuffix(b"meta")
    kind = re.split(rb"[:.]", key.removeprefix(start), maxsplit=1)[0]
    return key.startswith(start) and kind.decode("ascii", "replace") in TYPES
