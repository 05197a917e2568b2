"""What Convoy rests on in redis-py beyond its documentation is still so in the release that is installed."""

from __future__ import annotations

import ast
import asyncio
import errno
import inspect
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
from redis.exceptions import AskError, MovedError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from convoy_core.store import redis_connections
from convoy_core.store.redis_py import RELIANCES, VERSIONS
from tests.servers import PortServer, RealServer, valkey_binary
from tests.waiting import eventually, patient

STORE = Path(redis_connections.__file__).parent
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


def blocking(server: RealServer, kind: type[Any] = redis.UnixDomainSocketConnection) -> Any:
    """A connection of redis-py's own, not open yet."""
    return kind(path=str(server.socket), retry=Retry(NoBackoff(), 0), socket_timeout=patient())


def awaited(server: RealServer, kind: type[Any] = redis.asyncio.UnixDomainSocketConnection) -> Any:
    """The awaited twin."""
    return kind(path=str(server.socket), retry=AsyncRetry(NoBackoff(), 0), socket_timeout=patient())


async def ping(connection: Any) -> Any:
    """PING, over an awaited connection."""
    await connection.send_packed_command(connection.pack_command("PING"))
    return await connection.read_response()


@contextmanager
def listening(*, accepts: bool) -> Iterator[int]:
    """A port where nobody ever answers, or, if it does not accept, where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if accepts:
            yield port
    if not accepts:
        yield port


@check("streams of an awaited connection")
async def _(server: RealServer) -> None:
    connection = awaited(server)
    await connection.connect()
    assert connection.is_connected
    writer, connection._writer, connection._reader = connection._writer, None, None
    connection._parser.on_disconnect()
    assert not connection.is_connected
    writer.transport.abort()

    await connection.connect()

    connection._writer.writelines(connection.pack_command("PING"))
    assert await connection.read_response() == b"PONG"
    await connection.disconnect()


@check("an empty send drains")
async def _(server: RealServer) -> None:
    connection = awaited(server)
    await connection.connect()
    size = 64 * 1024 * 1024  # more than any socket takes at once
    connection._writer.writelines(connection.pack_command("ECHO", b"x" * size))
    reading = asyncio.create_task(connection.read_response())

    await connection.send_packed_command((), check_health=False)

    assert connection._writer.transport.get_write_buffer_size() < size
    assert len(await reading) == size
    await connection.disconnect()


@check("pack_command packs all")
async def _(server: RealServer) -> None:
    packed: list[Any] = []

    class Awaited(redis.asyncio.UnixDomainSocketConnection):
        def pack_command(self, *args: Any) -> Any:
            packed.append(args[0])
            return super().pack_command(*args)

    kind: Any = Awaited
    pool = AWAITED.ConnectionPool(connection_class=kind, path=str(server.socket), protocol=3)
    async with redis.asyncio.Redis(connection_pool=pool) as client:
        assert await client.client_id() > 0
    await pool.disconnect()

    assert {"HELLO", "CLIENT ID"} <= {*packed}, packed


@check("callbacks at each connect")
async def _(server: RealServer) -> None:
    class Count:
        def __init__(self) -> None:
            self.seen: list[bool] = []

        def note(self, connection: Any) -> None:
            self.seen.append(connection.is_connected)

    for connection in (blocking(server), awaited(server)):
        counter = Count()
        connection.register_connect_callback(counter.note)
        for act in (connection.connect, connection.disconnect, connection.connect, connection.disconnect):
            if inspect.isawaitable(step := act()):
                await step
        assert counter.seen == [True, True]


@check("can_read takes nothing")
async def _(server: RealServer) -> None:
    one, other = blocking(server), awaited(server)
    one.connect()
    await other.connect()
    assert (one.can_read(), await other.can_read()) == (False, False)
    one.send_packed_command(one.pack_command("PING"))
    await other.send_packed_command(other.pack_command("PING"))

    eventually(one.can_read)
    async with asyncio.timeout(patient()):
        while not await other.can_read():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0)

    assert (one.read_response(), await other.read_response()) == (b"PONG", b"PONG")
    one.disconnect()
    await other.disconnect()


@check("the ping of an idle connection is one step")
async def _(server: RealServer) -> None:
    asked: list[str] = []

    class Blocking(redis.UnixDomainSocketConnection):
        def _send_ping(self) -> None:
            asked.append("blocking")
            super()._send_ping()  # type: ignore[no-untyped-call]  # as above

    class Awaited(redis.asyncio.UnixDomainSocketConnection):
        async def _send_ping(self) -> None:
            asked.append("awaited")
            await super()._send_ping()  # type: ignore[no-untyped-call]  # as above

    one, other = blocking(server, Blocking), awaited(server, Awaited)
    one.connect()
    await other.connect()
    for connection in (one, other):
        connection.health_check_interval, connection.next_health_check = 3600, 0

    for _turn in range(2):  # the answer to the first puts the next one off
        one.check_health()
        await other.check_health()

    assert asked == ["blocking", "awaited"]
    one.disconnect()
    await other.disconnect()


@check("opening is one step")
async def _(_: RealServer) -> None:
    opened: list[str] = []

    class Blocking(redis.Connection):
        def _connect(self) -> Any:
            opened.append("blocking")
            self.host, self.port = "127.0.0.1", server.port
            return super()._connect()  # type: ignore[no-untyped-call]  # redis-py left this one without types

    class Awaited(redis.asyncio.Connection):
        async def _connect(self) -> None:
            opened.append("awaited")
            self.host, self.port = "127.0.0.1", server.port
            await super()._connect()  # type: ignore[no-untyped-call]  # as above

    kinds: tuple[Any, Any] = (Blocking, Awaited)
    server = PortServer(valkey_binary())
    try:
        with listening(accepts=False) as nobody:
            one: Any = kinds[0](host="127.0.0.1", port=nobody, retry=Retry(NoBackoff(), 0))
            other: Any = kinds[1](host="127.0.0.1", port=nobody, retry=AsyncRetry(NoBackoff(), 0))
        for _turn in range(2):  # opened by the first request of each
            one.send_packed_command(one.pack_command("PING"))
            assert one.read_response() == b"PONG"
            assert await ping(other) == b"PONG"
            one.disconnect()
            await other.disconnect()
    finally:
        server.stop()
    assert opened == ["blocking", "awaited"] * 2


@check("the handshake of a blocking TLS connection")
async def _(_: RealServer) -> None:
    seen: list[type[BaseException]] = []

    class Impatient(redis.SSLConnection):
        def _wrap_socket_with_ssl(self, sock: socket.socket) -> Any:
            sock.settimeout(0.02)
            try:
                return super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]  # as above
            except TimeoutError as error:
                seen.append(type(error))
                raise

    with listening(accepts=True) as port:
        kind: Any = Impatient
        connection = kind(host="127.0.0.1", port=port, retry=Retry(NoBackoff(), 0), socket_timeout=patient())
        with pytest.raises(redis.TimeoutError):
            connection.connect()
    assert len(seen) == 1


@check("the handshake of an awaited TLS connection")
async def _(_: RealServer) -> None:
    seen: list[type[BaseException]] = []

    class Impatient(redis.asyncio.SSLConnection):
        def _connection_arguments(self) -> Any:
            return {**super()._connection_arguments(), "ssl_handshake_timeout": 0.02}

        async def _connect(self) -> None:
            try:
                await super()._connect()  # type: ignore[no-untyped-call]  # as above
            except ConnectionAbortedError as error:
                seen.append(type(error))
                raise

    with listening(accepts=True) as port:
        kind: Any = Impatient
        connection = kind(
            host="127.0.0.1", port=port, retry=AsyncRetry(NoBackoff(), 0), socket_connect_timeout=patient()
        )
        with pytest.raises(redis.ConnectionError):
            await connection.connect()
    assert seen == [ConnectionAbortedError]


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


@check("no notices of a managed server")
async def _(server: RealServer) -> None:
    off = MaintNotificationsConfig(enabled=False)
    for kind in (PLAIN, AWAITED):
        kind.Connection(maint_notifications_config=off)
        kind.SSLConnection(maint_notifications_config=off)
        kind.UnixDomainSocketConnection(path=str(server.socket), maint_notifications_config=off)


@check("redirections tell where")
async def _(_: RealServer) -> None:
    moved, asked = MovedError("3999 127.0.0.1:6381"), AskError("3999 127.0.0.1:6381")

    assert isinstance(moved, AskError)
    assert not isinstance(asked, MovedError)
    for error in (moved, asked):
        assert (error.slot_id, error.host, error.port) == (3999, "127.0.0.1", 6381)


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


def test_no_private_attribute_of_redis_py_is_used_that_is_not_listed() -> None:
    modules = [
        redis_connections.__name__.rpartition(".")[2],
        "sentinel",
        "cluster",
    ]  # where redis-py's classes are extended
    trees = [ast.parse((STORE / f"{module}.py").read_text("utf-8")) for module in modules]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)} | {
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    theirs = {name for kind in (redis, redis.asyncio) for one in _made(kind) for name in dir(one)}
    private = {name for name in used & theirs if name.startswith("_") and not name.startswith("__")}

    assert private == {name for one in RELIANCES.values() for name in one.private}


def _made(kind: Any) -> list[Any]:
    return [kind.Connection(), kind.SSLConnection(), kind.UnixDomainSocketConnection(), kind.Redis()]
