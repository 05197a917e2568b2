"""Connections that lead to whichever server the Sentinels call the primary at the moment they are opened.

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

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.exceptions import ReadOnlyError, ResponseError

from convoy_core.store import redis_connections

# What a server says when it is no primary any more; inside a script, older servers put it into a sentence of their own.
_DEMOTED = re.compile(r"^UNBLOCKED|^MASTERDOWN|-READONLY")


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

    def have_moved_from(self, host: str, port: int) -> bool:
        """Whether they have named another primary since, to anybody in this process."""
        return _latest.get((self.hosts, self.service), (host, port)) != (host, port)

    def primary(self) -> tuple[str, int]:
        """Ask one after the other. Raises MasterNotFoundError, a ConnectionError."""
        asked = redis.sentinel.Sentinel(self.hosts, self.peers, dict(self.settings))  # type: ignore[no-untyped-call] # redis-py left this one without types
        try:
            host, port = asked.discover_master(self.service)  # type: ignore[no-untyped-call] # as above
        finally:
            asked.close()
        return self._note(host, port)

    async def primary_awaited(self) -> tuple[str, int]:
        """The awaited twin of `primary`."""
        asked = redis.asyncio.sentinel.Sentinel(self.hosts, self.peers, dict(self.settings))  # type: ignore[no-untyped-call] # as above
        try:
            host, port = await asked.discover_master(self.service)
        finally:
            await asked.aclose()
        return self._note(host, port)

    def _note(self, host: str, port: int) -> tuple[str, int]:
        _latest[self.hosts, self.service] = (host, port)
        return host, port


class PrimaryConnection(redis_connections.Connection):
    """A blocking connection to the primary."""

    def __init__(self, *, sentinels: Sentinels, **settings: Any) -> None:
        self._sentinels = sentinels
        super().__init__(**settings)

    def connect(self) -> None:
        """Open it, or see that it still leads to the right server; the pool calls this before every command."""
        if self.is_connected and self._sentinels.have_moved_from(self.host, self.port):
            self.disconnect()  # type: ignore[no-untyped-call] # as above
        super().connect()

    def _connect(self) -> Any:
        self.host, self.port = self._sentinels.primary()
        return super()._connect()  # type: ignore[no-untyped-call] # as above

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read as always, but hang up on a replica."""
        try:
            return super().read_response(*args, **options)
        except ResponseError as error:
            if _is_from_replica(error):
                self.disconnect()  # type: ignore[no-untyped-call] # as above
            raise


class PrimaryTlsConnection(PrimaryConnection, redis_connections.TlsConnection):
    """The same, encrypted."""


class AsyncPrimaryConnection(redis_connections.AsyncConnection):
    """An awaited connection to the primary."""

    def __init__(self, *, sentinels: Sentinels, **settings: Any) -> None:
        self._sentinels = sentinels
        super().__init__(**settings)

    async def connect(self) -> None:
        """Open it, or see that it still leads to the right server; the pool calls this before every command."""
        if self.is_connected and self._sentinels.have_moved_from(self.host, self.port):
            await self.disconnect()
        await super().connect()

    async def _connect(self) -> None:
        self.host, self.port = await self._sentinels.primary_awaited()
        await super()._connect()  # type: ignore[no-untyped-call] # as above

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read as always, but hang up on a replica."""
        try:
            return await super().read_response(*args, **options)
        except ResponseError as error:
            if _is_from_replica(error):
                await self.disconnect()
            raise


class AsyncPrimaryTlsConnection(AsyncPrimaryConnection, redis_connections.AsyncTlsConnection):
    """The same, encrypted."""


def _is_from_replica(error: ResponseError) -> bool:
    return isinstance(error, ReadOnlyError) or _DEMOTED.search(str(error)) is not None
