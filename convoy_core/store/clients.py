"""Makes transports from a store URL; each limit of a connection is chosen here.

Rule: no transport repeats a command by itself. A repeat after a lost reply runs a script twice, and only the caller
knows whether that is harmless.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from convoy_core.store.address import Address, Cluster, Embedded, Login, Sentinel, Tcp, Tls, Unix
from convoy_core.store.blocking_connection import BlockingConnection
from convoy_core.store.cluster import AsyncClusterTransport, ClusterTransport, Node
from convoy_core.store.connection_counter import ConnectionCounter
from convoy_core.store.embedded.server import EmbeddedServer
from convoy_core.store.sentinel import Sentinels
from convoy_core.store.server import Server
from convoy_core.store.server_transport import ServerTransport
from convoy_core.store.transport import AsyncTransport, Transport
from convoy_core.store.url import read
from convoy_core.store.wire import Session

URL_VARIABLE: Final = "CONVOY_REDIS_URL"

_CONNECT_TIMEOUT_S: Final = 3.0
_SENTINEL_TIMEOUT_S: Final = 1.0
"""They are asked one after the other, all within the patience of a heartbeat."""


class Role(StrEnum):
    """What a client is for; a blocked or cancelled fetch must hold up neither commands nor the heartbeat."""

    COMMAND = "command"
    WAIT = "fetch"
    HEARTBEAT = "heartbeat"


class _Limits(NamedTuple):
    """One role's wait for a reply, its most connections, and the idle time after which it asks whether one lives."""

    reply_s: float
    connections: int
    health_check_s: int


CONNECTIONS: Final = 8
"""The most that one client opens for commands, to one server."""

_LIMITS: Final[Mapping[Role, _Limits]] = {
    Role.COMMAND: _Limits(reply_s=5, connections=CONNECTIONS, health_check_s=15),
    # A fetch blocks for 2 s in the server; the reply may take 3 s more. It has one connection, since a second
    # one could claim IDs while the first waits.
    Role.WAIT: _Limits(reply_s=5, connections=1, health_check_s=0),
    # Short enough to fail and try again within one lease.
    Role.HEARTBEAT: _Limits(reply_s=3, connections=1, health_check_s=0),
}


@dataclass(frozen=True, slots=True, repr=False)
class Store:
    """Where a store is and how to reach it; holds no connection, and shows no password.

    Raises `InvalidURL` for a URL that cannot be used.
    """

    url: str
    _address: Address = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_address", read(self.url))

    def __repr__(self) -> str:
        return f"Store({self.shown!r})"

    @property
    def shown(self) -> str:
        """The address for people: ``redis://user:***@host:6379/0``, or ``embedded (/path)``."""
        server = self.embedded_server
        return f"embedded ({server.directory})" if server else self._address.shown

    @property
    def is_cluster(self) -> bool:
        """Whether the keys of a queue must share a hash slot."""
        return isinstance(self._address, Cluster)

    @property
    def is_embedded(self) -> bool:
        """Whether Convoy itself runs the server."""
        return isinstance(self._address, Embedded)

    @property
    def embedded_server(self) -> EmbeddedServer | None:
        """The server to start, stop or ask when the store is embedded; nothing is started by reading this."""
        return _embedded_server(self._address) if isinstance(self._address, Embedded) else None

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a face must warn about, one sentence each; empty when the way to the store is safe."""
        servers = _servers(self._address)
        if not servers:
            return ()
        login, tls = servers[0].login, servers[0].tls
        if tls is None:
            exposed = login.password is not None and not all(_is_loopback(server.host) for server in servers)
            scheme = self.shown.partition(":")[0].replace("redis", "rediss")
            return (f"The password for {self.shown} travels unencrypted; use {scheme}://.",) if exposed else ()
        if not tls.verify:
            return (f"The certificate of {self.shown} is not checked (ssl_cert_reqs=none).",)
        if not tls.check_hostname:
            return (f"The host name in the certificate of {self.shown} is not checked.",)
        return ()

    def transport(self, role: Role, opened: ConnectionCounter | None = None) -> Transport:
        """Make a transport with connections of its own; after a fork the child opens new ones. All that it opens is
        noted in `opened`.

        Does not connect, except that an embedded server is started when none runs, which takes a moment and
        may raise `EmbeddedStoreError`. Only making a transport starts it: one that loses the server does
        not bring it back, or `convoy server stop` would be undone by the next worker.
        """
        address, opened = self._address, opened or ConnectionCounter()
        if isinstance(address, Cluster):
            return ClusterTransport(_nodes(address), lambda node: _transport(_at(address, node), role, opened))
        return _transport(address, role, opened)

    def async_transport(self, role: Role, opened: ConnectionCounter | None = None) -> AsyncTransport:
        """Make the awaited twin of `transport`; each event loop has connections of its own.

        Starting an embedded server blocks the loop for a moment.
        """
        address, opened = self._address, opened or ConnectionCounter()
        if isinstance(address, Cluster):
            return AsyncClusterTransport(
                _nodes(address), lambda node: _async_transport(_at(address, node), role, opened)
            )
        return _async_transport(address, role, opened)


def resolve(url: str | None = None) -> Store:
    """Choose the store: the argument, else ``CONVOY_REDIS_URL``, else ``embedded:``.

    Nothing is opened or started. Raises `InvalidURL`, whose text never holds a password.
    """
    if url is None:
        # An empty variable counts as none, as in a shell; an empty argument is a mistake, and no wish for a default.
        url = os.environ.get(URL_VARIABLE) or "embedded:"
    return Store(url)


def _transport(address: Tcp | Unix | Embedded | Sentinel, role: Role, opened: ConnectionCounter) -> ServerTransport:
    server, session = _server(address), _session(address, role)
    return ServerTransport(lambda: BlockingConnection(server, session, opened), _LIMITS[role].connections)


def _async_transport(
    address: Tcp | Unix | Embedded | Sentinel, role: Role, opened: ConnectionCounter
) -> AsyncTransport:
    # Blocking programs do without asyncio, which takes longer to load than all of this.
    from convoy_core.store.async_server_transport import AsyncServerTransport  # noqa: PLC0415
    from convoy_core.store.awaited_connection import AwaitedConnection  # noqa: PLC0415

    server, session = _server(address), _session(address, role)
    return AsyncServerTransport(lambda: AwaitedConnection(server, session, opened), _LIMITS[role].connections)


def _server(address: Tcp | Unix | Embedded | Sentinel) -> Server:
    match address:
        case Tcp():
            return Server((address.host, address.port), address.tls)
        case Unix():
            return Server(address.path)
        case Embedded():
            return Server(_embedded_server(address).ensure())
        case Sentinel():
            return Server(_sentinels(address), address.sentinels[0].tls)


def _session(address: Tcp | Unix | Embedded | Sentinel, role: Role) -> Session:
    limits, name = _LIMITS[role], f"convoy:{role}:{secrets.token_hex(4)}"
    login, db, protocol = Login(), 0, 3
    if not isinstance(address, Embedded):
        one = address.sentinels[0] if isinstance(address, Sentinel) else address
        login, db, protocol = one.login, one.db, one.protocol
    return Session(login, db, protocol, name, _CONNECT_TIMEOUT_S, limits.reply_s, limits.health_check_s)


def _embedded_server(address: Embedded) -> EmbeddedServer:
    return EmbeddedServer(address.directory, address.durability)


def _sentinels(address: Sentinel) -> Sentinels:
    first = address.sentinels[0]
    settings = {
        "socket_timeout": _SENTINEL_TIMEOUT_S,
        "socket_connect_timeout": _SENTINEL_TIMEOUT_S,
        "retry": None,
        "protocol": 2,
        "username": first.login.username if address.shares_login else None,
        "password": first.login.password if address.shares_login else None,
    }
    encryption = {"ssl": True} | _tls(first.tls) if first.tls else {}
    return Sentinels(_nodes(address), address.service, settings | encryption)


def _servers(address: Address) -> tuple[Tcp, ...]:
    """The servers on the network that an address names."""
    match address:
        case Tcp():
            return (address,)
        case Sentinel():
            return address.sentinels
        case Cluster():
            return address.nodes
        case Unix() | Embedded():
            return ()


def _nodes(address: Sentinel | Cluster) -> tuple[Node, ...]:
    return tuple((server.host, server.port) for server in _servers(address))


def _at(address: Cluster, node: Node) -> Tcp:
    """The address of that node, with the login and encryption of the URL."""
    host, port = node
    return address.nodes[0]._replace(host=host, port=port)


def _tls(tls: Tls) -> dict[str, Any]:
    import ssl  # noqa: PLC0415 - few stores use it

    return {
        "ssl_cert_reqs": "required" if tls.verify else "none",
        "ssl_check_hostname": tls.check_hostname,
        "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        "ssl_ca_certs": tls.ca_certs,
        "ssl_ca_path": tls.ca_path,
        "ssl_certfile": tls.certfile,
        "ssl_keyfile": tls.keyfile,
    }


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
