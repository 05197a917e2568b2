"""What a transport raises besides OSError. Users see none of these: `error_translation` turns them into StoreErrors."""

from __future__ import annotations

from typing import Final


class TransportError(Exception):
    """The root of them."""


class ErrorReply(TransportError):
    """The server answered with an error, so nothing was applied. Its text is as the server wrote it."""


class NoScript(ErrorReply):
    """The server does not know the script of that hash."""


class ClusterDown(ErrorReply):
    """No node serves the slot."""


class Redirection(ErrorReply):
    """Another node serves the slot: for good (MOVED), or for this command while the slot migrates there (ASK)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        word, slot, address = text.split(" ")
        host, _, port = address.rpartition(":")
        self.is_moved = word == "MOVED"
        self.slot = int(slot)
        self.host = host
        """Empty where it is the host of the node that answered."""
        self.port = int(port)


class ProtocolError(TransportError):
    """What answered is no Redis."""


class NoPrimary(TransportError):
    """No Sentinel names a primary that is up."""


class NotSent(TransportError):
    """No connection could be opened, so nothing was sent."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


_KINDS: Final[dict[str, type[ErrorReply]]] = {
    "NOSCRIPT": NoScript,
    "MOVED": Redirection,
    "ASK": Redirection,
    "CLUSTERDOWN": ClusterDown,
}
"""Those that something here acts on; all others are explained by their text."""


def error_reply(text: str) -> ErrorReply:
    """The error that the server answered with."""
    try:
        return _KINDS.get(text.partition(" ")[0], ErrorReply)(text)
    except ValueError:  # a redirection that leads nowhere
        return ErrorReply(text)
