"""Whether workers are live and ready, told to whoever runs them: over HTTP, and to systemd.

Live is a process whose event loops and heartbeats turn, whatever the store and the jobs do: an outage of the store must
not restart a fleet. Ready is one that is registered, whose store answers, and that is not stopping.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from convoy_core import InvalidOption
from convoy_tui.cli.io.messages import Messages
from convoy_tui.cli.work.progress import Progress
from convoy_tui.text.address import Address

HEALTH_PORT: Final = 9465
REQUEST_S: Final = 10.0
"""How long a client may take for its request."""
SYSTEMD: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
LOOK_EVERY_S: Final = 1.0
"""Between two messages to systemd, unless its watchdog wants them sooner."""


@contextmanager
def told(progress: Callable[[], Progress], address: Address | None, messages: Messages) -> Iterator[None]:
    """Tell it while the block lasts. Raises InvalidOption if nothing can listen at that address."""
    with ExitStack() as telling:
        if address is not None:
            port = telling.enter_context(_served(progress, address))
            messages.note(f"http://{Address(address.host, port)}/live and /ready")
        if socket_path := os.environ.get("NOTIFY_SOCKET"):
            telling.enter_context(_notified(progress, Notifier(socket_path), _watchdog_s()))
        yield


# -- over HTTP


@contextmanager
def _served(progress: Callable[[], Progress], address: Address) -> Iterator[int]:
    """Serve `/live` and `/ready` from threads of its own; the port."""

    class Answers(_Answers):
        def look(self) -> Progress:
            return progress()

    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    kind = type("_Server", (ThreadingHTTPServer,), {"address_family": family, "daemon_threads": True})
    try:
        server = kind((address.host, address.port), Answers)
    except OSError as error:
        raise InvalidOption(f"--health: nothing can listen at {address}: {error.strerror or error}.") from None
    thread = threading.Thread(target=server.serve_forever, name="convoy-health", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Answers(BaseHTTPRequestHandler):
    """200 for yes and 503 for no, with the state of the workers as text."""

    timeout = REQUEST_S

    def look(self) -> Progress:
        """The workers now."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer one request."""
        seen = self.look()
        is_so = {"/live": seen.is_live, "/ready": seen.is_ready and seen.is_live}.get(self.path)
        status = {True: 200, False: 503, None: 404}[is_so]
        text = "There are /live and /ready.\n" if is_so is None else f"{seen.words}\n"
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Nobody reads a line for each probe."""


# -- to systemd


class Notifier:
    """Sends states to systemd, by the protocol of sd_notify(3). What cannot be sent is dropped."""

    def __init__(self, path: str) -> None:
        self._path = "\0" + path[1:] if path.startswith("@") else path
        self._last = ""

    def send(self, *states: str) -> None:
        """Send these, like `READY=1`, unless they are what was sent last and nothing has to be repeated."""
        text = "\n".join(states)
        if text == self._last and "WATCHDOG=1" not in states:
            return
        self._last = text
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.connect(self._path)
            to.send(text.encode("utf-8", "backslashreplace"))


@contextmanager
def _notified(progress: Callable[[], Progress], notifier: Notifier, watchdog_s: float) -> Iterator[None]:
    """Tell systemd: ready once it is, what is going on, and that it lives, as often as its watchdog wants to hear."""
    is_over = threading.Event()
    every_s = min(LOOK_EVERY_S, watchdog_s / 3)

    def tell() -> None:
        was_ready = False
        while True:
            seen = progress()
            was_ready = was_ready or seen.is_ready
            states = [*(["READY=1"] if was_ready else []), f"STATUS={seen.words}"]
            states += ["STOPPING=1"] if seen.is_stopping else []
            notifier.send(*states, *(["WATCHDOG=1"] if seen.is_live else []))
            if is_over.wait(every_s):
                return

    thread = threading.Thread(target=tell, name="convoy-systemd", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        notifier.send("STOPPING=1")


def _watchdog_s() -> float:
    """How often systemd wants to hear that the service lives; a day if it does not."""
    is_ours = os.environ.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
    wanted = os.environ.get("WATCHDOG_USEC", "")
    return int(wanted) / 1e6 if is_ours and wanted.isdigit() and int(wanted) else 86_400.0
