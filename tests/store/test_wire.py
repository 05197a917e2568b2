"""Requests, replies and the handshake as bytes, without a server."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convoy_core.store.address import Login
from convoy_core.store.transport import Command
from convoy_core.store.transport_errors import ErrorReply, NoScript, ProtocolError
from convoy_core.store.wire import ReplyReader, Session, packed, packed_together

PIECES = b"+OK\r\n:12\r\n$3\r\na\r\n\r\n*2\r\n$1\r\nb\r\n_\r\n%1\r\n+k\r\n:1\r\n"
MEANING = [b"OK", 12, b"a\r\n", [b"b", None], {b"k": 1}]


def read(*data: bytes) -> list[Any]:
    """The replies in it."""
    reader = ReplyReader()
    replies: list[Any] = []
    for piece in data:
        reader.feed(piece)
        replies += reader.replies()
    return replies


@given(cuts=st.sets(st.integers(1, len(PIECES) - 1)))
def test_replies_are_the_same_wherever_their_bytes_are_parted(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(PIECES)]

    assert read(*(PIECES[start:end] for start, end in pairwise(edges))) == MEANING


def test_a_push_message_is_not_taken_for_a_reply() -> None:
    assert read(b">2\r\n+invalidate\r\n_\r\n+OK\r\n") == [b"OK"]


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        (b"-NOSCRIPT No matching script.", NoScript, "NOSCRIPT No matching script."),
        (b"-ERR \xff\xfe is no UTF-8", ErrorReply, None),
        (b"-", ErrorReply, ""),
    ],
)
def test_a_refusal_is_a_value_and_says_what_the_server_said(
    line: bytes, kind: type[ErrorReply], text: str | None
) -> None:
    (refusal,) = read(line + b"\r\n")

    assert type(refusal) is kind
    assert text is None or str(refusal) == text


def test_a_redirection_tells_where() -> None:
    moved, asked = read(b"-MOVED 3999 127.0.0.1:6381\r\n-ASK 5 host:7\r\n")

    assert (moved.is_moved, moved.slot, moved.host, moved.port) == (True, 3999, "127.0.0.1", 6381)
    assert (asked.is_moved, asked.slot, asked.host, asked.port) == (False, 5, "host", 7)


@pytest.mark.parametrize(
    "line", [b"-MOVED", b"-MOVED nonsense", b"-ASK 1 nowhere", b"-ASK x host:1", b"-MOVED 1 host:x"]
)
def test_a_redirection_without_an_address_is_an_ordinary_refusal(line: bytes) -> None:
    (refusal,) = read(line + b"\r\n")

    assert type(refusal) is ErrorReply
    assert str(refusal) == line[1:].decode()


def test_what_is_no_redis_is_told_apart() -> None:
    with pytest.raises(ProtocolError):
        read(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_request_holds_text_bytes_and_numbers_as_their_bytes() -> None:
    assert packed(("SADD", b"\xff", 12, "é")) == b"*4\r\n$4\r\nSADD\r\n$1\r\n\xff\r\n$2\r\n12\r\n$2\r\n\xc3\xa9\r\n"
    assert packed_together((("PING",), ("TIME",))) == packed(("PING",)) + packed(("TIME",))


@pytest.mark.parametrize(
    ("login", "db", "protocol", "commands"),
    [
        (Login(), 0, 3, [("HELLO", 3, "SETNAME", "me")]),
        (Login(None, "pw"), 5, 3, [("HELLO", 3, "AUTH", "default", "pw", "SETNAME", "me"), ("SELECT", 5)]),
        (Login("bob", "pw"), 0, 3, [("HELLO", 3, "AUTH", "bob", "pw", "SETNAME", "me")]),
        (Login(), 2, 2, [("CLIENT", "SETNAME", "me"), ("SELECT", 2)]),
        (Login(None, "pw"), 0, 2, [("AUTH", "pw"), ("CLIENT", "SETNAME", "me")]),
        (Login("bob", None), 0, 2, [("AUTH", "bob", ""), ("CLIENT", "SETNAME", "me")]),
    ],
)
def test_a_connection_begins_by_logging_in(login: Login, db: int, protocol: int, commands: list[Command]) -> None:
    assert [*Session(login, db, protocol, "me", 1, 1, 0).handshake()] == commands
