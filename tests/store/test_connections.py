"""The network connections beneath a queue: how many were opened, and what becomes of them."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
import uvloop

from convoy_core import AsyncQueue, Queue
from convoy_core.errors import OutcomeUnknown, StoreUnreachable
from convoy_core.moves.working import Settlement, eviction, exchange
from convoy_core.store.address import Login
from convoy_core.store.awaited_connection import AwaitedConnection
from convoy_core.store.blocking_connection import BlockingConnection
from convoy_core.store.clients import Role, resolve
from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.server import Server
from convoy_core.store.wire import Session, packed
from convoy_core.worker.waiting import IdleWait
from tests.certificates import Authority
from tests.cli.conftest import Convoy
from tests.servers import PortServer, RealServer, valkey_binary


def hang_up(raw: redis.Redis) -> None:
    """Cut all connections of ours."""
    for link in raw.client_list():
        if link["name"].startswith("convoy:"):
            raw.client_kill_filter(_id=link["id"])


# --- plain and encrypted, mistaken for each other


def both_refusals(url: str) -> set[str]:
    """What the two say, having been refused."""
    said = set()
    with Queue("q", redis=url) as queue, pytest.raises(StoreUnreachable) as caught:
        queue.publish("1")
    said.add(str(caught.value))

    async def publish() -> None:
        async with AsyncQueue("q", redis=url) as twin:
            await twin.publish("1")

    with pytest.raises(StoreUnreachable) as awaited:
        asyncio.run(publish())
    return said | {str(awaited.value)}


def test_a_server_without_tls_is_named_as_such_and_soon() -> None:
    server = PortServer(valkey_binary())
    url = f"rediss://127.0.0.1:{server.port}"
    try:
        said = both_refusals(url)
        shown = Convoy(url)("publish", "q", "1")
    finally:
        server.stop()

    sentence = (
        f"No TLS connection to {url}: what listens there did not answer the handshake within 2 s."
        " If it has no TLS, use redis://."
    )
    assert said == {sentence}
    assert shown.exit_code == 7
    assert " ".join(sentence.split()[:4]) in " ".join(shown.stderr.split())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_server_with_tls_is_named_as_such_and_soon(tmp_path: Path) -> None:
    words = Authority(tmp_path).server("DNS:localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(words[1], words[3])
    refused = 0

    def serve(listener: socket.socket) -> None:
        nonlocal refused
        for _ in range(2):
            link, _ = listener.accept()
            with link, suppress(ssl.SSLError):
                context.wrap_socket(link, server_side=True)
            refused += 1

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        said = both_refusals(url)
        thread.join()

    assert refused == 2
    assert len(said) == 1
    assert "if it wants TLS (rediss://)" in said.pop()


# --- how many were opened


def test_each_connection_opened_anew_is_counted(store: RealServer, raw: redis.Redis) -> None:
    with Queue("q", redis=store.url) as queue:
        before = queue._connection.opened
        queue.counts()
        queue.counts()
        first = queue._connection.opened
        hang_up(raw)
        with suppress(OutcomeUnknown):  # the store may have hung up in the midst of it
            queue.counts()
        queue.counts()

        assert (before, first, queue._connection.opened) == (0, 1, 2)


async def test_each_connection_opened_anew_is_counted_by_the_awaited_twin(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        before = queue._connection.opened
        await queue.counts()
        await queue.counts()
        first = queue._connection.opened
        hang_up(raw)
        with suppress(OutcomeUnknown):
            await queue.counts()
        await queue.counts()

        assert (before, first, queue._connection.opened) == (0, 1, 2)


def test_a_ready_made_clients_own_connections_are_not_counted(store: RealServer) -> None:
    with store.client() as client:
        queue = Queue("q", redis=client)
        queue.counts()

        assert queue._connection.opened == 0


async def test_a_waiting_places_own_connection_is_counted_by_itself(store: RealServer, raw: redis.Redis) -> None:
    async with AsyncQueue("q", redis=store.url) as queue:
        keys = queue._connection.keyspace.queue("q")
        fetch = IdleWait(resolve(store.url), queue._connection, keys, "w" * 32)
        claim = exchange(keys, "w" * 32, Settlement(), 0, 1, 0)
        raw.rpush("cv:q:queued", "1", "2")
        before = fetch.opened
        await fetch.wait(claim)
        first = fetch.opened
        hang_up(raw)
        with suppress(OutcomeUnknown):  # now, or with the new connection
            await fetch.wait(claim)
        with suppress(OutcomeUnknown):
            await fetch.wait(claim)

        assert (before, first, fetch.opened) == (0, 1, 2)
        assert queue._connection.opened == 0
        await fetch.close()


# --- a server that dies as it is greeted


class Dying:
    """Hangs up as soon as a client greets it."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._is_over = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._is_over:
            link, _ = self._listener.accept()
            with link, suppress(OSError):
                link.recv(4096)

    def close(self) -> None:
        """To be called with no client left."""
        self._is_over = True
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self._listener.getsockname())
        self._thread.join()
        self._listener.close()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_server_that_dies_as_it_is_greeted_is_an_unreachable_store(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Where asyncio names a lost connection, uvloop has only a RuntimeError, which ended the whole pool."""
    server = Dying(tmp_path / "s")
    said = []

    async def look() -> None:
        async with AsyncQueue("q", redis=server.url) as queue:
            for _ in range(20):
                try:
                    await queue._connection.run(eviction(queue._connection.keyspace.queue("q")))  # as a pool begins
                except Exception as error:  # noqa: BLE001 - what it is is the question
                    said.append(type(error))

    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(look())
    finally:
        server.close()

    assert said == [StoreUnreachable] * 20


# --- large requests


async def test_a_request_and_a_reply_of_many_megabytes_arrive_whole(store: RealServer) -> None:
    content = bytes(range(256)) * 80_000
    with closing(resolve(store.url).transport(Role.COMMAND)) as blocking:
        async with aclosing(resolve(store.url).async_transport(Role.COMMAND)) as awaited:
            assert await awaited.send(("SET", "large", content)) == b"OK"
            assert blocking.send(("GETSET", "large", content[::-1])) == content
            assert await awaited.send(("GET", "large")) == content[::-1]


async def test_a_request_that_nobody_reads_ends_by_the_time_limit(tmp_path: Path) -> None:
    session = Session(Login(), 0, 3, "me", 5.0, 0.2, 0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()

        def greet() -> list[socket.socket]:
            links = [listener.accept()[0] for _ in range(2)]
            for link in links:
                link.recv(4096)
                link.sendall(b"+OK\r\n")
            return links

        with ThreadPoolExecutor(1) as thread:
            greeted = thread.submit(greet)
            one = BlockingConnection(Server(tmp_path / "s"), session, ConnectionCounter())
            other = AwaitedConnection(Server(tmp_path / "s"), session, ConnectionCounter())
            opening = asyncio.create_task(other.open())
            await asyncio.to_thread(one.open)
            await opening
            links = greeted.result()
            with pytest.raises(TimeoutError):
                one.send(bytes(50_000_000))
            with pytest.raises(TimeoutError):
                await other.send(bytes(50_000_000))
            one.hang_up()
            other.hang_up()
            for link in links:
                link.close()


# --- idle connections


class Forgetful:
    """A server that answers its first client's greeting and nothing more, as one behind a wall that has forgotten the
    connection; and every later client in full. Counts who came.
    """

    def __init__(self, path: Path) -> None:
        self.came = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._links: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                self._links.append(link)
                self.came += 1
                while request := link.recv(4096):
                    if self.came > 1 or b"HELLO" in request:
                        link.sendall(b"+OK\r\n")

    def close(self) -> None:
        """To be called with no client left."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for link in [*self._links, self._listener]:
            link.close()


@pytest.mark.parametrize("kind", [BlockingConnection, AwaitedConnection])
async def test_an_idle_connection_that_answers_no_more_is_replaced_before_anything_is_sent(
    tmp_path: Path, kind: type[BlockingConnection | AwaitedConnection]
) -> None:
    server = Forgetful(tmp_path / "s")
    opened = ConnectionCounter()
    connection: Any = kind(Server(tmp_path / "s"), Session(Login(), 0, 3, "me", 5.0, 0.2, 15.0), opened)

    async def settled(answer: Any) -> Any:
        return await answer if asyncio.iscoroutine(answer) else answer

    try:
        await settled(connection.open())
        await settled(connection.open())  # just now: as it is
        assert (server.came, opened.number) == (1, 1)
        connection._answered -= 16
        await settled(connection.open())
        assert (server.came, opened.number) == (2, 2)
        await settled(connection.send(packed(("PUBLISH", "a", "b"))))
        assert await settled(connection.receive()) == b"OK"
        connection._answered -= 16
        await settled(connection.open())  # it answers
        assert (server.came, opened.number) == (2, 2)
    finally:
        connection.hang_up()
        await asyncio.sleep(0)  # has the loop close its socket
        server.close()
