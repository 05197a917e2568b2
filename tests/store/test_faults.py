"""What an error of the store means: each is provoked on a real connection, and most on a real server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from convoy_core.errors import (
    EmbeddedStoreError,
    OutcomeUnknown,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
)
from convoy_core.store.clients import Role, Store, resolve
from convoy_core.store.error_translation import explain
from convoy_core.store.ready_made_client import ReadyMadeTransport
from convoy_core.store.transport_errors import NotSent, TransportError
from tests.servers import RealServer
from tests.waiting import eventually

Command = tuple[str | int, ...]


def fault(url: str, *command: str | int) -> StoreError:
    """Send a command by both kinds of client, and return the explanation, which must not depend on the kind."""
    store = resolve(url)
    errors = [_blocking(store, command), asyncio.run(_awaited(store, command))]
    first, second = (explain(error, store.shown) for error in errors)
    assert (type(first), str(first)) == (type(second), str(second))
    return first


def _blocking(store: Store, command: Command) -> TransportError | OSError:
    with contextlib.closing(store.transport(Role.COMMAND)) as transport:
        try:
            transport.send(command)
        except (TransportError, OSError) as error:
            return error
    raise AssertionError("it was answered")


async def _awaited(store: Store, command: Command) -> TransportError | OSError:
    async with contextlib.aclosing(store.async_transport(Role.COMMAND)) as transport:
        try:
            await transport.send(command)
        except (TransportError, OSError) as error:
            return error
    raise AssertionError("it was answered")


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """Start something that answers GET with the given bytes, and then hangs up; return its URL."""
    stop = contextlib.ExitStack()

    def start(answer: bytes) -> str:
        listener = stop.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    with link, contextlib.suppress(OSError):
                        while b"GET\r\n" not in (request := link.recv(10_000)):
                            link.sendall(polite(request))
                        link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        stop.callback(thread.join)
        stop.callback(listener.shutdown, socket.SHUT_RDWR)
        return f"redis://127.0.0.1:{listener.getsockname()[1]}?protocol=2"

    with stop:
        yield start


def polite(request: bytes) -> bytes:
    """What a server says while a client introduces itself."""
    pings = request.count(b"PING")
    return b"+PONG\r\n" * pings + b"+OK\r\n" * (request.count(b"*") - pings)


# --- definitely not applied: nobody is there


def test_f38_a_refused_connect_was_not_applied_and_the_sentence_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    found = fault(f"redis://127.0.0.1:{port}", "PING")

    assert type(found) is StoreUnreachable
    assert str(found) == (
        f"No store answers at redis://127.0.0.1:{port}: connection refused. "
        "Start one, or give no address, to use the embedded store."
    )


def test_f38_a_missing_socket_file_was_not_applied(tmp_path: Path) -> None:
    found = fault(f"unix://{tmp_path}/none.sock", "PING")

    assert type(found) is StoreUnreachable
    assert str(found).startswith(f"No store answers at unix://{tmp_path}/none.sock: no such file or directory.")


def test_f38_an_unknown_host_was_not_applied() -> None:
    found = fault("redis://no-such-host.invalid", "PING")

    assert type(found) is StoreUnreachable
    assert str(found) == "The host of redis://no-such-host.invalid:6379 is not known. Check the name in the URL."


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "What is at {store} closed the connection."),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "What answers at {store} is no Redis."),
    ],
)
def test_f38_a_login_that_breaks_off_was_not_applied(said: bytes, sentence: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            for _ in range(2):
                link, _ = listener.accept()
                with link:
                    link.recv(10_000)
                    link.sendall(said)

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        found = fault(url, "PING")
        thread.join()

    assert type(found) is StoreUnreachable
    assert str(found).startswith(sentence.format(store=url))


def test_f38_waiting_in_vain_for_a_free_connection_was_not_applied(store: RealServer) -> None:
    pool: Any = redis.BlockingConnectionPool.from_url(store.url, max_connections=1, timeout=0.01)
    with pool, redis.Redis(connection_pool=pool) as client:
        held = pool.get_connection()
        with pytest.raises(NotSent) as caught:
            ReadyMadeTransport(client).send(("PING",))
        pool.release(held)

    found = explain(caught.value, store.url)

    assert type(found) is StoreUnreachable
    assert str(found).startswith(f"All connections of this process to {store.url} are in use.")


# --- unknown: the link broke after sending


def test_f38_a_reply_that_never_comes_leaves_the_outcome_unknown(store: RealServer) -> None:
    once = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    with redis.Redis(unix_socket_path=str(store.socket), socket_timeout=0.2, retry=once) as client:
        client.ping()
        with pytest.raises(TimeoutError) as caught:
            ReadyMadeTransport(client).send(("BLPOP", "empty", 1))

    found = explain(caught.value, store.url)

    assert type(found) is OutcomeUnknown
    assert "did not answer in time" in str(found)


def test_f38_half_a_reply_leaves_the_outcome_unknown(answering: Callable[[bytes], str]) -> None:
    found = fault(answering(b"$5\r\nhalf"), "GET", "key")

    assert type(found) is OutcomeUnknown


def test_f38_a_link_cut_after_sending_leaves_the_outcome_unknown(store: RealServer) -> None:
    with store.client() as killer, contextlib.closing(resolve(store.url).transport(Role.COMMAND)) as transport:
        number = transport.send(("CLIENT", "ID"))
        timer = threading.Thread(target=kill_when_blocked, args=(killer, number))
        timer.start()
        with pytest.raises(ConnectionError) as caught:
            transport.send(("BLPOP", "empty", 4))
        timer.join()

    found = explain(caught.value, store.url)

    assert type(found) is OutcomeUnknown
    assert "broke the connection before it answered" in str(found)
    assert "It is safe to repeat." in str(found)


def kill_when_blocked(killer: redis.Redis, number: int) -> None:
    eventually(lambda: killer.info("clients")["blocked_clients"])
    killer.client_kill_filter(_id=str(number))


def test_f38_a_reconnect_after_a_lost_reply_is_not_taken_for_a_refused_connect() -> None:
    """Nor is it made, though the user's own client would repeat the command: the first may have been applied."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def take_one_command_and_vanish() -> None:
            link, _ = listener.accept()
            with link:
                while b"GET\r\n" not in (request := link.recv(10_000)):
                    link.sendall(polite(request))
                listener.close()

        thread = threading.Thread(target=take_one_command_and_vanish)
        thread.start()
        retrying = redis.retry.Retry(redis.backoff.NoBackoff(), 3)
        with (
            redis.Redis(port=port, host="127.0.0.1", protocol=2, retry=retrying) as client,
            pytest.raises(ConnectionError) as caught,
        ):
            ReadyMadeTransport(client).send(("GET", "key"))
        thread.join()

    assert type(explain(caught.value, "there")) is OutcomeUnknown


# --- the server answered, and refused


def test_f38_a_wrong_type_is_damage(each_store: RealServer) -> None:
    with each_store.client() as client:
        client.set("key", "text")

    for command in (("LPUSH", "key", "x"), ("EVAL", "return redis.call('lpush', KEYS[1], 'x')", 1, "key")):
        found = fault(each_store.url, *command)
        assert type(found) is StoreDamaged
        assert str(found) == (f"A key of the queue at {each_store.url} holds something of another type.")


@pytest.mark.parametrize(
    "script",
    [
        "return redis.error_reply('CONVOY-DAMAGED the list is odd.')",
        "return {err = 'CONVOY-DAMAGED the list is odd.'}",
        "error('CONVOY-DAMAGED the list is odd.')",
        "error({err = 'CONVOY-DAMAGED the list is odd.'})",
    ],
)
def test_f38_damage_that_our_scripts_find_is_damage(each_store: RealServer, script: str) -> None:
    found = fault(each_store.url, "EVAL", script, 0)

    assert type(found) is StoreDamaged
    assert str(found) == f"The queue at {each_store.url} is damaged: the list is odd."


def test_f38_a_script_that_breaks_midway_is_an_unknown_outcome(each_store: RealServer) -> None:
    found = fault(each_store.url, "EVAL", "redis.call('set', KEYS[1], 1) return nothing.here", 1, "key")

    assert type(found) is OutcomeUnknown
    assert "A script failed midway" in str(found)
    with each_store.client() as client:
        assert client.get("key") == b"1"


def test_f38_full_memory_is_full(each_store: RealServer) -> None:
    with each_store.client() as client:
        client.config_set("maxmemory", "1")
        try:
            for command in (("SET", "key", "x"), ("EVAL", "return redis.call('set', KEYS[1], 'x')", 1, "key")):
                found = fault(each_store.url, *command)
                assert type(found) is StoreFull
                assert "out of memory" in str(found)
        finally:
            client.config_set("maxmemory", "0")


def test_f38_a_password_that_is_wanted_or_wrong_is_refused_and_never_shown(each_store: RealServer) -> None:
    bad = each_store.url.replace("unix://", "unix://bob:S3cret@")
    with each_store.client() as client:
        client.execute_command("ACL", "SETUSER", "bob", "on", ">other", "allkeys", "+@all")
        wrong = fault(bad, "PING")
        client.config_set("requirepass", "other")
        missing = fault(each_store.url, "PING")
        client.config_set("requirepass", "")

    assert (type(wrong), type(missing)) == (StoreRefused, StoreRefused)
    assert "refused the user name or password" in str(wrong)
    assert "bob:***@" in str(wrong)
    assert "S3cret" not in str(wrong)
    assert "wants a password" in str(missing)


@pytest.mark.parametrize(
    ("command", "act"),
    [
        (("ZADD", "cv:z", 1, "x"), "run 'zadd'"),
        (("GET", "other"), "touch a key"),
        (("EVAL", "return redis.call('get', 'other')", 0), "touch a key"),
        (("EVAL", "return redis.call('zadd', 'cv:z', 1, 'x')", 0), "may not"),
    ],
)
def test_f38_a_missing_permission_names_the_command(each_store: RealServer, command: Command, act: str) -> None:
    with each_store.client() as client:
        rules = ("resetkeys", "~cv:*", "+@all", "-zadd")
        client.execute_command("ACL", "SETUSER", "eve", "reset", "on", ">pw", *rules)

    found = fault(each_store.url.replace("unix://", "unix://eve:pw@"), *command)

    assert type(found) is StoreRefused
    assert act in str(found)
    assert "ACL SETUSER" in str(found)


def test_f38_a_replica_refuses_writes_and_without_its_primary_reads_too(each_store: RealServer) -> None:
    with each_store.client() as client:
        client.replicaof("127.0.0.1", "1")
        try:
            write = fault(each_store.url, "SET", "key", "x")
            scripted = fault(each_store.url, "EVAL", "return redis.call('set', KEYS[1], 'x')", 1, "key")
            client.config_set("replica-serve-stale-data", "no")
            read = fault(each_store.url, "GET", "key")
        finally:
            client.config_set("replica-serve-stale-data", "yes")
            client.replicaof("NO", "ONE")

    assert [type(found) for found in (write, scripted, read)] == [StoreRefused, StoreRefused, StoreUnreachable]
    assert str(write) == str(scripted)
    assert "Give the URL of the primary" in str(write)
    assert "has lost its primary" in str(read)


def test_f37_too_few_replicas_is_a_definite_no(each_store: RealServer) -> None:
    with each_store.client() as client:
        client.config_set("min-replicas-to-write", "1")
        try:
            found = fault(each_store.url, "SET", "key", "x")
        finally:
            client.config_set("min-replicas-to-write", "0")
        assert client.get("key") is None

    assert type(found) is StoreUnreachable
    assert "too few replicas" in str(found)


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        ("LOADING Redis is loading the dataset in memory", StoreUnreachable, "loading its data"),
        ("BUSY Redis is busy running a script.", StoreUnreachable, "busy with a long script"),
        ("CLUSTERDOWN The cluster is down", StoreUnreachable, "The cluster is down. Try again"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", StoreUnreachable, "moving these keys"),
        ("UNBLOCKED force unblock from blocking operation", StoreUnreachable, "just become a replica"),
        ("ERR max number of clients reached", StoreUnreachable, "raise its maxclients"),
        ("MISCONF Errors writing to the AOF file: No space left on device", StoreFull, "No space left on device."),
        ("CROSSSLOT Keys in request don't hash to the same slot", StoreRefused, "belongs to a Cluster"),
        ("MOVED 3999 127.0.0.1:6381", StoreRefused, "belongs to a Cluster"),
        ("DENIED Redis is running in protected mode", StoreRefused, "protected mode"),
        ("NOSCRIPT No matching script. Please use EVAL.", StoreRefused, "No matching script"),
        ("ERR unknown command `BLMOVE`, with args beginning with: `S3cret`", StoreRefused, "needs Redis 6.2"),
        # What a script's errors look like in Redis 6.2, which quotes shared replies with their sign and line end.
        (
            "ERR Error running script (call to f_ab12): @user_script:5: -OOM command not allowed when used memory. ",
            StoreFull,
            "out of memory",
        ),
        (
            "ERR Error running script (call to f_ab12): @user_script:5: WRONGTYPE Operation against a key",
            StoreDamaged,
            "another type",
        ),
        (
            "ERR Error running script (call to f_ab12): @user_script: 5: -READONLY You can't write against a replica.",
            StoreRefused,
            "is a replica",
        ),
        (
            "ERR Error running script (call to f_ab12): @user_script:5: user_script:5: CONVOY-DAMAGED odd list",
            StoreDamaged,
            "is damaged: odd list.",
        ),
        (
            "ERR Error running script (call to f_ab12): @user_script: 5: The user executing the script can't run this",
            StoreRefused,
            "ACL SETUSER",
        ),
        (
            "ERR Error running script (call to f_ab12): @user_script:5: user_script:5: attempt to index nil",
            OutcomeUnknown,
            "failed midway",
        ),
    ],
)
def test_f38_each_first_word_of_a_reply_has_its_class(
    answering: Callable[[bytes], str], reply: str, error: type[StoreError], words: str
) -> None:
    found = fault(answering(b"-" + reply.encode() + b"\r\n"), "GET", "key")

    assert type(found) is error
    assert words in str(found)
    assert "S3cret" not in str(found)


def test_s2_a_hostile_servers_words_cannot_move_the_cursor(answering: Callable[[bytes], str]) -> None:
    found = fault(answering(b"-ERR \x1b[2J\x07 \xc2\x9b31m" + b"x" * 5000 + b"\r\n"), "GET", "key")

    assert str(found).isprintable()
    assert len(str(found)) < 300


def test_our_own_errors_pass_through_unchanged() -> None:
    ours = EmbeddedStoreError("the embedded store is away")

    assert explain(ours, "there") is ours
