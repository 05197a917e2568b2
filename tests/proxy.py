"""A proxy to a real server that can be made to fail: on demand it cuts a connection before or after a request."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from tests.waiting import patient

Cut: TypeAlias = Literal["request", "reply", "hold"]


class Proxy:
    """Listens on a unix socket of its own and passes everything on, from a thread.

    `decide` sees every request and answers with what is to be cut: the request (the server never sees it), the reply
    (the server acts, and the client is cut off), or None. With `hold` the client is cut off, too, while its request is
    still under way: the server sees it at `release`.
    """

    def __init__(self, server: Path, own: Path) -> None:
        self.url = f"unix://{own}"
        self.decide: Callable[[bytes], Cut | None] = lambda request: None
        self.cuts = 0
        self._server = str(server)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(own))
        self._listener.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._peer: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._closing = False
        self._held: list[tuple[socket.socket, bytes]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Let what was held arrive, and wait until the server has answered it."""
        while self._held:
            server, data = self._held.pop(0)
            with server:
                server.sendall(data)
                server.settimeout(patient())
                server.recv(1 << 20)

    def close(self) -> None:
        """Cut everything and end."""
        self._closing = True
        with socket.socket(socket.AF_UNIX) as waker:
            waker.connect(self._listener.getsockname())
            self._thread.join(patient())
        for server, _ in self._held:
            server.close()
        self._listener.close()
        self._selector.close()

    def _serve(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._peer:
                    self._pass_on(key.fileobj)
        for end in list(self._clients):
            self._drop(end)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        self._clients.add(client)
        self._peer |= {client: server, server: client}
        for end in (client, server):
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, source: socket.socket) -> None:
        try:
            data = source.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            self._drop(source)
            return
        cut = self.decide(data) if source in self._clients else None
        if cut == "hold":
            self._held.append((self._peer[source].dup(), data))
            self._drop(source)
            self.cuts += 1
            return
        try:
            if cut != "request":
                self._peer[source].sendall(data)
            if cut == "reply":
                self._peer[source].recv(1 << 20)  # the server has acted
        except ConnectionError:  # the other end has gone meanwhile, as it may
            self._drop(source)
            return
        if cut is not None:
            self.cuts += 1
            self._drop(source)

    def _drop(self, end: socket.socket) -> None:
        other = self._peer.pop(end)
        del self._peer[other]
        for each in (end, other):
            self._clients.discard(each)
            self._selector.unregister(each)
            each.close()
