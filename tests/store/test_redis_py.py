"""What Convoy rests on in redis-py beyond its documentation is still so in the release that is installed."""

from __future__ import annotations

import ast
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from convoy_core.store import redis_py
from convoy_core.store.redis_py import RELIANCES, VERSIONS
from tests.servers import RealServer

STORE = Path(redis_py.__file__).parent
ROOT = STORE.parent.parent
Check = Callable[[RealServer], Awaitable[None]]
CHECKS: dict[str, Check] = {}
HANDSHAKE = ("hello", "auth", "select", "client|setname", "client|setinfo", "config|resetstat", "info")
"""All that may be sent while a connection is opened, and what this test itself asks."""
PLAIN: Any = redis
AWAITED: Any = redis.asyncio
"""The same again, which it has left without types."""


def check(name: str) -> Callable[[Check], Check]:
    """Have this try the reliance of that name."""

    def note(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return note


@contextmanager
def listening(*, accepts: bool) -> Iterator[int]:
    """A port where nobody ever answers, or, if it does not accept, where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if accepts:
            yield port
    if not accepts:
        yield port


@check("pools know their settings")
async def _(server: RealServer) -> None:
    settings = {"path": str(server.socket), "max_connections": 3}
    one = PLAIN.ConnectionPool(connection_class=redis.UnixDomainSocketConnection, **settings)
    other = AWAITED.ConnectionPool(connection_class=redis.asyncio.UnixDomainSocketConnection, **settings)
    by_host = redis.Redis(host="host", port=7, db=2, username="bob", password="pw", protocol=3).connection_pool

    for pool in (one, other):
        connection: Any = pool.connection_class(**pool.connection_kwargs)
        assert connection.path == str(server.socket)

    kept = by_host.connection_kwargs
    assert [kept[name] for name in ("host", "port", "db", "username", "password", "protocol")] == [
        *("host", 7, 2, "bob", "pw", 3)
    ]
    assert not kept.get("decode_responses")
    assert not issubclass(by_host.connection_class, redis.SSLConnection)


@check("get_connection opens")
async def _(server: RealServer) -> None:
    with listening(accepts=False) as port:
        with pytest.raises(redis.ConnectionError):
            redis.Redis(port=port, retry=Retry(NoBackoff(), 0)).connection_pool.get_connection()
        with pytest.raises(redis.ConnectionError):
            await redis.asyncio.Redis(port=port, retry=AsyncRetry(NoBackoff(), 0)).connection_pool.get_connection()  # type: ignore[no-untyped-call]  # as above

    with server.client() as client:
        client.config_resetstat()
        pools: Any = (redis.Redis.from_url(server.url), redis.asyncio.Redis.from_url(server.url))
        one, other = pools[0].connection_pool.get_connection(), await pools[1].connection_pool.get_connection()
        assert one.is_connected
        assert other.is_connected
        one.disconnect()
        await other.disconnect()
        assert {*client.info("commandstats")} <= {f"cmdstat_{word}" for word in HANDSHAKE}


@check("the system's error lies beneath")
async def _(_: RealServer) -> None:
    with listening(accepts=False) as port:
        with pytest.raises(redis.ConnectionError) as refused:
            PLAIN.Connection(port=port, retry=Retry(NoBackoff(), 0)).connect()
        with pytest.raises(redis.ConnectionError) as refused_twin:
            await AWAITED.Connection(host="127.0.0.1", port=port, retry=AsyncRetry(NoBackoff(), 0)).connect()

    for error in (refused.value, refused_twin.value):
        beneath = error.__cause__ or error.__context__
        assert isinstance(beneath, OSError)
        assert beneath.errno == errno.ECONNREFUSED


@check("words of a used-up pool")
async def _(server: RealServer) -> None:
    settings: dict[str, Any] = {"path": str(server.socket), "max_connections": 1, "timeout": 0.01}
    pool = PLAIN.BlockingConnectionPool(connection_class=redis.UnixDomainSocketConnection, **settings)
    twin = AWAITED.BlockingConnectionPool(connection_class=redis.asyncio.UnixDomainSocketConnection, **settings)
    pool.get_connection()
    await twin.get_connection()

    with pytest.raises(redis.ConnectionError, match="No connection available"):
        pool.get_connection()
    with pytest.raises(redis.ConnectionError, match="No connection available"):
        await twin.get_connection()

    pool.disconnect()
    await twin.disconnect()


@pytest.mark.parametrize("name", RELIANCES)
async def test_redis_py_still_does_what_convoy_rests_on(store: RealServer, name: str) -> None:
    one = RELIANCES[name]
    try:
        await CHECKS[name](store)
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it is, it is told by its name
        pytest.fail(
            f"redis-py {redis.__version__} has changed what we rest on in {', '.join(one.used_by)}. {one.what}"
            f" {one.reason} What was found: {type(error).__name__}: {error}"
        )


def test_each_reliance_is_tried() -> None:
    assert CHECKS.keys() == RELIANCES.keys()


def test_the_list_is_about_the_releases_that_may_be_installed() -> None:
    assert f'"redis[hiredis]{VERSIONS}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_each_module_that_is_named_is_there() -> None:
    named = {module for one in RELIANCES.values() for module in one.used_by}

    assert [module for module in named if not (STORE / f"{module}.py").exists()] == []


def test_no_class_of_redis_py_is_extended() -> None:
    """So none of its private attributes can be used, or met, by ours."""
    found = [
        f"{file.name}: {ast.unparse(node)}"
        for file in sorted((ROOT / "convoy_core").rglob("*.py"))
        for kind in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(kind, ast.ClassDef)
        for node in kind.bases
        if ast.unparse(node).startswith("redis.")
    ]

    assert found == []
