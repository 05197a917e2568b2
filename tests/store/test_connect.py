"""From a URL to a client: which URLs are taken, what is never shown, and that no client does anything twice."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import subprocess
import sys
import textwrap
import threading
import traceback
from collections.abc import Iterator
from contextlib import aclosing, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from convoy_core.errors import InvalidURL, StoreError, StoreUnreachable
from convoy_core.moves.replies import info
from convoy_core.store.address import Login, Tls
from convoy_core.store.clients import Role, Store, resolve
from convoy_core.store.embedded.server import EmbeddedServer
from convoy_core.store.error_translation import explain
from convoy_core.store.server import Server
from convoy_core.store.transport_errors import NotSent, TransportError
from convoy_core.store.wire import Session
from tests.servers import RealServer
from tests.waiting import eventually

SECRET = "S3cret"


# --- which store


def test_the_argument_comes_before_the_environment_and_that_before_the_embedded_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolve().url == "embedded:"

    monkeypatch.setenv("CONVOY_REDIS_URL", "redis://from-environment")

    assert resolve().url == "redis://from-environment"
    assert resolve("redis://argument").url == "redis://argument"
    monkeypatch.setenv("CONVOY_REDIS_URL", "")
    assert resolve().url == "embedded:"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://", "redis://localhost:6379"),
        ("redis://localhost", "redis://localhost:6379"),
        ("REDIS://Example.org:7/3", "redis://example.org:7/3"),
        ("redis://user:S3cret@host:6379/0", "redis://user:***@host:6379/0"),
        ("redis://:S3cret@host", "redis://:***@host:6379"),
        ("redis://user:@host", "redis://user:***@host:6379"),
        ("redis://us%40er:S3%2F%23%3F%40cret@host/2", "redis://us@er:***@host:6379/2"),
        ("redis://[::1]:7000", "redis://[::1]:7000"),
        ("rediss://user:S3cret@host?ssl_ca_certs=/ca.pem", "rediss://user:***@host:6379"),
        ("redis+sentinel://a,b:7/main", "redis+sentinel://a:26379,b:7/main"),
        ("REDIS+SENTINEL://user:S3cret@A,[::1]/main/3", "redis+sentinel://user:***@a:26379,[::1]:26379/main/3"),
        ("rediss+sentinel://:S3%2Ccret@a,b/main?sentinel_login=yes", "rediss+sentinel://:***@a:26379,b:26379/main"),
        ("redis+cluster://a", "redis+cluster://a:6379"),
        ("rediss+cluster://user:S3cret@a:1,b?protocol=2", "rediss+cluster://user:***@a:1,b:6379"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("unix://user:S3cret@/run/my%20redis@home.sock?db=2", "unix://user:***@/run/my%20redis@home.sock"),
        ("embedded:/var/lib/convoy", "embedded (/var/lib/convoy)"),
        ("embedded:///var/lib/convoy", "embedded (/var/lib/convoy)"),
        ("embedded:/with space#and%20more", "embedded (/with space#and%20more)"),
    ],
)
def test_s10_a_store_is_shown_without_its_password(url: str, shown: str) -> None:
    store = resolve(url)

    assert store.shown == shown
    assert repr(store) == f"Store({shown!r})"
    assert store.url == url
    assert store.is_cluster is ("+cluster" in url)
    assert store.is_embedded is url.startswith("embedded:")


def test_an_embedded_path_may_be_relative_or_start_at_home_and_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    relative, home, default = resolve("embedded:my/store"), resolve("embedded:~/store"), resolve("embedded:")
    monkeypatch.chdir("/")

    assert relative.shown == f"embedded ({tmp_path.resolve()}/my/store)"
    assert home.shown == f"embedded ({tmp_path.resolve()}/store)"  # the test's HOME
    assert default.shown == f"embedded ({EmbeddedServer().directory})"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://user:S3/cret@host", "%2F"),
        ("redis://user:S3#cret@host", "%23"),
        ("redis://user:S3?cret@host", "%3F"),
        ("redis://user:S3@cret@host", "%40"),
        ("redis://user:@S3/cret@host", "%40"),
        ("redis://:S3cret/@host:6379/0", "%2F"),
        ("redis://:S3cret#@host:6379/0", "%23"),
        ("redis://host:S3cret", "port"),
        ("redis://host:S3cret/x", "port"),
        ("redis://host:0", "port"),
        ("redis://host:65536", "port"),
        ("redis://S3cret@host", "without a password"),
        ("redis://[S3cret", "cannot be read"),
        ("redis://host\N{DOUBLE QUESTION MARK}:S3cret@x", "cannot be read"),
        ("redis:S3cret@host", "cannot be read"),
        ("redis://host/S3cret", "database"),
        ("redis://host/1/2", "database"),
        ("redis://host/-1", "database"),
        ("redis://host/1?db=1", "twice"),
        ("redis://host#S3cret", "%23"),
        ("redis://host?password=S3cret", "db, protocol"),
        ("redis://host?ssl_cert_reqs=none", "db, protocol"),
        ("redis://host?db=1&db=2", "each once"),
        ("redis://host?retry_on_timeout=yes&S3cret", "time limits and retries are Convoy's own"),
        ("redis://host?protocol=4", "2 or 3"),
        ("redis://ho\nst:S3cret@x", "control character"),
        ("rediss://host?ssl_cert_reqs=optional", "required or none"),
        ("rediss://host?ssl_check_hostname=S3cret", "true or false"),
        ("unix://run/redis.sock", "absolute path"),
        ("unix://user:S3/cret@/run/redis.sock", "absolute path"),
        ("unix://user:S3#cret@/run/redis.sock", "absolute path"),
        ("unix://user:S3@cret@/run/redis.sock", "%40"),
        ("embedded://host/path", "has no host"),
        ("embedded:~no-such-user-here/S3cret", "does not know; write it out"),
        ("http://user:S3cret@host", "no known scheme"),
        ("user:S3cret@localhost:6379", "no known scheme"),
        ("S3cret", "no known scheme"),
        ("", "no known scheme"),
        ("redis+sentinel://:S3cret@a,b", "names the service"),
        ("redis+sentinel://a,b/S3 cret", "names the service"),
        ("redis+sentinel://a,b/main/S3cret", "database"),
        ("redis+sentinel://a,b/main?sentinel_login=S3cret", "db, protocol"),
        ("redis+sentinel://:S3cret@a,,b/main", "hosts in the store URL cannot be read"),
        ("redis+sentinel:S3cret@a/main", "hosts in the store URL cannot be read"),
        ("redis+sentinel://:S3/cret@a,b/main", "%2F"),
        ("redis+sentinel://a,S3cret@b/main", "without a password"),
        ("redis+sentinel://a,b:S3cret/main", "port"),
        ("redis+cluster://", "hosts in the store URL cannot be read"),
        ("redis+cluster://:S3cret@a,b/1", "no database but 0"),
        ("redis+cluster://user:S3#cret@a,b", "%23"),
        ("redis+cluster://:S3cret@a,b:0", "port"),
        ("redis+cluster://:S3cret@[::1", "cannot be read"),
        ("rediss+cluster://:S3cret@a?ssl_cert_reqs=S3cret", "required or none"),
        ("unix+cluster://S3cret", "no known scheme"),
    ],
)
def test_s10_a_url_that_cannot_be_used_is_refused_in_one_line_without_quoting_it(url: str, words: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        resolve(url)

    said = str(caught.value)
    assert words in said
    assert "\n" not in said
    # Not even the chained errors, which a logger or a debugger would print.
    assert caught.value.__context__ is None
    printed = "".join(traceback.format_exception(caught.value))
    assert not any(part in printed.replace(repr(url), "") for part in (SECRET, "S3", "cret"))


def test_s10_no_failing_connection_shows_the_password(store: RealServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    wrong = resolve(store.url.replace("unix://", f"unix://bob:{SECRET}@"))
    refused = resolve(f"redis://bob:{SECRET}@127.0.0.1:{port}")

    for one in (wrong, refused):
        with closing(one.transport(Role.COMMAND)) as transport, pytest.raises(TransportError) as caught:
            transport.send(("PING",))
        try:
            raise explain(caught.value, one.shown) from caught.value
        except StoreError as error:
            said = "".join(traceback.format_exception(error)) + repr(error) + repr(transport)
        assert SECRET not in said


@pytest.mark.parametrize(
    ("url", "cautions"),
    [
        ("redis://user:S3cret@far.example", ["The password for redis://user:***@far.example:6379 travels unencrypted"]),
        ("redis://far.example", []),
        ("redis://user:S3cret@localhost", []),
        ("redis://user:S3cret@127.0.0.2", []),
        ("redis://user:S3cret@[::1]", []),
        ("rediss://user:S3cret@far.example", []),
        ("rediss://far.example?ssl_cert_reqs=none", ["The certificate of rediss://far.example:6379 is not checked"]),
        ("rediss://far.example?ssl_check_hostname=no", ["The host name in the certificate of rediss://far.example"]),
        ("unix://user:S3cret@/run/redis.sock", []),
        ("embedded:", []),
        (
            "redis+sentinel://:S3cret@localhost,far/m",
            ["The password for redis+sentinel://:***@localhost:26379,far:263"],
        ),
        ("redis+cluster://:S3cret@127.0.0.1:1,127.0.0.1:2", []),
        (
            "redis+cluster://:S3cret@far",
            ["The password for redis+cluster://:***@far:6379 travels unencrypted; use rediss+"],
        ),
        (
            "rediss+cluster://a,b?ssl_cert_reqs=none",
            ["The certificate of rediss+cluster://a:6379,b:6379 is not checked"],
        ),
    ],
)
def test_s11_what_is_not_safe_on_the_way_to_the_store_is_said(url: str, cautions: list[str]) -> None:
    said = resolve(url).cautions

    assert len(said) == len(cautions)
    assert all(one.startswith(start) for one, start in zip(said, cautions, strict=True))


# --- the clients' settings


USED_AT_CONNECT = {
    "hello",
    "echo",
    "ping",
    "client|list",
    "config|resetstat",
    "info",
}

ANY_URL = {
    "tcp": "redis://bob:pw@host:7/5",
    "tls": "rediss://bob:pw@host:7/5",
    "unix": "unix://bob:pw@/run/redis.sock?db=5",
}


@pytest.mark.parametrize("kind", ANY_URL)
@pytest.mark.parametrize(
    ("role", "reply_s", "connections", "health_check_s"),
    [(Role.COMMAND, 5, 8, 15), (Role.WAIT, 5, 1, 0), (Role.HEARTBEAT, 3, 1, 0)],
)
def test_every_client_has_exactly_the_settings_of_its_role(
    role: Role, reply_s: float, connections: int, health_check_s: int, kind: str
) -> None:
    store = resolve(ANY_URL[kind])

    transports: tuple[Any, ...] = (store.transport(role), store.async_transport(role))
    for transport in transports:
        one = transport._pool._make()
        name = one._session.name
        assert name.startswith(f"convoy:{role.value}:")
        assert transport._pool._size == connections
        assert one._session == Session(Login("bob", "pw"), 5, 3, name, 3.0, reply_s, health_check_s)
        where = Path("/run/redis.sock") if kind == "unix" else ("host", 7)
        assert one._server == Server(where, Tls() if kind == "tls" else None)
        assert len({made._pool._make()._session.name for made in transports}) == 2


@pytest.mark.parametrize("role", Role)
async def test_the_server_sees_a_named_client_speaking_resp3_with_bytes_and_no_maintenance_notices(
    store: RealServer, role: Role
) -> None:
    chosen = resolve(store.url)
    with store.client() as watcher, closing(chosen.transport(role)) as blocking:
        watcher.config_resetstat()
        async with aclosing(chosen.async_transport(role)) as twin:
            assert blocking.send(("ECHO", "x")) == await twin.send(("ECHO", "x")) == b"x"
            seen = [link for link in watcher.client_list() if link["name"].startswith("convoy:")]
        assert {link["resp"] for link in seen} == {"3"}
        assert len({link["name"] for link in seen}) == 2
        used = set(watcher.info("commandstats"))
        refused = watcher.info("errorstats")
    assert used <= {f"cmdstat_{name}" for name in USED_AT_CONNECT}
    assert refused == {}


async def test_f5_a_fetch_that_waits_its_full_time_in_vain_raises_nothing(store: RealServer) -> None:
    chosen, move = resolve(store.url), ("BLMOVE", "empty", "claimed", "LEFT", "RIGHT", 2)
    with closing(chosen.transport(Role.WAIT)) as blocking:
        async with aclosing(chosen.async_transport(Role.WAIT)) as twin:
            first, second = await asyncio.gather(asyncio.to_thread(blocking.send, move), twin.send(move))

    assert first is None
    assert second is None


def test_resp2_is_spoken_where_the_url_asks_for_it(store: RealServer) -> None:
    with closing(resolve(f"{store.url}?protocol=2").transport(Role.COMMAND)) as transport:
        assert b" resp=2" in transport.send(("CLIENT", "INFO"))


def test_more_threads_than_connections_wait_their_turn(store: RealServer) -> None:
    got: list[object] = []
    pop = ("BLPOP", "list", 4)
    with store.client() as watcher, closing(resolve(store.url).transport(Role.COMMAND)) as transport:
        threads = [threading.Thread(target=lambda: got.append(transport.send(pop))) for _ in range(24)]
        for thread in threads:
            thread.start()
        eventually(lambda: watcher.info("clients")["blocked_clients"] >= 8)
        connections = sum(link["name"].startswith("convoy:command:") for link in watcher.client_list())
        watcher.rpush("list", *range(24))
        for thread in threads:
            thread.join()

    assert connections == 8
    assert len(got) == 24
    assert None not in got


def test_f60_parent_and_forked_children_never_get_replies_of_one_another(store: RealServer) -> None:
    program = textwrap.dedent("""
        import os, sys
        from convoy_core.store.clients import Role, resolve
        transport = resolve(sys.argv[1]).transport(Role.COMMAND)
        client_id = lambda: transport.send(("CLIENT", "ID"))
        is_crossed = lambda text: transport.send(("ECHO", text)) != text.encode()
        first = client_id()
        is_crossed("with a connection at hand")
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                crossed = sum(is_crossed(f"{number}:{turn}") for turn in range(300))
                os._exit(1 if crossed or client_id() == first else 0)
            children.append(child)
        crossed = sum(is_crossed(f"parent:{turn}") for turn in range(300))
        failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
        print(crossed, failed, client_id() == first)
    """)

    ended = subprocess.run([sys.executable, "-c", program, store.url], capture_output=True, text=True, check=True)

    assert ended.stdout == "0 0 True\n"


# --- F4, F38: a command is sent once


class ReplyCutter:
    """A proxy before a real server: it waits for the reply to each EVALSHA, and hangs up instead of passing it on."""

    def __init__(self, server: RealServer, directory: Path, family: socket.AddressFamily) -> None:
        self._server = server
        self._listener = socket.socket(family)
        self._listener.bind(str(directory / "proxy") if family == socket.AF_UNIX else ("127.0.0.1", 0))
        self._listener.listen()
        self.cut = 0
        name = self._listener.getsockname()
        self.url = f"unix://{name}" if family == socket.AF_UNIX else f"redis://127.0.0.1:{name[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> ReplyCutter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                with link, socket.socket(socket.AF_UNIX) as onward, suppress(OSError):
                    onward.connect(str(self._server.socket))
                    self._pass(link, onward)

    def _pass(self, link: socket.socket, onward: socket.socket) -> None:
        """One request and one reply at a time, which is how these clients talk."""
        while request := link.recv(100_000):
            onward.sendall(request)
            reply = onward.recv(100_000)
            if b"EVALSHA" in request:
                self.cut += 1
                return
            link.sendall(reply)


COUNT = "return redis.call('incr', 'ran')"


@pytest.fixture(params=[socket.AF_INET, socket.AF_UNIX], ids=["tcp", "unix"])
def cutter(request: pytest.FixtureRequest, store: RealServer) -> Iterator[ReplyCutter]:
    with store.client() as client:
        client.script_load(COUNT)
    with ReplyCutter(store, store.directory, request.param) as proxy:
        yield proxy
    (store.directory / "proxy").unlink(missing_ok=True)


SHA = hashlib.sha1(COUNT.encode()).hexdigest()


@pytest.mark.parametrize("role", Role)
def test_f4_a_script_whose_reply_is_lost_has_run_once(store: RealServer, cutter: ReplyCutter, role: Role) -> None:
    with closing(resolve(cutter.url).transport(role)) as transport, pytest.raises(ConnectionError):
        transport.send(("EVALSHA", SHA, "0"))

    with store.client() as client:
        assert client.get("ran") == b"1"
    assert cutter.cut == 1


@pytest.mark.parametrize("role", Role)
async def test_f4_an_awaited_script_whose_reply_is_lost_has_run_once(
    store: RealServer, cutter: ReplyCutter, role: Role
) -> None:
    async with aclosing(resolve(cutter.url).async_transport(role)) as transport:
        with pytest.raises(ConnectionError):
            await transport.send(("EVALSHA", SHA, "0"))

    with store.client() as client:
        assert client.get("ran") == b"1"
    assert cutter.cut == 1


# --- the embedded store


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Store]:
    store = resolve(f"embedded:{tmp_path}/store")
    yield store
    assert store.embedded_server is not None
    store.embedded_server.stop()


async def test_clients_of_an_embedded_store_start_the_server_once_and_share_it(embedded: Store) -> None:
    assert embedded.embedded_server is not None
    assert embedded.embedded_server.status().running is False

    with closing(embedded.transport(Role.COMMAND)) as blocking:
        blocking.send(("SET", "key", "value"))
        async with aclosing(embedded.async_transport(Role.WAIT)) as twin:
            assert await twin.send(("GET", "key")) == b"value"
            pid = info(blocking.send(("INFO", "server")))["process_id"]
            assert int(pid) == embedded.embedded_server.status().pid


def test_without_a_url_the_users_embedded_store_is_used(tmp_path: Path) -> None:
    store = resolve()
    assert store.embedded_server is not None
    assert store.embedded_server.directory.is_relative_to(tmp_path.resolve())

    try:
        with closing(store.transport(Role.COMMAND)) as transport:
            assert transport.send(("PING",)) == b"PONG"
    finally:
        assert store.embedded_server.stop()


def test_a_client_does_not_bring_back_a_server_that_was_stopped(embedded: Store) -> None:
    assert embedded.embedded_server is not None
    with closing(embedded.transport(Role.COMMAND)) as transport:
        transport.send(("PING",))
        embedded.embedded_server.stop()
        transport.close()  # it must connect anew, though the dying end may be open still

        with pytest.raises(NotSent) as caught:
            transport.send(("PING",))

    said = explain(caught.value, embedded.shown)
    assert type(said) is StoreUnreachable
    assert str(said).endswith("Run `convoy server start`.")
    assert embedded.embedded_server.status().running is False


def test_on_windows_all_but_the_embedded_store_works() -> None:
    """Windows as far as it can be had here: no fcntl, and the platform's name."""
    program = textwrap.dedent("""
        import asyncio, subprocess, sys, redis, redis.asyncio, platformdirs
        sys.modules["fcntl"] = None
        sys.platform = "win32"
        from convoy_core.store.clients import Role, resolve
        from convoy_core.errors import EmbeddedStoreError
        resolve("redis://localhost").transport(Role.COMMAND).close()
        assert resolve().shown.startswith("embedded (")
        server = resolve().embedded_server
        for call in (lambda: resolve().transport(Role.COMMAND), server.ensure, server.stop, server.status):
            try:
                call()
            except EmbeddedStoreError as error:
                print(error)
    """)

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    said = ended.stdout.splitlines()
    assert len(said) == 4
    assert all(line.startswith("The embedded store does not run on Windows; start a Redis") for line in said)
