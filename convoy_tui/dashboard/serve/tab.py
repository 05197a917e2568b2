"""The dashboard of one browser tab: a process with Textual's web protocol on its pipes, which ends with the tab."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from convoy_tui.dashboard.watched import WEB_DRIVER
from convoy_tui.text.safe_text import safe

QUIT_S: Final = 10.0
"""Seconds that the process has to end by itself: more than its worker pools have to stop."""
_TAIL: Final = 4096
"""Bytes kept of what it writes to stderr: enough for the sentence that it ends with."""
_CHUNK: Final = 64 * 1024
"""Bytes of a file that are asked for at once."""
_READY: Final = b"__GANGLION__\n"
_COLUMNS: Final = (10, 500)
_LINES: Final = (5, 200)


@dataclass(frozen=True, slots=True)
class Program:
    """What is started for each tab: the address and the password of the store are in the environment alone."""

    command: Sequence[str]
    environment: Mapping[str, str]


class Tab(AppService):
    """The process of one tab, and the ends of its pipes here."""

    def __init__(self, program: Program, socket: web.WebSocketResponse, say: Callable[[str], None]) -> None:
        self._downloads = DownloadManager()
        super().__init__(
            "",
            write_bytes=_until_closed(socket.send_bytes),
            write_str=_until_closed(socket.send_str),
            close=_until_closed(socket.close),
            download_manager=self._downloads,
        )
        self._program = program
        self._say = say
        self._offered: dict[str, str] = {}
        """The names of the files that the tab may download, by their keys."""

    async def obey(self, message: object) -> object:
        """Do what the page asks; the answer for it, if any. A message that means nothing is dropped."""
        match message:
            case ["stdin", str(text)]:
                if keys := text.encode(
                    "utf-8", "ignore"
                ):  # half a character is no key, and nothing would end the input
                    await self.send_bytes(keys)
            case ["resize", {"width": int(width), "height": int(height)}]:
                await self.set_terminal_size(*within(width, height))
            case ["ping", str() | int() as mark]:
                return ["pong", mark]
            case ["blur"]:
                await self.blur()
            case ["focus"]:
                await self.focus()
            case _:
                pass
        return None

    def claim_download(self, key: str) -> str | None:
        """The name of the file with that key, once; None if the tab has offered none."""
        return self._offered.pop(key, None)

    async def download(self, key: str) -> AsyncIterator[bytes]:
        """The content of a file that was offered, however long that takes. Raises ConnectionError if it is cut."""
        offered = await self._downloads.get_download_metadata(key)
        asked: dict[str, str | int | bool | None] = {
            "type": "deliver_chunk_request",
            "key": key,
            "size": _CHUNK,
            "name": offered.name,
        }
        while True:
            chunk = await offered.incoming_chunks.get() if await self.send_meta(asked) else None
            if chunk is None:
                raise ConnectionError("The dashboard ended in the midst of a file.")
            if not chunk:
                return
            yield chunk

    async def on_meta(self, data: bytes) -> None:
        """What the dashboard asks of the page: to end, or to fetch a file; never to open another page."""
        meta = json.loads(data)
        if meta["type"] == "deliver_file_start":
            self._offered[meta["key"]] = Path(meta["path"]).name
        if meta["type"] != "open_url":
            await super().on_meta(data)

    async def run(self) -> None:
        """Pass on what the process writes until it ends. Say why it ended, if it was not asked to."""
        process = self._process
        assert process is not None  # noqa: S101 - `start` has started it
        stderr = asyncio.create_task(_tail(process.stderr), name="stderr of a dashboard")
        with suppress(asyncio.IncompleteReadError):
            await self._pass_on(process.stdout)
        status = await process.wait()
        lines = (await stderr).splitlines()
        if status:
            self._say(f"A dashboard ended with code {status}. {safe(lines[-1], 300) if lines else ''}".rstrip())
        await self._downloads.cancel_app_downloads(self.app_service_id)
        await self.remote_close()

    async def stop(self) -> None:
        """End the process: let it quit, and kill it if that takes too long."""
        task, self._task = self._task, None
        if task is None:
            return
        self.stdin.write(
            self.encode_packet(b"M", b'{"type": "quit"}')
        )  # a process that reads nothing is not waited for
        self.stdin.close()
        if not (await asyncio.wait({task}, timeout=QUIT_S))[0]:
            self.kill()
        await task

    def kill(self) -> None:
        """End the process at once."""
        with suppress(ProcessLookupError):
            if self._process is not None:
                self._process.kill()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Start the process without a shell, and in a session of its own: Ctrl-C is for the server."""
        variables = {
            "TEXTUAL_DRIVER": WEB_DRIVER,
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "COLUMNS": str(width),
            "ROWS": str(height),
        }
        self._process = process = await asyncio.create_subprocess_exec(
            *self._program.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={**self._program.environment, **variables},
            start_new_session=True,
        )
        self._stdin = process.stdin
        return process

    async def _pass_on(self, stdout: asyncio.StreamReader | None) -> None:
        """Raises IncompleteReadError at the end."""
        assert stdout is not None  # noqa: S101 - it is a pipe
        while await stdout.readline() not in (b"", _READY):
            pass  # what a library writes before the dashboard begins
        while True:
            kind, size = (head := await stdout.readexactly(5))[:1], int.from_bytes(head[1:], "big")
            payload = await stdout.readexactly(size)
            match kind:
                case b"D":
                    await self.on_data(payload)
                case b"M":
                    await self.on_meta(payload)
                case _:
                    await self.on_packed(payload)


def within(width: int, height: int) -> tuple[int, int]:
    """A size that the dashboard can draw: a page may ask for any."""
    return min(max(width, _COLUMNS[0]), _COLUMNS[1]), min(max(height, _LINES[0]), _LINES[1])


def _until_closed(send: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[None]]:
    """Drop what is sent to a page that has gone: the process goes on until it has quit."""

    async def send_or_drop(*data: object) -> None:
        with suppress(ConnectionError, RuntimeError):
            await send(*data)

    return send_or_drop


async def _tail(stream: asyncio.StreamReader | None) -> str:
    """The last bytes of the stream, as text."""
    tail = b""
    while stream is not None and (block := await stream.read(_TAIL)):
        tail = (tail + block)[-_TAIL:]
    return tail.decode("utf-8", "backslashreplace")
