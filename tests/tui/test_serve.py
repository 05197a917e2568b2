"""`convoy-tui --serve`: who is answered over real HTTP and real websockets, and with what."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator

import aiohttp
import pytest
from typer.testing import CliRunner

from convoy_tui.dashboard.main import app as dashboard
from convoy_tui.dashboard.serve.server import FILES, HEADERS
from convoy_tui.dashboard.serve.tab import Program
from tests.servers import RealServer
from tests.tui.served import Served, browser, serving, status, websocket_status
from tests.waiting import patient

EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def served(valkey_server: RealServer) -> Iterator[Served]:
    """One server for all tests that end nothing and open no dashboard."""
    with Served(valkey_server.url) as served:
        yield served


# -- who is answered


async def test_s22_a_request_or_websocket_of_a_foreign_page_is_refused_though_it_has_the_cookie(served: Served) -> None:
    async with browser(served) as client:
        own_port = served.origin.rpartition(":")[2]
        for origin in (EVIL, "http://127.0.0.1:3000", f"http://localhost:{own_port}", "null"):
            assert await status(client, "/", Origin=origin) == 403
            assert await websocket_status(client, Origin=origin) == 403

        assert await websocket_status(client) == 403  # browsers always send it
        assert await status(client, served.link.removeprefix(served.origin), Origin=EVIL) == 403
        assert await status(client, "/", Origin=served.origin) == 200
    assert served.apps == []


async def test_s22_a_name_that_anothers_dns_gives_to_our_address_is_refused(served: Served) -> None:
    async with browser(served) as client:
        for path in ("/", served.link.removeprefix(served.origin), "/static/page.js", "/nowhere"):
            assert await status(client, path, Host="evil.example") == 421
        assert await websocket_status(client, Host="evil.example", Origin=EVIL) == 421


async def test_s23_without_the_cookie_nothing_is_served(served: Served) -> None:
    async with aiohttp.ClientSession(served.origin) as client:
        for path in ("/", "/static/page.js", "/static/", "/download/x", "/nowhere", "/?token=", "/?token=x", "/ws"):
            assert await status(client, path, Origin=served.origin) == 401
        assert await websocket_status(client, Origin=served.origin) == 401
        async with client.post("/", data=b"x") as answer:
            assert answer.status == 401
    assert served.apps == []


async def test_s23_a_link_works_once_and_leaves_a_strict_cookie_that_no_script_can_read(served: Served) -> None:
    link = served.link
    async with aiohttp.ClientSession() as client:
        async with client.head(link) as answer:
            assert answer.status == 401  # that would use up the link
        async with client.get(link, allow_redirects=False) as answer:
            (cookie,) = answer.cookies.values()
            assert (answer.status, answer.headers["Location"]) == (303, "/")
        served.link = served.next_link()
    async with aiohttp.ClientSession() as other, other.get(link) as answer:
        told = await answer.text()

    assert answer.status == 401
    assert told == "Open the link that convoy-tui has printed. Each link works once.\n"
    assert (cookie["samesite"], cookie["httponly"], cookie["path"]) == ("Strict", True, "/")
    assert cookie["max-age"] == cookie["expires"] == ""
    assert served.link != link


async def test_a_reader_of_the_links_who_has_gone_keeps_no_browser_out(valkey_server: RealServer) -> None:
    with Served(valkey_server.url) as served:
        assert served.process.stdout is not None
        served.process.stdout.close()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            assert await status(client, served.link) == 303
            assert await status(client, served.origin) == 200
        assert served.end()[0] == 0


# -- what is answered


async def test_s24_the_page_and_all_that_it_loads_come_from_here_and_nothing_is_listed(served: Served) -> None:
    async with browser(served) as client:
        for path in ("/", *(f"/static/{name}" for name in FILES)):
            async with client.get(path) as answer:
                content = await answer.read()
            assert answer.status == 200
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            if path.endswith(("/", ".css")):
                assert not re.search(rb"""(src|href)="(?!/static/|data:,")|url\((?!"/static/)|@import""", content), path
        for path in ("/static", "/static/", "/static/js/", "/static/..%2fguard.py", "/static/%00", "/static/page.html"):
            assert await status(client, path) == 404
    assert "default-src 'none'; script-src 'self';" in HEADERS["Content-Security-Policy"]


def test_s24_a_request_that_is_no_http_gets_no_traceback(served: Served) -> None:
    host, _, port = served.origin.removeprefix("http://").partition(":")
    for nonsense in (b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", b"\xff\xfe\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=patient()) as connection:
            connection.sendall(nonsense)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b"Traceback" not in answer
        assert b".py" not in answer


async def test_s24_a_request_that_fails_shows_no_traceback_and_is_told_in_one_line() -> None:
    said: list[str] = []
    async with serving(Program(["cat"], {}), said, opened=RuntimeError("\x1b[31msecret")) as (_, answer):
        told = await answer.text()

    assert (answer.status, told) == (500, "This request failed; the terminal of the server says why.\n")
    assert said == ["A request failed: RuntimeError: \\x1b[31msecret"]


# -- how it is started


def test_without_textual_serve_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)

    done = CliRunner().invoke(dashboard, ["--serve"])

    assert (done.exit_code, done.stderr) == (
        2,
        "--serve needs textual-serve; install it: pip install 'convoy-queue[serve]'\n",
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--serve", "--write", "--read-only"], "--write: this is read-only because of --read-only."),
        (["--write"], "--write and --serve-url are for --serve, which offers the dashboard to a browser."),
        (
            ["--serve-url", "https://a"],
            "--write and --serve-url are for --serve, which offers the dashboard to a browser.",
        ),
        (
            ["--serve", "a:b:c"],
            "--serve: 'a:b:c' is no HOST:PORT, like 127.0.0.1:8000; an IPv6 address needs brackets.",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused_in_one_line(words: list[str], told: str) -> None:
    done = CliRunner().invoke(dashboard, words)

    assert (done.exit_code, done.stderr) == (2, f"{told}\n")
