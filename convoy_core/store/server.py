"""Which server a connection is for, and what blocking and awaited ones share when they open."""

from __future__ import annotations

import select
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from convoy_core.store.address import Tls
from convoy_core.store.sentinel import Sentinels, is_from_replica

if TYPE_CHECKING:
    import ssl

HANDSHAKE_S: Final = 2.0
"""A server without TLS takes the handshake for the beginning of a command, and waits for the rest."""

JUST_NOW_S: Final = 0.001
"""A connection that answered within this time is not looked at before its next use: publishes in a row are fast."""

Endpoint: TypeAlias = "Path | tuple[str, int]"
"""A socket file, or host and port."""


class Server(NamedTuple):
    """A server, or whichever the Sentinels call the primary when a connection is opened."""

    where: Path | tuple[str, int] | Sentinels
    tls: Tls | None = None

    def find(self) -> Endpoint:
        """Where it is now. Raises NoPrimary."""
        return self.where.primary() if isinstance(self.where, Sentinels) else self.where

    async def find_awaited(self) -> Endpoint:
        """The awaited twin of `find`."""
        return await self.where.primary_awaited() if isinstance(self.where, Sentinels) else self.where

    def has_left(self, endpoint: Endpoint | None) -> bool:
        """Whether it is known to be elsewhere by now."""
        return isinstance(self.where, Sentinels) and self.where.have_moved_from(endpoint)

    def disowns(self, refusal: Exception) -> bool:
        """Whether that reply shows that the server is no primary any more, though a Sentinel named it."""
        return isinstance(self.where, Sentinels) and is_from_replica(refusal)

    def tls_context(self) -> ssl.SSLContext | None:
        """How to encrypt; None for not at all. Raises OSError for files that cannot be used."""
        if self.tls is None:
            return None
        import ssl  # noqa: PLC0415 - a connection without TLS is open before this is loaded

        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = self.tls.check_hostname and self.tls.verify
        context.verify_mode = ssl.CERT_REQUIRED if self.tls.verify else ssl.CERT_NONE
        if self.tls.ca_certs or self.tls.ca_path:
            context.load_verify_locations(self.tls.ca_certs, self.tls.ca_path)
        if self.tls.certfile:
            context.load_cert_chain(self.tls.certfile, self.tls.keyfile)
        return context


def no_handshake() -> ssl.SSLError:
    """The error for a TLS handshake that gets no answer."""
    import ssl  # noqa: PLC0415 - see above

    return ssl.SSLError(0, f"what listens there did not answer the handshake within {HANDSHAKE_S:g} s")


def set_up(opened: socket.socket) -> None:
    """Small requests leave at once, and the system notices a peer that is gone."""
    if opened.family != getattr(socket, "AF_UNIX", None):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def is_quiet(number: int) -> bool:
    """Whether nothing has come on that descriptor: no reply that nobody asked for, and no end."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return not poll.poll(0)
    return not select.select([number], [], [], 0)[0]
