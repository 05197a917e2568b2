"""Clients of a Cluster, which send each command to the node that it belongs to.

Rule: a command is applied at most once. MOVED and ASK say that it was not applied, so they are followed; any other
error is the caller's, and discards the slot map. redis-py's own Cluster client is not used: it opens its
connections after it has begun to send, so that nobody can tell what was never sent, it sends ASKING over one pooled
connection and the command over another, and it asks a server to parse every EVALSHA_RO (see DESIGN.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import redis
import redis.asyncio
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from convoy_core.store.driver import drive, drive_awaited
from convoy_core.store.fast_client import AsyncClient, Client

T = TypeVar("T")
Node: TypeAlias = "tuple[str, int]"
Command: TypeAlias = "tuple[Any, ...]"
Keys: TypeAlias = "Sequence[bytes]"

SLOTS: Final = 16384

_REDIRECTS: Final = 5
_SILENCE: Final = (RedisConnectionError, RedisTimeoutError, OSError)
_KEY_FIRST: Final = frozenset({"SADD", "SMEMBERS", "HSCAN", "BLMOVE"})


class Sending(NamedTuple):
    """A command to one node; `asking` for a slot that is on its way to it."""

    node: Node
    command: Command
    asking: bool = False

    @property
    def commands(self) -> list[Command]:
        """All that goes to the node; ASKING holds for the next command of the same connection."""
        return [("ASKING",), self.command] if self.asking else [self.command]


Steps: TypeAlias = "Generator[Sending, Any, Any]"


class Slots:
    """Which node owns which slot, as far as known."""

    def __init__(self, seeds: Sequence[Node]) -> None:
        self._seeds = seeds
        self._nodes: list[Node] = []
        """The primaries as last seen."""
        self._owners: list[Node | None] = []
        """By slot; empty when not known, or no longer to be trusted."""

    def steps(self, command: Command, keys: Keys) -> Steps:
        """Send a command to the node that it belongs to; `keys` count where it names none itself."""
        try:
            owners = self._owners or (yield from self._ask())
            if command[0] == "SCAN":
                return (yield from self._scan(command))
            if (key := _key(command, keys)) is None:
                return (yield Sending(self._nodes[0], command))
            if (owner := owners[key_slot(key)]) is None:
                raise ClusterDownError("CLUSTERDOWN A hash slot has no owner")  # noqa: TRY301 - the cure below is the same
            return (yield from self._follow(owners, Sending(owner, command)))
        except (*_SILENCE, ClusterDownError):
            self._owners = []  # a failover may be under way
            raise

    def _follow(self, owners: list[Node | None], sending: Sending) -> Steps:
        for _ in range(_REDIRECTS):
            try:
                return (yield sending)
            except AskError as error:
                is_moved = isinstance(error, MovedError)
                node = (error.host or sending.node[0], error.port)
                sending = Sending(node, sending.command, asking=not is_moved)
                if is_moved:
                    owners[error.slot_id] = node
        return (yield sending)

    def _ask(self) -> Generator[Sending, Any, list[Node | None]]:
        """Ask one node after the other. Raises the last one's error when none answers."""
        *others, last = dict.fromkeys([*self._seeds, *self._nodes])
        for node in others:
            try:
                return self._learn(node, (yield Sending(node, ("CLUSTER", "SLOTS"))))
            except _SILENCE:
                continue
        return self._learn(last, (yield Sending(last, ("CLUSTER", "SLOTS"))))

    def _learn(self, asked: Node, ranges: list[Any]) -> list[Node | None]:
        owners: list[Node | None] = [None] * SLOTS
        for first, end, (host, port, *_), *_ in ranges:
            # A node that does not know its own address leaves it out: it is the one that we have asked.
            node = (host.decode() if host and host != b"?" else asked[0], port)
            owners[first : end + 1] = [node] * (end + 1 - first)
        self._nodes = sorted({node for node in owners if node is not None}) or [asked]
        self._owners = owners
        return owners

    def _scan(self, command: Command) -> Steps:
        """One scan over all nodes: a cursor of ours is the node's own cursor, and the node's number beside it."""
        _, ours, *options = command
        cursor, number = divmod(int(ours), len(self._nodes))
        following, keys = yield Sending(self._nodes[number], ("SCAN", cursor, *options))
        if int(following):
            return int(following) * len(self._nodes) + number, keys
        return (number + 1) % len(self._nodes), keys


def _key(command: Command, keys: Keys) -> bytes | None:
    word = command[0]
    if word in _KEY_FIRST:
        return bytes(command[1])
    if word.startswith("EVAL") and int(command[2]):
        return bytes(command[3])
    return keys[0] if keys else None


class ClusterClient(redis.Redis):
    """A client of the first seed, except that each command goes to the node that it belongs to."""

    def __init__(self, seeds: Sequence[Node], connect: Callable[[Node], Client]) -> None:
        self._connect = connect
        self._clients: dict[Node, Client] = {}
        self._slots = Slots(seeds)
        super().__init__(connection_pool=self._at(seeds[0]).connection_pool)

    def execute_command(self, *command: Any, keys: Keys = (), **_: Any) -> Any:
        """Send one command."""
        return drive(self._slots.steps(command, keys), self._send)

    def at_home(self, command: Command, keys: Keys, send: Callable[[Client, list[Command]], T]) -> T:
        """Have `send` send one command, with a client of the node that it belongs to."""
        result: T = drive(self._slots.steps(command, keys), lambda to: send(self._at(to.node), to.commands))
        return result

    def close(self) -> None:
        """Close the connections to all nodes."""
        for client in self._clients.values():
            client.close()

    def _at(self, node: Node) -> Client:
        return self._clients.get(node) or self._clients.setdefault(node, self._connect(node))

    def _send(self, sending: Sending) -> Any:
        client = self._at(sending.node)
        if not sending.asking:
            return client.execute_command(*sending.command)
        return client.converted(_last(client.send_together(*sending.commands)), sending.command)


class AsyncClusterClient(redis.asyncio.Redis):
    """The awaited twin, for one event loop."""

    def __init__(self, seeds: Sequence[Node], connect: Callable[[Node], AsyncClient]) -> None:
        self._connect = connect
        self._clients: dict[Node, AsyncClient] = {}
        self._slots = Slots(seeds)
        super().__init__(connection_pool=self._at(seeds[0]).connection_pool)

    async def execute_command(self, *command: Any, keys: Keys = (), **_: Any) -> Any:
        """Send one command."""
        return await drive_awaited(self._slots.steps(command, keys), self._send)

    async def at_home(
        self, command: Command, keys: Keys, send: Callable[[AsyncClient, list[Command]], Awaitable[T]]
    ) -> T:
        """Have `send` send one command, with a client of the node that it belongs to."""
        result: T = await drive_awaited(
            self._slots.steps(command, keys), lambda to: send(self._at(to.node), to.commands)
        )
        return result

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections to all nodes."""
        for client in self._clients.values():
            await client.aclose(close_connection_pool)

    def _at(self, node: Node) -> AsyncClient:
        return self._clients.get(node) or self._clients.setdefault(node, self._connect(node))

    async def _send(self, sending: Sending) -> Any:
        client = self._at(sending.node)
        if not sending.asking:
            return await client.execute_command(*sending.command)
        return client.converted(_last(await client.send_together(*sending.commands)), sending.command)


def _last(replies: list[Any]) -> Any:
    if isinstance(replies[-1], Exception):
        raise replies[-1]
    return replies[-1]
