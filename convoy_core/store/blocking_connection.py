"""One blocking connection to a server: opens it, sends requests, and reads their replies."""

from __future__ import annotations

import socket
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.server import HANDSHAKE_S, JUST_NOW_S, Endpoint, Server, is_quiet, no_handshake, set_up
from convoy_core.store.transport import Command
from convoy_core.store.transport_errors import ErrorReply, TransportError
from convoy_core.store.wire import READ_BYTES, ReplyReader, Session, packed


class BlockingConnection:
    """Raises OSError when it cannot be opened or breaks; TimeoutError, which is one, when time runs out; and
    ProtocolError where no Redis answers. A caller that is interrupted between a request and its reply must call
    `hang_up`.
    """

    def __init__(self, server: Server, session: Session, opened: ConnectionCounter) -> None:
        self._server = server
        self._session = session
        self._opened = opened
        self._socket: socket.socket | None = None
        self._endpoint: Endpoint | None = None
        self._reader = ReplyReader()
        self._replies: deque[Any] = deque()
        self._answered = 0.0

    def open(self) -> None:
        """Connect and log in, unless the connection is open and fit for use."""
        if self._is_fit():
            return
        self.hang_up()
        self._reader, self._replies = ReplyReader(), deque()
        self._endpoint = self._server.find()
        try:
            self._dial(self._endpoint)
            for command in self._session.handshake():
                self._ask(command)
        except BaseException:
            self.hang_up()
            raise
        self._opened.note()

    def send(self, request: bytes) -> None:
        """Send what is packed."""
        self._connected.sendall(request)

    def receive(self) -> Any:
        """The next reply. Raises ErrorReply for the server's refusal."""
        while not self._replies:
            data = self._connected.recv(READ_BYTES)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._reader.feed(data)
            self._replies.extend(self._reader.replies())
        reply = self._replies.popleft()
        self._answered = time.monotonic()
        if isinstance(reply, Exception):
            if self._server.disowns(reply):
                self.hang_up()
            raise reply
        return reply

    def hang_up(self) -> None:
        """Close it."""
        known, self._socket = self._socket, None
        if known is not None:
            with suppress(OSError):
                known.close()

    def __del__(self) -> None:
        """Close it quietly when its queue was dropped without being closed."""
        self.hang_up()

    @property
    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise ConnectionResetError("the connection was closed")
        return self._socket

    def _is_fit(self) -> bool:
        if self._socket is None or self._server.has_left(self._endpoint):
            return False
        idle_s = time.monotonic() - self._answered
        if idle_s <= JUST_NOW_S:
            return True
        if not is_quiet(self._socket.fileno()):
            return False
        return not 0 < self._session.idle_s < idle_s or self._answers()

    def _answers(self) -> bool:
        try:
            self._ask(("PING",))
        except ErrorReply:  # an answer as well: a server whose disk is full refuses even this
            return True
        except (TransportError, OSError):
            return False
        return True

    def _ask(self, command: Command) -> Any:
        self.send(packed(command))
        return self.receive()

    def _dial(self, endpoint: Endpoint) -> None:
        context = self._server.tls_context()
        if isinstance(endpoint, Path):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(self._session.connect_s)
            self._socket.connect(str(endpoint))
        else:
            self._socket = socket.create_connection(endpoint, self._session.connect_s)
        set_up(self._socket)
        if context is not None and not isinstance(endpoint, Path):
            self._socket.settimeout(HANDSHAKE_S)
            try:
                self._socket = context.wrap_socket(self._socket, server_hostname=endpoint[0])
            except TimeoutError as error:
                raise no_handshake() from error
        self._socket.settimeout(self._session.reply_s)
