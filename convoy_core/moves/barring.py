"""What keeps pools from claiming, as calls: a quiet host or worker, and the lowest version. No I/O."""

from __future__ import annotations

import re
from typing import Final

from convoy_core import validation
from convoy_core.moves.call import Call, of
from convoy_core.moves.keys import Keys
from convoy_core.options import MAX_VERSION

MAX_HOST: Final = 255
"""Characters, as a host may have at most."""


def quiet(keys: Keys, who: str, *, by: str = "") -> Call[bool]:
    """Have a host or a worker claim nothing. The answer says whether that changed anything."""
    return of("quiet", keys, (by, _checked(who)), bool)


def unquiet(keys: Keys, who: str, *, by: str = "") -> Call[bool]:
    """Let it claim again. The answer says whether it was quiet."""
    return of("unquiet", keys, (by, _checked(who)), bool)


def _checked(who: str) -> str:
    if not validation.short_text("who", who, MAX_HOST):
        raise validation.refusal("who", who, "the name of a host, or the ID of a worker")
    return who


def set_lowest_version(keys: Keys, version: str | None, *, by: str = "") -> Call[bool]:
    """Have pools of a lower version claim nothing. The answer says whether that changed anything."""
    told = "" if version is None else validation.short_text("version", version, MAX_VERSION)
    if version is not None and not re.fullmatch(r"v?\d{1,9}(\.\d{1,9}){0,9}", version, re.ASCII):
        raise validation.refusal("version", version, "numbers with dots between them, like 1.4.2")
    return of("set_lowest_version", keys, (by, told), bool)
