"""Decides which requests the web server answers: by Host, Origin, one-time token and cookie; no I/O.

A page of another site can send requests to this server from the operator's browser and, with a DNS name that leads
here, read the answers. So the name that a request asks for must be ours, the page that it comes from as well, and
whoever sends it must have opened the link that was printed.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from convoy_tui.dashboard.serve.address import answers_to, host_in
from convoy_tui.text.address import Address

NOT_OURS: Final = "This server does not answer to that name."
FOREIGN: Final = "This request comes from another page."
NO_SESSION: Final = "Open the link that convoy-tui has printed. Each link works once."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of itself."""

    host: str
    origin: str | None = None
    session: str | None = None
    must_have_origin: bool = False
    """Browsers send the origin of each websocket."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status of HTTP, and the reason in a sentence."""

    status: int
    reason: str


@dataclass(slots=True)
class Guard:
    """The tokens that were printed and not used, and the sessions that others have become."""

    address: Address
    public_origin: str | None = None
    """Where a proxy offers the server. It is then the only origin."""
    cookie: str = field(default_factory=lambda: f"convoy-{secrets.token_hex(4)}")
    """Its name. Cookies do not know ports, so two servers of one host need two names."""
    _tokens: set[str] = field(default_factory=set)
    _sessions: set[str] = field(default_factory=set)

    def issue(self) -> str:
        """A new one-time token."""
        token = secrets.token_urlsafe(32)
        self._tokens.add(token)
        return token

    def redeem(self, token: str) -> str | None:
        """The session for a token, which is then used up; None if it is none."""
        found = _same(token, self._tokens)
        if found is None:
            return None
        self._tokens.remove(found)
        session = secrets.token_urlsafe(32)
        self._sessions.add(session)
        return session

    def origin_of(self, host: str) -> str:
        """The origin of our own page, as a browser calls it that asks for this host."""
        return self.public_origin or f"http://{host.lower()}"

    def refuses_sender(self, asked: Asked) -> Refusal | None:
        """Why the request is not answered, whoever sends it: it asks for another server, or comes from its page."""
        if not self._is_ours(asked.host):
            return Refusal(421, NOT_OURS)
        is_foreign = asked.must_have_origin if asked.origin is None else asked.origin != self.origin_of(asked.host)
        return Refusal(403, FOREIGN) if is_foreign else None

    def refuses(self, asked: Asked) -> Refusal | None:
        """Why the request is not answered: that, or it has no session."""
        if refusal := self.refuses_sender(asked):
            return refusal
        return None if _same(asked.session or "", self._sessions) else Refusal(401, NO_SESSION)

    def _is_ours(self, host: str) -> bool:
        public = (self.public_origin or "").partition("://")[2]
        return bool(host_in(host)) and (answers_to(self.address, host) or host.lower() == public)


def _same(secret: str, secret_ones: Iterable[str]) -> str | None:
    """The one that is the same, compared in a time that tells nothing of how much of it is right."""
    given = secret.encode("utf-8", "surrogateescape")
    return next((one for one in secret_ones if hmac.compare_digest(one.encode(), given)), None)
