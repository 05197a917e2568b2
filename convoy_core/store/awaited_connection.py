"""One awaited connection to a server, of one event loop: the twin of `blocking_connection`."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.server import HANDSHAKE_S, JUST_NOW_S, Endpoint, Server, is_quiet, no_handshake, set_up
from convoy_core.store.transport import Command
from convoy_core.store.transport_errors import ErrorReply, ProtocolError, TransportError
from convoy_core.store.wire import ReplyReader, Session, packed


class AwaitedConnection:
    """Raises as `BlockingConnection` does. One task at a time uses it; one that is cancelled must call `hang_up`."""

    def __init__(self, server: Server, session: Session, opened: ConnectionCounter) -> None:
        self._server = server
        self._session = session
        self._opened = opened
        self._stream: _Stream | None = None
        self._endpoint: Endpoint | None = None
        self._answered = 0.0

    async def open(self) -> None:
        """Connect and log in, unless the connection is open and fit for use."""
        if await self._is_fit():
            return
        self.hang_up()
        await asyncio.sleep(0)  # what is ready runs first: thousands of tasks begun at once would use up the time limit
        self._endpoint = await self._server.find_awaited()
        try:
            self._stream = await self._dial(self._endpoint)
            for command in self._session.handshake():
                await self._ask(command)
        except BaseException:
            self.hang_up()
            raise
        self._opened.note()

    async def send(self, request: bytes) -> None:
        """Send what is packed; waits only where the socket takes no more."""
        stream = self._connected
        stream.write(request)
        if stream.is_full:
            await stream.drain(self._session.reply_s)

    async def receive(self) -> Any:
        """The next reply. Raises ErrorReply for the server's refusal."""
        reply = await self._connected.receive(self._session.reply_s)
        self._answered = time.monotonic()
        if isinstance(reply, Exception):
            if self._server.disowns(reply):
                self.hang_up()
            raise reply
        return reply

    def hang_up(self) -> None:
        """Close it at once, with nothing awaited."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()

    @property
    def _connected(self) -> _Stream:
        if self._stream is None:
            raise ConnectionResetError("the connection was closed")
        return self._stream

    async def _is_fit(self) -> bool:
        if self._stream is None or not self._stream.is_open or self._server.has_left(self._endpoint):
            return False
        idle_s = time.monotonic() - self._answered
        if idle_s <= JUST_NOW_S:
            return True
        if not self._stream.is_quiet():
            return False
        return not 0 < self._session.idle_s < idle_s or await self._answers()

    async def _answers(self) -> bool:
        try:
            await self._ask(("PING",))
        except ErrorReply:  # as in `BlockingConnection`
            return True
        except (TransportError, OSError):
            return False
        return True

    async def _ask(self, command: Command) -> Any:
        await self.send(packed(command))
        return await self.receive()

    async def _dial(self, endpoint: Endpoint) -> _Stream:
        loop, context = asyncio.get_running_loop(), self._server.tls_context()
        async with asyncio.timeout(self._session.connect_s):
            if isinstance(endpoint, Path):
                _, stream = await loop.create_unix_connection(_Stream, str(endpoint))
            elif context is None:
                _, stream = await loop.create_connection(_Stream, *endpoint)
            else:
                try:
                    _, stream = await loop.create_connection(
                        _Stream,
                        *endpoint,
                        ssl=context,
                        server_hostname=endpoint[0],
                        ssl_handshake_timeout=HANDSHAKE_S,
                    )
                except ConnectionAbortedError as error:  # asyncio's word for a handshake out of time
                    raise no_handshake() from error
        return stream


class _Stream(asyncio.Protocol):
    """Bytes out, replies in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = ReplyReader()
        self._replies: deque[Any] = deque()
        self._transport: Any = None
        self._waiter: asyncio.Future[None] | None = None
        """Of the task that waits for a reply, or for the socket."""
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        """One serves many replies: it is set again only when it has gone off too early."""
        self._is_paused = False
        self._error: Exception | None = None
        """Why it is closed."""

    # -- called by the event loop

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        set_up(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            self._replies.extend(self._reader.replies())
        except ProtocolError as error:
            self._close(error)
            self._transport.abort()
        else:
            if not self._is_paused:
                self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._close(error or ConnectionResetError("the server closed the connection"))

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._wake()

    # -- called by the connection

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return self._error is None and not self._transport.is_closing()

    @property
    def is_full(self) -> bool:
        """Whether the socket takes no more for now."""
        return self._is_paused

    def is_quiet(self) -> bool:
        """Whether nothing has come since the last reply: neither another, nor the end of the connection."""
        return not self._replies and is_quiet(self._transport.get_extra_info("socket").fileno())

    def write(self, request: bytes) -> None:
        """Queue bytes to be sent."""
        if not self.is_open:
            raise self._error or ConnectionResetError("the connection was closed")
        self._transport.write(request)

    async def drain(self, limit_s: float) -> None:
        """Wait until the socket takes more."""
        while self._is_paused:
            await self._wait(limit_s)

    async def receive(self, limit_s: float) -> Any:
        """The next reply."""
        while not self._replies:
            await self._wait(limit_s)
        return self._replies.popleft()

    def abort(self) -> None:
        """Close it at once."""
        self._close(ConnectionResetError("the connection was closed"))
        with suppress(RuntimeError):  # its event loop is closed
            self._transport.abort()

    async def _wait(self, limit_s: float) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        self._deadline = self._loop.time() + limit_s
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._time_out)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _time_out(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() >= self._deadline:
            self._waiter.set_exception(TimeoutError("no reply came in time"))
        else:
            self._timer = self._loop.call_at(self._deadline, self._time_out)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _close(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._error)
