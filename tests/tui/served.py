"""`convoy-tui --serve` as a process of its own, and what a browser sends to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import pyte
import pytest
from aiohttp import web

from convoy_tui.dashboard.serve.address import PORT
from convoy_tui.dashboard.serve.guard import Guard
from convoy_tui.dashboard.serve.server import DashboardServer
from convoy_tui.dashboard.serve.tab import Program
from convoy_tui.text.address import Address
from tests.waiting import patient

PROGRAM = str(Path(sys.executable).parent / "convoy-tui")
LINK = re.compile(r"(?P<origin>https?://[^/]+)/\?token=[\w-]+")


class Served:
    """A web server of dashboards on a free port of this machine; the URL of the store is in its environment."""

    def __init__(self, url: str, *options: str) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "--serve", "127.0.0.1:0", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"CONVOY_REDIS_URL": url},
            start_new_session=True,
        )
        self.link = self.next_link()
        self.origin = self.link.partition("/?")[0]

    def next_link(self) -> str:
        """The link that it prints next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert LINK.fullmatch(line), f"{line!r}\n{self._stderr() if self.process.poll() is not None else ''}"
        return line

    @property
    def apps(self) -> list[int]:
        """The processes of its dashboards."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text("ascii").split()]

    def end(self, signal_number: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and what it has said."""
        self.process.send_signal(signal_number)
        return self.process.wait(patient()), self._stderr()

    def _stderr(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(patient())
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


class Window:
    """The terminal of a page: what a dashboard draws through a websocket, and the keys that are pressed."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.screen = pyte.Screen(80, 24)
        self.written = b""
        self.texts: list[str] = []
        """What came besides what is drawn."""
        self._stream = pyte.ByteStream(self.screen)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    async def press(self, keys: str) -> None:
        await self.socket.send_json(["stdin", keys])

    async def shows(self, text: str) -> None:
        """Go on as soon as it does."""
        await self._until(lambda: text in self.text, f"no {text!r}")

    async def hides(self, text: str) -> None:
        """Go on as soon as it does not show that any more."""
        await self._until(lambda: text not in self.text, f"still {text!r}")

    async def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + patient()
        while not condition():
            assert time.monotonic() < deadline, f"{otherwise}:\n{self.text}"
            await self._receive()

    async def is_told(self) -> str:
        """The next text that is not drawn."""
        known = len(self.texts)
        while len(self.texts) == known:
            await self._receive()
        return self.texts[-1]

    async def _receive(self) -> None:
        message = await self.socket.receive(patient())
        match message.type:
            case aiohttp.WSMsgType.BINARY:
                self.written += message.data
                self._stream.feed(message.data)
            case aiohttp.WSMsgType.TEXT:
                self.texts.append(message.data)
            case _:
                raise AssertionError(f"{message.type.name} came; the screen is\n{self.text}")


@asynccontextmanager
async def browser(served: Served) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that has opened the link, and keeps the cookie."""
    jar = aiohttp.CookieJar(unsafe=True)  # without which it keeps none of an IP address
    timeout = aiohttp.ClientTimeout(patient())
    async with aiohttp.ClientSession(served.origin, cookie_jar=jar, timeout=timeout) as client:
        async with client.get(served.link) as answer:
            assert (answer.status, answer.url.path_qs) == (200, "/"), await answer.text()
        served.link = served.next_link()
        yield client


@asynccontextmanager
async def window(served: Served) -> AsyncIterator[Window]:
    """A tab of a browser that has opened the link."""
    async with browser(served) as client, client.ws_connect("/ws", origin=served.origin) as socket:
        yield Window(socket)


@asynccontextmanager
async def serving(
    program: Program, said: list[str] | None = None, opened: Exception | None = None
) -> AsyncIterator[tuple[aiohttp.ClientSession, aiohttp.ClientResponse]]:
    """A server in this process, for programs other than the dashboard; a browser that has opened its link, and the
    answer to that.
    """

    def note_opening() -> None:
        if opened is not None:
            raise opened

    guard = Guard(Address("127.0.0.1", PORT))
    server = DashboardServer(guard, program, (said if said is not None else []).append, note_opening)
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=patient())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        jar = aiohttp.CookieJar(unsafe=True)
        async with (
            aiohttp.ClientSession(origin, cookie_jar=jar, headers={"Origin": origin}) as client,
            client.get(f"/?token={guard.issue()}") as answer,
        ):
            yield client, answer
    finally:
        await server.close()
        await runner.cleanup()


async def status(client: aiohttp.ClientSession, path: str, **headers: str) -> int:
    """The status of the answer to a request."""
    async with client.get(path, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def websocket_status(client: aiohttp.ClientSession, **headers: str) -> int:
    """The status of the answer to a websocket that is refused."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/ws", headers=headers)
    return refused.value.status
