"""What a store URL means, told without connecting: for people, and for those who run the embedded server."""

from __future__ import annotations

from dataclasses import dataclass, field

from convoy_core.errors import InvalidURL
from convoy_core.store import clients
from convoy_core.store.embedded.server import EmbeddedServer


@dataclass(frozen=True, slots=True)
class StoreDescription:
    """Where a store is; its repr shows no password."""

    url: str = field(repr=False)
    """With its password, to be given to Queue or Fleet."""
    shown: str
    """For people, without a password: ``redis://user:***@host:6379/0``, or ``embedded (/path)``."""
    cautions: tuple[str, ...] = ()
    """What people must be warned about, one sentence each; empty when the way to the store is safe."""
    embedded_server: EmbeddedServer | None = None
    """The server to start, stop or ask, where Convoy itself runs it."""

    @property
    def is_embedded(self) -> bool:
        """Whether Convoy itself runs the server."""
        return self.embedded_server is not None


def describe_store(url: str | None = None) -> StoreDescription:
    """The store that the URL names, else ``CONVOY_REDIS_URL``, else the embedded one.

    Nothing is opened or started. Raises InvalidURL, whose text never holds a password.
    """
    if not isinstance(url, str | None):
        # Its value is not shown: bytes may be a URL with a password.
        raise InvalidURL(f"url is of type {type(url).__name__}; it must be the URL of a store as text, or None.")
    store = clients.resolve(url)
    return StoreDescription(store.url, store.shown, store.cautions, store.embedded_server)
