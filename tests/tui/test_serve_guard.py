"""Which requests the web server answers, and where it listens: rules alone, without a server."""

from __future__ import annotations

import socket

import pytest

from convoy_core import InvalidOption
from convoy_tui.dashboard.serve.address import PORT, read_origin
from convoy_tui.dashboard.serve.guard import Asked, Guard
from convoy_tui.dashboard.serve.main import listen
from convoy_tui.text.address import Address, read_address

HERE = Address("127.0.0.1", PORT)
EVERYWHERE = Address("0.0.0.0", PORT)


def session_of(guard: Guard) -> str:
    session = guard.redeem(guard.issue())
    assert session is not None
    return session


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", Address("127.0.0.1", 8000)),
        ("9000", Address("127.0.0.1", 9000)),
        (":9000", Address("127.0.0.1", 9000)),
        ("0.0.0.0", Address("0.0.0.0", 8000)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:9000", Address("::1", 9000)),
        ("::1", Address("::1", 8000)),
        ("host-3.example.com:80", Address("host-3.example.com", 80)),
    ],
)
def test_either_part_of_the_address_can_be_left_out(text: str, address: Address) -> None:
    assert read_address(text, "--serve", PORT) == address


@pytest.mark.parametrize("text", ["a:b", "a:65536", "http://a", "a b", "[::1", "a:1:2", "\x1b[2J"])
def test_what_is_no_address_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"^--serve: '.*' is no HOST:PORT, like") as refused:
        read_address(text, "--serve", PORT)

    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "example.com", "ftp://a", "https://a/b", "https://u:p@a", "https://", "https://[", "\0"]
)
def test_a_url_of_a_proxy_is_an_origin_and_nothing_more(text: str) -> None:
    assert read_origin("https://Convoy.example.com/") == "https://convoy.example.com"
    with pytest.raises(InvalidOption, match=r"^--serve-url: "):
        read_origin(text)


def test_an_address_that_is_in_use_is_refused_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InvalidOption) as refused:
        listen(Address("127.0.0.1", taken.getsockname()[1]))

    assert "cannot be listened at: Address already in use. Try another port" in str(refused.value)


@pytest.mark.parametrize(
    ("address", "own", "foreign"),
    [
        (HERE, ["127.0.0.1:8000", "localhost:9", "LOCALHOST", "[::1]:8000"], ["evil.example", "192.0.2.1:8000"]),
        (EVERYWHERE, ["192.0.2.1:8000", "[2001:db8::1]", "localhost", f"{socket.gethostname()}:1"], ["evil.example"]),
        (Address("host-3", PORT), ["host-3:8000", "192.0.2.1", "localhost"], ["host-3.evil.example", "evil.host-3"]),
    ],
)
def test_s22_only_our_own_names_and_plain_addresses_are_answered_to(
    address: Address, own: list[str], foreign: list[str]
) -> None:
    guard = Guard(address)
    session = session_of(guard)

    for host in own:
        assert guard.refuses(Asked(host, session=session)) is None, host
    for host in [*foreign, "", "127.0.0.1.evil.example", "localhost.evil.example", "a@127.0.0.1", "127.0.0.1:8000\n"]:
        refusal = guard.refuses(Asked(host, session=session))
        assert refusal is not None
        assert refusal.status == 421, host


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:3000",
        "http://localhost:8000",
        "https://127.0.0.1:8000",
        "null",
        "",
        "*",
    ],
)
def test_s22_another_origin_is_refused_also_of_another_port_of_this_host(origin: str) -> None:
    guard = Guard(HERE)
    session = session_of(guard)

    refusal = guard.refuses(Asked("127.0.0.1:8000", origin, session))

    assert refusal is not None
    assert refusal.status == 403
    assert guard.refuses(Asked("127.0.0.1:8000", "http://127.0.0.1:8000", session)) is None


def test_s22_behind_a_proxy_its_origin_is_the_only_one() -> None:
    guard = Guard(HERE, "https://convoy.example.com")
    session = session_of(guard)

    for host in ("convoy.example.com", "127.0.0.1:8000"):
        assert guard.refuses(Asked(host, "https://convoy.example.com", session)) is None
        assert guard.refuses(Asked(host, f"http://{host}", session)) is not None
    assert guard.refuses(Asked("other.example.com", "https://convoy.example.com", session)) is not None


def test_s23_a_token_becomes_a_session_once_and_is_none_itself() -> None:
    guard = Guard(HERE)
    token, other = guard.issue(), guard.issue()
    session = guard.redeem(token)

    assert session is not None
    assert guard.redeem(token) is None
    assert guard.redeem("") is None
    assert guard.redeem("\udcff") is None
    for secret, status in ((session, None), (token, 401), (other, 401), (None, 401), ("", 401), ("é", 401)):
        refusal = guard.refuses(Asked("localhost", session=secret))
        assert (refusal and refusal.status) == status
    assert guard.redeem(other) not in (None, session)
