"""Serves a registry over HTTP at `/metrics`, from threads of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from threading import Thread
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app
from prometheus_client.registry import CollectorRegistry

from convoy_core import validation
from convoy_core.errors import InvalidOption

REQUEST_S = 10.0
"""How long a client may take for its request: one that sends nothing must not keep a thread for ever."""


class MetricsServer:
    """Answers `GET /metrics` as long as it is entered. Raises InvalidOption if it cannot listen there."""

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        validation.one_of("registry", registry, CollectorRegistry, "a CollectorRegistry of prometheus_client")
        validation.one_of("host", host, str, "text")
        self._server = _listen(registry, host, validation.whole("port", port, 0, 65_535))
        self._thread = Thread(target=self._server.serve_forever, name="convoy-metrics", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens; with port 0 the system has chosen one."""
        return self._server.server_port

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingWSGIServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone, or has sent nothing: stderr is for what is wrong here."""


class _Quiet(WSGIRequestHandler):
    """Nobody reads a line for each scrape."""

    timeout = REQUEST_S

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Say nothing."""


def _listen(registry: CollectorRegistry, host: str, port: int) -> ThreadingWSGIServer:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        kind = type("_Server", (_Server,), {"address_family": family})
        server: ThreadingWSGIServer = make_server(str(address[0]), port, _only_metrics(registry), kind, _Quiet)
    except OSError as error:
        raise InvalidOption(f"Nothing can listen at {host}:{port}: {error}.") from None
    return server


def _only_metrics(registry: CollectorRegistry) -> Callable[..., Iterable[bytes]]:
    """The metrics at their usual path, and a hint at any other."""
    metrics = make_wsgi_app(registry)

    def answer(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            answered: Iterable[bytes] = metrics(environ, start_response)
            return answered
        start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"The metrics are at /metrics.\n"]

    return answer
