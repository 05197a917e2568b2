"""Asks Sentinels which server is the primary, whenever a connection is opened.

Rule: a connection that turns out to lead to a replica is closed at once, so that the next use asks the Sentinels again.
The command that was refused there was not applied, and is not repeated here. All connections of a process lead to the
same server: when one has found a new primary, the others leave the old one before their next command, though it may
accept writes for some seconds more. A pool that waits at one and claims at the other would lose what it was handed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convoy_core.store.transport_errors import ErrorReply

# What a server says when it is no primary any more; inside a script, older servers put it into a sentence of their own.
_DEMOTED = re.compile(r"^READONLY|^UNBLOCKED|^MASTERDOWN|-READONLY")


_latest: dict[tuple[tuple[tuple[str, int], ...], str], tuple[str, int]] = {}
"""The primary last named, by the Sentinels asked and the service."""


@dataclass(frozen=True, slots=True)
class Sentinels:
    """Which Sentinels to ask, about what, and with which settings of a connection."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    settings: Mapping[str, Any]

    @property
    def peers(self) -> int:
        """How many others a Sentinel must see to be believed: one that sees none may be cut off, and out of date."""
        return min(1, len(self.hosts) - 1)

    def have_moved_from(self, endpoint: object) -> bool:
        """Whether they have named another primary since, to anybody in this process."""
        return _latest.get((self.hosts, self.service), endpoint) != endpoint

    def primary(self) -> tuple[str, int]:
        """Ask one after the other. Raises NoPrimary."""
        from convoy_core.store import sentinel_client  # noqa: PLC0415 - loads redis-py

        host, port = sentinel_client.primary(self.hosts, self.service, self.peers, self.settings)
        return self._note(host, port)

    async def primary_awaited(self) -> tuple[str, int]:
        """The awaited twin of `primary`."""
        from convoy_core.store import sentinel_client  # noqa: PLC0415 - loads redis-py

        host, port = await sentinel_client.primary_awaited(self.hosts, self.service, self.peers, self.settings)
        return self._note(host, port)

    def _note(self, host: str, port: int) -> tuple[str, int]:
        _latest[self.hosts, self.service] = (host, port)
        return host, port


def is_from_replica(error: Exception) -> bool:
    """Whether that refusal shows that the server is no primary any more."""
    return isinstance(error, ErrorReply) and _DEMOTED.search(str(error)) is not None
