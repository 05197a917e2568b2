"""Where a store can be, as values; `url` makes them from text. Their `shown` is for people, and holds no password."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeAlias


@dataclass(frozen=True, slots=True)
class Login:
    """Who to log in as; both empty for nobody. The repr holds no password."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The ``user:***@`` of a masked URL; empty when nobody logs in."""
        if self.username is None and self.password is None:
            return ""
        return f"{self.username or ''}:***@"


class Tls(NamedTuple):
    """How to check the server's certificate, and which client certificate to present. Paths are not opened here."""

    verify: bool = True
    check_hostname: bool = True
    ca_certs: str | None = None
    ca_path: str | None = None
    certfile: str | None = None
    keyfile: str | None = None


class Tcp(NamedTuple):
    """A server on a host and port; encrypted where `tls` is set."""

    host: str
    port: int
    login: Login
    db: int
    protocol: int
    tls: Tls | None
    shown: str

    @property
    def place(self) -> str:
        """Host and port as a URL writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Unix(NamedTuple):
    """A server on a socket file of this machine."""

    path: Path
    login: Login
    db: int
    protocol: int
    shown: str


class Durability(StrEnum):
    """What a power cut costs an embedded store: about the last second or two, or nothing that was acknowledged."""

    EVERYSEC = "everysec"
    ALWAYS = "always"


class Embedded(NamedTuple):
    """The server that Convoy runs itself; no directory means the user's own data directory."""

    directory: Path | None
    durability: Durability = Durability.EVERYSEC
    """The least that will do."""

    @property
    def shown(self) -> str:
        """For people, since there is no host to name."""
        return f"embedded ({self.directory})" if self.directory else "embedded"


class Sentinel(NamedTuple):
    """The primary that some Sentinels name: each of them as a server, with the login and database of the primary."""

    sentinels: tuple[Tcp, ...]
    service: str
    shares_login: bool
    """Whether the Sentinels themselves want that login, too."""
    shown: str


class Cluster(NamedTuple):
    """Some nodes of a Cluster, any of which knows the others."""

    nodes: tuple[Tcp, ...]
    shown: str


Address: TypeAlias = Tcp | Unix | Embedded | Sentinel | Cluster
