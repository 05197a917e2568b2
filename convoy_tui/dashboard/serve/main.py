"""`--serve`: listen, print a link, and serve dashboards to browsers until a signal ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from aiohttp import web

from convoy_core import InvalidOption
from convoy_tui.dashboard.serve.address import linked
from convoy_tui.dashboard.serve.guard import Guard
from convoy_tui.dashboard.serve.server import DashboardServer
from convoy_tui.dashboard.serve.tab import Program
from convoy_tui.text.address import Address

_LAST_ANSWERS_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Speech:
    """How the server tells its operator something."""

    link: Callable[[str], None]
    """The address to open: the answer of the command."""
    note: Callable[[str], None]
    """A remark, which `--quiet` drops."""
    fault: Callable[[str], None]
    """What went wrong."""


def serve(address: Address, program: Program, speech: Speech, *, public_origin: str | None, writes: bool) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises InvalidOption if the address cannot be listened at."""
    with listen(address) as listener:
        bound = replace(address, port=listener.getsockname()[1])
        asyncio.run(_serve(listener, Guard(bound, public_origin), program, speech, writes=writes))


def listen(address: Address) -> socket.socket:
    """A socket that listens there. Raises InvalidOption."""
    host = "127.0.0.1" if address.host == "localhost" else address.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, address.port), family=family, dualstack_ipv6=both)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InvalidOption(
            f"--serve: {host}:{address.port} cannot be listened at: {reason}. Try another port, or 0 for a free one."
        ) from None


async def _serve(listener: socket.socket, guard: Guard, program: Program, speech: Speech, *, writes: bool) -> None:
    server = DashboardServer(guard, program, speech.fault, partial(_print_next_link, guard, speech))
    runner = web.AppRunner(
        server.application(),
        access_log=None,
        shutdown_timeout=_LAST_ANSWERS_S,  # an access log would hold the tokens
    )
    await runner.setup()
    stopping = _on_signals(server.kill)
    await web.SockSite(runner, listener).start()
    for line in _remarks(guard, writes=writes):
        speech.note(line)
    speech.link(_link(guard))
    await stopping.wait()
    await server.close()
    await runner.cleanup()


def _on_signals(kill: Callable[[], None]) -> asyncio.Event:
    """An event that the first signal sets. The second one ends all dashboards at once."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            kill()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        with suppress(NotImplementedError):  # Windows: Ctrl-C ends it, and the dashboards notice that
            loop.add_signal_handler(number, stop)
    return stopping


def _print_next_link(guard: Guard, speech: Speech) -> None:
    speech.note("The link was used. For another browser:")
    speech.link(_link(guard))


def _link(guard: Guard) -> str:
    return f"{guard.public_origin or f'http://{linked(guard.address)}'}/?token={guard.issue()}"


def _remarks(guard: Guard, *, writes: bool) -> list[str]:
    what = "and change, all that this dashboard can" if writes else "but change nothing; --write allows that"
    remarks = [f"Whoever opens this link first can see, {what}. Ctrl-C ends it."]
    if not guard.address.is_loopback and not (guard.public_origin or "").startswith("https:"):
        remarks.append(
            "The connection is not encrypted: whoever is on the way can read it, and act in your place. "
            "Safer: listen at 127.0.0.1, and come by `ssh -L 8000:127.0.0.1:8000 HOST` or a proxy with TLS."
        )
    return remarks
