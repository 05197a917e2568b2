"""A redis-py client that the caller made: where it leads, and how to send commands over its connections.

Its own settings for repeating commands are not used: only the caller knows whether a repeat is harmless. A worker pool
opens further connections to the same store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import redis
import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.exceptions import RedisError
from redis.sentinel import SentinelConnectionPool

from convoy_core.errors import InvalidOption
from convoy_core.store.clients import Store
from convoy_core.store.redis_py_errors import translated
from convoy_core.store.transport import Command
from convoy_core.store.transport_errors import ErrorReply, NotSent
from convoy_core.store.url import CLUSTER_EXAMPLE, SENTINEL_EXAMPLE

_TLS_OPTIONS = (
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_cert_reqs",
    "ssl_check_hostname",
)


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


def transport_of(client: object) -> ReadyMadeTransport | None:
    """How to send over that client; None for an awaited one, which a blocking caller cannot use."""
    return ReadyMadeTransport(client) if isinstance(client, redis.Redis) else None


def async_transport_of(client: object) -> AsyncReadyMadeTransport | None:
    """The awaited twin of `transport_of`."""
    return AsyncReadyMadeTransport(client) if isinstance(client, redis.asyncio.Redis) else None


class ReadyMadeTransport:
    """A `Transport` over the connections of the caller's client, which stays theirs to close."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool: Any = client.connection_pool

    def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """Send one command; its reply."""
        (reply,) = self.send_together((command,), keys)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Send several at once over one connection; their replies, or the store's refusals as values, in order."""
        try:
            connection = self._pool.get_connection()
        except (RedisError, OSError) as reason:
            raise NotSent(translated(reason)) from reason
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            return [_received(connection) for _ in commands]
        except (RedisError, OSError) as error:
            connection.disconnect()
            raise translated(error) from error
        except BaseException:
            connection.disconnect()  # a reply may be unread
            raise
        finally:
            self._pool.release(connection)

    def line(self) -> None:
        """None: the client's owner may have given it but one connection."""

    def close(self) -> None:
        """Nothing was made here."""


class AsyncReadyMadeTransport:
    """The awaited twin of `ReadyMadeTransport`."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._pool: Any = client.connection_pool
        self._loop: asyncio.AbstractEventLoop | None = None
        """The one that the client belongs to."""

    async def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """Send one command; its reply."""
        (reply,) = await self.send_together((command,), keys)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Send several at once over one connection; their replies, or the store's refusals as values, in order."""
        self._check_loop()
        try:
            connection = await self._pool.get_connection()
        except (RedisError, OSError) as reason:
            raise NotSent(translated(reason)) from reason
        try:
            await connection.send_packed_command(connection.pack_commands(commands))
            return [await _received_awaited(connection) for _ in commands]
        except (RedisError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise translated(error) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self._pool.release(connection)

    def line(self) -> None:
        """None: the client's owner may have given it but one connection."""

    async def aclose(self) -> None:
        """Nothing was made here."""

    def _check_loop(self) -> None:
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise InvalidOption(
                "A ready-made client belongs to the event loop that it was first used on, and this is another."
                " Make a queue with a new client for each, or give a URL."
            )


def _received(connection: Any) -> Any:
    try:
        return connection.read_response()
    except RedisError as error:
        return _as_value(error)


async def _received_awaited(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except RedisError as error:
        return _as_value(error)


def _as_value(error: RedisError) -> ErrorReply:
    """The server's refusal as a value; raises what is none."""
    reply = translated(error)
    if not isinstance(reply, ErrorReply):
        raise error
    return reply


def _leads_to_many(client: redis.Redis | redis.asyncio.Redis) -> bool:
    return isinstance(client.connection_pool, SentinelConnectionPool | AsyncSentinelConnectionPool)


def _login(username: str | None, password: str | None) -> str:
    if username is None and password is None:
        return ""
    return f"{quote(username or '', safe='')}:{quote(password or '', safe='')}@"
