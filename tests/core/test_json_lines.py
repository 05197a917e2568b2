"""Messages between processes, a line of JSON each: however their bytes are cut, and whatever else is among them."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convoy_core.system.json_lines import (
    TOO_LONG,
    Malformed,
    Message,
    MessageReader,
    decode_message,
    encode_message,
)

MAX_LINE = 40
FEW = settings(max_examples=60)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
LINES = st.one_of(
    st.dictionaries(st.text(max_size=3), VALUES, max_size=2).map(encode_message),
    VALUES.map(lambda value: json.dumps(value).encode() + b"\n"),
    st.binary(max_size=2 * MAX_LINE).map(lambda line: line + b"\n"),
)


def _expected(data: bytes) -> list[Message | Malformed]:
    """Line by line, each whole."""
    *lines, rest = data.split(b"\n")
    found = [TOO_LONG if len(line) > MAX_LINE else decode_message(line + b"\n") for line in lines]
    return [*found, TOO_LONG] if len(rest) > MAX_LINE else found


@FEW
@given(st.lists(LINES, max_size=6).map(b"".join), st.binary(max_size=2 * MAX_LINE), st.data())
def test_messages_are_the_same_however_their_bytes_are_cut(lines: bytes, end: bytes, data: st.DataObject) -> None:
    sent = lines + end
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=8).map(sorted), label="cuts")
    reader = MessageReader(MAX_LINE)

    found = [message for a, b in pairwise([0, *cuts, len(sent)]) for message in reader.feed(sent[a:b])]

    assert found == _expected(sent)


@FEW
@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=3))
def test_a_message_is_one_line_and_arrives_as_it_was_sent(message: Message) -> None:
    line = encode_message(message)

    assert line.count(b"\n") == 1
    assert decode_message(line) == message


@pytest.mark.parametrize(
    "line", [b"\n", b"Segmentation fault\n", b"\xff\n", b"[1]\n", b"null\n", b"[" * 100_000 + b"\n"]
)
def test_what_is_no_json_or_no_object_comes_out_as_it_stands(line: bytes) -> None:
    assert decode_message(line) == Malformed(line)


def test_a_line_too_long_is_told_at_once_and_only_once_and_the_next_is_read() -> None:
    reader = MessageReader(MAX_LINE)

    assert reader.feed(b"x" * (MAX_LINE + 1)) == [TOO_LONG]
    assert reader.feed(b'x{"done": true}') == []
    assert reader.feed(b'\n{"done": true}\n') == [{"done": True}]


@pytest.mark.parametrize("torn", [b"", b'{"done": tr', b'{"done": true}'])
async def test_an_incomplete_last_line_is_no_message(torn: bytes) -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b'{"began": 1}\n{"began": 2}\n' + torn)
    stream.feed_eof()
    reader = MessageReader(MAX_LINE)

    assert [await reader.read(stream) for _ in range(4)] == [{"began": 1}, {"began": 2}, None, None]
