"""A headless Chromium, driven over the websocket of its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pyte

from tests.waiting import eventually, patient

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page:
    """One tab of it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self.events: list[dict[str, Any]] = []
        """What the browser has told, in its order."""
        self._screen = pyte.Screen(200, 60)
        self._stream = pyte.ByteStream(self._screen)

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol."""
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json(timeout=patient())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        match event["method"], event["params"]:
            case "Network.webSocketCreated", {"url": url}:
                size = parse_qs(urlsplit(url).query)
                if size:
                    self._screen.resize(int(size["height"][0]), int(size["width"][0]))
            case "Network.webSocketFrameReceived", {"response": {"opcode": 2, "payloadData": data}}:
                self._stream.feed(base64.b64decode(data))
            case _:
                pass

    async def shows(self, text: str) -> None:
        """Go on as soon as its terminal has been sent that."""
        deadline = time.monotonic() + patient()
        while text not in (shown := "\n".join(self._screen.display)):
            assert time.monotonic() < deadline, f"no {text!r}:\n{shown}"
            self._note(await self._socket.receive_json(timeout=patient()))

    async def open(self, url: str) -> None:
        """Go to the page, and go on when it is loaded."""
        known = len(self.events)
        await self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events[known:]):
            self._note(await self._socket.receive_json(timeout=patient()))

    def asked_for(self) -> list[str]:
        """Every address that it has asked for."""
        requests = [event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
        sockets = [event["params"] for event in self.events if event["method"] == "Network.webSocketCreated"]
        return [*(one["request"]["url"] for one in requests), *(one["url"] for one in sockets)]

    async def value(self, expression: str) -> Any:
        """What the page answers to an expression of JavaScript."""
        result = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def becomes(self, expression: str) -> Any:
        """Go on as soon as it is true."""
        deadline = time.monotonic() + patient()
        while not (value := await self.value(expression)):
            assert time.monotonic() < deadline, f"not within {patient():g} s: {expression}"
        return value

    async def type(self, text: str) -> None:
        """Press the keys of a text."""
        for letter in text:
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=letter)

    async def press_with_ctrl(self, letter: str) -> None:
        """Press the key of a letter while Ctrl is held."""
        for what in ("keyDown", "keyUp"):
            code = ord(letter.upper())
            await self.call("Input.dispatchKeyEvent", type=what, key=letter, modifiers=2, windowsVirtualKeyCode=code)

    async def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@asynccontextmanager
async def started(profile: Path, *, size: tuple[int, int] = (1200, 800)) -> AsyncIterator[Page]:
    """Start it with a profile of its own; it talks to nobody but the pages that are opened in it."""
    assert BINARY is not None
    arguments = [
        BINARY,
        "--headless=new",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        f"--window-size={size[0]},{size[1]}",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--disable-extensions",
        "--disable-gpu",
        "--disable-sync",
        "--disable-3d-apis",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        "about:blank",
    ]
    process = await asyncio.create_subprocess_exec(*arguments, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    try:
        port = await asyncio.to_thread(
            eventually, lambda: _port(profile / "DevToolsActivePort"), despite=(FileNotFoundError,)
        )
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            async with client.get("/json/list") as answer:
                (target,) = [one for one in await answer.json() if one["type"] == "page"]
            async with client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                await page.call("Page.enable")
                await page.call("Network.enable")
                yield page
    finally:
        process.terminate()
        await process.wait()


def _port(file: Path) -> str:
    """The port that it has chosen, which it writes into a file."""
    return file.read_text("ascii").partition("\n")[0]
