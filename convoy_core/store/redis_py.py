"""What we rest on in redis-py beyond its documentation: each habit, why, and who needs it.

A test tries each of them with the release that is installed, and `make matrix` with the lowest and the newest allowed,
so that a release which changes one is noticed by name. Everything else is used as redis-py documents it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

VERSIONS: Final = ">=8.1,<9"
"""For which releases this holds; pyproject.toml allows no others."""


class Reliance(NamedTuple):
    """One thing that redis-py does not promise."""

    what: str
    reason: str
    used_by: tuple[str, ...]
    """Modules of this room."""


RELIANCES: Final[Mapping[str, Reliance]] = {
    "pools know their settings": Reliance(
        "A pool keeps `connection_class` and `connection_kwargs`, which make a connection.",
        "A ready-made client's tell where it leads.",
        ("ready_made_client",),
    ),
    "get_connection opens": Reliance(
        "A pool opens and logs in a connection inside `get_connection`, and nothing is sent in there but that.",
        "What a ready-made client's pool raises there was never sent, so nothing about it is unknown.",
        ("ready_made_client",),
    ),
    "the system's error lies beneath": Reliance(
        "An error of redis-py's has the system's as its cause or context, with its number.",
        "What to do about it depends on which it was.",
        ("redis_py_errors",),
    ),
    "words of a used-up pool": Reliance(
        "A blocking pool that has no connection left says `No connection available`.",
        "Then the process is short of connections, and the store is not away.",
        ("error_translation",),
    ),
}
