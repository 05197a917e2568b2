"""What we rest on in redis-py beyond its documentation: each private attribute and each habit, why, and who needs it.

A test tries each of them with the release that is installed, and `make matrix` with the lowest and the newest allowed,
so that a release which changes one is noticed by name. Everything else is used as redis-py documents it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

VERSIONS: Final = ">=8.1,<9"
"""For which releases this holds; pyproject.toml allows no others."""


class Reliance(NamedTuple):
    """One thing that redis-py does not promise."""

    what: str
    reason: str
    used_by: tuple[str, ...]
    """Modules of this room."""
    private: tuple[str, ...] = ()
    """The private attributes among it."""


RELIANCES: Final[Mapping[str, Reliance]] = {
    "streams of an awaited connection": Reliance(
        "An awaited connection keeps its streams in `_writer` and `_reader`, and is connected while both are there;"
        " `_parser.on_disconnect()` forgets what was read.",
        "A request is written at once, where redis-py starts a task for each; and a connection is closed with nothing"
        " awaited, since its task may be at its end.",
        ("redis_connections",),
        ("_parser", "_reader", "_writer"),
    ),
    "an empty send drains": Reliance(
        "An awaited `send_packed_command(())` waits until the socket has taken what was written, with the time limit.",
        "What does not fit into the socket's buffer waits as redis-py waits.",
        ("redis_connections",),
    ),
    "pack_command packs all": Reliance(
        "A connection packs its handshake by its own `pack_command`.",
        "hiredis packs every request of ours, and must be handed text or bytes.",
        ("redis_connections",),
    ),
    "callbacks at each connect": Reliance(
        "`register_connect_callback` has a method called each time the connection has been opened and logged in.",
        "A pool compares what it holds with the store after each new connection, and so counts them.",
        ("redis_connections",),
    ),
    "can_read takes nothing": Reliance(
        "`can_read()` returns at once, and leaves what has come to be read.",
        "An idle connection is asked whether the server has closed it before it is lent.",
        ("connection_pool", "async_connection_pool"),
    ),
    "the ping of an idle connection is one step": Reliance(
        "`check_health` asks a connection that was idle for `health_check_interval` by `_send_ping`.",
        "A refusal is an answer as well: a server whose disk is full refuses even PING.",
        ("redis_connections",),
        ("_send_ping",),
    ),
    "opening is one step": Reliance(
        "Whoever opens a connection, `_connect` is called for it, and leads to the `host` and `port` of that moment.",
        "A connection to a primary asks the Sentinels whenever it is opened, also by redis-py itself.",
        ("redis_connections", "sentinel"),
        ("_connect",),
    ),
    "the handshake of a blocking TLS connection": Reliance(
        "`_wrap_socket_with_ssl` makes the TLS handshake, under the time limit of the socket it is given.",
        "A server without TLS waits for the rest of what it takes for a command; it must not cost 5 s to be told so.",
        ("redis_connections",),
        ("_wrap_socket_with_ssl",),
    ),
    "the handshake of an awaited TLS connection": Reliance(
        "`_connection_arguments` is what asyncio opens the connection with, whose own time limit of the handshake ends"
        " `_connect` in ConnectionAbortedError.",
        "The same.",
        ("redis_connections",),
        ("_connect", "_connection_arguments"),
    ),
    "pools know their settings": Reliance(
        "A pool keeps `connection_class` and `connection_kwargs`, which make a connection.",
        "A ready-made client's tell where it leads.",
        ("ready_made_client",),
    ),
    "get_connection opens": Reliance(
        "A pool opens and logs in a connection inside `get_connection`, and nothing is sent in there but that.",
        "What a ready-made client's pool raises there was never sent, so nothing about it is unknown.",
        ("ready_made_client",),
    ),
    "the system's error lies beneath": Reliance(
        "An error of redis-py's has the system's as its cause or context, with its number.",
        "What to do about it depends on which it was.",
        ("error_translation",),
    ),
    "words of a used-up pool": Reliance(
        "A blocking pool that has no connection left says `No connection available`.",
        "Then the process is short of connections, and the store is not away.",
        ("error_translation",),
    ),
    "no notices of a managed server": Reliance(
        "Every kind of connection takes `maint_notifications_config`; before 8.1 the awaited ones refused it.",
        "A managed server's notices must not change time limits or move connections.",
        ("clients",),
    ),
    "redirections tell where": Reliance(
        "MovedError is an AskError; both have `slot_id`, `host` and `port`, read off the server's words.",
        "A Cluster's node sends us to another.",
        ("cluster",),
    ),
}
