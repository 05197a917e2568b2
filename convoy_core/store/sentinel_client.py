"""Asks Sentinels by redis-py which server is the primary. It is loaded when Sentinels are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import redis.asyncio.sentinel
import redis.sentinel
from redis.exceptions import RedisError

from convoy_core.store.redis_py_errors import translated


def primary(
    hosts: tuple[tuple[str, int], ...], service: str, peers: int, settings: Mapping[str, Any]
) -> tuple[str, int]:
    """Ask one Sentinel after the other. Raises NoPrimary, or what else a transport raises."""
    asked = redis.sentinel.Sentinel(hosts, peers, dict(settings))  # type: ignore[no-untyped-call] # redis-py left this one without types
    try:
        found: tuple[str, int] = asked.discover_master(service)  # type: ignore[no-untyped-call] # as above
    except RedisError as error:
        raise translated(error) from error
    finally:
        asked.close()
    return found


_closing: set[asyncio.Task[None]] = set()
"""They go on where a caller is cancelled once more while its connections are being closed."""


async def primary_awaited(
    hosts: tuple[tuple[str, int], ...], service: str, peers: int, settings: Mapping[str, Any]
) -> tuple[str, int]:
    """The awaited twin of `primary`."""
    asked = redis.asyncio.sentinel.Sentinel(hosts, peers, dict(settings))  # type: ignore[no-untyped-call] # as above
    try:
        found: tuple[str, int] = await asked.discover_master(service)
    except RedisError as error:
        raise translated(error) from error
    finally:
        closing = asyncio.create_task(asked.aclose())
        _closing.add(closing)  # a task that nobody holds would be forgotten in the middle
        closing.add_done_callback(_closing.discard)
        await asyncio.shield(closing)
    return found
