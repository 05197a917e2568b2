"""The web server: one page, its files, a websocket for each tab, and downloads; the guard sees each request first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import quote

import textual_serve
from aiohttp import WSMsgType, web

from convoy_tui.dashboard.serve.guard import Asked, Guard, Refusal
from convoy_tui.dashboard.serve.tab import Program, Tab, within
from convoy_tui.text.safe_text import safe

MOST_TABS: Final = 8
"""Each is a process of its own, of some 60 MB, that asks the store for numbers every second."""
_LARGEST: Final = 4 * 1024 * 1024
"""Bytes of one message of a page: what may be pasted at once."""
_HEARTBEAT_S: Final = 15.0
"""A page that has gone without a word is noticed within one and a half of these."""
_GOODBYE_S: Final = 2.0
"""How long a page may take to answer that its websocket is being closed."""

_OURS: Final = Path(str(files("convoy_tui.dashboard.serve") / "page"))
_THEIRS: Final = Path(textual_serve.__file__).parent / "static"
FILES: Final = {
    "page.css": _OURS / "page.css",
    "page.js": _OURS / "page.js",
    "textual.js": _THEIRS / "js/textual.js",
    "xterm.css": _THEIRS / "css/xterm.css",
    "RobotoMono.ttf": _THEIRS / "fonts/RobotoMono-VariableFont_wght.ttf",
    "RobotoMono-Italic.ttf": _THEIRS / "fonts/RobotoMono-Italic-VariableFont_wght.ttf",
}
"""All that can be fetched besides the page. No part of a request becomes part of a path."""

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "clipboard-read=(), camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "Server": "convoy",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer. The terminal in the page makes style sheets of its own while it runs, so styles may be inline."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DashboardServer:
    """What is served, and the tabs that are open."""

    def __init__(self, guard: Guard, program: Program, say: Callable[[str], None], opened: Callable[[], None]) -> None:
        self._guard = guard
        self._program = program
        self._say = say
        self._opened = opened
        """Called after a link was used."""
        self._tabs: set[Tab] = set()

    def application(self) -> web.Application:
        """The application for aiohttp."""
        app = web.Application(middlewares=[self._guarded])
        app.on_response_prepare.append(_add_headers)
        app.add_routes(
            [
                web.get("/", self._page, allow_head=False),
                web.get("/static/{name}", self._file, allow_head=False),
                web.get("/ws", self._dashboard, allow_head=False),
                web.get("/download/{key}", self._download, allow_head=False),
            ]
        )
        return app

    async def close(self) -> None:
        """End all dashboards, as when their tabs are closed."""
        await asyncio.gather(*(tab.remote_close() for tab in self._tabs), *(tab.stop() for tab in self._tabs))

    def kill(self) -> None:
        """End all dashboards at once."""
        for tab in self._tabs:
            tab.kill()

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what must not be answered; and say in one line, and only here, what went wrong with the rest."""
        try:
            is_link = request.method == "GET" and request.path == "/" and "token" in request.query
            refuses = self._guard.refuses_sender if is_link else self._guard.refuses
            if refusal := refuses(self._asked(request)):
                return _refused(refusal)
            return self._let_in(request) if is_link else await handler(request)
        except web.HTTPException as answer:
            return web.Response(status=answer.status, text=f"{answer.text}\n")
        except Exception as error:  # noqa: BLE001 - the edge: what else would reach the page
            self._say(f"A request failed: {type(error).__name__}: {safe(str(error), 200)}")
            return web.Response(status=500, text="This request failed; the terminal of the server says why.\n")

    def _asked(self, request: web.Request) -> Asked:
        return Asked(
            host=request.headers.get("Host", ""),
            origin=request.headers.get("Origin"),
            session=request.cookies.get(self._guard.cookie),
            must_have_origin=request.path == "/ws",
        )

    def _let_in(self, request: web.Request) -> web.StreamResponse:
        """Turn the token of a link into a cookie, and take it out of the address."""
        session = self._guard.redeem(request.query["token"])
        if session is None:
            refusal = self._guard.refuses(self._asked(request))
            return _refused(refusal) if refusal else _to_the_page()
        answer = _to_the_page()
        is_encrypted = (self._guard.public_origin or "").startswith("https:")
        answer.set_cookie(self._guard.cookie, session, httponly=True, samesite="Strict", secure=is_encrypted)
        self._opened()
        return answer

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self._refuse_one_more()
        return web.FileResponse(_OURS / "page.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if (path := FILES.get(request.match_info["name"])) is None:
            raise web.HTTPNotFound(text="There is no such file.")
        return web.FileResponse(path)

    async def _dashboard(self, request: web.Request) -> web.StreamResponse:
        """Start a dashboard, and end it with the websocket."""
        self._refuse_one_more()
        socket = web.WebSocketResponse(timeout=_GOODBYE_S, heartbeat=_HEARTBEAT_S, max_msg_size=_LARGEST)
        tab = Tab(self._program, socket, self._say)
        self._tabs.add(tab)
        try:
            await socket.prepare(request)
            await tab.start(*within(_number(request, "width", 80), _number(request, "height", 24)))
            await _converse(socket, tab)
        except OSError as error:
            self._say(f"A dashboard could not be started: {safe(str(error), 200)}")
            await socket.close()
        finally:
            await tab.stop()
            self._tabs.discard(tab)
        return socket

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """A file that a dashboard delivers: never shown as a page of ours, whatever it holds."""
        key = request.match_info["key"]
        for tab in self._tabs:
            if (name := tab.claim_download(key)) is not None:
                break
        else:
            raise web.HTTPNotFound(text="There is no such file.")
        answer = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='', errors='replace')}",
            }
        )
        await answer.prepare(request)
        try:
            async for chunk in tab.download(key):
                await answer.write(chunk)
            await answer.write_eof()
        except ConnectionError:
            if request.transport is not None:
                request.transport.close()  # no end of the answer, so that half a file is not taken for all of it
        return answer

    def _refuse_one_more(self) -> None:
        if len(self._tabs) >= MOST_TABS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_TABS} dashboards are open. Close a tab, and load this again.")


async def _converse(socket: web.WebSocketResponse, tab: Tab) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            try:
                asked = message.json()
            except (ValueError, RecursionError):
                continue
            if (answer := await tab.obey(asked)) is not None:
                await socket.send_json(answer)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _refused(refusal: Refusal) -> web.Response:
    return web.Response(status=refusal.status, text=f"{refusal.reason}\n")


def _to_the_page() -> web.Response:
    return web.Response(status=303, headers={"Location": "/"})


def _number(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else otherwise
