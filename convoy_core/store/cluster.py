"""Sends each command to the node of a Cluster that it belongs to.

Rule: a command is applied at most once. MOVED and ASK say that it was not applied, so they are followed; any other
error is the caller's, and discards the slot map. redis-py's own Cluster client is not used: it opens its
connections after it has begun to send, so that nobody can tell what was never sent, it sends ASKING over one pooled
connection and the command over another, and it asks a server to parse every EVALSHA_RO (see DESIGN.md).
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from convoy_core.moves.call import Argument
from convoy_core.store.driver import drive, drive_awaited
from convoy_core.store.transport import AsyncTransport, Command, Transport
from convoy_core.store.transport_errors import ClusterDown, NotSent, Redirection

Node: TypeAlias = "tuple[str, int]"

SLOTS: Final = 16384

_REDIRECTS: Final = 5
_SILENCE: Final = (NotSent, OSError)
_KEY_FIRST: Final = frozenset({"SADD", "SMEMBERS", "HSCAN", "BLMOVE"})


class Hop(NamedTuple):
    """A command for one node; `asking` while its slot is migrating there."""

    node: Node
    command: Command
    asking: bool = False

    @property
    def commands(self) -> list[Command]:
        """All that goes to the node; ASKING holds for the next command of the same connection."""
        return [("ASKING",), self.command] if self.asking else [self.command]


Route: TypeAlias = "Generator[Hop, Any, Any]"


class Slots:
    """Which node owns which slot, as far as known."""

    def __init__(self, seeds: Sequence[Node]) -> None:
        self._seeds = seeds
        self._nodes: list[Node] = []
        """The primaries as last seen."""
        self._owners: list[Node | None] = []
        """By slot; empty when not known, or no longer to be trusted."""

    def route(self, command: Command, keys: Sequence[bytes]) -> Route:
        """Send a command to the node that it belongs to; `keys` count where it names none itself."""
        try:
            owners = self._owners or (yield from self._ask())
            if command[0] == "SCAN":
                return (yield from self._scan(command))
            if (key := _key(command, keys)) is None:
                return (yield Hop(self._nodes[0], command))
            if (owner := owners[key_slot(key)]) is None:
                raise ClusterDown("CLUSTERDOWN A hash slot has no owner")  # noqa: TRY301 - the cure below is the same
            return (yield from self._follow(owners, Hop(owner, command)))
        except (*_SILENCE, ClusterDown):
            self._owners = []  # a failover may be under way
            raise

    def _follow(self, owners: list[Node | None], hop: Hop) -> Route:
        for _ in range(_REDIRECTS):
            try:
                return (yield hop)
            except Redirection as there:
                node = (there.host or hop.node[0], there.port)
                hop = Hop(node, hop.command, asking=not there.is_moved)
                if there.is_moved:
                    owners[there.slot] = node
        return (yield hop)

    def _ask(self) -> Generator[Hop, Any, list[Node | None]]:
        """Ask one node after the other. Raises the last one's error when none answers."""
        *others, last = dict.fromkeys([*self._seeds, *self._nodes])
        for node in others:
            try:
                return self._learn(node, (yield Hop(node, ("CLUSTER", "SLOTS"))))
            except _SILENCE:
                continue
        return self._learn(last, (yield Hop(last, ("CLUSTER", "SLOTS"))))

    def _learn(self, asked: Node, ranges: list[Any]) -> list[Node | None]:
        owners: list[Node | None] = [None] * SLOTS
        for first, end, (host, port, *_), *_ in ranges:
            # A node that does not know its own address leaves it out: it is the one that we have asked.
            node = (host.decode() if host and host != b"?" else asked[0], port)
            owners[first : end + 1] = [node] * (end + 1 - first)
        self._nodes = sorted({node for node in owners if node is not None}) or [asked]
        self._owners = owners
        return owners

    def _scan(self, command: Command) -> Route:
        """One scan over all nodes: a cursor of ours is the node's own cursor, and the node's number beside it."""
        _, ours, *options = command
        cursor, number = divmod(int(ours), len(self._nodes))
        following, keys = yield Hop(self._nodes[number], ("SCAN", cursor, *options))
        if int(following):
            return int(following) * len(self._nodes) + number, keys
        return (number + 1) % len(self._nodes), keys


def _key(command: Command, keys: Sequence[bytes]) -> bytes | None:
    word = command[0]
    if word in _KEY_FIRST:
        return _encoded(command[1])
    if str(word).startswith("EVAL") and int(command[2]):
        return _encoded(command[3])
    return keys[0] if keys else None


def key_slot(key: bytes) -> int:
    """The hash slot of a key, by what stands in its first braces, if anything does.

    Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ (CRC16 is XMODEM's).
    """
    _, _, behind = key.partition(b"{")
    tag, brace, _ = behind.partition(b"}")
    return crc_hqx(tag if tag and brace else key, 0) % SLOTS


def _encoded(key: Argument) -> bytes:
    return key if isinstance(key, bytes) else str(key).encode()


class ClusterTransport:
    """A `Transport` to all nodes of a Cluster; `connect` makes the one to a node."""

    def __init__(self, seeds: Sequence[Node], connect: Callable[[Node], Transport]) -> None:
        self._connect = connect
        self._nodes: dict[Node, Transport] = {}
        self._slots = Slots(seeds)

    def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """Send one command to the node that it belongs to; its reply."""
        return drive(self._slots.route(command, keys), self._deliver)

    def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Send several at once over one connection to the node that the first belongs to."""
        first, *rest = commands
        replies: list[Any] = drive(
            self._slots.route(first, keys),
            lambda to: _unless_redirected(self._at(to.node).send_together([*to.commands, *rest]), to),
        )
        return replies

    def line(self) -> None:
        """None: each command may belong to another node."""

    def close(self) -> None:
        """Close the connections to all nodes."""
        for node in self._nodes.values():
            node.close()

    def _at(self, node: Node) -> Transport:
        return self._nodes.get(node) or self._nodes.setdefault(node, self._connect(node))

    def _deliver(self, to: Hop) -> Any:
        node = self._at(to.node)
        return _last(node.send_together(to.commands)) if to.asking else node.send(to.command)


class AsyncClusterTransport:
    """The awaited twin of `ClusterTransport`, for one event loop."""

    def __init__(self, seeds: Sequence[Node], connect: Callable[[Node], AsyncTransport]) -> None:
        self._connect = connect
        self._nodes: dict[Node, AsyncTransport] = {}
        self._slots = Slots(seeds)

    async def send(self, command: Command, keys: Sequence[bytes] = ()) -> Any:
        """Send one command to the node that it belongs to; its reply."""
        return await drive_awaited(self._slots.route(command, keys), self._deliver)

    async def send_together(self, commands: Sequence[Command], keys: Sequence[bytes] = ()) -> list[Any]:
        """Send several at once over one connection to the node that the first belongs to."""
        first, *rest = commands

        async def deliver(to: Hop) -> list[Any]:
            return _unless_redirected(await self._at(to.node).send_together([*to.commands, *rest]), to)

        replies: list[Any] = await drive_awaited(self._slots.route(first, keys), deliver)
        return replies

    def line(self) -> None:
        """None: each command may belong to another node."""

    async def aclose(self) -> None:
        """Close the connections to all nodes."""
        for node in self._nodes.values():
            await node.aclose()

    def _at(self, node: Node) -> AsyncTransport:
        return self._nodes.get(node) or self._nodes.setdefault(node, self._connect(node))

    async def _deliver(self, to: Hop) -> Any:
        node = self._at(to.node)
        return _last(await node.send_together(to.commands)) if to.asking else await node.send(to.command)


def _last(replies: list[Any]) -> Any:
    if isinstance(replies[-1], Exception):
        raise replies[-1]
    return replies[-1]


def _unless_redirected(replies: list[Any], to: Hop) -> list[Any]:
    """The replies without that to ASKING; raises the first when it redirects or says that no node serves the slot."""
    own = replies[len(to.commands) - 1 :]
    if isinstance(own[0], Redirection | ClusterDown):
        raise own[0]
    return own
