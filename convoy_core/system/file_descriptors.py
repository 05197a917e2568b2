"""File descriptors: how many runs the limit of this process allows whose handler needs some for each."""

from __future__ import annotations

import sys
from typing import Final

if sys.platform != "win32":
    import resource

RESERVE: Final = 64
"""For what this process has open besides, and for a start under way."""


def allow(needed: int) -> int:
    """Have the system allow so many descriptors more than the reserve, as far as it lets us; how many it allows."""
    if sys.platform == "win32":
        return needed
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed + RESERVE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return needed
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (OSError, ValueError):  # macOS has a lower limit of its own
        most = soft
    return max(most - RESERVE, 1)
