"""A redis-py client that the caller made: where it leads, and how to send several commands over one of its connections.

A worker pool opens further connections to the same store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import redis
import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.sentinel import SentinelConnectionPool

from convoy_core.errors import InvalidOption
from convoy_core.store.clients import Store, resolve
from convoy_core.store.cluster import AsyncClusterClient, ClusterClient
from convoy_core.store.url import CLUSTER_EXAMPLE, SENTINEL_EXAMPLE

_TLS_OPTIONS = (
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_cert_reqs",
    "ssl_check_hostname",
)


def store_of(given: str | redis.Redis | redis.asyncio.Redis | Store | None) -> Store:
    """The store that a caller means by a URL, a client of their own, or nothing. Raises as `like` and `resolve` do."""
    if isinstance(given, Store):
        return given
    return resolve(given) if given is None or isinstance(given, str) else like(given)


def like(client: Any) -> Store:
    """The store that `client` talks to, to be reached with our own settings.

    Raises InvalidOption when a job ID could not survive the client, or its login cannot be repeated.
    """
    many = redis.RedisCluster | redis.asyncio.RedisCluster | redis.Sentinel | redis.asyncio.Sentinel
    if not isinstance(client, redis.Redis | redis.asyncio.Redis | many):
        # Its value is not shown: bytes may be a URL with a password.
        raise InvalidOption(f"redis is of type {type(client).__name__}; it must be a URL, a redis client or None.")
    if isinstance(client, many) or _leads_to_many(client):
        raise InvalidOption(
            f"A ready-made client of Sentinel or a Cluster cannot be used; give a URL, like {SENTINEL_EXAMPLE}"
            f" or {CLUSTER_EXAMPLE}."
        )
    settings: dict[str, Any] = client.connection_pool.connection_kwargs
    if settings.get("decode_responses"):
        raise InvalidOption("A ready-made client must have decode_responses off, since job IDs may be any bytes.")
    if settings.get("credential_provider") is not None:
        raise InvalidOption("A ready-made client with a credential provider cannot be used; give a URL instead.")
    login = _login(settings.get("username"), settings.get("password"))
    options: dict[str, Any] = {"protocol": settings.get("protocol") or 3}
    if path := settings.get("path"):
        return Store(f"unix://{login}{quote(str(path))}?{urlencode(options | {'db': settings.get('db') or 0})}")
    is_tls = issubclass(client.connection_pool.connection_class, redis.SSLConnection | redis.asyncio.SSLConnection)
    if is_tls:
        options |= {
            name: str(settings[name]).lower() if isinstance(settings[name], bool) else settings[name]
            for name in _TLS_OPTIONS
            if settings.get(name) is not None
        }
    host = settings.get("host") or "localhost"
    address = f"[{host}]" if ":" in host else host
    scheme = "rediss" if is_tls else "redis"
    return Store(
        f"{scheme}://{login}{address}:{settings.get('port') or 6379}/{settings.get('db') or 0}?{urlencode(options)}"
    )


@contextmanager
def line(client: redis.Redis) -> Iterator[Any]:
    """One of its connections, for several commands; it is closed where not all were answered."""
    pool: Any = client.connection_pool
    connection = pool.get_connection()
    try:
        yield connection
    except BaseException:
        connection.disconnect()
        raise
    finally:
        pool.release(connection)


@asynccontextmanager
async def line_awaited(client: redis.asyncio.Redis) -> AsyncIterator[Any]:
    """The awaited twin of `line`."""
    pool: Any = client.connection_pool
    connection = await pool.get_connection()
    try:
        yield connection
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    finally:
        await pool.release(connection)


def _leads_to_many(client: redis.Redis | redis.asyncio.Redis) -> bool:
    pool = client.connection_pool
    is_ours = isinstance(client, ClusterClient | AsyncClusterClient) or "sentinels" in pool.connection_kwargs
    return is_ours or isinstance(pool, SentinelConnectionPool | AsyncSentinelConnectionPool)


def _login(username: str | None, password: str | None) -> str:
    if username is None and password is None:
        return ""
    return f"{quote(username or '', safe='')}:{quote(password or '', safe='')}@"
